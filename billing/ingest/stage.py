"""Read one file of call records into staged parts, one per usage date, in the order of the file's lines.

Every record of the file becomes exactly one row, readable or not, ours or not: records + framing lines = lines of the
file. A file that is refused leaves nothing behind.
"""

import datetime as dt
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from billing.core.findings import refuse
from billing.ingest.forms.delimited import joined_text
from billing.ingest.forms.opening import open_work_text
from billing.ingest.forms.work import WorkText
from billing.ingest.layout import Layout
from billing.ingest.lines import LINE, LINE_INDEX
from billing.ingest.pieces import record_table
from billing.ingest.received import receive
from billing.ingest.rows import OpenQuote, read_text
from billing.ingest.statements import Stated, read_stated
from billing.ingest.text import PlainFile, plain_file
from billing.tables.calls import LINES_PER_FILE, NOT_OURS, Cdr
from billing.tables.parquet import scan_tables, write_by_date

UNDATED = "undated"


@dataclass(frozen=True)
class PartFile:
    """One staged part: the calls of one usage date that one file brought."""

    path: Path
    rows: int
    not_ours: int


@dataclass(frozen=True)
class FileReading:
    """What was read from one file.

    Attributes:
        sha256: of the file as received, packed or not.
        file_name: its name, without a folder.
        layout: `id@version`.
        source: who wrote it.
        is_assembled: its records are no calls yet: its parts are tables of `Waiting`, not of `Cdr`.
        encoding: `utf-8` or `gb18030`, of the unpacked text; of other forms how they were read, such as `parquet`.
        record_count: records; the sum of the rows of the parts.
        framing_count: physical lines that are no records (header, blank, comment).
        not_ours_count: records the layout says are no calls to a 400 number.
        parts: by usage date; None holds the records without a readable start.
        first_seen: last usage date found in the file, None when there is none.
        raw_copy: the kept file, None when none was asked for.
        raw_form: how it is packed, `zst` or `gz`.
        sequence: the file's number in the row of its source's files, None when the layout tells of none.
        stated_records: how many records the file says it has, None when it does not say.
        stated_talk_seconds: the seconds of talk it says its records have, None when it does not say.
        found_talk_seconds: the seconds they have, worked out where it says something of it.
    """

    sha256: str
    file_name: str
    layout: str
    source: str
    is_assembled: bool
    encoding: str
    record_count: int
    framing_count: int
    not_ours_count: int
    parts: Mapping[dt.date | None, PartFile]
    first_seen: dt.date | None
    raw_copy: Path | None
    raw_form: str | None
    sequence: int | None = None
    stated_records: int | None = None
    stated_talk_seconds: int | None = None
    found_talk_seconds: int | None = None


