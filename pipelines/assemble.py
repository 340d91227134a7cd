"""Between reading and identity: records that are not calls by themselves are put together with those of earlier files.

Everything that is known of a call is weighed again whenever a record of it comes in, so neither the order of files nor
their split over ingests changes what is billed. What a closed month was billed from is never taken apart.
"""

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import polars as pl

from billing.assembly.rule import AssemblyRule
from billing.core.findings import Finding, Refusal
from billing.core.period import Period
from billing.ingest.assembling import WAIT_HOURS, Events, Legs, Pieces
from billing.ingest.layout import Layout
from billing.ingest.rows import UNREADABLE_LINE
from billing.ingest.stage import FileReading
from billing.tables.calls import LINES_PER_FILE, NOT_OURS, Cdr, Duplicate, Joined, Suspense, Waiting
from billing.tables.parquet import scan_tables, write_table
from pipelines.books import Books, Workbench
from pipelines.commits import FileEntry
from pipelines.held_back import Accepted, HeldBack, at_hand
from pipelines.parts import Part, billing_period, part_key
from pipelines.raw_text import RawFiles, kept_files, with_raw_text
from pipelines.waiting import SUPERSEDED, WAITING_DUPLICATE, WAITING_SUSPENSE, WaitingPart, can_be_part, is_readable
from pipelines.weigh import Weighed, weigh

RECORDS_AT_ONCE = 500_000
"""New records that are weighed in one go, with all that is stored of their calls."""


@dataclass(frozen=True)
class Assembled:
    """What an ingest put together.

    Attributes:
        found: its files, now with the parts of the calls that they completed.
        conflicts: `Suspense` rows of calls made before, of open months, that a new record contradicts.
        superseded: `Joined` rows of calls made before that were put together again.
        duplicates: `Duplicate` rows of records.
        entries: the files that it wrote.
    """

    found: Sequence[Accepted]
    conflicts: pl.DataFrame = field(default_factory=Suspense.empty)
    superseded: pl.DataFrame = field(default_factory=Joined.empty)
    duplicates: pl.DataFrame = field(default_factory=Duplicate.empty)
    entries: Sequence[FileEntry] = ()

    def added_to(self, held: HeldBack) -> HeldBack:
        """What else of the ingest is not billed, with what assembly took out."""
        suspense = pl.concat([held.suspense, self.conflicts]).unique("cdr_id", keep="first", maintain_order=True)
        return replace(
            held,
            suspense=suspense.join(self.superseded, on="cdr_id", how="anti").sort("cdr_id"),
            superseded=self.superseded,
        )


def records_of(
    bench: Workbench, reading: FileReading, path: Path, number: int, layouts: Sequence[Layout], open_from: Period
) -> tuple[pl.DataFrame, list[WaitingPart]]:
    """Store the records of a file that are not calls by themselves, under `lake/waiting`.

    Returns:
        `Suspense` rows of those that cannot be read, and so be part of no call; and the parts.

    Raises:
        Refusal: most of them cannot be read.
    """
    records = scan_tables([part.path for part in reading.parts.values()], Waiting)
    unreadable = records.filter(pl.col(Waiting.outcome).ne_missing(NOT_OURS), ~is_readable())
    held = Suspense.conform(unreadable.with_columns(**_why_unreadable(reading.first_seen)).collect())
    if held.height * 2 > reading.record_count:
        values = {"count": held.height, "records": reading.record_count, "layout": reading.layout}
        raise Refusal(Finding("RECORDS_UNREADABLE", "critical", path.name, values))
    layout = next(layout for layout in layouts if layout.tag == reading.layout)
    held = with_raw_text(held.sort(Suspense.cdr_id), {number: (path, reading.encoding)})
    return held, _place_waiting(bench, reading, number, layout, open_from)


def _why_unreadable(first_seen: dt.date | None) -> dict[str, pl.Expr]:
    """The columns of `Suspense` that a record lacks; the reason is the gate's of such a call."""
    reason = (
        pl.when(pl.col(Waiting.unreadable) == UNREADABLE_LINE)
        .then(pl.lit("LINE_BROKEN"))
        .when(pl.col(Waiting.started_at).is_null())
        .then(pl.lit("START_UNREADABLE"))
        .otherwise(pl.lit("VALUE_UNREADABLE"))
    )
    nothing = pl.lit(None, pl.String)
    return {"reason": reason, "rule_id": nothing, "raw_text": nothing, "first_seen": pl.lit(first_seen, pl.Date)}


def _place_waiting(
    bench: Workbench, reading: FileReading, number: int, layout: Layout, open_from: Period
) -> list[WaitingPart]:
    hours = layout.assemble.wait_hours if isinstance(layout.assemble, Pieces | Events) else WAIT_HOURS
    parts = []
    for day, staged in reading.parts.items():
        relative = f"lake/{Waiting.name}/{day or 'undated'}/{number:06d}.parquet"
        newest = scan_tables([staged.path], Waiting).filter(is_readable())
        latest: dt.datetime | None = newest.select(pl.col(Waiting.started_at).max()).collect().item()
        staged.path.replace(bench.place(relative))
        period = billing_period(day, open_from)
        key = part_key(day, number) | {
            "billing_period": period,
            "not_ours": staged.not_ours,
            "source": reading.source,
            "wait_hours": hours,
            "newest": latest.isoformat() if latest else None,
        }
        parts.append(WaitingPart(day, number, period, bench.add(relative, Waiting.name, key, staged.rows)))
    return parts


