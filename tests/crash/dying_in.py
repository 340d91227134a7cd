"""Run a command and kill this process, as `kill -9` does, where it would call one function.

python -m tests.crash.dying_in MODULE FUNCTION COMMAND BOOKS...
"""

import importlib
import os
import signal
import sys

from pipelines.cli import main


def _die(*arguments: object, **named: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    module, function, *rest = sys.argv[1:]
    room = importlib.import_module(module)
    assert hasattr(room, function)
    setattr(room, function, _die)
    sys.argv = ["bill400", *rest]
    main()
