"""Records by fate: what became of every record of a period's parts."""

from collections.abc import Sequence

import polars as pl

from billing.tables.calls import LINES_PER_FILE, Cdr
from billing.tables.documents import SourceFile
from pipelines.books import Books
from pipelines.parts import Part, left_out, of_part

LATER_FATES = ("written_off", "recycled")
"""What may become of a record in suspense."""


def records_by_fate(books: Books, parts: Sequence[Part]) -> dict[str, int]:
    """Count the records of parts.

    Returns:
        read, not_ours, duplicate, suspense_ingest, suspense_rating, and where there are any written_off and recycled;
        the rest of `read` was rated.
    """
    excluded = left_out(books)
    fates = dict.fromkeys(("duplicate", "suspense", *LATER_FATES), 0)
    for part in parts:
        for fate, count in of_part(excluded, part)["fate"].value_counts().iter_rows():
            fates[fate] += count
    return {
        "read": sum(part.cdr.rows for part in parts),
        "not_ours": sum(int(part.cdr.key["not_ours"]) for part in parts),
        "duplicate": fates["duplicate"],
        "suspense_ingest": fates["suspense"],
        "suspense_rating": sum(part.unrated.rows for part in parts if part.unrated),
        **{fate: fates[fate] for fate in LATER_FATES if fates[fate]},
    }


def source_files(books: Books, parts: Sequence[Part]) -> pl.DataFrame:
    """The files behind parts, each with its records by fate over all its parts (`SourceFile` rows)."""
    numbers = {part.file_number for part in parts}
    excluded = left_out(books).with_columns(pl.col(Cdr.cdr_id) // LINES_PER_FILE)
    by_fate = {(number, fate): count for number, fate, count in excluded.group_by(Cdr.cdr_id, "fate").len().iter_rows()}
    rows = []
    for number, source in sorted(books.state.sources.items()):
        if number not in numbers:
            continue
        duplicate = by_fate.get((number, "duplicate"), 0)
        # What left suspense did not leave it for the bill of this file.
        suspense = sum(by_fate.get((number, fate), 0) for fate in ("suspense", *LATER_FATES))
        rows.append(
            {
                SourceFile.file_number: number,
                SourceFile.file_name: source.file_name,
                SourceFile.sha256: source.sha256,
                SourceFile.layout: source.layout,
                SourceFile.encoding: source.encoding,
                SourceFile.record_count: source.record_count,
                SourceFile.framing_count: source.framing_count,
                SourceFile.duplicate_count: duplicate,
                SourceFile.suspense_count: suspense,
                SourceFile.not_ours_count: source.not_ours_count,
                SourceFile.accepted_count: source.record_count - duplicate - suspense - source.not_ours_count,
            }
        )
    return SourceFile.of_rows(rows)
