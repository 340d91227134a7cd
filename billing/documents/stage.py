"""Make a period's documents: from tables to what each says, and from there to PDF and workbook.

A document is worked out once; paper and workbook print the same model, so they cannot differ in an amount.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

import polars as pl

from billing.core.period import Period
from billing.documents.bills.bill import bills
from billing.documents.credit_notes import credit_notes
from billing.documents.document_month import DocumentMonth
from billing.documents.model import Document, Lang, Standing
from billing.documents.places import place, place_of
from billing.documents.settlement_sheets import settlement_csv, settlement_sheets
from billing.documents.statements.statement import statements
from billing.documents.words import Words
from billing.documents.workbook import write_workbook
from billing.rate_book.book import RateBook


def make_documents(
    tables: Mapping[str, pl.DataFrame],
    earlier: Mapping[str, pl.DataFrame],
    book: RateBook,
    period: Period,
    standing: Standing,
    *,
    lang: Lang | None = None,
    only: str | None = None,
) -> Iterator[Document]:
    """What every document of a period says: bills, credit notes, commission statements, settlement sheets.

    Args:
        tables: the document tables of the period and usage_total.
        earlier: invoice, tax_line and agent_balance rows of the closed periods before it.
        book: catalog, plans and policy.
        period: the billing period.
        standing: draft, final or reprint.
        lang: zh or en; the books' own language when None.
        only: documents of one recipient: customer, agent or carrier id.
    """
    month = DocumentMonth(period, tables, earlier, book, standing, Words(lang or book.policy.lang), only)
    return chain(bills(month), credit_notes(month), statements(month), settlement_sheets(month))


def print_documents(documents: Iterator[Document]) -> Iterator[tuple[str, bytes]]:
    """Each document as PDF and as workbook: file name relative to the published folder, and bytes."""
    # Imported here: who makes no documents does not pay for typst.
    from billing.documents.pdf.printer import print_pdfs

    for document, pdf in print_pdfs(documents):
        yield place_of(document, ".pdf"), pdf
        yield place_of(document, ".xlsx"), write_workbook(document, Words(document.lang))


def missing_characters(texts: Iterable[str]) -> list[str]:
    """The characters of some texts that no font can show."""
    from billing.documents.pdf import printer

    return printer.missing_characters(texts)


def print_lists(
    tables: Mapping[str, pl.DataFrame], period: Period, standing: Standing, only: str | None = None
) -> Iterator[tuple[str, bytes]]:
    """The carriers' sheets as CSV, to be compared by machine: file name and bytes."""
    for carrier_id, text in settlement_csv(tables):
        if only not in (None, carrier_id):
            continue
        yield place("settlement", carrier_id, str(period), ".csv", standing), text.encode("utf-8")
