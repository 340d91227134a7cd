"""Values of the command line that are neither text nor number: times to wait, days, quantities."""

import datetime as dt
from typing import Any

import click

from pipelines.price_inputs import dated_event, months_of, named_quantity


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


class Day(click.ParamType[dt.date]):
    """A day: `2026-10-05`."""

    name = "day"
    examples = "2026-10-05"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:  # noqa: ANN401
        """The day of the text."""
        try:
            return dt.date.fromisoformat(str(value))
        except ValueError:
            self.fail(self.examples, param, ctx)


class Months(click.ParamType[tuple[Any, Any]]):
    """Months in a row: `2026-10` or `2026-10..2026-12`."""

    name = "months"
    examples = "2026-10, 2026-10..2026-12"

    def convert(
        self,
        value: Any,  # noqa: ANN401
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[Any, Any]:
        """First and last month of the text."""
        try:
            return months_of(str(value))
        except ValueError:
            self.fail(self.examples, param, ctx)


class DatedEvent(click.ParamType[tuple[str, dt.date, dt.date | None]]):
    """Something that happened to the service: `suspension=2026-02-10..2026-04-16`."""

    name = "event"
    examples = "suspension=2026-02-10..2026-04-16, order=2026-02-02"

    def convert(
        self,
        value: Any,  # noqa: ANN401
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, dt.date, dt.date | None]:
        """Kind, first day and first day outside of the text."""
        try:
            return dated_event(str(value))
        except ValueError:
            self.fail(self.examples, param, ctx)


class NamedQuantity(click.ParamType[tuple[str, int, dt.date | None]]):
    """How many of something, from a day on: `seats=7` or `minutes=6000@2026-04-20`."""

    name = "quantity"
    examples = "seats=7, minutes=6000@2026-04-20"

    def convert(
        self,
        value: Any,  # noqa: ANN401
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, int, dt.date | None]:
        """Name, quantity and day of the text."""
        try:
            return named_quantity(str(value))
        except ValueError:
            self.fail(self.examples, param, ctx)
