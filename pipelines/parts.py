"""Parts: the calls of one usage date that one file brought, and everything derived from them, read off the commits."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from billing.core.period import Period
from billing.tables.calls import (
    LINES_PER_FILE,
    NOT_OURS,
    TEST_CALL,
    Cdr,
    Duplicate,
    Joined,
    RatedCall,
    Recycled,
    Suspense,
    UsageTotal,
    WrittenOff,
)
from billing.tables.parquet import scan_tables
from billing.tables.schema import Table
from pipelines.books import Books
from pipelines.commits import FileEntry, State
from pipelines.waiting import superseded

SUPERSEDED_CALL = "SUPERSEDED"
UNRATED = "unrated"
"""Table name of the suspense rows that rating made; they are made again whenever the part is rated again."""


@dataclass(frozen=True)
class Part:
    """One part and its files; `day` is None for lines without a readable start."""

    day: dt.date | None
    file_number: int
    billing_period: str
    cdr: FileEntry
    rated: FileEntry | None
    totals: FileEntry | None
    unrated: FileEntry | None

    @property
    def name(self) -> str:
        """`2026-10-03/17`: how the part and its calls are printed."""
        return f"{self.day or 'undated'}/{self.file_number}"

    @property
    def order(self) -> tuple[dt.date, int]:
        """Parts are worked in the order of day and file."""
        return (self.day or dt.date.min, self.file_number)

    @property
    def fingerprint(self) -> str | None:
        """What the rated files rest on; None when the part was never rated."""
        return str(self.rated.key["fingerprint"]) if self.rated else None


def part_key(day: dt.date | None, file_number: int) -> dict[str, str | int | None]:
    """How a file entry names its part."""
    return {"day": day.isoformat() if day else None, "file": file_number}


def parts_of(state: State, billing_period: str | None = None) -> list[Part]:
    """Live parts, by day and file; only those of one billing period when it is given."""
    derived: dict[tuple[str, str | None, int], FileEntry] = {}
    for table in (RatedCall.name, UsageTotal.name, UNRATED):
        for entry in state.of_table(table):
            derived[table, entry.key["day"], entry.key["file"]] = entry
    parts = []
    for entry in state.of_table(Cdr.name):
        if billing_period is not None and entry.key["billing_period"] != billing_period:
            continue
        day, number = entry.key["day"], entry.key["file"]
        files = (derived.get((table, day, number)) for table in (RatedCall.name, UsageTotal.name, UNRATED))
        rated, totals, unrated = files
        date = dt.date.fromisoformat(day) if day else None
        parts.append(Part(date, number, entry.key["billing_period"], entry, rated, totals, unrated))
    return sorted(parts, key=lambda part: part.order)


def is_formed(part: Part) -> bool:
    """Whether its calls were put together from records that lie under `lake/waiting`."""
    return "formed" in part.cdr.key


def left_out(books: Books) -> pl.DataFrame:
    """Every call that is not billed as it stands, once.

    Returns:
        cdr_id, usage_date, fate (duplicate, suspense, written_off or recycled; joined or replaced where the call was
        put together again with a later record), reason.
    """
    frames = [
        calls_superseded(superseded(books)).lazy(),
        _fate(books, Duplicate, "duplicate", pl.lit("DUPLICATE")),
        _fate(books, Recycled, "recycled", pl.lit("RECYCLED")),
        _fate(books, WrittenOff, "written_off", pl.lit("WRITTEN_OFF")),
        held_by_ingest(books)
        .lazy()
        .select(Cdr.cdr_id, Cdr.usage_date, fate=pl.lit("suspense"), reason=Suspense.reason),
    ]
    # What became of a record in suspense stands before that it was there.
    return pl.concat(frames).collect().unique(Cdr.cdr_id, keep="first", maintain_order=True)


def _fate(books: Books, table: type[Table], fate: str, reason: pl.Expr) -> pl.LazyFrame:
    rows = scan_tables(books.paths(books.state.of_table(table.name)), table)
    return rows.select(Cdr.cdr_id, Cdr.usage_date, fate=pl.lit(fate), reason=reason)


def calls_superseded(gone: pl.DataFrame) -> pl.DataFrame:
    """Calls that were put together again (`Joined` rows) as `left_out` gives them, with the day each had as a call."""
    return gone.select(Cdr.cdr_id, Cdr.usage_date, Joined.fate, reason=pl.lit(SUPERSEDED_CALL))


def held_by_ingest(books: Books) -> pl.DataFrame:
    """`Suspense` rows of every ingest; a record that several steps hold back stands under the first reason."""
    held = scan_tables(books.paths(books.state.of_table(Suspense.name)), Suspense).collect()
    return held.unique(Suspense.cdr_id, keep="first", maintain_order=True)


def of_part(frame: pl.DataFrame, part: Part) -> pl.DataFrame:
    """The rows of a frame with cdr_id and usage_date that belong to a part."""
    return frame.filter(
        pl.col(Cdr.cdr_id) // LINES_PER_FILE == part.file_number, pl.col(Cdr.usage_date).eq_missing(pl.lit(part.day))
    )


def calls_to_bill(books: Books, part: Part, excluded: pl.Series) -> pl.LazyFrame:
    """The part's calls without duplicates and suspense, in input order."""
    calls = scan_tables([books.path(part.cdr.path)], Cdr)
    return calls.filter(~pl.col(Cdr.cdr_id).is_in(excluded.implode())) if len(excluded) else calls


