"""What a month needs from the months before it: fees that arose, bills that went out, commission already stated."""

import polars as pl

from billing.charging.stage import charge_accounts
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.calls import UsageTotal
from billing.tables.documents import Charge, CommissionLine, InvoiceLine
from billing.tables.parquet import scan_tables
from billing.tables.schema import Table
from pipelines.books import Books
from pipelines.parts import CallsOf


def is_billed_here(books: Books, period: Period) -> bool:
    """Whether these books have closed a period."""
    return str(period) in books.state.closes


def stored(books: Books, table: type[Table], period: str) -> pl.DataFrame:
    """A document table of a period as the last run or close of it left it."""
    entries = [entry for entry in books.state.of_table(table.name) if entry.key["period"] == period]
    return scan_tables(books.paths(entries), table).collect()


def closed_before(books: Books, period: Period) -> list[str]:
    """Closed periods before one, in order."""
    return sorted(name for name in books.state.closes if name < str(period))


def fees_of_previous_month(books: Books, book: RateBook, period: Period) -> pl.DataFrame:
    """Charges of the month before: as closed, else worked out from the contracts (fees need no calls)."""
    previous = period.shifted(-1)
    if is_billed_here(books, previous):
        return stored(books, Charge, str(previous))
    return charge_accounts(previous, UsageTotal.empty(), CallsOf(books, []), book).tables[Charge.name]


def commission_before(books: Books, period: Period) -> pl.DataFrame:
    """Commission lines of all closed periods before this one."""
    return pl.concat(
        [CommissionLine.empty(), *(stored(books, CommissionLine, name) for name in closed_before(books, period))]
    )


def billed_before(books: Books, period: Period, lines: pl.DataFrame) -> pl.DataFrame:
    """What each contract was billed by period: contract_id, period, gross_micro; this period's lines included."""
    past = [stored(books, InvoiceLine, name).with_columns(period=pl.lit(name)) for name in closed_before(books, period)]
    return (
        pl.concat([lines.with_columns(period=pl.lit(str(period))), *past])
        .group_by("contract_id", "period")
        .agg(pl.col(InvoiceLine.gross_micro).sum())
        .sort("contract_id", "period")
    )
