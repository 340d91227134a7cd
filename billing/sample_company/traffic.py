"""How the month's calls spread: over days, carriers, hours and numbers, in whole-number arithmetic.

Every share is a table of slots filled in proportion to weights, so a call finds its number, hour or length by one
look-up, and the counts of days and carriers add up exactly to the calls asked for.
"""

import datetime as dt
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol

import polars as pl

from billing.core.period import Period
from billing.sample_company.numbers import busy_ranks
from billing.tables.catalog import Carrier, ServiceNumber, Subscription

DAY_MS = 86_400_000
SLOTS = 2**16
HOUR_SLOTS = 2**12
WEEKDAY_WEIGHTS = (100, 102, 101, 99, 96, 40, 28)
"""Calls of a Monday, Tuesday ... Sunday, side by side."""
HOUR_WEIGHTS = (4, 2, 2, 1, 1, 2, 6, 16, 60, 120, 130, 105, 60, 85, 115, 118, 108, 80, 42, 34, 28, 20, 12, 7)
"""Calls of each hour of a day: office hours, a dip at noon, quiet nights."""
BUSY_SCALE = 10**9
LATE_DAYS = 5
"""Late calls lie in so many last days of the month before."""


class CatalogFrames(Protocol):
    """The part of a catalog that calls are made for: frames of Carrier, ServiceNumber and Subscription."""

    @property
    def carriers(self) -> pl.DataFrame: ...  # noqa: D102
    @property
    def numbers(self) -> pl.DataFrame: ...  # noqa: D102
    @property
    def subscriptions(self) -> pl.DataFrame: ...  # noqa: D102


@dataclass(frozen=True)
class CalledNumber:
    """A 400 number as callers see it.

    Attributes:
        service_number, carrier_id: the number and whose it is.
        landing_number: where its calls are forwarded to.
        weight: how busy it is, falling as 1 / rank.
        ranges: half-open ranges of days on which somebody has it.
    """

    service_number: str
    carrier_id: str
    landing_number: str
    weight: int
    ranges: tuple[tuple[dt.date, dt.date | None], ...]

    def is_held(self, day: dt.date) -> bool:
        """Whether a subscription covers the day."""
        return any(start <= day and (end is None or day < end) for start, end in self.ranges)

    def is_held_throughout(self, first: dt.date, last: dt.date) -> bool:
        """Whether one subscription covers all the days from first to last."""
        return any(start <= first and (end is None or last < end) for start, end in self.ranges)


@dataclass(frozen=True)
class Stretch:
    """The calls of one carrier and day.

    Attributes:
        carrier_id, day: whose, when.
        count: how many.
        first: running number of the first one within the month.
    """

    carrier_id: str
    day: dt.date
    count: int
    first: int


def called_numbers(catalog: CatalogFrames) -> list[CalledNumber]:
    """Every number of the catalog, spare ones too, in order of their digits."""
    rows = catalog.numbers.sort(ServiceNumber.service_number).to_dicts()
    ranks = busy_ranks({row[ServiceNumber.service_number] for row in rows})
    ranges: dict[str, list[tuple[dt.date, dt.date | None]]] = {number: [] for number in ranks}
    for row in catalog.subscriptions.sort(Subscription.valid_from).iter_rows(named=True):
        ranges[row[Subscription.service_number]].append((row[Subscription.valid_from], row[Subscription.valid_to]))
    return [_called_number(row, ranks, ranges) for row in rows]


def carrier_order(catalog: CatalogFrames) -> list[str]:
    """The carriers in the order finance lists them; file formats are dealt out in it."""
    order: list[str] = catalog.carriers[Carrier.carrier_id].to_list()
    return order


def month_plan(numbers: Sequence[CalledNumber], order: Sequence[str], period: Period, calls: int) -> list[Stretch]:
    """How many calls each carrier gets on each day; the counts add up to `calls`."""
    weights = []
    keys = []
    for day in period.days():
        for carrier_id in order:
            held = sum(number.weight for number in numbers if number.carrier_id == carrier_id and number.is_held(day))
            weights.append(held * WEEKDAY_WEIGHTS[day.weekday()])
            keys.append((carrier_id, day))
    bounds = list(shares(calls, weights))
    first = 0
    plan = []
    for (carrier_id, day), count in zip(keys, bounds, strict=True):
        plan.append(Stretch(carrier_id, day, count, first))
        first += count
    return plan


def shares(total: int, weights: Sequence[int]) -> Iterator[int]:
    """A total divided in proportion to weights; each bound is cut down, so the parts add up to the total."""
    whole = sum(weights)
    if whole == 0:
        raise ValueError("nobody holds a number of this catalog in the period")
    before = 0
    for reached in accumulate(weights):
        bound = total * reached // whole
        yield bound - before
        before = bound


def slot_table(weights: Sequence[int]) -> pl.Series:
    """SLOTS positions, each holding the index of a weight, in proportion to the weights."""
    counts = pl.Series(list(shares(SLOTS, weights)), dtype=pl.UInt32)
    return pl.select(pl.int_range(len(weights), dtype=pl.UInt32).repeat_by(counts).explode()).to_series()


@functools.cache
def hour_bounds() -> pl.Series:
    """HOUR_SLOTS + 1 times of day in ms: between two neighbours lies the same share of a day's calls."""
    reached = [0, *accumulate(HOUR_WEIGHTS)]
    bounds = []
    hour = 0
    for slot in range(HOUR_SLOTS):
        position = slot * reached[-1]
        while reached[hour + 1] * HOUR_SLOTS <= position:
            hour += 1
        inside = position - reached[hour] * HOUR_SLOTS
        bounds.append(hour * 3_600_000 + inside * 3_600_000 // (HOUR_WEIGHTS[hour] * HOUR_SLOTS))
    return pl.Series("hour", [*bounds, DAY_MS], pl.Int64)


def _called_number(
    row: Mapping[str, Any], ranks: Mapping[str, int], ranges: Mapping[str, list[tuple[dt.date, dt.date | None]]]
) -> CalledNumber:
    number = row[ServiceNumber.service_number]
    return CalledNumber(
        number,
        row[ServiceNumber.carrier_id],
        row[ServiceNumber.landing_number] or "",
        BUSY_SCALE // (ranks[number] + 2),
        tuple(ranges[number]),
    )
