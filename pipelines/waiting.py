"""Records that wait for the rest of their call, read off the commits: where they lie and what became of each.

A record waits exactly while no call was made of it and it is neither a copy, nor held back, nor no call of ours. That
it has waited too long is worked out, never stored: a record that comes late still completes its call.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from billing.core.findings import Finding
from billing.core.period import Period
from billing.tables.calls import LINES_PER_FILE, NOT_OURS, Duplicate, Joined, Suspense, Waiting, WrittenOff
from billing.tables.parquet import scan_tables
from pipelines.books import Books
from pipelines.commits import FileEntry, State
from pipelines.raw_text import kept_files, with_raw_text

SUPERSEDED = "superseded"
"""Table name of calls that were put together again with a later record (`Joined` rows of the call itself)."""
WAITING_DUPLICATE, WAITING_SUSPENSE = "waiting_duplicate", "waiting_suspense"
"""Copies and held-back ones among records that are no calls; apart from those of calls, whose parts count them."""
WAITING_WRITTEN_OFF = "waiting_written_off"
"""Records that were given up: they are part of no call any more."""
OF_RECORDS = (Joined.name, SUPERSEDED, WAITING_DUPLICATE, WAITING_SUSPENSE, WAITING_WRITTEN_OFF)
INCOMPLETE_CALL = "INCOMPLETE_CALL"
_FATE = pl.Schema({"cdr_id": pl.Int64, "usage_date": pl.Date, "fate": pl.String})


@dataclass(frozen=True)
class WaitingPart:
    """Records of one usage date that one file brought; `day` is None for those without a readable start."""

    day: dt.date | None
    file_number: int
    billing_period: str
    records: FileEntry

    @property
    def source(self) -> str:
        """Who wrote it."""
        return str(self.records.key["source"])


def waiting_parts(state: State, billing_period: str | None = None) -> list[WaitingPart]:
    """Live parts, by day and file; only those of one billing period when it is given."""
    parts = []
    for entry in state.of_table(Waiting.name):
        day, period = entry.key["day"], entry.key["billing_period"]
        if billing_period in (None, period):
            date = dt.date.fromisoformat(day) if day else None
            parts.append(WaitingPart(date, entry.key["file"], period, entry))
    return sorted(parts, key=lambda part: (part.day or dt.date.min, part.file_number))


def can_be_part() -> pl.Expr:
    """Whether a record can be part of a call: it can be read, and it is ours."""
    return is_readable() & pl.col(Waiting.outcome).ne_missing(NOT_OURS)


def is_readable() -> pl.Expr:
    """Whether a record has all that it takes to be part of a call."""
    return pl.col(Waiting.unreadable).is_null() & pl.col(Waiting.started_at).is_not_null()


def superseded(books: Books) -> pl.DataFrame:
    """Calls that are no more, since a later record made another of their records: `Joined` rows, one a call."""
    return scan_tables(books.paths(books.state.of_table(SUPERSEDED)), Joined).collect()


def joins(books: Books) -> pl.LazyFrame:
    """`Joined` rows that hold now: each record once, with the call it is part of."""
    rows = scan_tables(books.paths(books.state.of_table(Joined.name)), Joined)
    gone = superseded(books)[Joined.cdr_id]
    return rows.filter(~pl.col(Joined.into_cdr_id).is_in(gone.implode())) if len(gone) else rows


def given_up(books: Books) -> pl.LazyFrame:
    """Records that were written off, each once: cdr_id, usage_date."""
    rows = scan_tables(books.paths(books.state.of_table(WAITING_WRITTEN_OFF)), WrittenOff)
    return rows.select("cdr_id", "usage_date")


def record_fates(books: Books) -> pl.DataFrame:
    """Records that are in no call and wait for none: cdr_id, usage_date, fate (duplicate, written_off, suspense)."""
    copies, held = (books.paths(books.state.of_table(name)) for name in (WAITING_DUPLICATE, WAITING_SUSPENSE))
    frames = [
        scan_tables(copies, Duplicate).select("cdr_id", "usage_date", fate=pl.lit("duplicate")),
        given_up(books).with_columns(fate=pl.lit("written_off")),
    ]
    if held:
        # A record that was held until a later one settled the matter is part of a call now.
        suspense = scan_tables(held, Suspense).select("cdr_id", "usage_date", fate=pl.lit("suspense"))
        frames.append(suspense.join(joins(books).select("cdr_id"), on="cdr_id", how="anti"))
    return pl.concat(frames).collect().unique("cdr_id", keep="first", maintain_order=True)


def held_records(books: Books, parts: Sequence[WaitingPart]) -> pl.DataFrame:
    """`Suspense` rows of the records of parts: held back, and waiting longer than their layout allows."""
    if not parts:
        return Suspense.empty()
    ids = record_fates(books).filter(pl.col("fate") == "suspense").pipe(of_parts, parts)["cdr_id"]
    held = scan_tables(books.paths(books.state.of_table(WAITING_SUSPENSE)), Suspense).collect()
    held = held.filter(pl.col(Suspense.cdr_id).is_in(ids.implode())).unique("cdr_id", keep="last", maintain_order=True)
    late = (
        records_that_wait(books, parts)
        .filter("is_overdue")
        .with_columns(
            reason=pl.lit(INCOMPLETE_CALL),
            rule_id=pl.lit(None, pl.String),
            raw_text=pl.lit(None, pl.String),
            first_seen=pl.col(Waiting.usage_date),
        )
    )
    return pl.concat([held, with_raw_text(Suspense.conform(late), kept_files(books))]).sort(Suspense.cdr_id)


def records_that_wait(books: Books, parts: Sequence[WaitingPart]) -> pl.DataFrame:
    """`Waiting` rows of parts of which no call was made yet, and `is_overdue`.

    A record is overdue once its source has told of something that started `wait_hours` later: no clock is asked.
    """
    found = [Waiting.empty().with_columns(is_overdue=pl.lit(value=False))]
    number = (pl.col("cdr_id") // LINES_PER_FILE).alias("file")
    settled = dict(iter(_settled(books, parts).group_by(number, "usage_date")))
    nothing = pl.DataFrame(schema={"cdr_id": pl.Int64})
    newest = _newest(books.state)
    for part in parts:
        mine = settled.get((part.file_number, part.day), nothing)["cdr_id"]
        not_ours = int(part.records.key["not_ours"])
        if part.records.rows - not_ours == len(mine):
            continue
        hours = int(part.records.key["wait_hours"])
        late = pl.lit(newest.get(part.source)) - pl.col(Waiting.started_at) > dt.timedelta(hours=hours)
        rows = (
            scan_tables(books.paths([part.records]), Waiting)
            .filter(pl.col(Waiting.outcome).ne_missing(NOT_OURS), ~pl.col(Waiting.cdr_id).is_in(mine.implode()))
            .with_columns(is_overdue=late.fill_null(value=False))
        )
        found.append(rows.collect())
    return pl.concat(found)


def waiting_findings(books: Books, period: Period) -> Iterator[Finding]:
    """RECORDS_WAIT: how many records of a period wait for the rest of their calls, and since when."""
    waiting = records_that_wait(books, waiting_parts(books.state, str(period))).filter(~pl.col("is_overdue"))
    if waiting.height:
        since = waiting[Waiting.started_at].min()
        values = {"count": waiting.height, "period": period, "since": since}
        yield Finding("RECORDS_WAIT", "warning", values=values)


def _settled(books: Books, parts: Sequence[WaitingPart]) -> pl.DataFrame:
    """cdr_id and usage_date of the records of parts that became something: part of a call, a copy, held back."""
    if not parts:
        return pl.DataFrame(schema=_FATE).drop("fate")
    joined = joins(books).select("cdr_id", "usage_date").collect().pipe(of_parts, parts)
    return pl.concat([joined, record_fates(books).pipe(of_parts, parts).drop("fate")])


def of_parts(rows: pl.DataFrame, parts: Sequence[WaitingPart]) -> pl.DataFrame:
    """The rows with cdr_id and usage_date that belong to one of the parts, in their order."""
    places = pl.DataFrame(
        [(part.file_number, part.day) for part in parts],
        schema={"file": pl.Int64, "usage_date": pl.Date},
        orient="row",
    )
    number = (pl.col("cdr_id") // LINES_PER_FILE).alias("file")
    found = rows.with_columns(number).join(
        places, on=["file", "usage_date"], how="semi", nulls_equal=True, maintain_order="left"
    )
    return found.drop("file")


def _newest(state: State) -> dict[str, dt.datetime]:
    """By source, the start of its latest record."""
    newest: dict[str, dt.datetime] = {}
    for part in waiting_parts(state):
        if part.records.key["newest"]:
            found = dt.datetime.fromisoformat(part.records.key["newest"])
            newest[part.source] = max(found, newest.get(part.source, found))
    return newest
