"""Adjustments: signed charges that somebody decided on, taken over from the catalog for their billing period."""

from collections.abc import Collection, Sequence

import polars as pl

from billing.charging.account_terms import AccountTerms
from billing.charging.charge_rows import ChargeWriter, Item, Row
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.catalog import Adjustment
from billing.tables.documents import LATE_FEE_WAIVER


def adjustment_rows(
    period: Period,
    book: RateBook,
    terms: Sequence[AccountTerms],
    writer: ChargeWriter,
    contracts: Collection[str] | None,
) -> list[Row]:
    """The adjustments of a billing period as charges; the product is that of the number in this month, if any."""
    products = {number.account: number.plan.product for number in terms}
    wanted = book.table(Adjustment.name).filter(pl.col(Adjustment.period) == str(period))
    rows = []
    for row in wanted.sort(Adjustment.adjustment_id).iter_rows(named=True):
        contract_id, number = row[Adjustment.contract_id], row[Adjustment.service_number]
        if contracts is None or contract_id in contracts:
            item = Item(
                kind="adjustment",
                item=LATE_FEE_WAIVER if row[Adjustment.waives] else "adjustment",
                product=products.get((contract_id, number)),
                rate_id=None,
                tax_code=row[Adjustment.tax_code],
                quantity=1,
                quantity_unit="once",
                amount_micro=row[Adjustment.amount_micro],
                explanation={"adjustment": row[Adjustment.adjustment_id], "reason": row[Adjustment.reason] or ""},
                detail=row[Adjustment.adjustment_id],
            )
            rows.append(writer.row(contract_id, number, item))
    return rows
