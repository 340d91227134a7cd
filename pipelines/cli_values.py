"""Values of the command line that are neither text nor number: times to wait, days, quantities."""

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeVar

import click

from pipelines.price_inputs import dated_event, months_of, named_quantity

Value = TypeVar("Value")


class Waiting(click.ParamType[float]):
    """A time to wait: `600`, `30s` or `10m`, in seconds."""

    name = "time"
    examples = "600, 30s, 10m"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        """Seconds of the text."""
        text = str(value)
        unit = {"s": 1, "m": 60}.get(text[-1:], 0)
        number = text[:-1] if unit else text
        if not number.isdecimal():
            self.fail(self.examples, param, ctx)
        return float(int(number) * (unit or 1))


class Parsed(click.ParamType[Value]):
    """A value that one function reads from text; what it refuses is answered with examples."""

    def __init__(self, name: str, read: Callable[[str], Value], examples: str) -> None:
        self.name, self.read, self.examples = name, read, examples

    def convert(
        self,
        value: Any,  # noqa: ANN401 - what the command line hands over
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Value:
        """The value of the text."""
        try:
            return self.read(str(value))
        except ValueError:
            self.fail(self.examples, param, ctx)


DAY = Parsed("day", dt.date.fromisoformat, "2026-10-05")
MONTHS = Parsed("months", months_of, "2026-10, 2026-10..2026-12")
DATED_EVENT = Parsed("event", dated_event, "suspension=2026-02-10..2026-04-16, order=2026-02-02")
NAMED_QUANTITY = Parsed("quantity", named_quantity, "seats=7, minutes=6000@2026-04-20")
