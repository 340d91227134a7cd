"""Which fees stand on the bill of a month: those for it, and where the plan bills in advance those for the next.

A fee billed in advance goes by what was known then. The month it is for settles it: what it comes to now, less what was
billed for it before, so a number that closes, is suspended or changes its plan is put right on the next bill. On the
first bill of a number stand its opening month and the month after.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from billing.charging.account_terms import Account, AccountTerms, month_terms
from billing.charging.charge_rows import Item
from billing.charging.fixed_fees import FeeOfMonth, Held, fees_of
from billing.core.money import yuan_exact
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.documents import Charge

Due = tuple[Account, Item]


def billed_ahead(charges: pl.DataFrame, period: Period) -> pl.DataFrame:
    """Of the charges of the month before, the fees that were billed in advance for a month."""
    return charges.filter(pl.col(Charge.kind) == "recurring", pl.col(Charge.usage_period) == str(period))


def fees_of_month(terms: Sequence[AccountTerms], period: Period, held: Held) -> list[FeeOfMonth]:
    """The fees for a month, whenever they are billed."""
    return [fee for number in terms for fee in fees_of(number, period, held)]


def due_now(fees: Sequence[FeeOfMonth], ahead: pl.DataFrame) -> list[Due]:
    """The fees for a month that its own bill holds: in arrears as they are, in advance what was not billed before.

    Args:
        fees: the fees for the month.
        ahead: `Charge` rows of the fees that an earlier bill held for it.
    """
    before: dict[tuple[str, str, str, str], Mapping[str, object]] = {
        (row[Charge.contract_id], row[Charge.service_number], row[Charge.item], row[Charge.rate_id]): row
        for row in ahead.iter_rows(named=True)
    }
    found: list[Due] = []
    for due in fees:
        item, account = due.item, due.number.account
        row = before.pop((*account, item.item, item.rate_id or ""), None) if due.fee.billed == "advance" else None
        if row is None:
            found.append((account, item))
        elif item.amount_micro != row[Charge.amount_micro]:
            found.append((account, _settled(item, item.amount_micro, int(str(row[Charge.amount_micro])))))
    for (contract, number_, *_), row in before.items():
        found.append(((contract, number_), _taken_back(row)))
    return found


def due_in_advance(terms: Sequence[AccountTerms], period: Period, held: Held, book: RateBook) -> list[Due]:
    """The fees for the next month that this month's bill holds, of numbers in service in both."""
    versions = (version for plan in book.prices.retail.values() for version in plan.versions.values() if version)
    if not any(fee.billed == "advance" for version in versions for fee in version.fees):
        return []
    following = period.shifted(1)
    here = {number.account for number in terms}
    numbers = [number for number in month_terms(following, book) if number.account in here]
    fees = fees_of_month(numbers, following, held)
    return [(due.number.account, due.item) for due in fees if due.fee.billed == "advance"]


def _settled(item: Item, now: int, before: int) -> Item:
    explanation = {**item.explanation, "now": yuan_exact(now), "billed_before": yuan_exact(before)}
    return replace(item, amount_micro=now - before, explanation=explanation)


def _taken_back(row: Mapping[str, object]) -> Item:
    """A fee billed in advance for a month in which it is not due."""
    before = int(str(row[Charge.amount_micro]))
    product, rate_id = (str(row[name]) for name in (Charge.product, Charge.rate_id))
    item, tax_code = str(row[Charge.item]), str(row[Charge.tax_code])
    explanation = {"now": yuan_exact(0), "billed_before": yuan_exact(before)}
    return Item("recurring", item, product, rate_id, tax_code, 1, "month", -before, explanation, f"before/{rate_id}")
