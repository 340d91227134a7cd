"""`run`: the draft of a month, as often as finance likes; equal inputs are no work and change no byte."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from billing.core.digests import json_sha256, table_digest
from billing.core.findings import Finding, Refusal, refuse
from billing.core.period import Period
from billing.publishing.stage import Status
from billing.rate_book.book import RateBook
from billing.tables.calls import CallAdjustment, Duplicate, RatedCall, Recycled, Suspense, Waiting, WrittenOff
from billing.tables.documents import DOCUMENT_TABLES, Conservation
from billing.tables.schema import Table
from pipelines.books import Books, Workbench, library_versions, workbench
from pipelines.checkout import build_checkout, swap_in
from pipelines.commits import Commit
from pipelines.documents import names_digest
from pipelines.monthly_run import Month, compute_month
from pipelines.parts import left_out, parts_of
from pipelines.periods_page import write_periods_page
from pipelines.progress import Progress
from pipelines.rate_book_of import load_snapshot, take_snapshot
from pipelines.rate_parts import rate_parts
from pipelines.raw_text import kept_files
from pipelines.report import changes_against
from pipelines.sweep import sweep_superseded
from pipelines.waiting import OF_RECORDS

STORED: tuple[type[Table], ...] = (*DOCUMENT_TABLES, CallAdjustment, Conservation)
"""Tables of a period that the lake keeps."""
LEFT_OUT: tuple[type[Table], ...] = (Duplicate, Recycled, Suspense, WrittenOff)
"""Tables that say which records are not billed as they stand."""


@dataclass(frozen=True)
class RunReport:
    """What a run did: `is_new` is False when the draft already stood as it is."""

    period: Period
    month: Month | None
    draft_digest: str
    is_new: bool
    rated_parts: int
    findings: Sequence[Finding]


def run_month(
    books: Books, period: Period, progress: Progress, *, documents: bool = False, dry_run: bool = False
) -> RunReport:
    """Make the draft of a month.

    Args:
        books: the books, open for writing.
        period: the month.
        progress: where stages are timed.
        documents: make PDF and workbooks of the draft too; without it nothing is paid for them.
        dry_run: work everything out, change nothing.

    Raises:
        Refusal: the period is closed or lies before the books, the rate book has critical findings, or the month does
            not conserve; the books stay as they were.
    """
    with workbench(books) as bench:
        snapshot = take_snapshot(books, bench)
        loaded = load_snapshot(books, bench, snapshot)
        warnings = [finding for finding in loaded.findings if finding.severity != "info"]
        check_open(books, period, loaded.book.policy.start)
        with progress.stage("rating"):
            parts, excluded = parts_of(books.state, str(period)), left_out(books)
            replaced = rate_parts(books, bench, loaded.book, parts, excluded, kept_files(books))
            rated = sum(entry.table == RatedCall.name for entry in bench.entries)
        bench.settle()
        ahead = books.overlaid(bench.entries, replaced)
        inputs = run_inputs(ahead, period, snapshot)
        last = books.state.runs.get(str(period))
        is_printed = last is not None and (last.facts.get("documents", False) or not documents)
        if last and is_printed and last.facts["inputs"] == inputs:
            return RunReport(period, None, last.facts["draft_digest"], False, 0, warnings)
        month = compute_month(ahead, loaded.book, period, progress)
        findings = [*warnings, *month.findings]
        if any(finding.severity == "critical" for finding in month.findings):
            raise Refusal(*findings)
        digests = month_digests(month, loaded.book)
        draft_digest = json_sha256(digests)
        is_same = rated == 0 and last is not None and last.facts["digests"] == digests and is_printed
        if not (is_same or dry_run):
            facts = {
                "inputs": inputs,
                "snapshot": snapshot,
                "digests": digests,
                "draft_digest": draft_digest,
                "documents": documents,
                "changes": changes_against(books, period, month.tables),
            }
            commit_month(books, bench, loaded.book, month, replaced, "run", facts, progress)
            sweep_superseded(books, dt.datetime.now(dt.UTC), loaded.book.policy.keep_drafts_days)
        return RunReport(period, month, draft_digest, not is_same, rated, findings)


def commit_month(
    books: Books,
    bench: Workbench,
    book: RateBook,
    month: Month,
    replaced: Sequence[str],
    kind: str,
    facts: Mapping[str, Any],
    progress: Progress,
) -> Commit:
    """Store a month's tables, build its checkout, commit both, and swap the checkout in."""
    period = str(month.period)
    earlier = [
        entry.path for table in STORED for entry in books.state.of_table(table.name) if entry.key["period"] == period
    ]
    for table in STORED:
        digest = facts["digests"][table.name][:12]
        bench.write(month.tables[table.name], table, f"lake/{table.name}/{period}/{digest}.parquet", {"period": period})
    bench.settle()
    kept = {entry.path for entry in bench.entries}
    ahead = books.overlaid(bench.entries, [*replaced, *earlier])
    status: Status = "closed" if kind == "close" else "draft"
    folder = bench.folder / "checkout"
    with progress.stage("publishing"):
        manifest = build_checkout(ahead, month.period, folder, progress, status=status, book=book, facts=facts)
    commit = books.append(
        kind,
        files=bench.entries,
        replaces=[path for path in (*replaced, *earlier) if path not in kept],
        facts={**facts, "period": period, "status": status, "manifest": manifest},
    )
    swap_in(books, month.period, folder)
    write_periods_page(books)
    return commit


def run_inputs(books: Books, period: Period, snapshot: str) -> str:
    """Everything a month rests on, as one digest: equal inputs, nothing to do."""
    parts = parts_of(books.state, str(period))
    of_records = [e.sha256 for table in (Waiting.name, *OF_RECORDS) for e in books.state.of_table(table)]
    return json_sha256(
        {
            **({"records": of_records} if of_records else {}),
            "snapshot": snapshot,
            "parts": [[part.name, part.cdr.sha256, part.fingerprint] for part in parts],
            "left_out": [e.sha256 for table in LEFT_OUT for e in books.state.of_table(table.name)],
            "closed": {name: close.facts["manifest"] for name, close in books.state.closes.items()},
            "versions": library_versions(),
        }
    )


def month_digests(month: Month, book: RateBook) -> dict[str, str]:
    """Everything of a draft that is reviewed: its tables, and the names that its documents bear."""
    return table_digests(month.tables) | {"names": names_digest(book)}


def table_digests(tables: Mapping[str, Any]) -> dict[str, str]:
    """Order-free content digest of each stored table."""
    return {table.name: table_digest(table.conform(tables[table.name])) for table in STORED}


def check_open(books: Books, period: Period, start: Period) -> None:
    """Refuse a period that is closed or lies before the books."""
    if str(period) in books.state.closes:
        raise refuse("PERIOD_CLOSED", period=period)
    if period < start:
        raise refuse("PERIOD_BEFORE_BOOKS", period=period, start=start)
