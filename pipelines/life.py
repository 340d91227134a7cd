"""The life of the books as a list: `log`, `status`, `take-back`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from billing.core.findings import Finding, Severity, refuse
from billing.core.messages import render
from billing.core.money import yuan_exact
from billing.core.period import Period
from billing.tables.calls import (
    LINES_PER_FILE,
    Cdr,
    Duplicate,
    Joined,
    RatedCall,
    Recycled,
    SourceHour,
    Suspense,
    UsageTotal,
    Waiting,
    WrittenOff,
)
from billing.tables.parquet import scan_tables
from billing.tables.schema import Table
from pipelines.books import Books
from pipelines.commits import Commit, FileEntry
from pipelines.gate import GATE, GATE_BATCH, GATE_PAGE
from pipelines.parts import UNRATED, Part, is_formed, parts_of
from pipelines.rate_book_of import snapshot_files
from pipelines.suspense import of_period
from pipelines.waiting import (
    OF_RECORDS,
    WAITING_DUPLICATE,
    WAITING_SUSPENSE,
    WAITING_WRITTEN_OFF,
    WaitingPart,
    records_that_wait,
    waiting_parts,
)

UNVALUED = {
    "SUSPENDED_CALLS": "SUSPENDED_CALLS_UNVALUED",
    "SUSPENSE_AT_CLOSE": "SUSPENSE_AT_CLOSE_UNVALUED",
}
"""What is said instead where nobody can tell what the calls are worth."""
HANDED_OVER = ("deliver", "call_details")
"""Steps by which something left the house: they cannot be undone."""


@dataclass(frozen=True)
class PeriodStatus:
    """Where a period stands."""

    period: str
    status: str
    parts: int
    records: int
    waiting: int
    draft_digest: str | None
    deliveries: int = 0
    delivered_at: str | None = None
    delivered_by: str | None = None


def statuses(books: Books) -> list[PeriodStatus]:
    """Every period that has calls, a draft or a close."""
    parts = parts_of(books.state)
    told = waiting_parts(books.state)
    names = {part.billing_period for part in parts} | {part.billing_period for part in told}
    names |= set(books.state.runs) | set(books.state.closes)
    rows = []
    for name in sorted(names):
        commit = books.state.published(name)
        own = [part for part in parts if part.billing_period == name]
        of_records = [part for part in told if part.billing_period == name]
        records = sum(part.cdr.rows for part in own if not is_formed(part))
        records += sum(part.records.rows for part in of_records)
        waiting = records_that_wait(books, of_records).height
        status = commit.facts["status"] if commit else "open"
        digest = commit.facts["draft_digest"] if commit else None
        gone = [c for c in books.commits if c.kind == "deliver" and c.facts["period"] == name]
        last = (gone[-1].at, gone[-1].by) if gone else (None, None)
        rows.append(PeriodStatus(name, status, len(own), records, waiting, digest, len(gone), *last))
    return rows


def moved_inputs(books: Books) -> Iterator[Finding]:
    """Working files that differ from the snapshot of the last run or close: closed periods keep theirs."""
    if not books.state.runs and not books.state.closes:
        return
    last = max([*books.state.runs.values(), *books.state.closes.values()], key=lambda commit: commit.number)
    prefix = f"snapshots/{last.facts['snapshot']}/"
    then = {path.removeprefix(prefix): e.sha256 for path, e in books.state.files.items() if path.startswith(prefix)}
    now = snapshot_files(books.root)
    for path in sorted({*then, *now}):
        if then.get(path) != now.get(path):
            yield Finding("INPUT_CHANGED", "info", path, {"file": path})


def suspense_findings(books: Books, period: Period, code: str, severity: Severity) -> Iterator[Finding]:
    """One finding for each reason for which calls of a period wait, from ingest and from rating."""
    for row in of_period(books, period).iter_rows(named=True):
        values = {"count": row["count"], "code": row["reason"], "period": period}
        if row["value_micro"] is None:
            yield Finding(UNVALUED[code], severity, values=values)
        else:
            yield Finding(code, severity, values=values | {"value": yuan_exact(row["value_micro"])})


def describe(commit: Commit, lang: str) -> dict[str, Any]:
    """A commit in a line."""
    what = commit.facts.get("period") or ", ".join(fact["file_name"] for fact in commit.facts.get("sources", ())[:3])
    what = what or f"{commit.facts.get('commit', '')} {commit.facts.get('reason', '')}".strip()
    answers = [f"{answer['rule_id']}: {answer['reason']}" for answer in commit.facts.get("overrides", ())]
    return {
        "number": commit.number,
        "kind": commit.kind,
        "at": commit.at,
        "by": commit.by,
        "what": "; ".join(filter(None, [what, _handed_over(commit, lang), *answers])),
        "files": len(commit.files),
        "digest": commit.digest,
    }


def _handed_over(commit: Commit, lang: str) -> str:
    """What a step handed over, in words."""
    facts = commit.facts
    if commit.kind == "deliver":
        names = ("recipient_count", "document_count", "reprint_count")
        recipients, documents, reprints = (facts[name] for name in names)
        return render("log.deliver", lang, {"recipients": recipients, "documents": documents, "reprints": reprints})
    if commit.kind == "call_details":
        values = {"count": facts["call_count"], "customer": facts["customer"], "reason": facts["reason"]}
        return render("log.call_details", lang, values)
    return ""


def take_back(books: Books, number: int, reason: str, *, dry_run: bool = False) -> tuple[int, int]:
    """Undo an ingest: its files leave the books, the kept raw copies and the log stay.

    Returns:
        Source files and records that left.

    Raises:
        Refusal: no such commit, no ingest, a closed period rests on it, or a later file repeats its calls.
    """
    if not 1 <= number <= len(books.commits):
        raise refuse("COMMIT_UNKNOWN", number=number)
    commit = books.commits[number - 1]
    if commit.kind == "write_off":
        return _take_back_write_off(books, commit, reason, dry_run=dry_run)
    if commit.kind in HANDED_OVER:
        raise refuse("TAKE_BACK_DELIVERED", number=number)
    if commit.kind not in ("ingest", "recycle") or not commit.facts["sources"]:
        raise refuse("TAKE_BACK_KIND", number=number, kind=commit.kind)
    files = {fact["file_number"] for fact in commit.facts["sources"]}
    if not files & books.state.sources.keys():
        raise refuse("TAKE_BACK_TWICE", number=number)
    brought: list[Part | WaitingPart] = [*parts_of(books.state), *waiting_parts(books.state)]
    for part in brought:
        if part.file_number in files and part.billing_period in books.state.closes:
            raise refuse("TAKE_BACK_CLOSED", number=number, period=part.billing_period)
    _nothing_rests_on(books, commit, files)
    of_part = (Cdr.name, RatedCall.name, UsageTotal.name, UNRATED, GATE, Waiting.name)
    of_step = (Duplicate.name, Suspense.name, Recycled.name, SourceHour.name, GATE_BATCH, GATE_PAGE, *OF_RECORDS)
    gone = [entry for entry in books.state.files.values() if entry.table in of_part and entry.key["file"] in files]
    gone += [
        entry for entry in books.state.files.values() if entry.table in of_step and set(entry.key["files"]) == files
    ]
    _no_closed_month_rests_on(
        books, commit, [entry for entry in gone if entry.table in (Duplicate.name, Suspense.name, *OF_RECORDS)]
    )
    sources = [books.state.sources[file] for file in sorted(files & books.state.sources.keys())]
    if not dry_run:
        facts = {"commit": number, "reason": reason, "taken_back_files": sorted(files)}
        books.append("take_back", replaces=[entry.path for entry in gone], facts=facts)
    return len(sources), sum(source.record_count for source in sources)


def _take_back_write_off(books: Books, commit: Commit, reason: str, *, dry_run: bool) -> tuple[int, int]:
    """Records that were given up wait again."""
    gone = [entry for entry in commit.files if entry.path in books.state.files]
    if not gone:
        raise refuse("TAKE_BACK_TWICE", number=commit.number)
    _no_closed_month_rests_on(books, commit, gone)
    if not dry_run:
        facts = {"commit": commit.number, "reason": reason, "taken_back_files": []}
        books.append("take_back", replaces=[entry.path for entry in gone], facts=facts)
    return 0, sum(entry.rows for entry in gone)


def _no_closed_month_rests_on(books: Books, commit: Commit, gone: Iterable[FileEntry]) -> None:
    """Refuse when a month was closed with records of other files as this step left them: they would be in no fate."""
    parts: list[Part | WaitingPart] = [*parts_of(books.state), *waiting_parts(books.state)]
    closed = {
        (part.file_number, part.day): part.billing_period
        for part in parts
        if part.billing_period in books.state.closes and books.state.closes[part.billing_period].number > commit.number
    }
    for entry in gone:
        rows = pl.scan_parquet(books.path(entry.path), glob=False)
        places = rows.select(pl.col(Cdr.cdr_id) // LINES_PER_FILE, Cdr.usage_date).unique().collect()
        for place in places.iter_rows():
            if place in closed:
                raise refuse("TAKE_BACK_CLOSED", number=commit.number, period=closed[place])


def _nothing_rests_on(books: Books, commit: Commit, files: set[int]) -> None:
    """Refuse when a later step dropped copies of, holds records against, bills or gave up records of these files."""
    resting: tuple[tuple[str, type[Table], str], ...] = (
        (Duplicate.name, Duplicate, Duplicate.repeats_cdr_id),
        (Suspense.name, Suspense, Suspense.cdr_id),
        (Recycled.name, Recycled, Recycled.cdr_id),
        (WrittenOff.name, WrittenOff, WrittenOff.cdr_id),
        (WAITING_DUPLICATE, Duplicate, Duplicate.repeats_cdr_id),
        (WAITING_SUSPENSE, Suspense, Suspense.cdr_id),
        (WAITING_WRITTEN_OFF, WrittenOff, WrittenOff.cdr_id),
        (Joined.name, Joined, Joined.cdr_id),
        (Joined.name, Joined, Joined.into_cdr_id),
    )
    for name, table, column in resting:
        for entry in books.state.of_table(name):
            if table is not WrittenOff and set(entry.key["files"]) == files:
                continue
            ids = scan_tables(books.paths([entry]), table).select(pl.col(column) // LINES_PER_FILE).collect()
            if files & set(ids.to_series()):
                later = next(c.number for c in books.commits if entry.path in {file.path for file in c.files})
                raise refuse("TAKE_BACK_RESTS", number=commit.number, later=later)
