"""Fees of each number: recurring every month, one-off in the month the number opens; fixed, or by a quantity it holds.

Domain rule: how the opening and the closing month of a recurring fee count is the plan's word (whole, by day, from next
month); one-off fees are never pro-rated. A quantity is counted at its peak, on the last day, or day by day (10.44).
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from billing.charging.account_terms import AccountTerms, MonthRule
from billing.charging.charge_rows import Item
from billing.core.money import fen_of, yuan_exact
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.rate_book.month_terms import Fee
from billing.rate_book.quantity_price import number
from billing.tables.catalog import QuantityHeld

MONTHS_A_YEAR = 12
_MONTH_RULES: dict[str | None, MonthRule] = {"whole": "whole", "by_day": "part", "next_month": "free"}

Held = Mapping[tuple[str, str, str], Sequence[tuple[dt.date, dt.date | None, int]]]
"""By contract, number and item: first day, first day outside, how many."""


def quantities_held(book: RateBook) -> Held:
    """Every quantity of the catalog."""
    held: dict[tuple[str, str, str], list[tuple[dt.date, dt.date | None, int]]] = {}
    columns = (
        *(QuantityHeld.contract_id, QuantityHeld.service_number, QuantityHeld.item),
        *(QuantityHeld.valid_from, QuantityHeld.valid_to, QuantityHeld.quantity),
    )
    for contract, number_, item, *span in book.table(QuantityHeld.name).select(columns).iter_rows():
        held.setdefault((contract, number_, item), []).append((span[0], span[1], span[2]))
    return held


def fee_of_days(fee_micro: int, days: int, day_count: int) -> int:
    """A recurring fee for some days of a month, half up to the fen."""
    return fen_of(Fraction(fee_micro * days, day_count))


def fee_items(terms: AccountTerms, period: Period, held: Held) -> list[tuple[Fee, Item]]:
    """The fees of a number for a month, whenever they are billed, in the plan's order; fees of zero are left out."""
    items = []
    for fee in terms.version.fees:
        if terms.segments and fee.plan_change == "by_day":
            continue
        days = _days(terms, fee, period)
        if not days:
            continue
        if fee.price is None:
            item = _fixed(terms, fee, days, period)
        else:
            spans = held.get((terms.contract_id, terms.service_number, fee.item), ())
            item = _by_quantity(terms, fee, _by_day(terms, fee, spans, period), days, period)
        if item.amount_micro:
            items.append((fee, item))
    return [*items, *_by_segment(terms, period, held)]


def _by_segment(terms: AccountTerms, period: Period, held: Held) -> Iterator[tuple[Fee, Item]]:
    """The fees of each version of a month in which a number changes its plan, by the days of the version."""
    for index, segment in enumerate(terms.segments):
        is_first, is_last = index == 0, index + 1 == len(terms.segments)
        own = replace(terms, rate_id=segment.rate_id, plan=segment.plan, version=segment.version)
        for fee in segment.version.fees:
            if fee.plan_change != "by_day" or (terms.days_before is not None and fee.first_month == "next_month"):
                continue
            charged = sorted(segment.days - terms.free_days(fee.suspended, period))
            days = len(charged)
            days += (terms.days_before or 0) if is_first and fee.first_month == "whole" else 0
            days += (terms.days_after or 0) if is_last and fee.last_month == "whole" else 0
            spans = held.get((terms.contract_id, terms.service_number, fee.item), ())
            quantities = [_held_on(spans, day) for day in charged]
            item = (
                _fixed(own, fee, days, period)
                if fee.price is None
                else _by_quantity(own, fee, quantities, days, period)
            )
            if item.amount_micro:
                yield fee, replace(item, detail=segment.rate_id)


def _days(terms: AccountTerms, fee: Fee, period: Period) -> int:
    """The days of the month that a fee is for: all of them where it is charged whole, none where it is not due."""
    if fee.kind == "one_off":
        return period.day_count if terms.days_before is not None else 0
    if fee.every_months > 1:
        return period.day_count if _begins(terms, fee.every_months, period) else 0
    opening, closing = _MONTH_RULES[fee.first_month], _MONTH_RULES[fee.last_month]
    return terms.days_charged(opening, closing, fee.suspended, period)


def _begins(terms: AccountTerms, every_months: int, period: Period) -> bool:
    """Whether a term of so many months, counted from the opening day, begins on a day of the month in service."""
    opened_on = terms.opened_on
    months = (period.year - opened_on.year) * MONTHS_A_YEAR + period.month - opened_on.month
    begins_on = period.start.replace(day=min(opened_on.day, period.day_count))
    return months % every_months == 0 and begins_on in terms.days_in_service(period)


def _fixed(terms: AccountTerms, fee: Fee, days: int, period: Period) -> Item:
    amount = fee.amount or 0
    is_whole = days == period.day_count
    explanation = {"fee": yuan_exact(amount)}
    if not is_whole:
        explanation |= {"days": str(days), "days_of_month": str(period.day_count)}
    unit = "once" if fee.kind == "one_off" else "month" if is_whole else "day"
    charged = fee_of_days(amount, days, period.day_count)
    return _item(terms, fee, 1 if is_whole else days, unit, charged, explanation)


def _by_quantity(terms: AccountTerms, fee: Fee, quantities: Sequence[int], days: int, period: Period) -> Item:
    assert fee.price is not None and fee.counted is not None, "a fee by quantity has both"
    amounts = {quantity: fee.price.amount_of(Fraction(quantity)) for quantity in {0, *quantities}}
    peak = max(quantities, default=0)
    if fee.counted == "by_day":
        exact = sum((amounts[quantity] for quantity in quantities), Fraction(0)) * Fraction(1, period.day_count)
        explanation = {"quantity": number(Fraction(sum(quantities), period.day_count)), "counted": fee.counted}
    else:
        quantity = peak if fee.counted == "peak" else (quantities or [0])[-1]
        exact = amounts[quantity] * Fraction(days, period.day_count)
        explanation = {
            "quantity": str(quantity),
            "counted": fee.counted,
            "price": fee.price.derivation(Fraction(quantity)),
        }
        if days != period.day_count:
            explanation |= {"days": str(days), "days_of_month": str(period.day_count)}
        peak = quantity
    return _item(terms, fee, peak, "unit", fen_of(exact), explanation)


def _by_day(
    terms: AccountTerms, fee: Fee, spans: Sequence[tuple[dt.date, dt.date | None, int]], period: Period
) -> list[int]:
    """What the number has on each of its days in service in the month that cost something."""
    days = sorted(terms.days_in_service(period) - terms.free_days(fee.suspended, period))
    return [_held_on(spans, day) for day in days]


def _held_on(spans: Sequence[tuple[dt.date, dt.date | None, int]], day: dt.date) -> int:
    return sum(many for since, until, many in spans if since <= day and (until is None or day < until))


def _item(terms: AccountTerms, fee: Fee, quantity: int, unit: str, amount: int, explanation: Mapping[str, str]) -> Item:
    rate_id, product = terms.rate_id, terms.plan.product
    return Item(fee.kind, fee.item, product, rate_id, fee.tax_code, quantity, unit, amount, explanation)
