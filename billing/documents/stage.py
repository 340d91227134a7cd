"""Render a period's documents: values in, texts out. Publishing writes them; their bytes rest on the tables alone."""

from collections.abc import Mapping

import polars as pl

from billing.core.period import Period
from billing.documents.invoices import render_bills
from billing.documents.rendering import renderer
from billing.documents.settlement_sheets import render_settlement_sheets
from billing.documents.statements import render_statements
from billing.rate_book.book import RateBook


def render_documents(
    tables: Mapping[str, pl.DataFrame], book: RateBook, period: Period, status: str, lang: str | None = None
) -> dict[str, str]:
    """Every document of a period.

    Args:
        tables: invoice, invoice_line, tax_line, late_fee, commission_line, settlement_line.
        book: catalog, plans and policy.
        period: the billing period.
        status: draft or closed.
        lang: zh or en; the books' own language when None.

    Returns:
        File name relative to the published folder to text: `invoices/`, `statements/`, `settlement/`.
    """
    render = renderer(lang or book.policy.lang)
    documents = dict(render_bills(tables, book, status, render))
    documents.update(render_statements(tables, book, str(period), status, render))
    documents.update(render_settlement_sheets(tables, book, str(period), status, render))
    return documents
