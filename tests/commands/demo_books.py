"""Two demos of one seed, made once a session under different circumstances: one in peace, one interrupted."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
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


def started(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    return subprocess.Popen(
        [*COMMAND, *(str(argument) for argument in arguments)],
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


def killed_when(process: subprocess.Popen[str], is_reached: Callable[[], bool]) -> int:
    """Kill a process, as `kill -9` does, once something is reached; its exit code."""
    while process.poll() is None and not is_reached():
        time.sleep(0.005)
    process.kill()
    return ended(process)[0]


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
        for is_reached in (
            (torn / "catalog").exists,
            lambda: commit_count(torn) >= 1,
            lambda: commit_count(torn) >= 2,
        ):
            again = started(*demo_arguments(torn), cwd=torn.parent, **CIRCUMSTANCES[1])
            killed_when(again, is_reached)
        assert commit_count(torn) >= 2
        for process in (one, started(*demo_arguments(torn), cwd=torn.parent, **CIRCUMSTANCES[1])):
            code, out, err = ended(process)
            assert code == 0, out + err
        _MADE.extend((whole, torn))
    return _MADE
