"""Which fees a month has for a number, under which version of its plan, and which of its days they count.

Domain rules: the month's fees are those of the version in force on its first day in service, whole, or of each version
by its days where all versions that have the item say so (10.9); opening and closing month as the fee says (10.10); days
given away cost nothing, suspended ones by the fee's word (3.2); a fee of several months comes when its term begins.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

from billing.charging.account_terms import AccountTerms, MonthRule, Segment
from billing.core.period import MONTHS_A_YEAR, Period
from billing.rate_book.month_terms import Fee

_MONTH_RULES: dict[str | None, MonthRule] = {"whole": "whole", "by_day": "part", "next_month": "free"}


@dataclass(frozen=True)
class FeeDays:
    """A fee that is due for a month.

    Attributes:
        terms: the number, under the version that has the fee.
        days: how many days of the month it is charged for; all of them where it is charged whole.
        charged: the days in service among them that cost something, in order.
        is_part: whether only a part of the month is under this version.
    """

    terms: AccountTerms
    fee: Fee
    days: int
    charged: tuple[dt.date, ...]
    is_part: bool = False


def fee_days(terms: AccountTerms, period: Period) -> Iterator[FeeDays]:
    """The fees of a number in a month, those of its first day's version first, in the plan's order."""
    segments = terms.segments
    recurring = [fee for segment in segments for fee in segment.version.fees if fee.kind == "recurring"]
    whole = {fee.item for fee in recurring if fee.plan_change == "next_month"}
    by_day = {fee.item for fee in recurring if fee.every_months == 1} - whole
    for fee in terms.version.fees:
        charged = tuple(sorted(terms.days_in_service(period) - terms.free_days(fee.suspended, period)))
        if fee.kind == "one_off":
            if terms.opens_in(period):
                yield FeeDays(terms, fee, period.day_count, tuple(sorted(terms.days_in_service(period))))
        elif fee.every_months == 1 and fee.item not in by_day:
            opening, closing = _MONTH_RULES[fee.first_month], _MONTH_RULES[fee.last_month]
            yield FeeDays(terms, fee, terms.days_charged(opening, closing, fee.suspended, period), charged)
    for index, segment in enumerate(segments or [_whole_month(terms, period)]):
        own = replace(terms, rate_id=segment.rate_id, plan=segment.plan, version=segment.version)
        for fee in segment.version.fees:
            if fee.kind == "recurring" and fee.every_months > 1:
                if _begins(terms, fee, segment, period):
                    yield FeeDays(own, fee, period.day_count, tuple(sorted(segment.days)), is_part=bool(segments))
            elif fee.kind == "recurring" and segments and fee.item in by_day:
                yield _part(own, fee, segment, period, is_first=index == 0)


def _whole_month(terms: AccountTerms, period: Period) -> Segment:
    return Segment(terms.rate_id, terms.plan, terms.version, terms.days_in_service(period))


def _part(own: AccountTerms, fee: Fee, segment: Segment, period: Period, *, is_first: bool) -> FeeDays:
    """A fee by the days of one version, with the days outside service that it counts as the first or the last."""
    charged = tuple(sorted(segment.days - own.free_days(fee.suspended, period)))
    days = len(charged)
    is_last = max(own.days_in_service(period)) in segment.days
    days += (own.days_before or 0) if is_first and fee.first_month == "whole" else 0
    days += (own.days_after or 0) if is_last and fee.last_month == "whole" else 0
    if own.days_before is not None and fee.first_month == "next_month":
        days, charged = 0, ()
    return FeeDays(own, fee, days, charged, is_part=True)


def _begins(terms: AccountTerms, fee: Fee, segment: Segment, period: Period) -> bool:
    """Whether a term of so many months, counted from the day the number came onto the fee, begins on its days."""
    since = terms.fees_since.get(fee.item, terms.opened_on)
    months = (period.year - since.year) * MONTHS_A_YEAR + period.month - since.month
    begins_on = period.start.replace(day=min(since.day, period.day_count))
    return months >= 0 and months % fee.every_months == 0 and begins_on in segment.days
