"""Customer bills: one a customer, everything needed to understand and pay it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from billing.documents.file_names import file_stem
from billing.documents.readings import bill_readings
from billing.documents.rendering import Renderer
from billing.rate_book.book import RateBook
from billing.tables.catalog import Customer
from billing.tables.documents import Invoice, InvoiceLine, LateFee, TaxLine


def render_bills(
    tables: Mapping[str, pl.DataFrame], book: RateBook, status: str, renderer: Renderer
) -> Iterator[tuple[str, str]]:
    """File name and HTML of every bill.

    Args:
        tables: invoice, invoice_line and tax_line; late_fee where there is one.
        book: customers, company, plans.
        status: draft or closed.
        renderer: of the language wanted.
    """
    lines = rows_by(tables[InvoiceLine.name].sort(InvoiceLine.key), InvoiceLine.invoice_key)
    taxes = rows_by(tables[TaxLine.name].sort(TaxLine.key), TaxLine.invoice_key)
    late_fees = rows_by(tables.get(LateFee.name, LateFee.empty()).sort(LateFee.key), LateFee.customer_id)
    customers = {row[Customer.customer_id]: row for row in book.table(Customer.name).iter_rows(named=True)}
    for invoice in tables[Invoice.name].sort(Invoice.key).iter_rows(named=True):
        own = [_shown(line, renderer, book) for line in lines.get(invoice[Invoice.invoice_key], [])]
        rate_ids = {line[InvoiceLine.rate_id] for line in own if line[InvoiceLine.rate_id]}
        yield (
            bill_name(invoice[Invoice.customer_id]),
            renderer.render(
                "invoice",
                status=status,
                invoice=invoice,
                lines=own,
                taxes=taxes.get(invoice[Invoice.invoice_key], []),
                late_fees=late_fees.get(invoice[Invoice.customer_id], []),
                customer=customers.get(invoice[Invoice.customer_id]),
                company=book.policy.company,
                readings=bill_readings(book, rate_ids),
            ),
        )


def bill_name(customer_id: str) -> str:
    """Where a customer's bill lies in the published folder."""
    return f"invoices/{file_stem(customer_id)}.html"


def rows_by(frame: pl.DataFrame, column: str) -> dict[Any, list[dict[str, Any]]]:
    """Rows as dictionaries, grouped by one column, in the order they come."""
    grouped: dict[Any, list[dict[str, Any]]] = {}
    for row in frame.iter_rows(named=True):
        grouped.setdefault(row[column], []).append(row)
    return grouped


def _shown(line: dict[str, Any], renderer: Renderer, book: RateBook) -> dict[str, Any]:
    item, rate_id = line[InvoiceLine.item], line[InvoiceLine.rate_id]
    of_plan = book.retail_by_rate(rate_id)[0].words.get(item, {}) if rate_id else {}
    item_words = of_plan.get("zh" if renderer.lang == "zh" else "en") or renderer.words(f"item.{item}")
    reason = json.loads(line[InvoiceLine.explanation] or "{}").get("reason", "")
    return {**line, "item_words": item_words, "reason": reason}
