"""Documents that no row of the report leads to: statements of account, credit notes, bills of lost contracts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from billing.documents.bills.account import recipients
from billing.documents.credit_notes import below_zero
from billing.rate_book.book import RateBook
from billing.tables.catalog import Customer
from billing.tables.documents import AccountBalance, Invoice, TaxLine


@dataclass(frozen=True)
class Other:
    """A document; `named` is what it is called: a statement of account is a bill of nothing."""

    kind: Literal["bill", "credit_note"]
    named: Literal["bill", "account", "credit_note"]
    customer_id: str
    customer_name: str


def other_documents(tables: Mapping[str, pl.DataFrame], book: RateBook, linked: Collection[str | None]) -> list[Other]:
    """Bills of customers without a link of their own, then credit notes, each by customer.

    Args:
        tables: invoice, tax_line, account_balance.
        book: the customers' names.
        linked: customers whose bill is linked elsewhere.
    """
    invoices = tables[Invoice.name]
    names = dict(book.table(Customer.name).select(Customer.customer_id, Customer.customer_name).iter_rows())
    names |= dict(invoices.select(Invoice.customer_id, Invoice.customer_name).iter_rows())
    billed = set(invoices[Invoice.customer_id])
    bills = [
        Other("bill", "bill" if customer in billed else "account", customer, names.get(customer) or "")
        for customer in recipients(invoices, tables[AccountBalance.name])
        if customer not in linked
    ]
    taken_back = below_zero(tables[TaxLine.name])[TaxLine.invoice_key].implode()
    credited = invoices.filter(pl.col(Invoice.invoice_key).is_in(taken_back))[Invoice.customer_id].unique().sort()
    return [*bills, *(Other("credit_note", "credit_note", key, names.get(key) or "") for key in credited)]
