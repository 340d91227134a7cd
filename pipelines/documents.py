"""Documents of a period: made for `run --documents` and `close`, and made again, one or all, by `documents`."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from billing.balances.stage import carry_balances
from billing.core.digests import json_sha256, table_digest
from billing.core.findings import refuse
from billing.core.period import Period
from billing.documents.model import Lang, Standing
from billing.documents.stage import make_documents, print_documents, print_lists
from billing.rate_book.book import RateBook
from billing.tables.calls import UsageTotal
from billing.tables.catalog import Agent, Carrier, Customer
from billing.tables.documents import DOCUMENT_TABLES, AgentBalance, CommissionLine, Invoice, InvoiceLine, TaxLine
from pipelines.books import Books
from pipelines.exports import check_folder
from pipelines.parts import parts_of, usage_of
from pipelines.past import rows_before, stored
from pipelines.progress import Progress
from pipelines.rate_book_of import book_of_snapshot

EARLIER = (Invoice, TaxLine, AgentBalance)
"""Tables of earlier periods that documents look back to."""
_BALANCED = (Invoice, InvoiceLine, CommissionLine)
_PRINTED_SETTINGS = {"company", "documents", "lang", "readings"}
_NAMED = (Customer, Agent, Carrier)


@dataclass(frozen=True)
class Made:
    """A document that was made again: where it lies, and whether it is what was published.

    Attributes:
        file: relative to the published period.
        is_published: False when the published period has no such file, or another one.
    """

    file: str
    is_published: bool


def names_digest(book: RateBook) -> str:
    """What documents say beside the tables of the month: our settings, who they are sent to, and names of the plans."""
    prices = book.prices
    told = {
        "settings": book.policy.model_dump(mode="json", include=_PRINTED_SETTINGS),
        "plans": {name: plan.words for name, plan in prices.retail.items()},
        "carriers": {name: plan.description for name, plan in prices.settlement.items()},
        "schemes": {name: scheme.description for name, scheme in prices.commission.items()},
        "taxes": {code: tax.description for code, tax in prices.tax.codes.items()},
    }
    return json_sha256(told | {table.name: table_digest(book.table(table.name)) for table in _NAMED})


def documents_of(
    books: Books,
    book: RateBook,
    period: Period,
    standing: Standing,
    progress: Progress,
    *,
    tables: Mapping[str, pl.DataFrame] | None = None,
    only: str | None = None,
    lang: Lang | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Every document of a period as PDF and workbook, and the carriers' lists: file name and bytes.

    Args:
        books: the books, with the period's tables.
        book: the rate book of the period's snapshot.
        period: the billing period.
        standing: draft, final or reprint.
        progress: told of every document.
        tables: the period's tables where they are at hand; read from the lake when None.
        only: one recipient.
        lang: zh or en; the books' own when None.
    """
    known = tables if tables is not None else tables_of(books, book, period)
    earlier = {table.name: rows_before(books, table, period) for table in EARLIER}
    count = 1 if only else sum(known[name].height for name in (Invoice.name, AgentBalance.name))
    printed = 0
    for name, content in print_documents(make_documents(known, earlier, book, period, standing, lang=lang, only=only)):
        printed += name.endswith(".pdf")
        progress.bar("documents", printed, count)
        yield name, content
    if lang in (None, book.policy.lang):
        yield from print_lists(known, period, standing, only)


def tables_of(books: Books, book: RateBook, period: Period) -> dict[str, pl.DataFrame]:
    """The document tables of a period as its last run or close left them, with the calls by day.

    A month that was made by a version without balances gets them as they follow from its bills and receipts.
    """
    tables = {table.name: stored(books, table, str(period)) for table in DOCUMENT_TABLES}
    commit = books.state.published(str(period))
    if commit is not None and AgentBalance.name not in commit.facts["digests"]:
        known = {table: pl.concat([rows_before(books, table, period), tables[table.name]]) for table in _BALANCED}
        tables |= carry_balances(period, known[Invoice], known[InvoiceLine], known[CommissionLine], book).tables
    return tables | {UsageTotal.name: usage_of(books, parts_of(books.state, str(period)))}


def make_again(
    books: Books, period: Period, progress: Progress, *, only: str | None, lang: Lang | None, to: Path | None
) -> Sequence[Made]:
    """Make a period's documents again from the lake, and hold them against what is published.

    Args:
        books: the books.
        period: a period with a draft or closed.
        progress: told of every document.
        only: one recipient: customer, agent or carrier id.
        lang: zh or en; the books' own when None.
        to: a folder for the documents; None only compares.

    Raises:
        Refusal: no draft, no such recipient, a character that no font has, or a folder that holds files or lies in the
            books; then nothing is written.
    """
    commit = books.state.published(str(period))
    if commit is None:
        raise refuse("NO_DRAFT", period=period)
    book = book_of_snapshot(books, commit.facts["snapshot"])
    standing: Standing = "final" if commit.kind == "close" else "draft"
    if to is not None:
        check_folder(books, to)
    made, beside = [], None if to is None else to.with_name(f".{to.name}.part")
    if beside is not None:
        shutil.rmtree(beside, ignore_errors=True)
    with progress.stage("documents"):
        for name, content in documents_of(books, book, period, standing, progress, only=only, lang=lang):
            published = books.path(f"published/{period}") / name
            made.append(Made(name, published.exists() and published.read_bytes() == content))
            if beside is not None:
                (beside / name).parent.mkdir(parents=True, exist_ok=True)
                (beside / name).write_bytes(content)
    if not made:
        raise refuse("RECIPIENT_UNKNOWN", period=period, recipient=only or "")
    if to is not None and beside is not None:
        shutil.rmtree(to, ignore_errors=True)
        beside.rename(to)
    return made
