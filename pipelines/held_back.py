"""What of an ingest is not billed as it stands: copies of calls, rows that break a rule, records that contradict.

Each record has one fate: a copy is a duplicate whatever else is wrong with it, everything else held is in suspense
once, under the first reason in the order of precedence, with its line as received.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from billing.ingest.identity import Copies, find_copies
from billing.ingest.layout import Layout
from billing.tables.calls import LINES_PER_FILE, Cdr, Joined, Suspense
from pipelines.books import Books
from pipelines.commits import SourceFact
from pipelines.executors import side_by_side
from pipelines.parts import Part, calls_superseded, left_out, parts_of
from pipelines.raw_text import RawFiles, kept_files, with_raw_text
from pipelines.waiting import WaitingPart

IDENTITY_CONFLICT = "IDENTITY_CONFLICT"
GIVEN_UP = "written_off"


@dataclass(frozen=True)
class Accepted:
    """A file that was read: its parts in the lake.

    Of a file whose records are not calls by themselves, these are the calls it completed; `waiting` are the parts with
    its records, `held_records` those that cannot be part of a call (`Suspense`).
    """

    path: Path
    source: SourceFact
    parts: Sequence[Part]
    waiting: Sequence[WaitingPart] = ()
    held_records: pl.DataFrame = field(default_factory=Suspense.empty)


@dataclass(frozen=True)
class HeldBack:
    """Copies to drop (`Duplicate`), records that wait (`Suspense`), calls that were put together again (`Joined`)."""

    duplicates: pl.DataFrame
    suspense: pl.DataFrame
    superseded: pl.DataFrame = field(default_factory=Joined.empty)

    def left_out(self) -> pl.DataFrame:
        """All of them as `pipelines.parts.left_out` gives them."""
        return pl.concat(
            [
                self.duplicates.select(
                    Cdr.cdr_id, Cdr.usage_date, fate=pl.lit("duplicate"), reason=pl.lit("DUPLICATE")
                ),
                self.suspense.select(Cdr.cdr_id, Cdr.usage_date, fate=pl.lit("suspense"), reason=Suspense.reason),
                calls_superseded(self.superseded),
            ]
        )


def settled_records(books: Books) -> pl.Series:
    """Records that nothing can repeat or contradict any more: copies, and what is billed under another id."""
    settled: pl.Series = left_out(books).filter(~pl.col("fate").is_in(["suspense", GIVEN_UP]))[Cdr.cdr_id]
    return settled


def records_given_up(books: Books) -> pl.Series:
    """Records that were written off: sent again they are copies, and they contradict nothing."""
    given_up: pl.Series = left_out(books).filter(pl.col("fate") == GIVEN_UP)[Cdr.cdr_id]
    return given_up


def find_repeated(
    books: Books, found: Sequence[Accepted], layouts: Sequence[Layout], leaving: pl.Series | None = None
) -> Copies:
    """Copies among the records of new files and contradictions, looking at all stored calls around their days.

    Args:
        books: the books.
        found: the files that come in.
        layouts: what they are read under.
        leaving: records that leave suspense by the step under way.
    """
    new: dict[dt.date, list[Path]] = {}
    for part in (part for item in found for part in item.parts if part.day):
        assert part.day is not None, "undated lines have no identity"
        new.setdefault(part.day, []).append(books.path(part.cdr.path))
    stored: dict[dt.date, list[Path]] = {}
    closed: set[Path] = set()
    for part in parts_of(books.state):
        if part.day:
            stored.setdefault(part.day, []).append(books.path(part.cdr.path))
        if part.billing_period in books.state.closes:
            closed.add(books.path(part.cdr.path))
    known, given_up = settled_records(books), records_given_up(books)
    if leaving is not None:
        known, given_up = pl.concat([known, leaving]), given_up.filter(~given_up.is_in(leaving.implode()))
    windows = {layout.source_name: layout.identity.window_hours for layout in layouts}
    return find_copies(
        new, stored, known=known, given_up=given_up, closed=closed, window_hours=windows, carry_out=side_by_side
    )


def hold_back(books: Books, accepted: Sequence[Accepted], repeated: Copies, judged: pl.DataFrame) -> HeldBack:
    """What of accepted files is not billed.

    Args:
        books: the books.
        accepted: the files that are read.
        repeated: their copies and contradictions.
        judged: calls that the gate holds back, as its `HELD` schema.
    """
    known = settled_records(books)
    seen = {
        item.source.file_number: dt.date.fromisoformat(item.source.first_seen) if item.source.first_seen else None
        for item in accepted
    }
    first_seen = (pl.col(Cdr.cdr_id) // LINES_PER_FILE).replace_strict(seen, default=None, return_dtype=pl.Date)
    held = Suspense.conform(judged.with_columns(raw_text=pl.lit(None, pl.String), first_seen=first_seen))
    # A record that waits already is named again: what holds it back now must not go when the earlier step is undone.
    conflicts = suspense_rows(repeated.conflicts.join(known.to_frame(), on=Cdr.cdr_id, how="anti"), IDENTITY_CONFLICT)
    suspense = (
        pl.concat([held, conflicts])
        .unique(Suspense.cdr_id, keep="first", maintain_order=True)
        .join(repeated.duplicates, on=Cdr.cdr_id, how="anti")
        .sort(Suspense.cdr_id)
    )
    return HeldBack(repeated.duplicates, with_raw_text(suspense, {**kept_files(books), **at_hand(accepted)}))


def at_hand(accepted: Sequence[Accepted]) -> RawFiles:
    """The files of the step under way, where they lie."""
    return {item.source.file_number: (item.path, item.source.encoding) for item in accepted}


def suspense_rows(calls: pl.DataFrame, reason: str) -> pl.DataFrame:
    """`Suspense` rows of calls that no row rule holds back."""
    rows = calls.with_columns(
        reason=pl.lit(reason),
        rule_id=pl.lit(None, pl.String),
        raw_text=pl.lit(None, pl.String),
        first_seen=pl.col(Cdr.usage_date),
    )
    return Suspense.conform(rows)
