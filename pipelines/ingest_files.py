"""`ingest`: files into the lake, freed of copies, judged by the gate and rated, all in one commit.

A file that the gate refuses is reported and left where it is; the others go in. The same file under the same layout
version is a no-op, so feeding a folder twice changes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from billing.core.digests import table_digest
from billing.core.findings import Finding, Refusal
from billing.core.period import Period
from billing.ingest.layout import Layout, load_layouts
from billing.rate_book.book import RateBook
from billing.rate_book.policy import Policy, read_policy
from billing.tables.calls import LINES_PER_FILE, Cdr, Duplicate, Suspense
from billing.validation.facts import RECEIVED, StagedPart
from billing.validation.gx.loading import load_early
from billing.validation.rules import Rule, load_rules
from billing.validation.stage import Judgement, Override, judge_batch
from pipelines.assemble import assemble
from pipelines.books import Books, Workbench, workbench
from pipelines.commits import SourceFact
from pipelines.executors import side_by_side
from pipelines.gate import keep_results, known_for
from pipelines.held_back import Accepted, HeldBack, at_hand, find_repeated, hold_back
from pipelines.parts import left_out, parts_of
from pipelines.progress import Progress
from pipelines.rate_book_of import load_rate_book
from pipelines.rate_parts import rate_parts
from pipelines.raw_text import kept_files
from pipelines.read_files import find_files, read_file
from pipelines.records import TOGETHER, fates_of_files
from pipelines.waiting import held_records


@dataclass
class IngestReport:
    """What an ingest did: files read, files it had read before, files refused, and what was found."""

    read: list[SourceFact] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    fates: dict[int, dict[str, int]] = field(default_factory=dict)
    cpu_ms: dict[str, int] = field(default_factory=dict)


def ingest_files(
    books: Books,
    paths: Iterable[Path],
    progress: Progress,
    *,
    layout_id: str | None = None,
    dry_run: bool = False,
    overrides: Sequence[Override] = (),
) -> IngestReport:
    """Read files into the books.

    Args:
        books: the books, open for writing.
        paths: files, or folders whose files are taken in the order of their names.
        progress: where stages are timed.
        layout_id: read under this layout instead of recognising it.
        dry_run: read and judge everything, keep nothing.
        overrides: critical rules of the gate that somebody answers for, in all these files.

    Raises:
        Refusal: a path does not exist, or a layout or rule of the books is broken.
    """
    report = IngestReport()
    policy = read_policy(books.root / "books.toml")
    layouts = load_layouts(books.root / "layouts")
    with workbench(books) as bench:
        files = find_files(books, paths)
        report.known = files.known
        for name in files.unreadable:
            report.refused.append(name)
            report.findings.append(Finding("FILE_NAME_UNREADABLE", values={"name": name}))
        if not files.unread:
            return report
        load_early()
        first_open = open_from(books, policy)

        def read(task: tuple[int, Path]) -> Accepted | Refusal:
            number, path = task
            progress.tell("ingest", path.name)
            try:
                return read_file(
                    bench, path, number, layouts, first_open, layout_id=layout_id, keep_raw=policy.keep_raw
                )
            except Refusal as refusal:
                return refusal

        with progress.stage("ingest"):
            results = side_by_side(read, files.unread)
        found = [result for result in results if isinstance(result, Accepted)]
        for (_, path), result in zip(files.unread, results, strict=True):
            if isinstance(result, Refusal):
                report.refused.append(path.name)
                report.findings.extend(result.findings)
        if not found:
            return report
        bench.settle()
        book = _usable_book(books, report)
        step = BatchStep(books, bench, layouts, first_open, book, load_rules(), overrides)
        replaced = bring_in(step, found, report, progress)
        if report.read and not dry_run:
            bench.settle()
            facts = {
                "sources": [as_fact(source) for source in report.read],
                "overrides": [asdict(override) for override in overrides],
            }
            books.append("ingest", files=bench.entries, replaces=replaced, facts=facts)
    return report


@dataclass(frozen=True)
class BatchStep:
    """A step under way that brings records into the books, and what it goes by."""

    books: Books
    bench: Workbench
    layouts: Sequence[Layout]
    open_from: Period
    book: RateBook | None
    rules: Sequence[Rule]
    overrides: Sequence[Override] = ()
    leaving: pl.Series = field(default_factory=lambda: pl.Series(Cdr.cdr_id, [], pl.Int64))
    """Records that leave suspense by this step: they repeat and contradict nothing any more."""


def bring_in(step: BatchStep, found: Sequence[Accepted], report: IngestReport, progress: Progress) -> list[str]:
    """From files that were read to rated parts on the bench: copies, gate, suspense, rating.

    Args:
        step: the step under way.
        found: the files, their parts laid down already.
        report: is told what came of them.
        progress: where stages are timed.

    Returns:
        Paths that new files replace.
    """
    accepted, held = _judge(step, found, report, progress)
    if not accepted:
        return []
    _keep_held(step.bench, accepted, held)
    replaced = _rate(step, accepted, held, progress)
    _tell_fates(step, report, accepted, held)
    return replaced


def open_from(books: Books, policy: Policy) -> Period:
    """The first period that is not closed."""
    period = policy.start
    while str(period) in books.state.closes:
        period = period.shifted(1)
    return period


def _judge(
    step: BatchStep, found: Sequence[Accepted], report: IngestReport, progress: Progress
) -> tuple[list[Accepted], HeldBack]:
    """Find copies, let the gate judge, and go on with the files it accepts; their results stand on the bench."""
    books, bench = step.books, step.bench
    with progress.stage("assembly"):
        assembled = assemble(books, bench, found, step.layouts, step.open_from)
        read, found = found, assembled.found
    with progress.stage("identity"):
        leaving = pl.concat([step.leaving, assembled.superseded[Cdr.cdr_id]])
        repeated = find_repeated(books, found, step.layouts, leaving)
    with progress.stage("gate"):
        parts = [part for item in found for part in item.parts]
        staged = [StagedPart(books.path(part.cdr.path), part.file_number, part.day, part.cdr.rows) for part in parts]
        known = known_for(books, step.book, step.open_from, sorted({part.day for part in parts if part.day}))
        judgement = judge_batch(
            staged,
            received_facts(
                books, found, pl.concat([repeated.duplicates[Cdr.cdr_id], assembled.duplicates[Cdr.cdr_id]])
            ),
            known,
            step.rules,
            scratch=bench.folder / "gate",
            overrides=step.overrides,
            reached=progress.steps(),
        )
    refused = {number for number, verdict in judgement.files.items() if verdict.refused}
    is_again = bool(refused and assembled.entries)
    for number, verdict in judgement.files.items():
        report.findings.extend(verdict.findings if number in refused or not is_again else ())
    report.refused.extend(item.path.name for item in found if item.source.file_number in refused)
    accepted = [item for item in found if item.source.file_number not in refused]
    if refused:
        bench.withdraw(entry for entry in list(bench.entries) if entry.key.get("file") in refused)
    if is_again:
        # Without the records of a refused file other calls come about, so the others are judged anew.
        bench.withdraw(assembled.entries)
        rest = [item for item in read if item.source.file_number not in refused]
        return _judge(step, rest, report, progress) if rest else ([], HeldBack(Duplicate.empty(), Suspense.empty()))
    if refused:
        # What a refused file repeats, or is repeated by, is another question without it.
        repeated = find_repeated(books, accepted, step.layouts, leaving) if accepted else repeated
    held = assembled.added_to(hold_back(books, accepted, repeated, judgement.held))
    if accepted:
        numbers = [item.source.file_number for item in accepted]
        keep_results(bench, judgement, step.rules, step.overrides, numbers)
        report.cpu_ms = dict(progress.cpu_ms)
        _tell_notes(report, judgement, step.rules)
    return accepted, held


def received_facts(books: Books, found: Sequence[Accepted], duplicates: pl.Series) -> pl.DataFrame:
    """What is known of each file before its calls are looked at (`RECEIVED` without `late_day`).

    Args:
        books: the books before the step.
        found: the files.
        duplicates: ids of their records that were received before.
    """
    copies = Counter((duplicates // LINES_PER_FILE).to_list())
    last: dict[str, int] = {}
    for read in books.state.sources.values():
        _reach(last, read)
    rows = []
    for item in sorted(found, key=lambda item: (item.source.source, item.source.sequence or 0)):
        source = item.source
        before = last.get(source.source)
        rows.append(
            {
                "file_number": source.file_number,
                "file_name": source.file_name,
                "source": source.source,
                "record_count": source.record_count,
                "duplicate_count": copies[source.file_number],
                "waiting_count": sum(part.records.rows for part in item.waiting),
                "stated_records": source.stated_records,
                "stated_talk_seconds": source.stated_talk_seconds,
                "found_talk_seconds": source.found_talk_seconds,
                "sequence": source.sequence,
                "expected_sequence": before + 1 if before is not None else None,
            }
        )
        _reach(last, source)
    schema = {name: kind for name, kind in RECEIVED.items() if name != "late_day"}
    return pl.DataFrame(rows, schema=schema).sort("file_number")


def _reach(last: dict[str, int], source: SourceFact) -> None:
    """Note how far the row of a source's files has come; a file that comes late takes nothing back."""
    if source.sequence is not None:
        last[source.source] = max(source.sequence, last.get(source.source, source.sequence))


