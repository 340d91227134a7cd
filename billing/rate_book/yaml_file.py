"""YAML with line numbers: what a plan file says and where it says it.

Duplicate keys are refused (plain YAML keeps the last in silence), and prices must be quoted text, never floats.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from billing.core.findings import Finding, Refusal

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser where it was built in: the same nodes and lines, ten times as fast."""

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class YamlFile:
    """A parsed file: its values, and the line of every key path."""

    name: str
    values: Any
    lines: dict[tuple[str | int, ...], int]

    def line_of(self, path: Sequence[str | int]) -> int:
        """Line of the deepest part of the path that stands in the file."""
        for depth in range(len(path), -1, -1):
            key = tuple(path[:depth])
            if key in self.lines:
                return self.lines[key]
        return 1


def read_yaml(path: Path, name: str) -> YamlFile:
    """Read one file.

    Args:
        path: where it lies.
        name: how messages call it, relative to the books.

    Raises:
        Refusal: no UTF-8, no YAML, or a key twice.
    """
    try:
        text = path.read_text("utf-8")
        refuse_aliases(text)
        node = yaml.compose(text, Loader=LOADER)
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1 if mark else 1}"
        problem = getattr(error, "problem", None) or "not UTF-8"
        raise Refusal(Finding("PLAN_FILE_UNREADABLE", "critical", where, {"problem": problem})) from error
    lines: dict[tuple[str | int, ...], int] = {}
    values = _values(node, (), lines, name) if node else None
    return YamlFile(name, values, lines)


def refuse_aliases(text: str) -> None:
    """No part of a file stands for another: a few lines of aliases can unfold into more than memory holds.

    Raises:
        yaml.YAMLError: an alias, or no YAML.
    """
    if "*" not in text:
        return
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.AliasEvent):
            mark: Any = event.start_mark
            raise yaml.MarkedYAMLError(problem="an alias (*name); write it out", problem_mark=mark)


def parse(model: type[Model], file: YamlFile) -> Model:
    """Check a file against its model.

    Raises:
        Refusal: with one finding for each field that is unknown, missing or wrong, each with its line.
    """
    try:
        return model.model_validate(file.values)
    except ValidationError as error:
        findings = [_finding(file, details["loc"], details["type"], details["msg"]) for details in error.errors()]
        raise Refusal(*findings) from error


def _finding(file: YamlFile, loc: Sequence[str | int], kind: str, message: str) -> Finding:
    path = tuple(str(part) if not isinstance(part, int) else part for part in loc if part not in ("[key]",))
    reason = {"extra_forbidden": "PLAN_FIELD_UNKNOWN", "missing": "PLAN_FIELD_MISSING"}.get(kind, "PLAN_FIELD_WRONG")
    values = {"field": ".".join(str(part) for part in path) or "-", "problem": message.removeprefix("Value error, ")}
    return Finding(reason, "critical", f"{file.name}:{file.line_of(path)}", values)


def _values(node: yaml.Node, path: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int], name: str) -> Any:  # noqa: ANN401
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in mapping:
                raise Refusal(Finding("PLAN_KEY_TWICE", "critical", f"{name}:{line}", {"field": key}))
            lines[(*path, key)] = line
            mapping[key] = _values(value_node, (*path, key), lines, name)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_values(item, (*path, index), lines, name) for index, item in enumerate(node.value)]
    return yaml.SafeLoader("").construct_object(node)
