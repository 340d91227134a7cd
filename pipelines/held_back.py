"""What of an ingest is not billed as it stands: copies of calls, rows that break a rule, records that contradict.

Each record has one fate: a copy is a duplicate whatever else is wrong with it, everything else held is in suspense
once, under the first reason in the order of precedence, with its line as received.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from billing.core.period import Period
from billing.ingest.identity import find_copies
from billing.ingest.layout import Layout
from billing.tables.calls import NOT_OURS, Cdr, Suspense
from pipelines.books import Books
from pipelines.commits import SourceFact
from pipelines.executors import side_by_side
from pipelines.parts import Part, left_out, parts_of
from pipelines.raw_text import RawFiles, kept_files, with_raw_text

LATE_MONTHS = 5
"""A call is billed late for so many months after its own; older ones wait in suspense and are written off by name."""
AHEAD_MONTHS = 12
"""A call so many months after the first open one comes from a clock that is wrong; no month is opened by it."""
EXPIRED, START_AHEAD = "EXPIRED", "START_AHEAD"
IDENTITY_CONFLICT = "IDENTITY_CONFLICT"


@dataclass(frozen=True)
class Accepted:
    """A file that was read and judged sound: its parts in the lake, and the rows its rules hold back (`Suspense`)."""

    path: Path
    source: SourceFact
    parts: Sequence[Part]
    held: pl.DataFrame


@dataclass(frozen=True)
class HeldBack:
    """Copies to drop (`Duplicate`) and records that wait (`Suspense`)."""

    duplicates: pl.DataFrame
    suspense: pl.DataFrame

    def left_out(self) -> pl.DataFrame:
        """Both as `pipelines.parts.left_out` gives them."""
        return pl.concat(
            [
                self.duplicates.select(
                    Cdr.cdr_id, Cdr.usage_date, fate=pl.lit("duplicate"), reason=pl.lit("DUPLICATE")
                ),
                self.suspense.select(Cdr.cdr_id, Cdr.usage_date, fate=pl.lit("suspense"), reason=Suspense.reason),
            ]
        )


def hold_back(books: Books, accepted: Sequence[Accepted], layouts: Sequence[Layout], open_from: Period) -> HeldBack:
    """Find what of the accepted files is not billed, looking at all stored calls around their days.

    Args:
        books: the books.
        accepted: the files that come in.
        layouts: what they are read under.
        open_from: the first period that is not closed.
    """
    new: dict[dt.date, list[Path]] = {}
    for part in (part for item in accepted for part in item.parts if part.day):
        assert part.day is not None, "undated lines have no identity"
        new.setdefault(part.day, []).append(books.path(part.cdr.path))
    stored: dict[dt.date, list[Path]] = {}
    closed: set[Path] = set()
    for part in parts_of(books.state):
        if part.day:
            stored.setdefault(part.day, []).append(books.path(part.cdr.path))
        if part.billing_period in books.state.closes:
            closed.add(books.path(part.cdr.path))
    out = left_out(books)
    known = out.filter(pl.col("fate") == "duplicate")[Cdr.cdr_id]
    windows = {layout.source_name: layout.identity.window_hours for layout in layouts}
    copies = find_copies(new, stored, known=known, closed=closed, window_hours=windows, carry_out=side_by_side)
    # A record that waits already is named again: what holds it back now must not go when the earlier step is undone.
    conflicts = _waiting(copies.conflicts.join(known.to_frame(), on=Cdr.cdr_id, how="anti"), IDENTITY_CONFLICT)
    out_of_reach = [_out_of_reach(books, part, open_from) for item in accepted for part in item.parts]
    files = {**kept_files(books), **at_hand(accepted)}
    unbilled = with_raw_text(pl.concat([Suspense.empty(), *out_of_reach, conflicts]), files)
    suspense = (
        pl.concat([*(item.held for item in accepted), unbilled])
        .unique(Suspense.cdr_id, keep="first", maintain_order=True)
        .join(copies.duplicates, on=Cdr.cdr_id, how="anti")
        .sort(Suspense.cdr_id)
    )
    return HeldBack(copies.duplicates, suspense)


def at_hand(accepted: Sequence[Accepted]) -> RawFiles:
    """The files of the step under way, where they lie."""
    return {item.source.file_number: (item.path, item.source.encoding) for item in accepted}


def _out_of_reach(books: Books, part: Part, open_from: Period) -> pl.DataFrame:
    """Calls of a month too long past to be billed (objections are no longer heard either) or too far ahead."""
    month = Period.of(part.day) if part.day else open_from
    if open_from.shifted(-LATE_MONTHS) <= month <= open_from.shifted(AHEAD_MONTHS):
        return Suspense.empty()
    calls = pl.scan_parquet(books.path(part.cdr.path), glob=False).filter(pl.col(Cdr.outcome).ne_missing(NOT_OURS))
    return _waiting(calls.collect(), EXPIRED if month < open_from else START_AHEAD)


def _waiting(calls: pl.DataFrame, reason: str) -> pl.DataFrame:
    """`Suspense` rows of calls that no row rule holds back."""
    rows = calls.with_columns(
        reason=pl.lit(reason),
        rule_id=pl.lit(None, pl.String),
        raw_text=pl.lit(None, pl.String),
        first_seen=pl.col(Cdr.usage_date),
    )
    return Suspense.conform(rows)
