"""Two demos of one seed, made once a session under different circumstances: one in peace, one interrupted."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CALLS, SEED = 1000, 400
COMMAND = (sys.executable, "-m", "pipelines.cli")
ROOT = Path(__file__).resolve().parents[2]
CIRCUMSTANCES = (
    {"TZ": "Asia/Shanghai", "POLARS_MAX_THREADS": "1", "PYTHONHASHSEED": "1", "LANG": "C"},
    {"TZ": "America/St_Johns", "POLARS_MAX_THREADS": "3", "PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8"},
)
_MADE: list[Path] = []


def started(
    *arguments: object, cwd: Path | None = None, command: tuple[str, ...] = COMMAND, **environment: str
) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    return subprocess.Popen(
        [*command, *(str(argument) for argument in arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "BILL400_LANG": "en", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for a process: exit code, stdout, stderr."""
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def demo_arguments(folder: Path) -> tuple[object, ...]:
    """`demo` as these tests call it."""
    return ("demo", folder, "--calls", CALLS, "--seed", SEED, "--lang", "en")


def commit_count(books: Path) -> int:
    """How many steps the books have behind them."""
    return len(list((books / "commits").glob("[0-9]*.json")))


@pytest.fixture(scope="session")
def demos(tmp_path_factory) -> list[Path]:
    """Two demos, the second one interrupted thrice; look, do not touch."""
    if not _MADE:
        top = tmp_path_factory.mktemp("demos")
        whole, torn = top / "one", top / "another, 又一个" / "deeper"
        torn.parent.mkdir()
        one = started(*demo_arguments(whole), cwd=top, **CIRCUMSTANCES[0])
        for commits in range(3):
            link = 1 if commits == 0 else 2
            killing = (sys.executable, "-m", "tests.crash.killed_at", f"link:{link}", os.devnull)
            again = started(*demo_arguments(torn), cwd=torn.parent, command=killing, **CIRCUMSTANCES[1])
            code, out, err = ended(again)
            # Only a commit that could be made stays: killed before the ingest's, then the draft's, then the close's.
            assert (code, commit_count(torn)) == (-signal.SIGKILL, commits), out + err
        for process in (one, started(*demo_arguments(torn), cwd=torn.parent, **CIRCUMSTANCES[1])):
            code, out, err = ended(process)
            assert code == 0, out + err
        _MADE.extend((whole, torn))
    return _MADE
