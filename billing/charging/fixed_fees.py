"""Fees of each number: recurring every month, one-off in the month the number opens; fixed, or by a quantity it holds.

Which days a fee counts is the matter of `fee_days`; here they become money. A quantity is counted at its peak, on the
last day, or day by day (10.44).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from billing.charging.account_terms import AccountTerms
from billing.charging.charge_rows import Item
from billing.charging.fee_days import FeeDays, fee_days
from billing.core.money import fen_of, yuan_exact
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.rate_book.month_terms import Fee
from billing.rate_book.quantity_price import number
from billing.tables.catalog import QuantityHeld

Held = Mapping[tuple[str, str, str], Sequence[tuple[dt.date, dt.date | None, int]]]
"""By contract, number and item: first day, first day outside, how many."""


@dataclass(frozen=True)
class FeeOfMonth:
    """A fee for a month: the number, the plan's fee, what it comes to, the days it counts and what was held on each."""

    number: AccountTerms
    fee: Fee
    item: Item
    charged: tuple[dt.date, ...]
    quantities: tuple[int, ...]

    def worth_of(self, days: frozenset[dt.date], period: Period) -> int:
        """What some days of the fee are worth: their part of it, or what was held on them; half up to the fen."""
        if self.fee.counted == "by_day" and self.fee.price is not None:
            held = (quantity for day, quantity in zip(self.charged, self.quantities, strict=True) if day in days)
            costs = (self.fee.price.amount_of(Fraction(quantity)) for quantity in held)
            return fen_of(sum(costs, Fraction(0)) * Fraction(1, period.day_count))
        return fen_of(Fraction(self.item.amount_micro * len(days.intersection(self.charged)), len(self.charged)))


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


def fees_of(terms: AccountTerms, period: Period, held: Held) -> list[FeeOfMonth]:
    """The fees of a number for a month, whenever they are billed; fees of zero are left out."""
    found = []
    for due in fee_days(terms, period):
        spans = held.get((terms.contract_id, terms.service_number, due.fee.item), ())
        quantities = [_held_on(spans, day) for day in due.charged]
        item = _fixed(due, period) if due.fee.price is None else _by_quantity(due, quantities, period)
        if due.days and item.amount_micro:
            found.append(FeeOfMonth(terms, due.fee, item, due.charged, tuple(quantities)))
    return found


def _fixed(due: FeeDays, period: Period) -> Item:
    amount, days = due.fee.amount or 0, due.days
    is_whole = days == period.day_count
    explanation = {"fee": yuan_exact(amount)}
    if not is_whole:
        explanation |= {"days": str(days), "days_of_month": str(period.day_count)}
    unit = "once" if due.fee.kind == "one_off" else "month" if is_whole else "day"
    charged = fee_of_days(amount, days, period.day_count)
    return _item(due, 1 if is_whole else days, unit, charged, explanation)


def _by_quantity(due: FeeDays, quantities: Sequence[int], period: Period) -> Item:
    fee, days = due.fee, due.days
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
    return _item(due, peak, "unit", fen_of(exact), explanation)


def _held_on(spans: Sequence[tuple[dt.date, dt.date | None, int]], day: dt.date) -> int:
    return sum(many for since, until, many in spans if since <= day and (until is None or day < until))


def _item(due: FeeDays, quantity: int, unit: str, amount: int, explanation: Mapping[str, str]) -> Item:
    fee, rate_id, product = due.fee, due.terms.rate_id, due.terms.plan.product
    detail = rate_id if due.is_part else ""
    return Item(fee.kind, fee.item, product, rate_id, fee.tax_code, quantity, unit, amount, explanation, detail)
