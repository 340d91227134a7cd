"""Settlement sheets: what we owe a carrier, number by number, to be held against the carrier's own statement."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import polars as pl

from billing.core.money import yuan_exact
from billing.core.spreadsheet_cells import csv_text
from billing.documents.amount_words import capitals
from billing.documents.document_month import DocumentMonth
from billing.documents.model import Column, Document, Field, Figure, Grid, Notes, Section, Value
from billing.documents.names import settlement_plan_name
from billing.documents.parties import period_words, seller
from billing.documents.rows import Row, rows_by, sorted_table, total
from billing.documents.words import Words
from billing.rate_book.book import RateBook
from billing.tables.catalog import Carrier
from billing.tables.documents import SettlementLine

_IN_LISTS = tuple(column for column in SettlementLine.columns if column != SettlementLine.explanation)
_MONEY = (SettlementLine.net_micro, SettlementLine.tax_micro, SettlementLine.gross_micro)


def settlement_sheets(month: DocumentMonth) -> Iterator[Document]:
    """Every carrier's sheet of a month, in order of carrier."""
    carriers = month.book.table(Carrier.name).select(Carrier.carrier_id, Carrier.carrier_name)
    names = dict(carriers.iter_rows())
    for carrier_id, lines in _by_carrier(month.tables).items():
        if month.is_wanted(carrier_id):
            yield _sheet(carrier_id, names.get(carrier_id) or carrier_id, lines, month)


def settlement_csv(tables: Mapping[str, pl.DataFrame]) -> Iterator[tuple[str, str]]:
    """Carrier and its lines as CSV for spreadsheets: UTF-8 mark, amounts in yuan, no cell that runs as a formula."""
    headings = [str(column).removesuffix("_micro") for column in _IN_LISTS]
    for carrier_id, lines in _by_carrier(tables).items():
        rows = [
            [Decimal(yuan_exact(line[column])) if column.is_money else line[column] for column in _IN_LISTS]
            for line in lines
        ]
        yield carrier_id, csv_text(headings, rows)


def _by_carrier(tables: Mapping[str, pl.DataFrame]) -> dict[str, list[Row]]:
    return dict(sorted(rows_by(sorted_table(tables, SettlementLine), SettlementLine.carrier_id).items()))


def _sheet(carrier_id: str, name: str, lines: list[Row], month: DocumentMonth) -> Document:
    book, period, words = month.book, month.period, month.words
    net, tax, gross = (total(lines, column) for column in _MONEY)
    return Document(
        kind="settlement",
        recipient_id=carrier_id,
        recipient_name=name,
        period=str(period),
        lang=words.lang,
        standing=month.standing,
        issued_on=period.end,
        title=words("doc.settlement"),
        subtitle=words("settlement.subtitle"),
        seller=seller(book.policy.company, words),
        recipient=[Field(words("doc.carrier"), name), Field(words("doc.carrier_id"), carrier_id)],
        particulars=[
            Field(words("settlement.number"), f"{carrier_id}/{period}"),
            Field(words("doc.period"), period_words(period, words)),
            Field(words("doc.issued_on"), period.end, "date"),
        ],
        figures=[
            Figure(words("doc.net"), net),
            Figure(words("doc.tax"), tax),
            Figure(words("doc.settlement_due"), gross, strong=True),
        ],
        capitals=Field(words("settlement.payable_words"), capitals(gross)),
        sections=list(_sections(lines, book, words)),
        signatures=(words("settlement.carrier_signs"), words("statement.we_sign")),
    )


def _sections(lines: list[Row], book: RateBook, words: Words) -> Iterator[Section]:
    yield _by_rate(lines, book, words)
    yield _by_number(lines, book.policy.documents.paper_rows, words)
    yield Notes(words("doc.notes"), [words("settlement.note")])


def _by_rate(lines: list[Row], book: RateBook, words: Words) -> Grid:
    """The statement's total by plan and kind: the level at which two statements are compared first."""
    grouped: dict[tuple[str, str, int], list[Row]] = {}
    for line in lines:
        key = (
            settlement_plan_name(line[SettlementLine.settlement_rate_id], book, words),
            words(f"doc.kind.{line[SettlementLine.kind]}"),
            line[SettlementLine.vat_rate_bp],
        )
        grouped.setdefault(key, []).append(line)
    columns = (
        Column(words("doc.plan"), share=3),
        Column(words("doc.item"), share=2),
        Column(words("doc.tax_rate"), "percent"),
        *_sum_columns(words),
    )
    rows: list[Sequence[Value]] = [(*key, *_sums(grouped[key])) for key in sorted(grouped)]
    return Grid(words("settlement.by_rate"), columns, rows, (words("doc.total"), "", None, *_sums(lines)))


def _by_number(lines: list[Row], limit: int, words: Words) -> Grid:
    rows: list[Sequence[Value]] = [
        (
            line[SettlementLine.service_number],
            line[SettlementLine.settlement_rate_id],
            words(f"doc.kind.{line[SettlementLine.kind]}"),
            line[SettlementLine.usage_period],
            *_sums([line]),
        )
        for line in lines
    ]
    columns = (
        Column(words("doc.number"), share=2),
        Column(words("doc.plan"), share=3),
        Column(words("doc.item"), share=2),
        Column(words("doc.usage_period"), share=2),
        *_sum_columns(words),
    )
    totals: Sequence[Value] = (words("doc.total"), "", "", "", *_sums(lines))
    return Grid(words("settlement.by_number"), columns, rows, totals, sheet=words("sheet.numbers"), limit=limit)


def _sum_columns(words: Words) -> tuple[Column, ...]:
    return (
        Column(words("doc.calls"), "count"),
        Column(words("doc.minutes"), "seconds"),
        *(Column(words(f"doc.{name}"), "money") for name in ("net", "tax", "gross")),
    )


def _sums(lines: list[Row]) -> tuple[int, ...]:
    counts = (SettlementLine.call_count, SettlementLine.billed_seconds)
    return tuple(total(lines, column) for column in (*counts, *_MONEY))
