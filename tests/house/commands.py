"""Commands: each has help in the catalogue, a page in the reference and `--json`; the reference names no other."""

import importlib.util
import re
from pathlib import Path

import click

from tests.house.sources import in_order
from tests.house.words import messages

CLI = "pipelines/cli.py"
REFERENCE = "docs/reference"

_NAMED = re.compile(r"(?:`|^ {0,4}\$? ?)bill400 ([a-z][a-z-]+)", re.MULTILINE)


def commands(root: Path) -> list[str]:
    """Every command of the group `build` makes is explained, documented with its options, and speaks JSON.

    Raises:
        LookupError: the tree has no command line.
    """
    if not (root / CLI).exists():
        raise LookupError(f"no {CLI}")
    group = _group(root / CLI)
    known = {code for code, _ in messages(root)}
    pages = {path: path.read_text("utf-8") for path in sorted((root / REFERENCE).rglob("*.md"))}
    reference = "\n".join(pages.values())
    breaches = [
        f"{CLI}:1: {what}" for command in group.commands.values() for what in _lacking(command, known, reference)
    ]
    for path, text in pages.items():
        for found in _NAMED.finditer(text):
            if found[1] not in group.commands:
                line = text.count("\n", 0, found.start(1)) + 1
                breaches.append(f"{path.relative_to(root).as_posix()}:{line}: there is no command {found[1]}")
    return in_order(breaches)


def _lacking(command: click.Command, known: set[str], reference: str) -> list[str]:
    name = command.name or ""
    options = sorted(option for parameter in command.params for option in parameter.opts if option.startswith("--"))
    lacking = []
    if f"help.{name.replace('-', '_')}" not in known:
        lacking.append(f"command {name} has no message help.{name.replace('-', '_')}")
    if "--json" not in options:
        lacking.append(f"command {name} has no --json")
    if not re.search(rf"bill400 {name}(?![\w-])", reference):
        lacking.append(f"command {name} is not in {REFERENCE}")
    missing = [option for option in options if not re.search(rf"(?<![\w-]){option}(?![\w-])", reference)]
    return lacking + [f"option {option} is not in {REFERENCE}" for option in missing]


def _group(path: Path) -> click.Group:
    spec = importlib.util.spec_from_file_location("house_cli", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    group = module.build("en")
    assert isinstance(group, click.Group)
    return group
