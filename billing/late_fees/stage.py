"""Late fees of a month: what overdue bills of earlier months have cost so far, and what of it is stated now.

Domain rule 10.33: always worked out and shown, billed only where the contract says so. Each month the fee of a bill is
worked out from the beginning, by all receipts known now, and the difference to what was stated is stated: a payment
that was entered late lowers it. A waiver is an adjustment; the fee itself stays what it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from billing.core.findings import Finding, Outcome
from billing.core.money import yuan_exact
from billing.core.period import Period
from billing.late_fees.accrual import Overdue, Payment, overdue_bill
from billing.rate_book.book import RateBook
from billing.tables.catalog import Contract, Receipt
from billing.tables.documents import LateFee

LATE_FEE_LOWERED = "LATE_FEE_LOWERED"
SHOW, BILL = "show", "bill"
Key = tuple[str, str]
"""Contract and period of the bill."""


@dataclass(frozen=True)
class _Stated:
    """What earlier periods stated and billed for one bill."""

    stated_micro: int = 0
    billed_micro: int = 0


def accrue_late_fees(period: Period, bills: pl.DataFrame, earlier: pl.DataFrame, book: RateBook) -> Outcome:
    """What the overdue bills of contracts paid by the month cost through the end of a period.

    Args:
        period: the billing period.
        bills: contract_id, period, due_date, gross_micro of the bills of closed periods, without late fees.
        earlier: `LateFee` rows of closed periods.
        book: the rate book: contracts, receipts, terms.

    Returns:
        Table `late_fee` in key order: bills in arrears at the end of the period, and those with something to state.
        Findings: LATE_FEE_LOWERED (warning) where less is due than was stated.
    """
    monthly = book.table(Contract.name).filter(pl.col(Contract.payment_mode) == "monthly")
    contracts = {row[Contract.contract_id]: row for row in monthly.iter_rows(named=True)}
    payments, stated = _payments(book), _stated(earlier)
    rows: list[dict[str, Any]] = []
    findings = []
    owed = bills.filter(pl.col("gross_micro") > 0, pl.col("contract_id").is_in(list(contracts)))
    for contract_id, month, due_date, principal in (
        owed.sort("contract_id", "period").select("contract_id", "period", "due_date", "gross_micro").iter_rows()
    ):
        key = contract_id, month
        bill = overdue_bill(principal, due_date, payments.get(key, ()), period.end, book.policy.late_fee)
        fee = _fee(contracts[contract_id], bill, stated.get(key, _Stated()))
        if (bill.days and bill.unpaid_micro) or fee[LateFee.stated_micro] or fee[LateFee.billed_micro]:
            owner = contracts[contract_id][Contract.customer_id]
            head = {LateFee.period: str(period), LateFee.contract_id: contract_id, LateFee.customer_id: owner}
            what = {LateFee.bill_period: month, LateFee.due_date: due_date, LateFee.principal_micro: principal}
            rows.append(head | what | fee)
        if fee[LateFee.stated_micro] < 0:
            values = {"contract": contract_id, "bill": month, "amount": yuan_exact(-fee[LateFee.stated_micro])}
            findings.append(Finding(LATE_FEE_LOWERED, "warning", "", values))
    return Outcome({LateFee.name: LateFee.of_rows(rows)}, findings)


def _fee(contract: Mapping[str, Any], bill: Overdue, before: _Stated) -> dict[str, Any]:
    """The figures of a bill. What a contract was only shown it is never billed, and nothing unbilled is given back."""
    billing = contract[Contract.late_fee] or SHOW
    stated = bill.accrued_micro - before.stated_micro
    too_much = min(0, bill.accrued_micro - before.billed_micro)
    return {
        LateFee.paid_micro: bill.paid_micro,
        LateFee.unpaid_micro: bill.unpaid_micro,
        LateFee.overdue_days: bill.days,
        LateFee.accrued_micro: bill.accrued_micro,
        LateFee.stated_before_micro: before.stated_micro,
        LateFee.stated_micro: stated,
        LateFee.billing: billing,
        LateFee.billed_micro: max(stated, -before.billed_micro) if billing == BILL else too_much,
    }


def _payments(book: RateBook) -> dict[Key, list[Payment]]:
    """Money received for bills, by contract and period of the bill."""
    found: dict[Key, list[Payment]] = {}
    columns = (Receipt.contract_id, Receipt.bill_period, Receipt.received_on, Receipt.amount_micro)
    paid = book.table(Receipt.name).filter(pl.col(Receipt.purpose) == "bill").select(columns)
    for contract_id, month, day, amount in paid.iter_rows():
        found.setdefault((contract_id, month), []).append((day, amount))
    return found


def _stated(earlier: pl.DataFrame) -> dict[Key, _Stated]:
    sums = earlier.group_by(LateFee.key).agg(pl.col(LateFee.stated_micro, LateFee.billed_micro).sum())
    return {(row[0], row[1]): _Stated(row[2], row[3]) for row in sums.iter_rows()}
