"""Time windows: other prices at other hours and on other days, and the calendar that says what kind of day it is.

A call is priced by the window in which it starts, or split at the edge, as the plan says. Windows are given by the
clock (Asia/Shanghai), half-open, by weekdays or kinds of day, and if need be by the class of the call (local, toll);
where none fits, the version's own price holds. Two windows that could both hold are refused.
"""

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from billing.core.findings import refuse
from billing.rate_book.call_price import CallPrice, Strict
from billing.tables.calls import CALL_CLASS

DAY_MS = 86_400_000
_MINUTE_MS = 60_000
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KINDS = ("working_day", "rest_day", "holiday")
_KINDS_OF = {"working": {"working_day"}, "rest": {"rest_day"}, "holiday": {"rest_day", "holiday"}}
"""What a day may be called by what it is: a public holiday is a rest day too."""

DayWord = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "working_day", "rest_day", "holiday"]
DayKind = Literal["working", "rest", "holiday"]


class CalendarYear(Strict):
    """The public holidays of a year, and the weekend days on which people work for them."""

    holidays: tuple[dt.date, ...]
    make_up_days: tuple[dt.date, ...]


class Calendar(Strict):
    """A calendar of public holidays; a year it does not hold is never guessed."""

    calendar: str
    description: dict[Literal["zh", "en"], str]
    reference: dict[str, Any]
    years: dict[int, CalendarYear]

    @model_validator(mode="after")
    def _years(self) -> Self:
        for year, held in self.years.items():
            days = (*held.holidays, *held.make_up_days)
            if any(day.year != year for day in days):
                raise ValueError(f"a day under {year} lies in another year")
            if len(set(days)) < len(days):
                raise ValueError(f"a day stands twice under {year}")
        return self

    def kind_of(self, day: dt.date) -> DayKind:
        """What kind of day it is.

        Raises:
            Refusal: the calendar does not hold the year.
        """
        held = self.years.get(day.year)
        if held is None:
            raise refuse("CALENDAR_YEAR_MISSING", f"rate_plans/calendars/{self.calendar}.yaml", year=day.year)
        if day in held.holidays:
            return "holiday"
        is_weekend = day.weekday() >= WEEKDAYS.index("sat")
        return "rest" if is_weekend and day not in held.make_up_days else "working"


def _clock(value: Any) -> int:  # noqa: ANN401 - whatever the YAML holds
    """Milliseconds of the day of `HH:MM`, up to 24:00."""
    text = value if isinstance(value, str) else ""
    hours, colon, minutes = text.partition(":")
    if not (colon and len(text) == 5 and hours.isdecimal() and minutes.isdecimal() and int(minutes) < 60):
        raise ValueError('write clock times as quoted "HH:MM", for instance "21:00"')
    milliseconds = (int(hours) * 60 + int(minutes)) * _MINUTE_MS
    if milliseconds > DAY_MS:
        raise ValueError("no clock time lies after 24:00")
    return milliseconds


_CLOCK = WithJsonSchema({"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"})
ClockMs = Annotated[int, BeforeValidator(_clock), _CLOCK]


