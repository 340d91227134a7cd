"""Credit notes: what a bill takes back on an e-fapiao line, and the earlier lines a red-letter fapiao may refer to.

A red-letter fapiao reverses a blue one, by tax code and rate, and never for more than is left of it (domain rule 4.5).
The sheet has what is needed to ask for one; numbers that the tax platform gives are left to be filled in.
"""

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from billing.core.period import Period
from billing.documents.amount_words import capitals
from billing.documents.bills.charges import how_it_came, item_name
from billing.documents.document_month import DocumentMonth
from billing.documents.model import Column, Document, Field, Figure, Grid, Notes
from billing.documents.names import tax_name
from billing.documents.parties import period_words, seller
from billing.documents.rows import Row, rows_by, total
from billing.documents.words import Words
from billing.rate_book.book import RateBook
from billing.tables.catalog import Customer
from billing.tables.documents import Invoice, InvoiceLine, TaxLine

_MONEY = (TaxLine.net_micro, TaxLine.tax_micro, TaxLine.gross_micro)


def credit_notes(month: DocumentMonth) -> Iterator[Document]:
    """The sheet of every customer whose bill has an e-fapiao line below zero, in the order of the invoices."""
    taxes = rows_by(below_zero(month.rows(TaxLine)), TaxLine.invoice_key)
    lines = rows_by(month.rows(InvoiceLine), InvoiceLine.invoice_key)
    left = _left_of_blue(month)
    customers = {row[Customer.customer_id]: row for row in month.book.table(Customer.name).iter_rows(named=True)}
    for invoice in month.rows(Invoice).iter_rows(named=True):
        credits = taxes.get(invoice[Invoice.invoice_key])
        customer_id = invoice[Invoice.customer_id]
        if credits and month.is_wanted(customer_id):
            own, blue = lines.get(invoice[Invoice.invoice_key], []), left.get(customer_id, [])
            yield _note(invoice, customers.get(customer_id), credits, own, blue, month)


def below_zero(taxes: pl.DataFrame) -> pl.DataFrame:
    """The e-fapiao lines that a credit note is made of."""
    return taxes.filter(pl.col(TaxLine.gross_micro) < 0)


def _left_of_blue(month: DocumentMonth) -> dict[str, list[Row]]:
    """E-fapiao lines of earlier bills by customer, latest first, with what credits since have left of them.

    A credit goes to the latest lines of its code and rate first, as far as they reach.
    """
    invoices = {row[Invoice.invoice_key]: row for row in month.rows_before(Invoice).iter_rows(named=True)}
    left: dict[str, list[Row]] = {}
    for line in month.rows_before(TaxLine).iter_rows(named=True):
        invoice = invoices[line[TaxLine.invoice_key]]
        told = {**line, **invoice, **{name: line[name] for name in _MONEY}, "left": line[TaxLine.gross_micro]}
        left.setdefault(invoice[Invoice.customer_id], []).append(told)
    for lines in left.values():
        lines.sort(key=lambda line: line[Invoice.period], reverse=True)
        for credit in [line for line in reversed(lines) if line["left"] < 0]:
            draw(credit, [line for line in lines if line[Invoice.period] < credit[Invoice.period]])
    return {customer: [line for line in lines if line["left"] > 0] for customer, lines in left.items()}


def draw(credit: Mapping[str, int | str], blue: Sequence[Row]) -> list[tuple[Row, int]]:
    """Take a credit off the lines of its code and rate, in order: each line drawn from and how much (micro)."""
    wanted, drawn = -int(credit[TaxLine.gross_micro]), []
    for line in blue:
        same = all(line[name] == credit[name] for name in (TaxLine.tax_code, TaxLine.vat_rate_bp))
        amount = min(wanted, line["left"]) if same else 0
        if amount > 0:
            line["left"] -= amount
            wanted -= amount
            drawn.append((line, amount))
    return drawn


