"""`ingest`: files into the lake, judged, freed of copies and rated, all in one commit.

A file that a rule refuses is reported and left where it is; the others go in. The same file under the same layout
version is a no-op, so feeding a folder twice changes nothing.
"""

import datetime as dt
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from billing.core.digests import file_sha256, table_digest
from billing.core.findings import Finding, Refusal, refuse
from billing.core.period import Period
from billing.ingest.layout import Layout, load_layouts
from billing.ingest.stage import FileReading, read_cdr_file
from billing.rate_book.policy import Policy, read_policy
from billing.tables.calls import LINES_PER_FILE, Cdr, Duplicate, Suspense
from billing.validation.rules import Rule, load_rules
from billing.validation.stage import judge_file, judge_part
from pipelines.books import Books, Workbench, workbench
from pipelines.commits import SourceFact
from pipelines.executors import side_by_side
from pipelines.held_back import Accepted, HeldBack, at_hand, hold_back
from pipelines.parts import Part, billing_period, left_out, part_key, parts_of
from pipelines.progress import Progress
from pipelines.rate_book_of import load_rate_book
from pipelines.rate_parts import rate_parts
from pipelines.raw_text import kept_files, with_raw_text

RAW_TABLE = "raw"


@dataclass
class IngestReport:
    """What an ingest did: files read, files it had read before, files refused, and what was found."""

    read: list[SourceFact] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    fates: dict[int, dict[str, int]] = field(default_factory=dict)


def ingest_files(
    books: Books,
    paths: Iterable[Path],
    progress: Progress,
    *,
    layout_id: str | None = None,
    dry_run: bool = False,
) -> IngestReport:
    """Read files into the books.

    Args:
        books: the books, open for writing.
        paths: files, or folders whose files are taken in the order of their names.
        progress: where stages are timed.
        layout_id: read under this layout instead of recognising it.
        dry_run: read and judge everything, keep nothing.

    Raises:
        Refusal: a path does not exist, or a layout or rule of the books is broken.
    """
    report = IngestReport()
    policy = read_policy(books.root / "books.toml")
    layouts = load_layouts(books.root / "layouts")
    rules = load_rules()
    with workbench(books) as bench:
        tasks = _unread(books, paths, report)

        def read(task: tuple[int, Path]) -> Accepted | Refusal:
            try:
                return _read_one(books, bench, task[1], task[0], layouts, rules, policy, layout_id, progress)
            except Refusal as refusal:
                return refusal

        with progress.stage("ingest"):
            results = side_by_side(read, tasks)
        accepted = [result for result in results if isinstance(result, Accepted)]
        for (_, path), result in zip(tasks, results, strict=True):
            if isinstance(result, Refusal):
                report.refused.append(path.name)
                report.findings.extend(result.findings)
        if not accepted:
            return report
        bench.settle()
        with progress.stage("identity"):
            held = hold_back(books, accepted, layouts, _open_from(books, policy))
        _keep_held(bench, accepted, held)
        replaced = _rate(books, bench, accepted, held, report, progress)
        _tell_fates(report, accepted, held, left_out(books)[Cdr.cdr_id])
        if not dry_run:
            bench.settle()
            sources = [_as_fact(item.source) for item in accepted]
            books.append("ingest", files=bench.entries, replaces=replaced, facts={"sources": sources})
    return report


def list_files(paths: Iterable[Path]) -> list[Path]:
    """Files in the order given, folders opened up in the order of names; hidden and temporary files are passed over."""
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise refuse("PATH_MISSING", path=path)
        found = sorted(entry for entry in path.rglob("*") if entry.is_file()) if path.is_dir() else [path]
        files.extend(entry for entry in found if entry.name[0] not in ".~" and entry.suffix not in (".tmp", ".part"))
    return files


def _unread(books: Books, paths: Iterable[Path], report: IngestReport) -> list[tuple[int, Path]]:
    """Files whose bytes were never read before, each with its number; a file is hashed only if its size occurs twice.

    A file that was read under an older version of its layout counts as read: reading it again would contradict itself.
    """
    known: dict[int, set[str]] = {}
    for source in books.state.sources.values():
        known.setdefault(source.byte_count, set()).add(source.sha256)
    files = [(path, path.stat().st_size) for path in list_files(paths)]
    sizes = Counter(size for _, size in files)
    unread: list[tuple[int, Path]] = []
    for path, size in files:
        if not path.name.isprintable():
            shown = os.fsencode(path.name).decode("gb18030", "backslashreplace")
            report.refused.append(shown)
            report.findings.append(Finding("FILE_NAME_UNREADABLE", values={"name": shown}))
            continue
        if size in known or sizes[size] > 1:
            sha256 = file_sha256(path)
            if sha256 in known.setdefault(size, set()):
                report.known.append(path.name)
                continue
            known[size].add(sha256)
        unread.append((books.state.last_file_number + len(unread) + 1, path))
    return unread


