"""Billing periods: calendar months of Asia/Shanghai civil time, half-open.

Civil times are kept without a zone: China has had one zone and no clock change since 1991, and every layout states
the zone it prints, so a naive value here always means Asia/Shanghai.
"""

import calendar
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

ZONE = "Asia/Shanghai"
MONTHS_A_YEAR = 12
_TEXT = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, order=True)
class Period:
    """One calendar month. `start` is its first day, `end` the first day outside it."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Read `2026-10`.

        Raises:
            ValueError: any other form.
        """
        match = _TEXT.fullmatch(text)
        if not match:
            raise ValueError(f"{text!r} is not a period; write it as 2026-10")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: dt.date) -> "Period":
        """The period a day belongs to."""
        return cls(day.year, day.month)

    @property
    def start(self) -> dt.date:
        """First day of the month."""
        return dt.date(self.year, self.month, 1)

    @property
    def end(self) -> dt.date:
        """First day after the month."""
        return self.shifted(1).start

    @property
    def day_count(self) -> int:
        """Days in the month."""
        return calendar.monthrange(self.year, self.month)[1]

    def shifted(self, months: int) -> "Period":
        """The period so many months later (earlier when negative)."""
        index = self.year * 12 + self.month - 1 + months
        return Period(index // 12, index % 12 + 1)

    def days(self) -> Iterator[dt.date]:
        """Every day of the month, in order."""
        return (self.start + dt.timedelta(days=offset) for offset in range(self.day_count))

    def days_active(self, valid_from: dt.date, valid_to: dt.date | None) -> int:
        """How many days of this month lie in the half-open range; an open range has no `valid_to`."""
        first = max(self.start, valid_from)
        last = self.end if valid_to is None else min(self.end, valid_to)
        return max(0, (last - first).days)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


def add_years(day: dt.date, years: int) -> dt.date:
    """The anniversary of a day; 29 February falls on 28 February in a common year."""
    last = calendar.monthrange(day.year + years, day.month)[1]
    return dt.date(day.year + years, day.month, min(day.day, last))


def contract_year(service_start: dt.date, day: dt.date) -> int:
    """Which contract year (1, 2, ...) a day lies in, counted from the day service started; 0 before it."""
    if day < service_start:
        return 0
    years = day.year - service_start.year
    return years + 1 if add_years(service_start, years) <= day else years