def _tell_notes(report: IngestReport, judgement: Judgement, rules: Sequence[Rule]) -> None:
    """Calls that are billed and yet are worth a look."""
    for rule in rules:
        if rule.scope == "call" and rule.action == "note" and (count := judgement.counts[rule.id]):
            report.findings.append(Finding("NOTED_CALLS", rule.severity, values={"count": count, "code": rule.reason}))


def _usable_book(books: Books, report: IngestReport) -> RateBook | None:
    """The rate book; None when it has critical findings: the calls are stored then, and rated once they are mended."""
    try:
        return load_rate_book(books.root).book
    except Refusal as refusal:
        critical = sum(finding.severity == "critical" for finding in refusal.findings)
        report.findings.append(Finding("RATING_POSTPONED", "warning", values={"count": critical}))
        return None


def as_fact(source: SourceFact) -> dict[str, Any]:
    """A source as its commit tells it."""
    fact = asdict(source)
    del fact["commit"]
    return fact


def _keep_held(bench: Workbench, accepted: Sequence[Accepted], held: HeldBack) -> None:
    """Store copies and suspense of this ingest, named by what is in them."""
    first = accepted[0].source.file_number
    for frame, table in ((held.duplicates, Duplicate), (held.suspense, Suspense)):
        if frame.height:
            name = f"lake/{table.name}/{first:06d}-{table_digest(frame)[:12]}.parquet"
            bench.write(frame, table, name, {"files": [item.source.file_number for item in accepted]})


