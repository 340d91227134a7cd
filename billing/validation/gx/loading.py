"""Load Great Expectations without what our rules never use.

It imports scipy.stats and altair for statistical tests and charts, a third of its start (measured: 2.7 s of CPU with
them, 1.8 s without). Stand-ins take their places while it loads and import the real module when something asks for it;
the standard library's lazy loader does not work here, since `inspect` touches every module it meets.
"""

import contextlib
import importlib
import logging
import sys
import threading
import types
from typing import Any

DEFERRED = ("altair", "scipy.stats")
_LOCK = threading.Lock()


class _Deferred(types.ModuleType):
    """Stands for a module until one of its names is asked for."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - anything a module may hold
        if name.startswith("__"):
            raise AttributeError(name)
        own = self.__name__
        if sys.modules.get(own) is self:
            del sys.modules[own]
        return getattr(importlib.import_module(own), name)


def load() -> None:
    """Import the library and what this room builds on it; safe to call again, and from another thread."""
    with _LOCK:
        logging.getLogger("great_expectations").setLevel(logging.ERROR)
        ours = [name for name in DEFERRED if name not in sys.modules]
        sys.modules.update({name: _Deferred(name) for name in ours})
        try:
            import billing.validation.gx.suites  # noqa: F401
        finally:
            # Nobody else shall ever meet a stand-in.
            for name in ours:
                if isinstance(sys.modules.get(name), _Deferred):
                    del sys.modules[name]


def load_early() -> None:
    """Begin to load in a thread of its own, while files are read: those engines leave the interpreter free."""
    threading.Thread(target=_load_quietly, daemon=True).start()


def _load_quietly() -> None:
    """Whoever needs the library loads it again, and meets what went wrong there."""
    with contextlib.suppress(Exception):
        load()
