"""Monthly minimums: what call charges lack of the agreed floor is a true-up line of its own.

Domain rule: the floor is of each 400 number, unless the contract or the customer pools it: then the floors and the call
charges of the numbers are added up and compared once, on a line of the first contract. It compares with call charges,
rounded, credited, VAT included; fixed fees fill it only where the plan says so. An opening or closing month that is not
in service every day follows the plan: actual, prorate or full.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from billing.charging.account_terms import Account, AccountTerms, MonthRule
from billing.charging.charge_rows import Item
from billing.charging.discounts import Line
from billing.core.findings import Finding
from billing.core.money import MICRO_PER_FEN, round_ratio, yuan_exact
from billing.core.period import Period
from billing.rate_book.month_terms import Minimum

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


@dataclass(frozen=True)
class Floor:
    """The floor of a number in a month, and the days of it that count."""

    terms: AccountTerms
    micro: int
    per_month_micro: int
    days: int


def counted_charges(
    terms: Sequence[AccountTerms],
    billed: Mapping[Account, int],
    fees: Mapping[Account, int],
    metered: Sequence[Line],
) -> dict[Account, int]:
    """What fills the floor of each number: its call charges, its fees and metered items where the plan says so.

    Args:
        terms: terms of every number.
        billed: call charges.
        fees: fees for the month, whenever they are billed.
        metered: metered items with their discounts; those of a whole contract count with the first of its numbers
            whose floor they fill.
    """
    counted = dict(billed)
    first: dict[str, str] = {}
    for number in terms:
        if number.version.minimum and number.version.minimum.counts in ("calls_and_metered", "all"):
            first.setdefault(number.contract_id, number.service_number)
    used: dict[Account, int] = {}
    for contract, owner, item in metered:
        account = (contract, owner or first.get(contract, ""))
        used[account] = used.get(account, 0) + item.amount_micro
    for number in terms:
        counts = number.version.minimum.counts if number.version.minimum else "calls"
        for name, more in (("calls_and_fees", fees), ("calls_and_metered", used)):
            if counts in (name, "all"):
                counted[number.account] = counted.get(number.account, 0) + more.get(number.account, 0)
    return counted


def true_ups(
    terms: Sequence[AccountTerms], counted_micro: Mapping[Account, int], period: Period
) -> list[tuple[AccountTerms, str | None, Item]]:
    """The true-ups of a month.

    Args:
        terms: terms of every number.
        counted_micro: charges that fill a floor, by contract and number.
        period: the month.

    Returns:
        Terms the true-up is billed under, the number it is of (None: of the whole contract), the item.
    """
    found: list[tuple[AccountTerms, str | None, Item]] = []
    pooled: dict[tuple[str, str, str], list[Floor]] = {}
    for number in terms:
        floor = floor_of(number, period)
        if floor is None:
            continue
        assert number.version.minimum is not None, "a floor comes from a minimum"
        scope = number.version.minimum.scope
        if scope != "number":
            # One line has one product and one tax code, so numbers sold as something else have a pool of their own.
            owner = number.contract_id if scope == "contract" else f"customer {number.customer_id}"
            pooled.setdefault((owner, number.plan.product, number.plan.tax_code), []).append(floor)
        elif item := _item([floor], counted_micro, period):
            found.append((number, number.service_number, item))
    for floors in pooled.values():
        if item := _item(floors, counted_micro, period):
            found.append((floors[0].terms, None, item))
    return found


def floor_of(terms: AccountTerms, period: Period) -> Floor | None:
    """The floor of a number in a month, None when its plan has no monthly minimum."""
    minimum = terms.version.minimum
    if minimum is None or minimum.per_month is None or minimum.first_month is None:
        return None
    per_month = minimum.per_month if terms.monthly_minimum_micro is None else terms.monthly_minimum_micro
    opening = _month_rule(minimum.first_month, terms.days_before)
    closing = _month_rule(minimum.last_month, terms.days_after)
    days = terms.days_charged(opening, closing, minimum.suspended, period)
    return Floor(terms, floor_of_days(per_month, _day_rate(minimum), days, period.day_count), per_month, days)


def _item(floors: Sequence[Floor], counted_micro: Mapping[Account, int], period: Period) -> Item | None:
    """The true-up of one number or of a pool of numbers, None when nothing is missing."""
    floor = sum(each.micro for each in floors)
    counted = sum(counted_micro.get(each.terms.account, 0) for each in floors)
    missing = true_up(floor, counted)
    if not missing:
        return None
    explanation = {"floor": yuan_exact(floor), "counted": yuan_exact(counted)}
    first = floors[0]
    if len(floors) > 1:
        explanation |= {"numbers": str(len(floors))}
    elif first.days != period.day_count:
        days = {"days": str(first.days), "days_of_month": str(period.day_count)}
        explanation |= days | {"per_month": yuan_exact(first.per_month_micro)}
    plan, rate_id = first.terms.plan, first.terms.rate_id
    minimum = first.terms.version.minimum
    detail = f"{plan.product}/{plan.tax_code}" if minimum and minimum.scope != "number" else ""
    return Item("true_up", "true_up", plan.product, rate_id, plan.tax_code, 1, "month", missing, explanation, detail)


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
