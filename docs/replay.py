"""Play the sessions printed in README and docs again: each output must still be what the commands say.

A session is a fenced block marked `console`: lines after `$ ` are commands, the lines below are their output, `...`
stands for whatever was trimmed. The blocks of a page run in order in one folder; `<!-- after: PAGE -->` starts a page
with what another page left behind. `python docs/replay.py` checks, `--accept` writes the new output into the pages,
`--demo` also plays blocks marked `console demo`.
"""

import atexit
import contextlib
import functools
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest.mock
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pipelines.cli import build  # noqa: E402 - the checkout beside this file, whatever the working folder is
from pipelines.session import language_of  # noqa: E402

BLOCK = re.compile(r"^```console(?P<kind>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
AFTER = re.compile(r"^<!-- after: (?P<page>\S+) -->$", re.MULTILINE)
DIGEST = re.compile(r"(?:digest|摘要) ([0-9a-f]{12})\b")
CHANGING = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"), "..."),
    (re.compile(r"(?<=manifest )[0-9a-f]{12}|(?<=清单 )[0-9a-f]{12}"), "..."),
)
"""What differs from one run to the next: the clock, and the manifest, which holds pseudonyms under a secret key."""


@dataclass
class Replay:
    """What a page came to: its text with today's output, and every place where that differs."""

    text: str
    differences: list[str] = field(default_factory=list)


def pages() -> list[Path]:
    """Every page with a session, in order of name."""
    found = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in found if BLOCK.search(page.read_text("utf-8"))]


def replay(page: Path, folder: Path, *, with_demo: bool = False) -> Replay:
    """Run the sessions of a page in a folder."""
    text = page.read_text("utf-8")
    _start(page, text, folder)
    result = Replay(text)
    last_digest = ""
    for block in BLOCK.finditer(text):
        if "demo" in block["kind"] and not with_demo:
            continue
        lines: list[str] = []
        for command, expected in _steps(block["body"]):
            wanted = re.sub(r"(?<=--draft )\S+", last_digest or r"\g<0>", command)
            output = run(wanted, folder)
            if found := DIGEST.findall(output):
                last_digest = found[-1]
            if fits(expected, output):
                lines += [f"$ {command}", *expected]
                continue
            is_fault = output.endswith("exit code 70\n")
            lines += [f"$ {command}", *expected] if is_fault else [f"$ {wanted}", *trimmed(expected, steady(output))]
            line = text.count("\n", 0, block.start()) + 1
            result.differences.append(f"{page.relative_to(ROOT)}:{line}: `{command}` now says:\n{output}")
        body = "".join(f"{line}\n" for line in lines)
        result.text = result.text.replace(block[0], f"```console{block['kind']}\n{body}```")
    return result


def _start(page: Path, text: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    after = AFTER.search(text)
    if after:
        shutil.copytree(state_after((page.parent / after["page"]).resolve()), folder, symlinks=True, dirs_exist_ok=True)
    elif not (folder / "docs").exists():
        (folder / "docs").symlink_to(ROOT / "docs")
        (folder / "rate_plans").symlink_to(ROOT / "rate_plans")


@functools.cache
def state_after(page: Path) -> Path:
    """A folder as the sessions of a page leave it."""
    folder = Path(tempfile.mkdtemp(prefix="bill400-replay-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    replay(page, folder)
    return folder


def _steps(body: str) -> list[tuple[str, list[str]]]:
    steps: list[tuple[str, list[str]]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], []))
        elif steps:
            steps[-1][1].append(line)
    return steps


def run(command: str, folder: Path) -> str:
    """Run one command line in a folder; `bill400` runs in this process, everything else in the shell.

    Returns:
        What it printed, standard error after standard output, and `exit code N` when N is not 0.
    """
    words = shlex.split(command, comments=False)
    pipe = re.search(r"\s\|\s|>", command)
    if words[0] != "bill400" or pipe:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, check=False
        )
        return _told(done.stdout.decode(), done.stderr.decode(), done.returncode)
    out, err, code = io.StringIO(), io.StringIO(), 0
    as_reader = {"LOGNAME": "li.mei", "BILL400_LANG": ""}
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        unittest.mock.patch.dict(os.environ, as_reader),
    ):
        try:
            build(language_of(words)).main(words[1:], prog_name="bill400")
        except SystemExit as end:
            code = int(end.code or 0)
    return _told(out.getvalue(), err.getvalue(), code)


def _told(out: str, err: str, code: int) -> str:
    return out + err + (f"exit code {code}\n" if code else "")


def steady(output: str) -> list[str]:
    """Output as lines, what changes from run to run trimmed."""
    for pattern, instead in CHANGING:
        output = pattern.sub(instead, output)
    return [line.rstrip() for line in output.splitlines()]


def trimmed(before: list[str], lines: list[str]) -> list[str]:
    """New output cut where the old one was: as many lines kept before its first `...` and after its last."""
    cuts = [index for index, line in enumerate(before) if line == "..."]
    if not cuts or len(lines) <= len(before):
        return lines
    tail = len(before) - cuts[-1] - 1
    return [*lines[: cuts[0]], "...", *lines[len(lines) - tail :]]


def fits(expected: list[str], output: str) -> bool:
    """Whether output is what a page shows, `...` standing for anything."""
    shown = "\n".join(line.rstrip() for line in expected)
    pattern = "".join(".*" if piece == "..." else re.escape(piece) for piece in re.split(r"(\.\.\.)", shown))
    said = "\n".join(line.rstrip() for line in output.splitlines())
    return bool(re.fullmatch(pattern, said, re.DOTALL))


def main() -> int:
    """Check the pages, or with --accept bring them up to date."""
    named = [Path(word).resolve() for word in sys.argv[1:] if not word.startswith("--")]
    failed = 0
    for page in named or pages():
        with tempfile.TemporaryDirectory() as folder:
            result = replay(page, Path(folder), with_demo="--demo" in sys.argv)
        if "--accept" in sys.argv:
            page.write_text(result.text, "utf-8")
        failed += len(result.differences)
        for difference in result.differences:
            sys.stdout.write(f"{difference}\n")
    return int(bool(failed) and "--accept" not in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
