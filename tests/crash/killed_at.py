"""Run a command and kill this process, as `kill -9` does, right before the n-th operation that changes a folder.

    python -m tests.crash.killed_at N TRACE COMMAND BOOKS...

An operation is a rename, a link, a removal or a new folder in the books; what happens on the workbench, where several
workers may write at once, is not counted. `link:2` in place of N counts links alone, and every commit is one: the
second is not made any more. With N = 0 nothing is killed; the operations are written to TRACE, one a line.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from pipelines.cli import main

TWO_PLACES = ("os.rename", "os.link")
OPERATIONS = ("os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree")


def watch(moment: str, trace: Path, books: Path) -> None:
    """Count operations below the books from now on."""
    done: list[str] = []
    kind, _, number = moment.rpartition(":")
    counted = tuple(operation for operation in OPERATIONS if operation.endswith(kind))
    kill_before = int(number)

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in counted:
            return
        place = str(arguments[1] if event in TWO_PLACES else arguments[0])
        if not place.startswith(str(books)) or "/.work" in place:
            return
        done.append(f"{event} {' '.join(str(argument) for argument in arguments[:2])}")
        if len(done) == kill_before:
            os.kill(os.getpid(), signal.SIGKILL)
        if not kill_before:
            trace.write_text("\n".join(done), "utf-8")

    sys.addaudithook(look)


if __name__ == "__main__":
    count, place, name, root, *rest = sys.argv[1:]
    sys.argv = ["bill400", name, root, *rest]
    watch(count, Path(place), Path(root))
    main()
