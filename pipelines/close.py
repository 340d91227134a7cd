"""`close`: lock exactly the draft that was reviewed, number its invoices, publish it for good."""

import datetime as dt

import polars as pl

from billing.core.findings import Finding, Refusal, refuse
from billing.core.period import Period
from billing.tables.documents import Invoice
from pipelines.books import Books, workbench
from pipelines.commits import Commit
from pipelines.monthly_run import Month, compute_month
from pipelines.parts import left_out, parts_of
from pipelines.progress import Progress
from pipelines.rate_book_of import book_of_snapshot, load_rate_book, snapshot_files
from pipelines.rate_parts import rate_parts
from pipelines.raw_text import kept_files
from pipelines.run_month import check_open, commit_month, month_digests, table_digests
from pipelines.sweep import sweep_superseded


def close_month(
    books: Books, period: Period, progress: Progress, *, draft: str | None = None, dry_run: bool = False
) -> Commit | None:
    """Close a period.

    Args:
        books: the books, open for writing.
        period: what to close.
        progress: where stages are timed.
        draft: digest of the draft that was reviewed; the last draft when None.
        dry_run: check everything, change nothing.

    Raises:
        Refusal: already closed, an earlier period is open, no draft, another draft than the reviewed one, or the
            inputs have moved on since; with what changed.
    """
    run = _reviewed(books, period, draft)
    with workbench(books) as bench:
        book = book_of_snapshot(books, run.facts["snapshot"])
        check_open(books, period, book.policy.start)
        _earlier_closed(books, period, book.policy.start)
        loaded = load_rate_book(books.root)
        parts, excluded = parts_of(books.state, str(period)), left_out(books)
        replaced = rate_parts(books, bench, loaded.book, parts, excluded, kept_files(books))
        bench.settle()
        ahead = books.overlaid(bench.entries, replaced)
        now = compute_month(ahead, loaded.book, period, progress)
        digests = month_digests(now, loaded.book)
        if digests != run.facts["digests"]:
            raise Refusal(*_what_changed(books, period, digests, run))
        if dry_run:
            return None
        bench.entries.clear()
        bench.settled = 0
        count = books.state.invoice_counts.get(str(period)[:4], 0)
        tables = {**now.tables, Invoice.name: number_invoices(now.tables[Invoice.name], period, count)}
        facts = {
            "snapshot": run.facts["snapshot"],
            "draft_digest": run.facts["draft_digest"],
            "changes": run.facts.get("changes"),
            "digests": table_digests(tables),
            "invoice_count": tables[Invoice.name].height,
            "documents": loaded.book.policy.documents.at_close,
            "parts": [part.name for part in parts_of(books.state, str(period))],
        }
        month = Month(period, tables, now.usage, now.findings)
        commit = commit_month(books, bench, book, month, [], "close", facts, progress)
        sweep_superseded(books, dt.datetime.now(dt.UTC), loaded.book.policy.keep_drafts_days)
        return commit


def number_invoices(invoices: pl.DataFrame, period: Period, count: int) -> pl.DataFrame:
    """Gapless numbers of the issuer's year, in the order of the invoice keys, bills of 0.00 too: `2026-000001`."""
    ordered = invoices.sort(Invoice.invoice_key)
    numbers = [f"{period.year}-{count + index:06d}" for index in range(1, ordered.height + 1)]
    return ordered.with_columns(pl.Series(Invoice.invoice_number, numbers, pl.String))


def _reviewed(books: Books, period: Period, draft: str | None) -> Commit:
    if str(period) in books.state.closes:
        raise refuse("PERIOD_CLOSED", period=period)
    run = books.state.runs.get(str(period))
    if run is None:
        raise refuse("NO_DRAFT", period=period)
    if draft is not None and not (draft and run.facts["draft_digest"].startswith(draft)):
        raise refuse("NOT_THE_DRAFT", period=period, draft=draft, last=run.facts["draft_digest"][:12])
    return run


def _earlier_closed(books: Books, period: Period, start: Period) -> None:
    before = period.shifted(-1)
    if before >= start and str(before) not in books.state.closes:
        raise refuse("EARLIER_PERIOD_OPEN", period=period, earlier=before)


def _what_changed(books: Books, period: Period, digests: dict[str, str], run: Commit) -> list[Finding]:
    tables = [name for name, digest in digests.items() if digest != run.facts["digests"].get(name)]
    findings = [Finding("STALE_DRAFT", "critical", values={"period": period, "tables": ", ".join(tables)})]
    prefix = f"snapshots/{run.facts['snapshot']}/"
    then = {
        path.removeprefix(prefix): entry.sha256 for path, entry in books.state.files.items() if path.startswith(prefix)
    }
    now = snapshot_files(books.root)
    for path in sorted({*then, *now}):
        if then.get(path) != now.get(path):
            findings.append(Finding("INPUT_CHANGED", "info", path, {"file": path}))
    return findings
