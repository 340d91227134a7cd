"""Records by fate: what became of every record of a period, and of every file."""

from collections import Counter
from collections.abc import Sequence

import polars as pl

from billing.core.period import Period
from billing.tables.calls import LINES_PER_FILE, Cdr, Joined
from billing.tables.documents import SourceFile
from pipelines.books import Books
from pipelines.parts import Part, is_formed, left_out, of_part
from pipelines.waiting import WaitingPart, joins, of_parts, record_fates, records_that_wait, waiting_parts

TOGETHER = ("joined", "replaced", "waiting")
"""Fates that only records have which are not calls by themselves."""

LATER_FATES = ("written_off", "recycled")
"""What may become of a record in suspense."""


def records_by_fate(books: Books, period: Period, parts: Sequence[Part]) -> dict[str, int]:
    """Count the records of a period.

    Records that were put together are counted in the period of their call, whenever they came; those that were not yet
    in the period of their own part.

    Returns:
        read, not_ours, duplicate, suspense_ingest, suspense_rating, and written_off, recycled, joined, replaced,
        waiting where there are any; the rest of `read` was rated.
    """
    excluded = left_out(books)
    fates: Counter[str] = Counter()
    for part in parts:
        fates.update(dict(of_part(excluded, part)["fate"].value_counts().iter_rows()))
    gone = sum(fates.pop(fate, 0) for fate in TOGETHER)
    calls = sum(part.cdr.rows for part in parts if is_formed(part)) - gone
    read = sum(part.cdr.rows for part in parts if not is_formed(part))
    not_ours = sum(int(part.cdr.key["not_ours"]) for part in parts)
    waiting = waiting_parts(books.state)
    own = [part for part in waiting if part.billing_period == str(period)]
    read += sum(part.records.rows for part in own)
    not_ours += sum(int(part.records.key["not_ours"]) for part in own)
    for (_, fate), count in _without_call(books, own).items():
        fates[fate] += count
    for told_in, counted_in, fate, count in _joined_by_period(books, waiting).iter_rows():
        read += count * ((counted_in == str(period)) - (told_in == str(period)))
        if counted_in == str(period):
            fates[fate] += count
    assert fates["call"] == calls, "a call that was put together is one of its records"
    counts = {
        "read": read,
        "not_ours": not_ours,
        "duplicate": fates["duplicate"],
        "suspense_ingest": fates["suspense"],
        "suspense_rating": sum(part.unrated.rows for part in parts if part.unrated),
    }
    return counts | {fate: fates[fate] for fate in (*LATER_FATES, *TOGETHER) if fates[fate]}


def fates_of_files(books: Books, parts: Sequence[WaitingPart]) -> Counter[tuple[int, str]]:
    """Records by file number and fate: duplicate, suspense, waiting; joined, replaced, call."""
    counts = _without_call(books, parts)
    if parts:
        by_file = pl.col(Joined.cdr_id) // LINES_PER_FILE
        joined = joins(books).collect().pipe(of_parts, parts).group_by(by_file, Joined.fate).len()
        counts.update({(number, fate): count for number, fate, count in joined.iter_rows()})
    return counts


def source_files(books: Books, period: Period, parts: Sequence[Part]) -> pl.DataFrame:
    """The files behind a period, each with its records by fate over all its parts (`SourceFile` rows)."""
    waiting = waiting_parts(books.state)
    numbers = {part.file_number for part in parts}
    numbers |= {part.file_number for part in waiting if part.billing_period == str(period)}
    if waiting:
        own = joins(books).filter(pl.col(Joined.billing_period) == str(period))
        numbers |= set(own.select((pl.col(Joined.cdr_id) // LINES_PER_FILE).unique()).collect().to_series())
    excluded = left_out(books).with_columns(pl.col(Cdr.cdr_id) // LINES_PER_FILE)
    by_fate = fates_of_files(books, [part for part in waiting if part.file_number in numbers])
    for number, fate, count in excluded.group_by(Cdr.cdr_id, "fate").len().iter_rows():
        # A call that was put together again is told by its records.
        by_fate[number, fate] += count if fate not in TOGETHER else 0
    rows = []
    for number, source in sorted(books.state.sources.items()):
        if number not in numbers:
            continue
        fates = {fate: by_fate[number, fate] for fate in ("duplicate", *TOGETHER)}
        # What left suspense did not leave it for the bill of this file.
        fates["suspense"] = sum(by_fate[number, fate] for fate in ("suspense", *LATER_FATES))
        rows.append(
            {
                SourceFile.file_number: number,
                SourceFile.file_name: source.file_name,
                SourceFile.sha256: source.sha256,
                SourceFile.layout: source.layout,
                SourceFile.encoding: source.encoding,
                SourceFile.record_count: source.record_count,
                SourceFile.framing_count: source.framing_count,
                SourceFile.duplicate_count: fates["duplicate"],
                SourceFile.suspense_count: fates["suspense"],
                SourceFile.joined_count: fates["joined"],
                SourceFile.replaced_count: fates["replaced"],
                SourceFile.waiting_count: fates["waiting"],
                SourceFile.not_ours_count: source.not_ours_count,
                SourceFile.accepted_count: source.record_count - sum(fates.values()) - source.not_ours_count,
            }
        )
    return SourceFile.of_rows(rows)


def _without_call(books: Books, parts: Sequence[WaitingPart]) -> Counter[tuple[int, str]]:
    """Records of parts that are in no call, by file number and fate: duplicate, suspense, waiting."""
    counts: Counter[tuple[int, str]] = Counter()
    if not parts:
        return counts
    fates = record_fates(books).pipe(of_parts, parts)
    late = pl.when("is_overdue").then(pl.lit("suspense")).otherwise(pl.lit("waiting"))
    waiting = records_that_wait(books, parts).select(Cdr.cdr_id, Cdr.usage_date, late.alias("fate"))
    both = pl.concat([fates, waiting]).group_by(pl.col(Cdr.cdr_id) // LINES_PER_FILE, "fate").len()
    counts.update({(number, fate): count for number, fate, count in both.iter_rows()})
    return counts


def _joined_by_period(books: Books, waiting: Sequence[WaitingPart]) -> pl.DataFrame:
    """How many records of calls there are, by the period of the record, that of its certificate, and fate."""
    number = (pl.col(Joined.cdr_id) // LINES_PER_FILE).alias("file")
    places = pl.DataFrame(
        [(part.file_number, part.day, part.billing_period) for part in waiting],
        schema={"file": pl.Int64, Joined.usage_date: pl.Date, "told_in": pl.String},
        orient="row",
    )
    counted = joins(books).group_by(number, Joined.usage_date, Joined.billing_period, Joined.fate).len().collect()
    sums = counted.join(places, on=["file", Joined.usage_date]).group_by("told_in", Joined.billing_period, Joined.fate)
    return sums.agg(pl.col("len").sum())
