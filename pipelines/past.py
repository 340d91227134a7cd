"""What a month needs from the months before it: fees that arose, bills that went out, commission already stated."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from billing.charging.fees_due import billed_ahead
from billing.charging.stage import charge_accounts
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.calls import UsageTotal
from billing.tables.documents import LATE_FEE_WAIVER, AllowanceMovement, Charge, Invoice, InvoiceLine
from billing.tables.parquet import scan_tables
from billing.tables.schema import Table
from pipelines.books import Books
from pipelines.parts import CallsOf, Part, parts_of, usage_of


@dataclass(frozen=True)
class LateMonth:
    """An earlier month of which calls are billed now.

    Attributes:
        before: its parts as billed so far, earlier late calls included.
        after: the same with the late calls.
        usage_before: usage totals of `before`; likewise `usage_after`.
        is_billed_here: whether these books closed the month itself.
    """

    period: Period
    before: Sequence[Part]
    after: Sequence[Part]
    usage_before: pl.DataFrame
    usage_after: pl.DataFrame
    is_billed_here: bool


def late_months(books: Books, period: Period) -> list[LateMonth]:
    """The earlier months of which calls are billed in a period, in order."""
    by_month: dict[Period, list[Part]] = {}
    for part in parts_of(books.state):
        if part.day and Period.of(part.day) < period and part.billing_period <= str(period):
            by_month.setdefault(Period.of(part.day), []).append(part)
    found = []
    for month, after in sorted(by_month.items()):
        before = [part for part in after if part.billing_period < str(period)]
        if len(before) < len(after):
            usage = (usage_of(books, before), usage_of(books, after))
            found.append(LateMonth(month, before, after, *usage, is_billed_here(books, month)))
    return found


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
    none = UsageTotal.empty(), CallsOf(books, []), book, AllowanceMovement.empty()
    before = charge_accounts(previous.shifted(-1), *none).tables[Charge.name]
    return charge_accounts(previous, *none, ahead=billed_ahead(before, previous)).tables[Charge.name]


def receipts_since(books: Books, book: RateBook, period: Period) -> Period:
    """The first period whose receipts a period states: all of the books while none before it is open, else its own."""
    start, previous = book.policy.start, period.shifted(-1)
    return start if previous < start or is_billed_here(books, previous) else period


def rows_before(books: Books, table: type[Table], period: Period) -> pl.DataFrame:
    """The rows of a document table of all closed periods before this one."""
    return pl.concat([table.empty(), *(stored(books, table, name) for name in closed_before(books, period))])


def bills_of(invoices: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """What bills are of, by contract: contract_id, period, due_date, gross_micro; late fees and their waivers apart."""
    is_late_fee = (pl.col(InvoiceLine.kind) == "late_fee") | (pl.col(InvoiceLine.item) == LATE_FEE_WAIVER)
    return (
        lines.filter(~is_late_fee)
        .join(invoices.select(Invoice.invoice_key, Invoice.period, Invoice.due_date), on=InvoiceLine.invoice_key)
        .group_by(InvoiceLine.contract_id, Invoice.period, Invoice.due_date)
        .agg(pl.col(InvoiceLine.gross_micro).sum())
        .sort(InvoiceLine.contract_id, Invoice.period)
    )
