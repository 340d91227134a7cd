"""How records leave suspense: given up by name and reason, or tried again after a fix and billed. Nothing else does.

A record that is tried again keeps its place and fate in the month it came with; it is billed under a new id, in a file
of its own that the engine writes, so closed months stay as they were and every step can be taken back.
"""

import datetime as dt
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import polars as pl

from billing.core.digests import table_digest
from billing.core.findings import Finding, Refusal, refuse
from billing.ingest.layout import load_layouts
from billing.ingest.raw_lines import open_as_received
from billing.ingest.stage import UNDATED, read_cdr_file
from billing.rate_book.book import RateBook
from billing.rate_book.policy import read_policy
from billing.rate_book.rating_rows import rating_rows
from billing.rating.stage import rate_calls
from billing.tables.calls import LINES_PER_FILE, NOT_OURS, Cdr, Recycled, WrittenOff
from billing.tables.catalog import ServiceNumber
from billing.tables.parquet import scan_tables, write_by_date
from billing.validation.facts import StagedPart
from billing.validation.rules import load_rules
from billing.validation.stage import Override, judge_batch
from pipelines.books import Books, workbench
from pipelines.commits import FileEntry, SourceFact
from pipelines.gate import known_for
from pipelines.held_back import Accepted, find_repeated
from pipelines.ingest_files import BatchStep, IngestReport, as_fact, bring_in, open_from, received_facts
from pipelines.parts import Part, billing_period, left_out, part_key, parts_of, unrated_of
from pipelines.progress import Progress
from pipelines.rate_book_of import load_rate_book
from pipelines.rate_parts import rate_parts
from pipelines.raw_text import kept_files
from pipelines.read_files import place_part
from pipelines.suspense import Chosen, work_list, worth
from pipelines.waiting import WAITING_WRITTEN_OFF, held_records, waiting_parts

RECYCLED_SOURCE = "recycled"
"""Source and layout of the files that the engine writes of records that leave suspense."""


@dataclass
class Leaving:
    """What left suspense, and what stayed.

    Attributes:
        tried: records that were chosen.
        left: records that left.
        value_micro: what those that can be valued were estimated to be worth; None where none of them can.
        unvalued_count: how many of those that left cannot be valued.
        findings: why kept files could not be read again; their records were tried as they were stored.
    """

    tried: int
    left: int = 0
    value_micro: int | None = 0
    unvalued_count: int = 0
    findings: list[Finding] = field(default_factory=list)


