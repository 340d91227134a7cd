"""`published/<period>/` as a checkout: built beside from the lake, named by a commit through its manifest, swapped in.

Whichever command opens the books next makes it equal to the last commit again, so a kill between commit and swap, or
a deleted folder, mends itself.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from billing.core.digests import file_sha256
from billing.core.findings import Finding
from billing.core.period import Period
from billing.documents.model import Standing
from billing.documents.report.page import REPORT, render_report
from billing.publishing.calls import PartPaths
from billing.publishing.stage import Status, publish_period
from billing.rate_book.book import RateBook
from billing.tables.calls import CallAdjustment, Suspense, UsageTotal
from billing.tables.documents import DOCUMENT_TABLES, Conservation, SourceFile
from pipelines.books import Books, library_versions
from pipelines.documents import documents_of
from pipelines.gate import pages_of
from pipelines.parts import Part, parts_of, usage_of
from pipelines.past import closed_before, stored
from pipelines.periods_page import write_periods_page
from pipelines.progress import Progress
from pipelines.rate_book_of import book_of_snapshot
from pipelines.records import source_files
from pipelines.report import report_inputs
from pipelines.suspense import open_suspense


def build_checkout(
    books: Books,
    period: Period,
    folder: Path,
    progress: Progress,
    *,
    status: Status,
    book: RateBook,
    facts: Mapping[str, Any],
) -> str:
    """Build what people open for a period, from the lake, the rate book of its snapshot and its commit's facts alone.

    Args:
        books: the books as they are once the step is committed.
        period: the billing period.
        folder: where to build.
        progress: where the work is timed.
        status: draft or closed.
        book: the rate book of the snapshot.
        facts: of the commit; `documents` says whether PDF and workbooks are made.

    Returns:
        SHA-256 of its manifest.json.
    """
    parts = parts_of(books.state, str(period))
    tables = {
        table.name: stored(books, table, str(period)) for table in (*DOCUMENT_TABLES, CallAdjustment, Conservation)
    }
    tables[UsageTotal.name] = usage_of(books, parts)
    tables[SourceFile.name] = source_files(books, period, parts)
    tables[Suspense.name] = suspense_of(books, period)
    before = closed_before(books, period)
    previous = books.state.closes[before[-1]].facts["manifest"] if before else None
    told = report_inputs(books, period, tables, parts, facts, status=status, previous_manifest=previous)
    publish_period(
        folder,
        period,
        tables,
        [
            PartPaths(f"{part.day}-{part.file_number:06d}", books.path(part.cdr.path), books.path(part.rated.path))
            for part in parts
            if part.day and part.rated
        ],
        book,
        documents=_documents(books, book, period, status, tables, progress) if told.has_documents else (),
        pages={REPORT: render_report(told, book), **_gate_pages(books, parts)},
        engine=library_versions()["bill400"],
        status=status,
        previous_manifest=previous,
        with_calls=status == "closed",
    )
    return file_sha256(folder / "manifest.json")


def _gate_pages(books: Books, parts: Sequence[Part]) -> dict[str, str]:
    """What the gate said of each batch that brought calls of the period."""
    pages = pages_of(books, {part.file_number for part in parts})
    return {name: path.read_text("utf-8") for name, path in pages.items()}


def _documents(
    books: Books,
    book: RateBook,
    period: Period,
    status: Status,
    tables: Mapping[str, pl.DataFrame],
    progress: Progress,
) -> Iterator[tuple[str, bytes]]:
    standing: Standing = "final" if status == "closed" else "draft"
    with progress.stage("documents"):
        yield from documents_of(books, book, period, standing, progress, tables=tables)


def swap_in(books: Books, period: Period, folder: Path) -> None:
    """Put a built checkout in the place of the old one."""
    place = books.path(f"published/{period}")
    old = books.path(f"published/.{period}.old")
    shutil.rmtree(old, ignore_errors=True)
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        place.rename(old)
    folder.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def mend_checkouts(books: Books, scratch: Path, progress: Progress) -> list[Finding]:
    """Make every published folder equal to the last commit again, and the page over all of them.

    Returns:
        A warning for each period that does not come out as it was committed; its folder is left as it is.
    """
    findings = []
    for name in sorted({*books.state.runs, *books.state.closes}):
        commit = books.state.published(name)
        assert commit is not None, "the name comes from the state"
        shutil.rmtree(books.path(f"published/.{name}.old"), ignore_errors=True)
        manifest = books.path(f"published/{name}/manifest.json")
        if manifest.exists() and file_sha256(manifest) == commit.facts["manifest"]:
            continue
        facts = commit.facts
        folder = scratch / name
        book = book_of_snapshot(books, facts["snapshot"])
        then = books.as_known_at(commit)
        made = build_checkout(
            then, Period.parse(name), folder, progress, status=facts["status"], book=book, facts=facts
        )
        if made == facts["manifest"]:
            swap_in(books, Period.parse(name), folder)
        else:
            findings.append(Finding("CHECKOUT_DIFFERS", "warning", f"published/{name}", {"period": name}))
    write_periods_page(books)
    return findings


def suspense_of(books: Books, period: Period) -> pl.DataFrame:
    """Everything of a period's parts that waits in suspense, from ingest and from rating (`Suspense`)."""
    return Suspense.conform(open_suspense(books).filter(pl.col("period") == str(period)))
