"""The calls of one carrier and day as columns: who called which number when, how long it rang and was talked.

Call g of a month depends on the seed and g alone, so chunks of any size give the same calls.
"""

import datetime as dt
import functools
import itertools
from dataclasses import dataclass

import polars as pl

from billing.sample_company import dirt
from billing.sample_company.draws import bits_expr, word_expr
from billing.sample_company.names import name_parts
from billing.sample_company.traffic import (
    DAY_MS,
    HOUR_SLOTS,
    LATE_DAYS,
    SLOTS,
    CalledNumber,
    Stretch,
    hour_bounds,
    slot_table,
)

OUTCOME_WEIGHTS = {
    "answered": 737,
    "no_answer": 92,
    "busy": 72,
    "abandoned": 51,
    "ivr_only": 31,
    "failed": 15,
    "blocked_region": 10,
    "blocked_blacklist": 6,
    "cap_reached": 6,
    "suspended": 4,
}
"""How calls go, of 1,024."""
TALK_POINTS = (
    (0, 1),
    (400, 8),
    (1000, 24),
    (2000, 58),
    (3000, 125),
    (3600, 290),
    (3900, 560),
    (4020, 1150),
    (4060, 1900),
    (4085, 3700),
    (4094, 7300),
    (4096, 10800),
)
"""Long-tailed talk: of 4,096 calls, so many last less than so many seconds."""
UNKNOWN_NUMBERS = ("4006990099", "4008990099", "4001990099", "4009990199")
STREAM_CALL, STREAM_CALLER = 21, 22

DIRT, STARTED_MS, RING_S, TALK_S = "dirt", "started_ms", "ring_s", "talk_s"
CALLER, SERVICE_NUMBER, LANDING, OUTCOME, SERIAL = "caller", "service_number", "landing_number", "outcome", "serial"


@dataclass(frozen=True)
class CallMaker:
    """Makes the calls of one carrier and day, chunk by chunk.

    Attributes:
        seed: the month's seed.
        stretch: whose calls, of which day, how many, from which running number.
        cycle: code of dirt by running number.
        held, steady, idle: which numbers are called: those somebody has on the day, those somebody had in the month
            before as well (for late calls), those nobody has.
    """

    seed: int
    stretch: Stretch
    cycle: pl.Series
    held: tuple[CalledNumber, ...]
    steady: tuple[CalledNumber, ...]
    idle: tuple[CalledNumber, ...]

    def chunk(self, first: int, count: int) -> pl.DataFrame:
        """`count` calls of the day, from position `first` of it; ordered by start up to a small jitter."""
        position = pl.int_range(first, first + count, dtype=pl.Int64)
        serial = position + self.stretch.first
        drawn = pl.select(
            position=position,
            serial=serial,
            call=word_expr(self.seed, STREAM_CALL, serial),
            who=word_expr(self.seed, STREAM_CALLER, serial),
            dirt=pl.lit(self.cycle).gather(serial % len(self.cycle)),
        )
        call, who = pl.col("call"), pl.col("who")
        return (
            drawn.with_columns(
                self._started(call),
                pl.lit(_outcomes()).gather(bits_expr(call, 36, 1024)).alias(OUTCOME),
                pl.lit(_talk_seconds()).gather(bits_expr(call, 46, 4096)).alias(TALK_S),
                (1 + bits_expr(who, 58, 30)).alias(RING_S),
                _caller(who),
            )
            .with_columns(
                *self._number(call),
                pl.when(pl.col(OUTCOME) == "answered").then(TALK_S).otherwise(0).alias(TALK_S),
            )
            .drop("call", "who", "position")
        )

    def _started(self, call: pl.Expr) -> pl.Expr:
        """Start in ms since 1970 of the civil clock: the day's rhythm, a jitter, and days back for late calls."""
        bounds = hour_bounds()
        place = pl.col("position") * (HOUR_SLOTS * SLOTS) // self.stretch.count
        slot, inside = place // SLOTS, place % SLOTS
        low, high = pl.lit(bounds).gather(slot), pl.lit(bounds).gather(slot + 1)
        jitter = bits_expr(call, 16, 2**20) * (2 * DAY_MS // self.stretch.count + 1000) // 2**20
        in_day = (low + (high - low) * inside // SLOTS + jitter).clip(0, DAY_MS - 1)
        day_ms = (self.stretch.day - dt.date(1970, 1, 1)).days * DAY_MS
        late_ms = (self.stretch.day.day + pl.col("serial") % LATE_DAYS) * DAY_MS
        is_late = pl.col(DIRT) == dirt.code("late")
        return (day_ms + in_day - pl.when(is_late).then(late_ms).otherwise(0)).alias(STARTED_MS)

    def _number(self, call: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
        """The number called and its landing number, by how busy each is."""
        pools = [self.held, self.steady or self.held, self.idle or self.held]
        place = bits_expr(call, 0, SLOTS)
        is_late, is_idle = pl.col(DIRT) == dirt.code("late"), pl.col(DIRT) == dirt.code("unsubscribed")
        number, landing = (
            pl.when(is_late).then(choices[1]).when(is_idle).then(choices[2]).otherwise(choices[0])
            for choices in zip(*(_from_pool(pool, place) for pool in pools), strict=True)
        )
        unknown = pl.lit(pl.Series(UNKNOWN_NUMBERS)).gather(pl.col("serial") % len(UNKNOWN_NUMBERS))
        is_unknown = pl.col(DIRT) == dirt.code("unknown_number")
        return pl.when(is_unknown).then(unknown).otherwise(number).alias(SERVICE_NUMBER), landing.alias(LANDING)


def _from_pool(pool: tuple[CalledNumber, ...], place: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    index = pl.lit(slot_table([number.weight for number in pool])).gather(place)
    numbers = pl.Series([number.service_number for number in pool])
    landings = pl.Series([number.landing_number for number in pool])
    return pl.lit(numbers).gather(index), pl.lit(landings).gather(index)


def _caller(who: pl.Expr) -> pl.Expr:
    """Six in ten call from a mobile, most others from a landline, one in fifty withholds the number."""
    kind = bits_expr(who, 0, 1000)
    mobile = (13_000_000_000 + bits_expr(who, 10, 2**32) * 7 % 6_900_000_000).cast(pl.String)
    area = pl.lit(pl.Series([code for _, code, _ in name_parts()["cities"]])).gather(
        bits_expr(who, 42, len(name_parts()["cities"]))
    )
    landline = pl.concat_str(area, (20_000_000 + bits_expr(who, 10, 2**26) % 60_000_000).cast(pl.String))
    return pl.when(kind < 600).then(mobile).when(kind < 980).then(landline).otherwise(pl.lit("")).alias(CALLER)


@functools.cache
def _outcomes() -> pl.Series:
    return pl.Series([outcome for outcome, weight in OUTCOME_WEIGHTS.items() for _ in range(weight)])


@functools.cache
def _talk_seconds() -> pl.Series:
    """Talk of 4,096 calls in rising order, straight between the points."""
    seconds: list[int] = []
    for (low, low_s), (high, high_s) in itertools.pairwise(TALK_POINTS):
        seconds.extend(low_s + (high_s - low_s) * (place - low) // (high - low) for place in range(low, high))
    return pl.Series(seconds, dtype=pl.Int64)