def write_off(books: Books, chosen: Chosen, today: dt.date, reason: str, *, dry_run: bool = False) -> Leaving:
    """Give records up: they stay in the books, with the fate written off, and are never billed.

    Raises:
        Refusal: nothing is chosen, or a key that does not wait.
    """
    listed = _chosen(books, chosen, today)
    leaving = Leaving(listed.height, listed.height, *worth(listed))
    if dry_run or listed.is_empty():
        return leaving
    with workbench(books) as bench:
        frame = WrittenOff.conform(listed.select(WrittenOff.cdr_id, WrittenOff.usage_date)).sort(WrittenOff.cdr_id)
        of_records = held_records(books, waiting_parts(books.state))[Cdr.cdr_id]
        is_record = pl.col(Cdr.cdr_id).is_in(of_records.implode())
        for table, rows in (
            (WrittenOff.name, frame.filter(~is_record)),
            (WAITING_WRITTEN_OFF, frame.filter(is_record)),
        ):
            if rows.height:
                name = f"lake/{table}/{len(books.commits) + 1:06d}-{table_digest(rows)[:12]}.parquet"
                files = sorted(set((rows[WrittenOff.cdr_id] // LINES_PER_FILE).to_list()))
                bench.write(rows, WrittenOff, name, {"files": files}, table)
        bench.settle()
        codes = listed["reason"].value_counts().sort("reason").rows()
        facts = {"reason": reason, "records": frame.height, "codes": dict(codes), **_worth_facts(leaving)}
        books.append("write_off", files=bench.entries, facts=facts)
    return leaving


def recycle(
    books: Books,
    chosen: Chosen,
    today: dt.date,
    progress: Progress,
    *,
    overrides: Sequence[Override] = (),
    dry_run: bool = False,
) -> Leaving:
    """Try records in suspense again: read under today's layouts, judged by today's rules, rated by today's book.

    Args:
        books: the books, open for writing.
        chosen: which records.
        today: ages count to this day.
        progress: where stages are timed.
        overrides: rules of calls that somebody answers for; the records are billed although they break them.
        dry_run: try, keep nothing.

    Raises:
        Refusal: a key that does not wait, or the rate book cannot be read.
    """
    listed = _chosen(books, chosen, today)
    leaving = Leaving(listed.height)
    if listed.is_empty():
        return leaving
    book = load_rate_book(books.root).book
    with workbench(books) as bench:
        policy = read_policy(books.root / "books.toml")
        layouts = load_layouts(books.root / "layouts")
        answered = {override.rule_id for override in overrides}
        # Whoever answers for a rule turns it into a note: it is asked all the same, and its result tells who did.
        rules = [
            replace(rule, mostly=None, action="note" if rule.id in answered else rule.action)
            for rule in load_rules()
            if rule.scope == "call"
        ]
        leaves = listed[Cdr.cdr_id]
        step = BatchStep(books, bench, layouts, open_from(books, policy), book, rules, overrides, leaves)
        replaced, priced, waits = _rate_again(step, book, listed)
        rest = listed.filter(~pl.col(Cdr.cdr_id).is_in(pl.concat([priced, waits]).implode()))
        report = IngestReport()
        moved = Recycled.empty()
        rows = _read_again(step, rest, bench.folder / "again", leaving.findings)
        if rows.height and (sound := _sound(step, rows, bench.folder / "tried")).height:
            file, moved = _move(step, sound, listed)
            replaced += bring_in(step, [file], report, progress)
        gone = listed.filter(pl.col(Cdr.cdr_id).is_in(pl.concat([priced, moved[Recycled.cdr_id]]).implode()))
        leaving.left = gone.height
        leaving.value_micro, leaving.unvalued_count = worth(gone)
        if not dry_run and gone.height:
            bench.settle()
            facts = {
                "sources": [as_fact(source) for source in report.read],
                "overrides": [asdict(override) for override in overrides],
                "records": gone.height,
                **_worth_facts(leaving),
            }
            books.append("recycle", files=bench.entries, replaces=replaced, facts=facts)
    return leaving


def _worth_facts(leaving: Leaving) -> dict[str, int | None]:
    return {"value_micro": leaving.value_micro, "unvalued_count": leaving.unvalued_count}


def _chosen(books: Books, chosen: Chosen, today: dt.date) -> pl.DataFrame:
    listed = work_list(books, today, chosen)
    for key in chosen.keys:
        if key not in listed["key"]:
            raise refuse("NOT_IN_SUSPENSE", key=key)
    return listed


def _rate_again(step: BatchStep, book: RateBook, listed: pl.DataFrame) -> tuple[list[str], pl.Series, pl.Series]:
    """Rate the open parts again whose chosen calls had no price.

    Returns:
        Paths that new files replace, ids of chosen calls that have a price now, and of those that still wait for one.
    """
    books, ids = step.books, set(listed[Cdr.cdr_id])
    parts = [part for part in parts_of(books.state) if part.unrated and part.billing_period not in books.state.closes]
    before = unrated_of(books, parts)[Cdr.cdr_id]
    before = before.filter(before.is_in(list(ids)))
    files = set((before // LINES_PER_FILE).to_list())
    touched = [part for part in parts if part.file_number in files]
    replaced = rate_parts(books, step.bench, book, touched, left_out(books), kept_files(books))
    ahead = books.overlaid(step.bench.entries, replaced)
    step.bench.settle()
    after = unrated_of(ahead, [part for part in parts_of(ahead.state) if part.file_number in files])[Cdr.cdr_id]
    is_left = before.is_in(after.implode())
    return replaced, before.filter(~is_left), before.filter(is_left)


def _read_again(step: BatchStep, rest: pl.DataFrame, scratch: Path, findings: list[Finding]) -> pl.DataFrame:
    """`Cdr` rows of records, read from the kept files where there are any, else as they were stored."""
    books, frames = step.books, [Cdr.empty()]
    for (number,), rows in rest.group_by(pl.col(Cdr.cdr_id) // LINES_PER_FILE, maintain_order=True):
        paths = _staged_again(step, int(str(number)), scratch / str(number), findings)
        if not paths:
            parts = [part for part in parts_of(books.state) if part.file_number == number]
            paths = [books.path(part.cdr.path) for part in parts]
        wanted = rows[Cdr.cdr_id].implode()
        frames.append(scan_tables(paths, Cdr).filter(pl.col(Cdr.cdr_id).is_in(wanted)).collect())
    ours = pl.concat(frames).filter(pl.col(Cdr.outcome).ne_missing(NOT_OURS))
    return ours.sort(Cdr.cdr_id)


def _staged_again(step: BatchStep, number: int, scratch: Path, findings: list[Finding]) -> list[Path]:
    """A kept file read anew under its layout of today; nothing when it was not kept, or is refused, which is told."""
    source = step.books.state.sources[number]
    layout_id = source.layout.partition("@")[0]
    # A record that is no call by itself cannot be tried alone: the call stands as it was put together.
    if not source.raw_path or layout_id not in {layout.id for layout in step.layouts if not layout.is_assembled}:
        return []
    scratch.mkdir(parents=True)
    path = scratch / source.file_name
    with open_as_received(step.books.path(source.raw_path)) as kept, path.open("wb") as file:
        shutil.copyfileobj(kept, file)
    try:
        reading = read_cdr_file(
            path,
            file_number=number,
            layouts=step.layouts,
            staging=scratch / "staged",
            raw_copy=None,
            layout_id=layout_id,
        )
    except Refusal as refusal:
        findings.extend(replace(finding, severity="warning") for finding in refusal.findings)
        return []
    return [part.path for part in reading.parts.values()]


def _sound(step: BatchStep, rows: pl.DataFrame, scratch: Path) -> pl.DataFrame:
    """Of records that were read again those that break no rule, contradict nothing and have a price, under new ids."""
    assert step.book is not None, "without a book nothing is tried again"
    tried = _renumbered(step, rows)
    found = _as_file(step, tried, scratch)
    contradicting = find_repeated(step.books, [found], step.layouts, step.leaving).conflicts[Cdr.cdr_id]
    staged = [StagedPart(Path(part.cdr.path), part.file_number, part.day, part.cdr.rows) for part in found.parts]
    days = sorted({part.day for part in found.parts if part.day})
    judgement = judge_batch(
        staged,
        received_facts(step.books, [found], contradicting),
        known_for(step.books, step.book, step.open_from, days),
        step.rules,
        scratch=scratch / "gate",
    )
    known = step.book.table(ServiceNumber.name)[ServiceNumber.service_number]
    unpriced = [
        rate_calls(tried.lazy().filter(pl.col(Cdr.usage_date) == day), rating_rows(step.book, day), known).unrated
        for day in days
    ]
    bad = pl.concat([contradicting, judgement.held[Cdr.cdr_id], *(calls.collect()[Cdr.cdr_id] for calls in unpriced)])
    # Whatever rule somebody answers for: without a day, an outcome or a talk time there is nothing to rate.
    can_be_rated = tried.select(
        pl.col(Cdr.usage_date).is_not_null()
        & pl.col(Cdr.outcome).is_not_null()
        & (pl.col(Cdr.talk_ms) >= 0).fill_null(False)
    ).to_series()
    return rows.filter(~tried[Cdr.cdr_id].is_in(bad.implode()) & can_be_rated)


def _move(step: BatchStep, sound: pl.DataFrame, listed: pl.DataFrame) -> tuple[Accepted, pl.DataFrame]:
    """Lay sound records down as a file of their own, and note where each came from (`Recycled`)."""
    renumbered = _renumbered(step, sound)
    # The day under which the record waits: read again, it may have another.
    stood = sound.select(Recycled.cdr_id).join(
        listed.select(Recycled.cdr_id, Recycled.usage_date), on=Recycled.cdr_id, how="left", maintain_order="left"
    )
    moved = Recycled.conform(stood.with_columns(into_cdr_id=renumbered[Cdr.cdr_id]))
    staged = _as_file(step, renumbered, step.bench.folder / "recycled")
    number = staged.source.file_number
    parts = [
        place_part(step.bench, Path(part.cdr.path), number, part.day, step.open_from, rows=part.cdr.rows, not_ours=0)
        for part in staged.parts
    ]
    name = f"lake/{Recycled.name}/{number:06d}.parquet"
    step.bench.write(moved, Recycled, name, {"files": [number]})
    step.bench.settle()
    return replace(staged, parts=parts), moved


def _renumbered(step: BatchStep, rows: pl.DataFrame) -> pl.DataFrame:
    """Records under ids of the file that the engine writes of them, in order."""
    first = (step.books.state.last_file_number + 1) * LINES_PER_FILE + 1
    return rows.with_columns(pl.int_range(first, first + rows.height, eager=True).alias(Cdr.cdr_id))


def _as_file(step: BatchStep, rows: pl.DataFrame, folder: Path) -> Accepted:
    """Records as a file that was read, its parts in a folder."""
    number = step.books.state.last_file_number + 1
    write_by_date([rows], Cdr, folder, Cdr.usage_date)
    parts = []
    for path in sorted(folder.glob("*.parquet")):
        day = None if path.stem == UNDATED else dt.date.fromisoformat(path.stem)
        count = rows.filter(pl.col(Cdr.usage_date).eq_missing(pl.lit(day))).height
        # Its path is absolute until the part is placed: below the books it has none yet.
        entry = FileEntry(str(path.absolute()), Cdr.name, "", count, part_key(day, number) | {"not_ours": 0})
        parts.append(Part(day, number, billing_period(day, step.open_from), entry, None, None, None))
    newest = rows[Cdr.usage_date].max()
    source = SourceFact(
        file_number=number,
        file_name=f"{RECYCLED_SOURCE}-{number:06d}",
        sha256=table_digest(rows),
        byte_count=0,
        layout=f"{RECYCLED_SOURCE}@1",
        encoding="utf-8",
        source=RECYCLED_SOURCE,
        raw_path="",
        record_count=rows.height,
        framing_count=0,
        not_ours_count=0,
        first_seen=str(newest) if newest else None,
    )
    return Accepted(folder, source, parts)
