"""Everything a month knows of one customer, gathered from the tables before a word of the bill is written."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from billing.core.period import Period
from billing.documents.document_month import DocumentMonth
from billing.documents.rows import Row, rows_by
from billing.tables.calls import UsageTotal
from billing.tables.catalog import Contract, Customer, Subscription
from billing.tables.documents import (
    AccountBalance,
    AllowanceMovement,
    CallAnalysis,
    CallerShare,
    Invoice,
    InvoiceLine,
    LateFee,
    TaxLine,
)

_OF_CONTRACT = (LateFee, AllowanceMovement, CallerShare, UsageTotal, CallAnalysis)


@dataclass(frozen=True)
class Account:
    """A customer's month: rows of the tables named, its own only."""

    invoice: Row
    customer: Row
    numbers: list[str]
    lines: list[Row]
    taxes: list[Row]
    balances: list[Row]
    late_fees: list[Row]
    allowances: list[Row]
    shares: list[Row]
    usage: list[Row]
    analysis: list[Row]

    @property
    def period(self) -> Period:
        """The billing period."""
        return Period.parse(self.invoice[Invoice.period])


def accounts(month: DocumentMonth) -> Iterator[Account]:
    """The accounts of a month by customer: those with a bill, and those without who paid, owe or have money with us."""
    book, period = month.book, month.period
    contracts = rows_by(book.table(Contract.name), Contract.customer_id)
    invoices = {row[Invoice.customer_id]: row for row in month.rows(Invoice).iter_rows(named=True)}
    balances = rows_by(month.rows(AccountBalance), AccountBalance.customer_id)
    customers = {row[Customer.customer_id]: row for row in book.table(Customer.name).iter_rows(named=True)}
    of_invoice = {table: rows_by(month.rows(table), "invoice_key") for table in (InvoiceLine, TaxLine)}
    of_contract = {table: rows_by(month.rows(table), "contract_id") for table in _OF_CONTRACT}
    held = rows_by(book.table(Subscription.name).sort(Subscription.key), Subscription.contract_id)
    for customer_id in filter(month.is_wanted, recipients(month.rows(Invoice), month.rows(AccountBalance))):
        customer = customers.get(customer_id) or dict.fromkeys(Customer.schema())
        invoice = invoices.get(customer_id) or _no_bill(customer_id, customer, period)
        key = invoice[Invoice.invoice_key]
        lines, own_balances = of_invoice[InvoiceLine].get(key, []), balances.get(customer_id, [])
        catalog = [row[Contract.contract_id] for row in contracts.get(customer_id, [])]
        # A contract that has left the catalog still has its lines and its balance.
        own = dict.fromkeys([*catalog, *(row["contract_id"] for row in (*lines, *own_balances))])
        rows = {
            table: [row for contract_id in own for row in grouped.get(contract_id, [])]
            for table, grouped in of_contract.items()
        }
        yield Account(
            invoice=invoice,
            customer=customer,
            numbers=_numbers(period, [row for contract_id in own for row in held.get(contract_id, [])]),
            lines=lines,
            taxes=of_invoice[TaxLine].get(key, []),
            balances=own_balances,
            late_fees=rows[LateFee],
            allowances=rows[AllowanceMovement],
            shares=rows[CallerShare],
            usage=rows[UsageTotal],
            analysis=rows[CallAnalysis],
        )


def recipients(invoices: pl.DataFrame, balances: pl.DataFrame) -> list[str]:
    """Customers who get a bill or a statement of account: something is billed, came in, is owed, or is with us."""
    has_money = (pl.col(AccountBalance.received_micro) != 0) | (pl.col(AccountBalance.closing_micro) != 0)
    told = balances.filter(has_money.fill_null(value=False))
    return sorted({*invoices[Invoice.customer_id], *told[AccountBalance.customer_id].drop_nulls()})


def _no_bill(customer_id: str, customer: Row, period: Period) -> Row:
    """A customer's month without a line: it has no number, and nothing of it is due."""
    money = {str(column): 0 for column in Invoice.columns if column.is_money}
    own = {Invoice.customer_id: customer_id, Invoice.customer_name: customer[Customer.customer_name] or customer_id}
    return dict.fromkeys(Invoice.schema()) | money | own | {Invoice.period: str(period), Invoice.line_count: 0}


def _numbers(period: Period, held: list[Row]) -> list[str]:
    """The numbers in service on any day of the period, each once."""
    active = {
        row[Subscription.service_number]
        for row in held
        if period.days_active(row[Subscription.valid_from], row[Subscription.valid_to])
    }
    return sorted(active)