def _rate(step: BatchStep, accepted: Sequence[Accepted], held: HeldBack, progress: Progress) -> list[str]:
    """Rate the new parts, and older ones of open periods from which a conflict took a call."""
    if step.book is None:
        return []
    books = step.books
    touched = set(held.left_out()[Cdr.cdr_id] // LINES_PER_FILE)
    older = [
        part
        for part in parts_of(books.state)
        if part.file_number in touched and part.billing_period not in books.state.closes
    ]
    parts = sorted([*older, *(part for item in accepted for part in item.parts)], key=lambda part: part.order)
    files = {**kept_files(books), **at_hand(accepted)}
    with progress.stage("rating"):
        excluded = pl.concat([left_out(books), held.left_out()]).unique(Cdr.cdr_id, keep="first", maintain_order=True)
        return rate_parts(books, step.bench, step.book, parts, excluded, files)


def _tell_fates(step: BatchStep, report: IngestReport, accepted: Sequence[Accepted], held: HeldBack) -> None:
    """Count the records of each file by fate, and what was held back by reason."""
    counted = held.left_out().group_by(pl.col(Cdr.cdr_id) // LINES_PER_FILE, "fate").len()
    by_fate = Counter({(number, fate): count for number, fate, count in counted.iter_rows() if fate not in TOGETHER})
    waiting = [part for item in accepted for part in item.waiting]
    ahead = step.books.overlaid(step.bench.entries, [])
    by_fate += fates_of_files(ahead, waiting)
    for item in accepted:
        number = item.source.file_number
        report.read.append(item.source)
        fates = ("duplicate", "suspense", *(TOGETHER if item.waiting else ()))
        report.fates[number] = {fate: by_fate[number, fate] for fate in fates}
    before = left_out(step.books)[Cdr.cdr_id]
    fresh = held.suspense.filter(~pl.col(Suspense.cdr_id).is_in(before.implode()))
    fresh = pl.concat([fresh, held_records(ahead, waiting)])
    for reason, count in fresh[Suspense.reason].value_counts().sort(Suspense.reason).iter_rows():
        report.findings.append(Finding("SUSPENDED_LINES", "info", values={"count": count, "code": reason}))