def _read_one(
    books: Books,
    bench: Workbench,
    path: Path,
    number: int,
    layouts: Sequence[Layout],
    rules: Sequence[Rule],
    policy: Policy,
    layout_id: str | None,
    progress: Progress,
) -> Accepted:
    staging = bench.folder / "staging" / str(number)
    progress.tell("ingest", path.name)
    reading = read_cdr_file(
        path,
        file_number=number,
        layouts=layouts,
        staging=staging,
        raw_copy=bench.folder / "raw" / str(number) if policy.keep_raw else None,
        layout_id=layout_id,
    )
    judgement = judge_part([part.path for part in reading.parts.values()], rules)
    breaches = judge_file(judgement, rules, path.name)
    if breaches:
        raise Refusal(*breaches)
    open_from = _open_from(books, policy)
    parts = [_place_part(bench, reading, number, day, open_from) for day in reading.parts]
    raw_path = ""
    if reading.raw_copy:
        raw_path = f"lake/raw/{reading.sha256}.{reading.raw_form}"
        reading.raw_copy.replace(bench.place(raw_path))
        bench.add(raw_path, RAW_TABLE, {"file": number}, reading.record_count)
    held = judgement.held.with_columns(raw_text=pl.lit(None, pl.String), first_seen=pl.lit(reading.first_seen, pl.Date))
    held = with_raw_text(Suspense.conform(held), {number: (path, reading.encoding)})
    return Accepted(path, _fact(reading, path, number, raw_path), parts, held)


def _open_from(books: Books, policy: Policy) -> Period:
    """The first period that is not closed."""
    period = policy.start
    while str(period) in books.state.closes:
        period = period.shifted(1)
    return period


def _place_part(bench: Workbench, reading: FileReading, number: int, day: dt.date | None, open_from: Period) -> Part:
    staged = reading.parts[day]
    relative = f"lake/cdr/{day or 'undated'}/{number:06d}.parquet"
    staged.path.replace(bench.place(relative))
    period = billing_period(day, open_from)
    key = part_key(day, number) | {"billing_period": period, "not_ours": staged.not_ours}
    entry = bench.add(relative, Cdr.name, key, staged.rows)
    return Part(day, number, period, entry, None, None, None)


def _fact(reading: FileReading, path: Path, number: int, raw_path: str) -> SourceFact:
    return SourceFact(
        file_number=number,
        file_name=reading.file_name,
        sha256=reading.sha256,
        byte_count=path.stat().st_size,
        layout=reading.layout,
        encoding=reading.encoding,
        source=reading.source,
        raw_path=raw_path,
        record_count=reading.record_count,
        framing_count=reading.framing_count,
        not_ours_count=reading.not_ours_count,
        first_seen=reading.first_seen.isoformat() if reading.first_seen else None,
    )


def _as_fact(source: SourceFact) -> dict[str, Any]:
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


def _rate(
    books: Books,
    bench: Workbench,
    accepted: Sequence[Accepted],
    held: HeldBack,
    report: IngestReport,
    progress: Progress,
) -> list[str]:
    """Rate the new parts, and older ones of open periods from which a conflict took a call."""
    try:
        book = load_rate_book(books.root).book
    except Refusal as refusal:
        critical = sum(finding.severity == "critical" for finding in refusal.findings)
        report.findings.append(Finding("RATING_POSTPONED", "warning", values={"count": critical}))
        return []
    touched = set(held.suspense[Cdr.cdr_id] // LINES_PER_FILE)
    older = [
        part
        for part in parts_of(books.state)
        if part.file_number in touched and part.billing_period not in books.state.closes
    ]
    parts = sorted([*older, *(part for item in accepted for part in item.parts)], key=lambda part: part.order)
    with progress.stage("rating"):
        excluded = pl.concat([left_out(books), held.left_out()]).unique(Cdr.cdr_id, keep="first", maintain_order=True)
        return rate_parts(books, bench, book, parts, excluded, {**kept_files(books), **at_hand(accepted)})


def _tell_fates(report: IngestReport, accepted: Sequence[Accepted], held: HeldBack, before: pl.Series) -> None:
    counted = held.left_out().group_by(pl.col(Cdr.cdr_id) // LINES_PER_FILE, "fate").len()
    by_fate = {(number, fate): count for number, fate, count in counted.iter_rows()}
    for item in accepted:
        number = item.source.file_number
        report.read.append(item.source)
        report.fates[number] = {fate: by_fate.get((number, fate), 0) for fate in ("duplicate", "suspense")}
    fresh = held.suspense.filter(~pl.col(Suspense.cdr_id).is_in(before.implode()))
    for reason, count in fresh[Suspense.reason].value_counts().sort(Suspense.reason).iter_rows():
        report.findings.append(Finding("SUSPENDED_LINES", "info", values={"count": count, "code": reason}))