def assemble(
    books: Books, bench: Workbench, found: Sequence[Accepted], layouts: Sequence[Layout], open_from: Period
) -> Assembled:
    """Make calls of the records of new files and of those that wait; the new files lie in the books already.

    Args:
        books: the books.
        bench: where the parts of calls and what became of records are written, and laid down.
        found: the files that come in.
        layouts: what they are read under.
        open_from: the first period that is not closed.
    """
    sources = sorted({part.source for item in found for part in item.waiting})
    if not any(item.waiting for item in found):
        return Assembled(found)
    by_source = {layout.source_name: layout for layout in layouts if layout.is_assembled}
    files = {**kept_files(books), **at_hand(found)}
    spill = bench.folder / "assembly"
    shutil.rmtree(spill, ignore_errors=True)
    spill.mkdir()
    weighed: list[Weighed] = []
    before = len(bench.entries)
    for source in sources:
        rule = assembly_rule(by_source[source])
        for portion in _portions(books, found, source):
            told = weigh(books, portion, rule, source, open_from)
            told.calls.with_columns(rule=pl.lit(source)).write_ipc(spill / f"{len(weighed)}.arrow")
            weighed.append(replace(told, calls=Cdr.empty()))
    _keep(bench, found, weighed, files)
    formed = _place_calls(bench, sorted(spill.glob("*.arrow")), by_source, open_from)
    bench.settle()
    return Assembled(
        [replace(item, parts=formed.get(item.source.file_number, item.parts)) for item in found],
        with_raw_text(pl.concat([Suspense.empty(), *(told.conflicts for told in weighed)]), files),
        pl.concat([Joined.empty(), *(told.superseded for told in weighed)]),
        pl.concat([Duplicate.empty(), *(told.duplicates for told in weighed)]),
        bench.entries[before:],
    )


def assembly_rule(layout: Layout) -> AssemblyRule:
    """How the records of a layout make calls."""
    how = layout.assemble
    numbered = how.number if isinstance(how, Pieces) else None
    return AssemblyRule(
        kind=how.kind if how else "tellings",
        window_hours=layout.identity.window_hours,
        first_number=numbered.first if numbered else None,
        charged=how.charged if isinstance(how, Legs) else None,
        is_corrected=layout.corrections is not None,
    )


def _portions(books: Books, found: Sequence[Accepted], source: str) -> Iterator[pl.DataFrame]:
    """The new records of a source that can be part of a call, in portions that cut no key in two."""
    entries = [part.records for item in found for part in item.waiting if part.source == source and part.day]
    readable = scan_tables(books.paths(entries), Waiting).filter(can_be_part())
    count = 1 + sum(entry.rows for entry in entries) // RECORDS_AT_ONCE
    bucket = pl.col(Waiting.call_key).hash(seed=0) % count
    for number in range(count):
        yield readable.filter(bucket == number).collect()


def _keep(bench: Workbench, accepted: Sequence[Accepted], weighed: Sequence[Weighed], files: RawFiles) -> None:
    """Store what became of the records of this ingest."""
    numbers = [item.source.file_number for item in accepted]
    for portion, found in enumerate(weighed):
        frames = (
            (found.joined, Joined, Joined.name),
            (found.superseded, Joined, SUPERSEDED),
            (found.duplicates, Duplicate, WAITING_DUPLICATE),
            (with_raw_text(found.held, files), Suspense, WAITING_SUSPENSE),
        )
        for frame, table, name in frames:
            if frame.height:
                bench.write(frame, table, f"lake/{name}/{numbers[0]:06d}-{portion}.parquet", {"files": numbers}, name)
    unreadable = pl.concat([Suspense.empty(), *(item.held_records for item in accepted)])
    if unreadable.height:
        relative = f"lake/{WAITING_SUSPENSE}/{numbers[0]:06d}-lines.parquet"
        bench.write(unreadable, Suspense, relative, {"files": numbers}, WAITING_SUSPENSE)


def _place_calls(
    bench: Workbench, spilled: Sequence[Path], by_source: Mapping[str, Layout], open_from: Period
) -> dict[int, list[Part]]:
    """Store the calls that were made, each in the part of the file whose record it is named by."""
    calls = pl.scan_ipc(list(spilled), glob=False)
    of_file = pl.col(Cdr.cdr_id) // LINES_PER_FILE
    parts: dict[int, list[Part]] = {}
    for number in sorted(calls.select(of_file.unique()).collect().to_series()):
        own = calls.filter(of_file == number).sort(Cdr.usage_date, Cdr.cdr_id).collect()
        for (day,), rows in own.partition_by(Cdr.usage_date, as_dict=True, maintain_order=True).items():
            assert isinstance(day, dt.date), "a call has a start"
            relative = f"lake/{Cdr.name}/{day}/{number:06d}.parquet"
            write_table(rows, Cdr, bench.place(relative))
            period = billing_period(day, open_from)
            rule = asdict(assembly_rule(by_source[rows["rule"][0]]))
            key = part_key(day, number) | {"billing_period": period, "not_ours": 0, "formed": rule}
            entry = bench.add(relative, Cdr.name, key, rows.height)
            parts.setdefault(number, []).append(Part(day, number, period, entry, None, None, None))
    return parts
