"""Rate what must be rated: parts that were never rated, or whose fingerprint no longer fits.

A fingerprint covers the part's calls, the calls left out of it, and the compiled rating rows of the numbers that occur
in it, so a price or contract that does not touch the part leaves its files as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from billing.rate_book.book import RateBook
from billing.rate_book.rating_rows import rating_rows
from billing.rating.stage import rate_calls, rating_fingerprint, total_usage
from billing.tables.calls import Cdr, RatedCall, Suspense, UsageTotal
from billing.tables.catalog import ServiceNumber
from billing.tables.parquet import scan_tables, write_table
from pipelines.books import Books, Workbench
from pipelines.executors import side_by_side
from pipelines.gate import require_results
from pipelines.parts import UNRATED, Part, calls_to_bill, of_part, part_key
from pipelines.raw_text import RawFiles, with_raw_text


def rate_parts(
    books: Books,
    bench: Workbench,
    book: RateBook,
    parts: Sequence[Part],
    excluded: pl.DataFrame,
    files: RawFiles,
) -> list[str]:
    """Rate the parts that need it; their new files stand on the bench, their calls already in the lake.

    Args:
        books: the books.
        bench: where files are written.
        book: the rate book in force.
        parts: parts to look at, ordered by day.
        excluded: calls that are not billed as they stand (`left_out`), of the books and of the step under way.
        files: where the files behind the parts lie; suspense shows their lines.

    Returns:
        Paths that the new files replace.

    Raises:
        Refusal: no gate has judged the file of a part.
    """
    require_results(books, bench, parts)
    rows_of = {day: rating_rows(book, day) for day in sorted({part.day for part in parts if part.day})}

    def rate(part: Part) -> _Unrated | None:
        assert part.day is not None, "undated lines are never rated"
        rows, out = rows_of[part.day], of_part(excluded, part)[Cdr.cdr_id]
        if part.rated and part.fingerprint == _fingerprint(part, out, rows, _numbers_rated(books, part)):
            return None
        return _rate(books, bench, book, part, out, rows)

    dated = [part for part in parts if part.day]
    rated = [(part, unrated) for part, unrated in zip(dated, side_by_side(rate, dated), strict=True) if unrated]
    # A file is looked through once for all its parts.
    held = with_raw_text(pl.concat([Suspense.empty(), *(unrated.calls for _, unrated in rated)]), files)
    for part, unrated in rated:
        if unrated.calls.height:
            bench.write(of_part(held, part), Suspense, unrated.path, unrated.key, UNRATED)
    return [entry.path for part, _ in rated for entry in (part.rated, part.totals, part.unrated) if entry]


@dataclass(frozen=True)
class _Unrated:
    """Calls of a part that was just rated and could not be priced (`Suspense`), and where they are to be kept."""

    calls: pl.DataFrame
    path: str
    key: Mapping[str, str | int | None]


@dataclass(frozen=True)
class PartRating:
    """What rating a part gave beside the rated calls it wrote."""

    totals: pl.DataFrame
    unrated: pl.DataFrame


def rate_part(books: Books, book: RateBook, part: Part, out: pl.Series, rows: pl.DataFrame, target: Path) -> PartRating:
    """Rate one part into a file.

    Args:
        books: the books that hold its calls.
        book: the rate book.
        part: the part.
        out: cdr_id of its calls that are not billed as they stand.
        rows: the rating rows of its day.
        target: where the `RatedCall` rows go.
    """
    known = book.table(ServiceNumber.name)[ServiceNumber.service_number]
    rating = rate_calls(calls_to_bill(books, part, out), rows, known)
    write_table(rating.rated, RatedCall, target)
    totals = total_usage(pl.scan_parquet(target, glob=False)).collect()
    missing = part.cdr.rows - int(part.cdr.key["not_ours"]) - len(out) - int(totals[UsageTotal.call_count].sum())
    # Nearly always every call has a price; only where one has none are the calls looked through once more.
    return PartRating(totals, rating.unrated.collect() if missing else Suspense.empty())


def _rate(books: Books, bench: Workbench, book: RateBook, part: Part, out: pl.Series, rows: pl.DataFrame) -> _Unrated:
    rough = bench.place(f"rating/{part.day}-{part.file_number}.parquet")
    rating = rate_part(books, book, part, out, rows, rough)
    fingerprint = _fingerprint(part, out, rows, _numbers(rating.totals, rating.unrated))
    key = part_key(part.day, part.file_number) | {"fingerprint": fingerprint}
    name = f"{part.day}/{part.file_number:06d}-{fingerprint[:12]}.parquet"
    rough.replace(bench.place(f"lake/rated_call/{name}"))
    bench.add(f"lake/rated_call/{name}", RatedCall.name, key, int(rating.totals[UsageTotal.call_count].sum()))
    bench.write(rating.totals, UsageTotal, f"lake/usage_total/{name}", key)
    return _Unrated(rating.unrated, f"lake/unrated/{name}", key)


def _fingerprint(part: Part, out: pl.Series, rows: pl.DataFrame, numbers: pl.Series) -> str:
    occurring = rows.filter(pl.col("service_number").is_in(numbers.implode()))
    return rating_fingerprint(part.cdr.sha256, out, occurring)


def _numbers_rated(books: Books, part: Part) -> pl.Series:
    """Numbers that occur in a part, from what its last rating left: no call is read again."""
    totals = scan_tables(books.paths([part.totals] if part.totals else []), UsageTotal).collect()
    unrated = scan_tables(books.paths([part.unrated] if part.unrated else []), Suspense).collect()
    return _numbers(totals, unrated)


def _numbers(totals: pl.DataFrame, unrated: pl.DataFrame) -> pl.Series:
    numbers: pl.Series = pl.concat([totals[UsageTotal.service_number], unrated[Suspense.service_number].drop_nulls()])
    return numbers.unique()
