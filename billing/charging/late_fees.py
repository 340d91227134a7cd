"""Late fees as charges: the part of them that is billed, a line of the whole contract for each overdue bill."""

import polars as pl

from billing.charging.charge_rows import ChargeWriter, Item, Row
from billing.core.money import yuan_exact
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.documents import LateFee


def late_fee_rows(period: Period, late_fees: pl.DataFrame, book: RateBook) -> list[Row]:
    """What is billed of late fees; the usage month is that of the overdue bill, whose VAT rate the fee shares."""
    rows = []
    for fee in late_fees.filter(pl.col(LateFee.billed_micro) != 0).iter_rows(named=True):
        item = Item(
            kind="late_fee",
            item="late_fee",
            product=None,
            rate_id=None,
            tax_code=book.policy.late_fee.tax_code,
            quantity=1,
            quantity_unit="once",
            amount_micro=fee[LateFee.billed_micro],
            explanation={
                "principal": yuan_exact(fee[LateFee.principal_micro]),
                "unpaid": yuan_exact(fee[LateFee.unpaid_micro]),
                "due_date": str(fee[LateFee.due_date]),
                "overdue_days": str(fee[LateFee.overdue_days]),
                "accrued": yuan_exact(fee[LateFee.accrued_micro]),
                "stated_before": yuan_exact(fee[LateFee.stated_before_micro]),
            },
        )
        writer = ChargeWriter(period, Period.parse(fee[LateFee.bill_period]), book)
        rows.append(writer.row(fee[LateFee.contract_id], None, item))
    return rows
