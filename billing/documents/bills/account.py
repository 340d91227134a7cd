"""Everything a month knows of one customer, gathered from the tables before a word of the bill is written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from billing.core.period import Period
from billing.documents.rows import Row, rows_by, sorted_table
from billing.rate_book.book import RateBook
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
    ServiceCredit,
    TaxLine,
)

_OF_CONTRACT = (AccountBalance, LateFee, AllowanceMovement, CallerShare, ServiceCredit, UsageTotal, CallAnalysis)


@dataclass(frozen=True)
class Account:
    """A customer's month: rows of the tables named, its own only."""

    invoice: Row
    customer: Row
    contracts: dict[str, Row]
    numbers: list[str]
    lines: list[Row]
    taxes: list[Row]
    balances: list[Row]
    late_fees: list[Row]
    allowances: list[Row]
    shares: list[Row]
    credits: list[Row]
    usage: list[Row]
    analysis: list[Row]

    @property
    def period(self) -> Period:
        """The billing period."""
        return Period.parse(self.invoice[Invoice.period])


def accounts(tables: Mapping[str, pl.DataFrame], book: RateBook, only: str | None = None) -> Iterator[Account]:
    """The accounts of a month in the order of its invoices.

    Args:
        tables: the document tables and usage_total.
        book: customers, contracts and subscriptions.
        only: one customer; all when None.
    """
    invoices = sorted_table(tables, Invoice)
    contracts = rows_by(book.table(Contract.name), Contract.customer_id)
    if only is not None:
        invoices = invoices.filter(pl.col(Invoice.customer_id) == only)
    customers = {row[Customer.customer_id]: row for row in book.table(Customer.name).iter_rows(named=True)}
    of_invoice = {table: rows_by(sorted_table(tables, table), "invoice_key") for table in (InvoiceLine, TaxLine)}
    of_contract = {table: rows_by(sorted_table(tables, table), "contract_id") for table in _OF_CONTRACT}
    held = rows_by(book.table(Subscription.name).sort(Subscription.key), Subscription.contract_id)
    for invoice in invoices.iter_rows(named=True):
        customer_id, key = invoice[Invoice.customer_id], invoice[Invoice.invoice_key]
        own = {row[Contract.contract_id]: row for row in contracts.get(customer_id, [])}

        rows = {
            table: [row for contract_id in own for row in grouped.get(contract_id, [])]
            for table, grouped in of_contract.items()
        }
        yield Account(
            invoice=invoice,
            customer=customers.get(customer_id) or dict.fromkeys(Customer.schema()),
            contracts=own,
            numbers=_numbers(
                Period.parse(invoice[Invoice.period]), [row for each in own for row in held.get(each, [])]
            ),
            lines=of_invoice[InvoiceLine].get(key, []),
            taxes=of_invoice[TaxLine].get(key, []),
            balances=rows[AccountBalance],
            late_fees=rows[LateFee],
            allowances=rows[AllowanceMovement],
            shares=rows[CallerShare],
            credits=rows[ServiceCredit],
            usage=rows[UsageTotal],
            analysis=rows[CallAnalysis],
        )


def _numbers(period: Period, held: list[Row]) -> list[str]:
    """The numbers in service on any day of the period, each once."""
    active = {
        row[Subscription.service_number]
        for row in held
        if period.days_active(row[Subscription.valid_from], row[Subscription.valid_to])
    }
    return sorted(active)