class Window(Strict):
    """Hours of some days with a price of their own; `until` before `since` goes over midnight, each day by itself.

    With a `call_class` it holds for calls of that class alone, such as `toll`.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    call_class: Annotated[str, Field(pattern=CALL_CLASS)] | None = None
    days: Annotated[tuple[DayWord, ...], Field(min_length=1)]
    since: ClockMs
    until: ClockMs
    call: CallPrice

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if self.since == self.until:
            raise ValueError("since and until are the same; a whole day is 00:00 to 24:00")
        words = set(self.days)
        if words & set(WEEKDAYS) and words & set(KINDS):
            raise ValueError("name weekdays or kinds of day, not both: one day could be either")
        if "rest_day" in words and "holiday" in words:
            raise ValueError("rest_day already holds every holiday")
        return self

    @property
    def needs_calendar(self) -> bool:
        """Whether its days are kinds of day."""
        return bool(set(self.days) & set(KINDS))

    def holds_for(self, call_class: str | None) -> bool:
        """Whether it holds for calls of a class; None is any class that no window names."""
        return self.call_class in (None, call_class)

    def holds_on(self, weekday: int, kind: DayKind | None) -> bool:
        """Whether it holds on a weekday of a kind (None where no calendar is at hand)."""
        return WEEKDAYS[weekday] in self.days or bool(kind and set(self.days) & _KINDS_OF[kind])

    def spans(self) -> list[tuple[int, int]]:
        """Its hours within one day, half-open, in milliseconds."""
        if self.since < self.until:
            return [(self.since, self.until)]
        return [span for span in ((0, self.until), (self.since, DAY_MS)) if span[0] < span[1]]


Slot = tuple[int, int, str | None, CallPrice]
"""Hours of a day, half-open in milliseconds; the window that holds then (None: the version's own price); the price."""


Piece = tuple[int, CallPrice]
"""Until when, in milliseconds from midnight of the day on which a call starts, and the price until then."""


def slots(
    windows: Sequence[Window], own: CallPrice, day: dt.date, calendar: Calendar | None, call_class: str | None = None
) -> list[Slot]:
    """The prices of a day by the clock for calls of a class, without a gap; neighbours with one price are one slot."""
    kind = calendar.kind_of(day) if calendar and any(window.needs_calendar for window in windows) else None
    held = [
        (since, until, window)
        for window in windows
        if window.holds_for(call_class) and window.holds_on(day.weekday(), kind)
        for since, until in window.spans()
    ]
    cuts = sorted({0, DAY_MS, *(edge for since, until, _ in held for edge in (since, until))})
    found: list[Slot] = []
    for since, until in itertools.pairwise(cuts):
        window = next((window for begin, end, window in held if begin <= since < end), None)
        name, price = (window.name, window.call) if window else (None, own)
        if found and found[-1][2] == name:
            found[-1] = (found[-1][0], until, name, price)
        else:
            found.append((since, until, name, price))
    return found


def clashes(windows: Sequence[Window]) -> Iterator[tuple[str, str]]:
    """Pairs of windows that could hold at one instant."""
    days: list[tuple[int, DayKind]] = list(itertools.product(range(7), ("working", "rest", "holiday")))
    for one, other in itertools.combinations(windows, 2):
        of_one_class = one.holds_for(other.call_class) or other.holds_for(one.call_class)
        meet = any(a < d and c < b for a, b in one.spans() for c, d in other.spans())
        if of_one_class and meet and any(one.holds_on(*day) and other.holds_on(*day) for day in days):
            yield one.name, other.name


def price_in_pieces(pieces: Sequence[Piece], at_edge: str, first_ms: int, talk_ms: int) -> Fraction:
    """What the blocks of a split call cost, exactly, in millionths; the plain form of rating's closed columns.

    Args:
        pieces: prices from midnight on, as far as the call goes.
        at_edge: `restart`: each piece is rounded by its own blocks. `carry_on`: blocks run through, each at the price
            that holds when it begins. `end`: the whole call goes by the price of the piece in which it ends.
        first_ms: when the charged time begins, from midnight.
        talk_ms: how long it is.
    """
    price, since, last = Fraction(0), 0, first_ms + talk_ms
    for until, own in pieces:
        a, b = (min(max(edge, first_ms), last) - first_ms for edge in (since, until))
        if at_edge == "end":
            price += own.connect_fee + own.blocks_price(talk_ms) if since < last <= until else 0
            since = until
            continue
        if first_ms < until and since <= first_ms and talk_ms > 0:
            price += own.connect_fee
        price += own.blocks_price(b - a) if at_edge == "restart" else own.blocks_price(b) - own.blocks_price(a)
        since = until
    return price
