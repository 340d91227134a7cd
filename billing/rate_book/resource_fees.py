"""Number resource fees: classes of short numbers and what a year of one costs the licence holder, by date."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from billing.rate_book.call_price import Strict
from billing.rate_book.month_terms import FenAmount


class ResourceClass(Strict):
    """Numbers that begin so and have so many digits."""

    name: str
    prefixes: Annotated[tuple[str, ...], Field(min_length=1)]
    digits: Annotated[int, Field(ge=3)]
    per_year: dict[dt.date, FenAmount]

    def per_year_on(self, day: dt.date) -> int:
        """What a year costs by the amount in force on a day, nothing before the first."""
        held = [start for start in self.per_year if start <= day]
        return self.per_year[max(held)] if held else 0


class ResourceFees(Strict):
    """The table of the fees and how a month counts that a number does not fill."""

    reference: dict[Literal["title"], str]
    first_month: Literal["free", "whole"]
    classes: tuple[ResourceClass, ...]

    def class_of(self, number: str) -> ResourceClass | None:
        """The class of a number, None where it owes nothing (110, 12333 and their like, 400 numbers)."""
        fits = (each for each in self.classes if len(number) == each.digits and number.startswith(each.prefixes))
        return next(fits, None)