def _note(
    invoice: Row,
    customer: Row | None,
    credits: list[Row],
    lines: list[Row],
    blue: list[Row],
    month: DocumentMonth,
) -> Document:
    book, words = month.book, month.words
    period = Period.parse(invoice[Invoice.period])
    net, tax, gross = (total(credits, column) for column in _MONEY)
    return Document(
        kind="credit_note",
        recipient_id=invoice[Invoice.customer_id],
        recipient_name=invoice[Invoice.customer_name],
        period=str(period),
        lang=words.lang,
        standing=month.standing,
        issued_on=period.end,
        title=words("credit.title"),
        subtitle=words("credit.subtitle"),
        seller=seller(book.policy.company, words),
        recipient=[
            Field(words("doc.customer"), invoice[Invoice.customer_name]),
            Field(words("doc.customer_id"), invoice[Invoice.customer_id]),
            Field(words("doc.tax_number"), (customer or {}).get(Customer.tax_number) or words("doc.none")),
        ],
        particulars=[
            Field(words("doc.bill_number"), invoice[Invoice.invoice_number] or words("doc.no_number_yet")),
            Field(words("doc.period"), period_words(period, words)),
            Field(words("doc.issued_on"), period.end, "date"),
        ],
        figures=[
            Figure(words("doc.net"), net),
            Figure(words("doc.tax"), tax),
            Figure(words("credit.gross"), gross, strong=True),
        ],
        capitals=Field(words("credit.in_words"), capitals(gross)),
        sections=[
            _credits(credits, book, words),
            _originals(credits, blue, book, words),
            _reasons(credits, lines, book, words),
            Notes(words("doc.notes"), [words("credit.note"), words("credit.confirm"), words("credit.partial")]),
        ],
    )


def _credits(credits: list[Row], book: RateBook, words: Words) -> Grid:
    rows = [
        (
            tax_name(line[TaxLine.tax_code], book, words),
            line[TaxLine.classification_code],
            line[TaxLine.vat_rate_bp],
            *(line[name] for name in _MONEY),
        )
        for line in credits
    ]
    columns = (
        Column(words("doc.tax_code"), share=3),
        Column(words("doc.classification"), share=3),
        Column(words("doc.tax_rate"), "percent"),
        *(Column(words(f"doc.{name}"), "money") for name in ("net", "tax", "gross")),
    )
    return Grid(
        words("credit.lines"),
        columns,
        rows,
        (words("doc.total"), "", None, *(total(credits, name) for name in _MONEY)),
        sheet=words("sheet.credit"),
    )


def _originals(credits: list[Row], blue: list[Row], book: RateBook, words: Words) -> Grid:
    """The earlier lines that the credits may refer to; what none of them covers is said."""
    rows: list[tuple[str | int | None, ...]] = []
    for credit in credits:
        drawn = draw(credit, blue)
        tax = tax_name(credit[TaxLine.tax_code], book, words)
        rate = credit[TaxLine.vat_rate_bp]
        for line, amount in drawn:
            rows.append(
                (line[Invoice.invoice_number], line[Invoice.period], tax, rate, line[TaxLine.gross_micro], -amount, "")
            )
        rest = credit[TaxLine.gross_micro] + sum(amount for _, amount in drawn)
        if rest:
            rows.append((words("credit.no_original"), "", tax, rate, None, rest, ""))
    columns = (
        Column(words("credit.original"), share=3),
        Column(words("doc.period"), share=2),
        Column(words("doc.tax_code"), share=3),
        Column(words("doc.tax_rate"), "percent"),
        Column(words("credit.original_gross"), "money"),
        Column(words("credit.taken"), "money"),
        Column(words("credit.blue_number"), share=4),
    )
    return Grid(words("credit.originals"), columns, rows, note=words("credit.originals_note"))


def _reasons(credits: list[Row], lines: list[Row], book: RateBook, words: Words) -> Grid:
    """The lines of the bill that take something back, with their reasons."""
    codes = {(line[TaxLine.tax_code], line[TaxLine.vat_rate_bp]) for line in credits}
    rows = [
        (
            line[InvoiceLine.service_number] or words("doc.none"),
            item_name(line, book, words),
            how_it_came(line, book, words),
            line[InvoiceLine.gross_micro],
        )
        for line in lines
        if (line[InvoiceLine.tax_code], line[InvoiceLine.vat_rate_bp]) in codes
    ]
    columns = (
        Column(words("doc.number"), share=2),
        Column(words("doc.item"), share=3),
        Column(words("credit.reason"), share=5),
        Column(words("doc.gross"), "money"),
    )
    return Grid(words("credit.reasons"), columns, rows, (words("doc.total"), "", "", total(credits, "gross_micro")))
