"""Minimum of each number: what its call charges of the month lack is a true-up line of its own.

Domain rule: the floor is of each 400 number and compares with its call charges, rounded, caps credited, VAT included;
fixed fees do not fill it. An opening or closing month that is not in service every day follows the plan: actual,
prorate or full.
"""

from billing.charging.account_terms import AccountTerms, MonthRule
from billing.charging.charge_rows import Item
from billing.core.findings import Finding
from billing.core.money import MICRO_PER_FEN, round_ratio, yuan_exact
from billing.core.period import Period
from billing.rate_book.plans import Minimum

MINIMUM_READING_MISSING = "MINIMUM_READING_MISSING"
_MONTH_RULES: dict[str, MonthRule] = {"actual": "free", "prorate": "part", "full": "whole"}


def floor_of_days(per_month_micro: int, day_rate_micro: int | None, days: int, day_count: int) -> int:
    """The floor of a month of which so many days count.

    Args:
        per_month_micro: floor of a whole month, whole fen.
        day_rate_micro: published amount a day, None for the exact share of the month.
        days: days that count.
        day_count: days of the month.

    Returns:
        Whole fen, half up; never more than the floor of a whole month.
    """
    if days == day_count:
        return per_month_micro
    if day_rate_micro is not None:
        return min(per_month_micro, day_rate_micro * days)
    return round_ratio(per_month_micro * days, day_count * MICRO_PER_FEN) * MICRO_PER_FEN


def true_up(floor_micro: int, counted_micro: int) -> int:
    """What the counted call charges lack of the floor, never negative."""
    return max(0, floor_micro - counted_micro)


def true_up_item(terms: AccountTerms, counted_micro: int, period: Period) -> Item | None:
    """The true-up of a number, None when its plan has no minimum or nothing is missing."""
    minimum = terms.version.minimum
    if minimum is None:
        return None
    per_month = minimum.per_month if terms.monthly_minimum_micro is None else terms.monthly_minimum_micro
    opening = _month_rule(minimum.first_month, terms.days_before)
    days = terms.days_charged(opening, _month_rule(minimum.last_month, terms.days_after), period)
    floor = floor_of_days(per_month, _day_rate(minimum), days, period.day_count)
    missing = true_up(floor, counted_micro)
    if not missing:
        return None
    explanation = {"floor": yuan_exact(floor), "counted": yuan_exact(counted_micro)}
    if days != period.day_count:
        explanation |= {"days": str(days), "days_of_month": str(period.day_count), "per_month": yuan_exact(per_month)}
    plan = terms.plan
    return Item("true_up", "true_up", plan.product, terms.rate_id, plan.tax_code, 1, "month", missing, explanation)


def _month_rule(reading: str, days_outside: int | None) -> MonthRule:
    """How an opening or closing month counts; a month in service on every day is a full month, whatever its edges."""
    return "whole" if days_outside == 0 else _MONTH_RULES[reading]


def minimum_finding(terms: AccountTerms) -> Finding | None:
    """An agreed minimum needs a plan that says how a minimum is read; refused otherwise, never guessed."""
    if terms.monthly_minimum_micro is None or terms.version.minimum is not None:
        return None
    values = {"contract": terms.contract_id, "number": terms.service_number, "plan": terms.rate_id}
    return Finding(MINIMUM_READING_MISSING, "critical", "", values)


def _day_rate(minimum: Minimum) -> int | None:
    return None if minimum.prorate_day_rate == "exact" else minimum.prorate_day_rate
