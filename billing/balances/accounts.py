"""Balances of contracts: bills of these books less the money received for what these books bill.

Which money that is: what is for a bill of a period that the books billed or will bill; what was paid ahead for a
contract year or a term that was not over when the books began. A payment is of the contract year of the day on which
it came, before service of the first, as for commission; a refund, too. What was consumed before the books began is not
known, so the balance of a contract paid ahead does not hold it.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import polars as pl

from billing.core.findings import Finding
from billing.core.period import Period, add_years, contract_year
from billing.rate_book.book import RateBook
from billing.rate_book.trials import UNCONFIRMED, free_until
from billing.tables.catalog import Contract, Receipt
from billing.tables.documents import AccountBalance, Invoice, InvoiceLine

_BILLED_BEFORE, _RECEIVED_BEFORE = "billed_before", "received_before"
_LINES, _BILLED_TO = "line_count", "billed_to"


def account_balances(period: Period, invoices: pl.DataFrame, lines: pl.DataFrame, book: RateBook) -> pl.DataFrame:
    """`AccountBalance` rows of a period: contracts that are billed in it, owe something or have money with us.

    Args:
        period: the billing period.
        invoices: `Invoice` rows of earlier closed periods and of this one.
        lines: their `InvoiceLine` rows.
        book: contracts, receipts, the first period of the books.
    """
    opening, received = pl.col(AccountBalance.opening_micro), pl.col(AccountBalance.received_micro)
    billed, closing = pl.col(AccountBalance.billed_micro), pl.col(AccountBalance.closing_micro)
    contracts = book.table(Contract.name).select(Contract.contract_id, Contract.customer_id, Contract.payment_mode)
    sums = (_BILLED_BEFORE, _RECEIVED_BEFORE, _LINES, AccountBalance.billed_micro, AccountBalance.received_micro)
    return (
        _billed(period, invoices, lines)
        .join(_received(period, book), on=AccountBalance.contract_id, how="full", coalesce=True)
        .join(contracts, on=AccountBalance.contract_id, how="left")
        .with_columns(pl.col(sums).fill_null(0))
        .with_columns(
            pl.lit(str(period)).alias(AccountBalance.period),
            # What a contract that left the catalog owes is owed by the customer it was billed to last.
            pl.coalesce(Contract.customer_id, _BILLED_TO).alias(AccountBalance.customer_id),
            (pl.col(_BILLED_BEFORE) - pl.col(_RECEIVED_BEFORE)).alias(AccountBalance.opening_micro),
        )
        .with_columns((opening - received + billed).alias(AccountBalance.closing_micro))
        .with_columns(pl.max_horizontal(closing, 0).alias(AccountBalance.payable_micro))
        .filter((pl.col(_LINES) > 0) | (opening != 0) | (received != 0))
        .sort(AccountBalance.contract_id)
        .pipe(AccountBalance.conform)
    )


def changed_hands(invoices: pl.DataFrame, lines: pl.DataFrame, book: RateBook) -> Iterator[Finding]:
    """CONTRACT_CHANGED_HANDS: a contract that was billed to another customer than the one it now belongs to.

    Its balance, its payments and its late calls would be told to somebody whom they are no business of.
    """
    owners = dict(book.table(Contract.name).select(Contract.contract_id, Contract.customer_id).iter_rows())
    billed = lines.join(invoices, on=Invoice.invoice_key).select(
        InvoiceLine.contract_id, Invoice.customer_id, Invoice.period
    )
    for contract_id, customer_id, period in billed.unique().sort(pl.all()).iter_rows():
        owner = owners.get(contract_id, customer_id)
        if owner != customer_id:
            values = {"contract": contract_id, "before": customer_id, "now": owner, "period": period}
            yield Finding("CONTRACT_CHANGED_HANDS", "critical", f"catalog/contract:{contract_id}", values)


def _billed(period: Period, invoices: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """By contract: bills before the period, lines and bill of the period, and the customer of the last bill."""
    is_own = pl.col(Invoice.period) == str(period)
    gross = pl.col(InvoiceLine.gross_micro)
    return (
        lines.select(InvoiceLine.invoice_key, InvoiceLine.contract_id, gross)
        .join(invoices.select(Invoice.invoice_key, Invoice.period, Invoice.customer_id), on=Invoice.invoice_key)
        .group_by(InvoiceLine.contract_id)
        .agg(
            gross.filter(~is_own).sum().alias(_BILLED_BEFORE),
            gross.filter(is_own).sum().alias(AccountBalance.billed_micro),
            is_own.sum().cast(pl.Int64).alias(_LINES),
            pl.col(Invoice.customer_id).sort_by(Invoice.period).last().alias(_BILLED_TO),
        )
    )


def _received(period: Period, book: RateBook) -> pl.DataFrame:
    """By contract: money that counts, received before the period (`amount_micro`) and in it."""
    contracts = {row[Contract.contract_id]: row for row in book.table(Contract.name).iter_rows(named=True)}
    receipts = book.table(Receipt.name).filter(pl.col(Receipt.received_on) < period.end)
    start = book.policy.start
    kept = [counts(row, contracts.get(row[Receipt.contract_id]), start) for row in receipts.iter_rows(named=True)]
    is_before = pl.col(Receipt.received_on) < period.start
    amount = pl.col(Receipt.amount_micro)
    return (
        receipts.filter(pl.Series(kept, dtype=pl.Boolean))
        .group_by(Receipt.contract_id)
        .agg(
            amount.filter(~is_before).sum().alias(AccountBalance.received_micro),
            amount.filter(is_before).sum().alias(_RECEIVED_BEFORE),
        )
    )


def counts(receipt: dict[str, Any], contract: dict[str, Any] | None, start: Period) -> bool:
    """Whether money is for something that books which begin with `start` bill.

    Args:
        receipt: a `Receipt` row.
        contract: its `Contract` row; money of a contract that is not in the catalog counts.
        start: first period of the books.
    """
    if receipt[Receipt.purpose] == "bill":
        return bool(receipt[Receipt.bill_period] >= str(start))
    if contract is None:
        return True
    if receipt[Receipt.purpose] == "full_term":
        return bool(contract[Contract.ends_on] > start.start)
    return _year_end(contract, receipt[Receipt.received_on]) > start.start


def _year_end(contract: dict[str, Any], day: dt.date) -> dt.date:
    """First day after the contract year of a day; years count from the first paid day."""
    trial = free_until(contract)
    if trial == UNCONFIRMED:
        return UNCONFIRMED
    first = max(contract[Contract.service_start], trial) if trial else contract[Contract.service_start]
    return add_years(first, max(1, contract_year(first, day)))