def read_cdr_file(
    path: Path,
    *,
    file_number: int,
    layouts: Sequence[Layout],
    staging: Path,
    raw_copy: Path | None,
    layout_id: str | None = None,
    is_excerpt: bool = False,
) -> FileReading:
    """Read one file into `staging/<date>.parquet`, tables of `Cdr` or `Waiting`, and keep a compressed copy of it.

    Args:
        path: the file as it came: plain or gzip, of any form that a layout may have.
        file_number: its number in the books, from 1; upper half of every `cdr_id`.
        layouts: what it may be.
        staging: a folder of its own, made when missing; only the parts stay in it.
        raw_copy: where the copy goes, `.zst` or `.gz` is added; None keeps none.
        layout_id: the layout to use, when it shall not be recognised by the header.
        is_excerpt: the file is the first part of another, so what it says about all its records does not hold.

    Raises:
        Refusal: the file as a whole cannot be read; staging and copy are as if it had never come.
    """
    assert not staging.exists() or not any(staging.iterdir()), "staging is a folder of its own"
    candidates = [layout for layout in layouts if layout_id in (None, layout.id)]
    if not candidates:
        raise refuse("LAYOUT_NOT_FOUND", path.name, layout=layout_id)
    received = receive(path, raw_copy)
    work = staging / "work"
    try:
        work.mkdir(parents=True, exist_ok=True)
        plain = plain_file(path, received, work)
        text, framing_count = _stage_rows(plain, candidates, staging, file_number, is_excerpt=is_excerpt)
        parts = _parts(staging, text.layout)
        record_count = sum(part.rows for part in parts.values())
        stated = Stated() if is_excerpt else read_stated(text, plain.name)
        shutil.rmtree(work)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        if received.raw_copy:
            received.raw_copy.unlink(missing_ok=True)
        raise
    layout = text.layout
    return FileReading(
        sha256=received.sha256,
        file_name=path.name,
        layout=layout.tag,
        source=layout.source_name,
        is_assembled=layout.is_assembled,
        encoding=text.encoding,
        record_count=record_count,
        framing_count=framing_count,
        not_ours_count=sum(part.not_ours for part in parts.values()),
        parts=parts,
        first_seen=max((day for day in parts if day), default=None),
        raw_copy=received.raw_copy,
        raw_form=received.raw_form,
        sequence=stated.sequence,
        stated_records=stated.records,
        stated_talk_seconds=stated.talk_seconds,
        found_talk_seconds=stated.found_talk_seconds,
    )


def _stage_rows(
    plain: PlainFile, layouts: Sequence[Layout], staging: Path, file_number: int, *, is_excerpt: bool
) -> tuple[WorkText, int]:
    """Write the parts; the text they were read from, and the number of its lines that are no records."""
    text = open_work_text(plain, layouts, staging / "work", is_excerpt=is_excerpt)
    if text.facts.line_count >= LINES_PER_FILE:
        raise refuse("FILE_TOO_LONG", plain.name, lines=text.facts.line_count, limit=LINES_PER_FILE - 1)
    if not _write_parts(text, staging, file_number, plain.name):
        text = joined_text(text, staging / "work", plain.name)
        _write_parts(text, staging, file_number, plain.name, is_joined=True)
    framing_count = text.facts.line_count - sum(_row_count(path) for path in staging.glob("*.parquet"))
    if framing_count != text.framing_least:
        # Lines were counted from the bytes, records from what was written: a line that got lost between shows here.
        counted = pl.scan_lines(text.path, name=LINE, row_index_name=LINE_INDEX, glob=False)
        framing = counted.select(text.framing.sum()).collect().item()
        assert framing_count == framing, f"{plain.name}: {text.facts.line_count} lines"
    return text, framing_count


def _write_parts(text: WorkText, staging: Path, file_number: int, name: str, *, is_joined: bool = False) -> bool:
    """Write the parts; false when a line leaves a quote open, which shows only here, so that other files pay nothing.

    Of what was read until then nothing is written or held.
    """
    rows = read_text(text.path, text.framing, text.form, text.layout, file_number, name, is_joined=is_joined)
    try:
        write_by_date(rows, record_table(text.layout), staging, Cdr.usage_date)
    except OpenQuote:
        return False
    return True


def _parts(staging: Path, layout: Layout) -> dict[dt.date | None, PartFile]:
    """The staged parts, in order of date, the undated one last."""
    return {
        None if path.stem == UNDATED else dt.date.fromisoformat(path.stem): PartFile(
            path, _row_count(path), _not_ours_count(path, record_table(layout)) if layout.not_ours else 0
        )
        for path in sorted(staging.glob("*.parquet"))
    }


def _row_count(path: Path) -> int:
    """Rows of a Parquet file, from its footer."""
    count: int = pq.read_metadata(path).num_rows
    return count


def _not_ours_count(path: Path, table: type[Cdr]) -> int:
    is_not_ours = pl.col(Cdr.outcome) == NOT_OURS
    count: int = scan_tables([path], table).select(is_not_ours.sum()).collect().item()
    return count