def usage_of(books: Books, parts: Iterable[Part]) -> pl.DataFrame:
    """Usage totals of parts, added up over files."""
    entries = [part.totals for part in parts if part.totals]
    measures = [column for column in UsageTotal.columns if column not in UsageTotal.key]
    return (
        scan_tables(books.paths(entries), UsageTotal)
        .group_by(UsageTotal.key)
        .agg(pl.col(measure).sum() for measure in measures)
        .sort(UsageTotal.key)
        .pipe(UsageTotal.conform_lazy)
        .collect()
    )


def rated_calls(books: Books, parts: Iterable[Part]) -> pl.LazyFrame:
    """The rated calls of parts."""
    return scan_tables(books.paths([part.rated for part in parts if part.rated]), RatedCall)


CALLS_A_PASS = 5_000_000
"""Calls that are looked through in one go: a pass over all of a large month holds more than one needs (measured)."""


def calls_as_received(books: Books, parts: Iterable[Part], usage: pl.DataFrame) -> list[pl.LazyFrame]:
    """The rated calls of parts as their files told them, test calls left out, so many at a time.

    Args:
        books: the books.
        parts: the parts.
        usage: their usage totals, which know on which days lines were tested.

    Returns:
        `Cdr` rows, without what is not ours, copies and suspense; together they are all of them.
    """
    rated = [part for part in parts if part.rated and part.rated.rows]
    is_test = pl.col(RatedCall.free_reason) == TEST_CALL
    test_days = usage.filter(is_test)[UsageTotal.usage_date].unique().to_list()
    tests = rated_calls(books, [part for part in rated if part.day in test_days]).filter(is_test)
    of_files = pl.col(Cdr.cdr_id) // LINES_PER_FILE
    held_back = left_out(books).filter(of_files.is_in(sorted({part.file_number for part in rated})))
    out = pl.concat(
        [held_back[Cdr.cdr_id], unrated_of(books, rated)[Cdr.cdr_id], tests.select(Cdr.cdr_id).collect()[Cdr.cdr_id]]
    )
    passes: list[list[FileEntry]] = [[]]
    for part in rated:
        if sum(entry.rows for entry in passes[-1]) + part.cdr.rows > CALLS_A_PASS and passes[-1]:
            passes.append([])
        passes[-1].append(part.cdr)
    found = [scan_tables(books.paths(own), Cdr).filter(pl.col(Cdr.outcome) != NOT_OURS) for own in passes]
    return [calls.filter(~pl.col(Cdr.cdr_id).is_in(out.implode())) for calls in found] if len(out) else found


def unrated_of(books: Books, parts: Iterable[Part]) -> pl.DataFrame:
    """Calls of parts that rating could not price."""
    entries = [part.unrated for part in parts if part.unrated]
    return scan_tables(books.paths(entries), Suspense).collect()


class CallsOf:
    """Calls of a few numbers on a few days, with what ordering needs: asked only where order decides."""

    def __init__(self, books: Books, parts: Sequence[Part]) -> None:
        self.books, self.parts = books, parts

    def __call__(self, days: Sequence[dt.date], numbers: Sequence[str]) -> pl.DataFrame:
        """Rated calls of the numbers on the days.

        Returns:
            cdr_id, service_number, contract_id, rate_id, source, call_id, caller, started_at, ended_at, talk_ms,
            outcome, free_reason, charged_seconds, amount_micro, rest_parts, settlement_micro.
        """
        frames = [self._of_part(part, numbers) for part in self.parts if part.rated and part.day in days]
        types = Cdr.schema() | RatedCall.schema()
        empty = pl.LazyFrame(schema={name: types[name] for name in _ORDERED})
        return pl.concat([empty, *frames]).collect()

    def _of_part(self, part: Part, numbers: Sequence[str]) -> pl.LazyFrame:
        assert part.rated is not None
        rated = scan_tables([self.books.path(part.rated.path)], RatedCall).with_columns(
            pl.col(RatedCall.rest_parts).fill_null(0)
        )
        calls = pl.scan_parquet(self.books.path(part.cdr.path), glob=False)
        return (
            rated.filter(pl.col(RatedCall.service_number).is_in(list(numbers)))
            .select(
                Cdr.cdr_id, *(column for column in _ORDERED if column in RatedCall.columns and column != Cdr.cdr_id)
            )
            .join(calls.drop(Cdr.service_number, Cdr.outcome), on=Cdr.cdr_id, maintain_order="left")
            .select(_ORDERED)
        )


_ORDERED = [
    Cdr.cdr_id,
    Cdr.service_number,
    RatedCall.contract_id,
    RatedCall.rate_id,
    Cdr.source,
    Cdr.call_id,
    Cdr.caller,
    Cdr.started_at,
    Cdr.ended_at,
    Cdr.talk_ms,
    Cdr.outcome,
    RatedCall.free_reason,
    RatedCall.charged_seconds,
    RatedCall.amount_micro,
    RatedCall.rest_parts,
    RatedCall.settlement_micro,
]


def billing_period(day: dt.date | None, open_from: Period) -> str:
    """The period in which a part is billed: its own month, or the first open one when that is closed or unknown."""
    return str(max(Period.of(day), open_from) if day else open_from)
