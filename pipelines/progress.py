"""Progress for the person at the terminal: one line a stage on stderr, silent when nobody is watching."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from billing.core.messages import render

SHOWN_AFTER_SECONDS = 1.0
BAR_WIDTH = 30


@dataclass
class Progress:
    """Times the stages of a command; prints those that take over a second when stderr is a terminal."""

    lang: str = "zh"
    is_shown: bool = field(default_factory=lambda: sys.stderr.isatty())
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_ms: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage; a stage that is entered again adds up."""
        start = time.perf_counter()
        try:
            yield
        finally:
            taken = time.perf_counter() - start
            self.seconds[name] = self.seconds.get(name, 0.0) + taken
            if self.is_shown and taken > SHOWN_AFTER_SECONDS:
                label = render(f"stage.{name}", self.lang)
                print(f"  {label} {taken:.1f} s", file=sys.stderr, flush=True)  # noqa: T201 - this is the progress line

    def steps(self) -> Callable[[str], None]:
        """A function that is told the name of each step of a stage when it is done, and notes the CPU time it took."""
        last = [time.process_time_ns()]

        def reached(name: str) -> None:
            now = time.process_time_ns()
            self.cpu_ms[name] = self.cpu_ms.get(name, 0) + (now - last[0]) // 1_000_000
            last[0] = now

        return reached

    def bar(self, name: str, done: int, count: int) -> None:
        """Say how far a stage is that makes so many things."""
        full = BAR_WIDTH * min(done, count) // max(count, 1)
        self.tell(name, f"{'#' * full}{'.' * (BAR_WIDTH - full)} {done}/{count}")

    def tell(self, name: str, text: str) -> None:
        """Say what a long stage is at."""
        if self.is_shown:
            label = render(f"stage.{name}", self.lang)
            print(f"\r  {label} {text}\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201
