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
from billing.ingest.layout import Layout
from billing.ingest.lines import LINE, LINE_INDEX, is_framing, line_form
from billing.ingest.received import receive
from billing.ingest.recognition import find_header, recognise
from billing.ingest.rows import read_text
from billing.ingest.text import PlainFile, head_lines, plain_file, work_text
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
        encoding: `utf-8` or `gb18030`, of the unpacked text.
        record_count: records; the sum of the rows of the parts.
        framing_count: physical lines that are no records (header, blank, comment).
        not_ours_count: records the layout says are no calls to a 400 number.
        parts: by usage date; None holds the records without a readable start.
        first_seen: last usage date found in the file, None when there is none.
        raw_copy: the kept file, None when none was asked for.
        raw_form: how it is packed, `zst` or `gz`.
    """

    sha256: str
    file_name: str
    layout: str
    source: str
    encoding: str
    record_count: int
    framing_count: int
    not_ours_count: int
    parts: Mapping[dt.date | None, PartFile]
    first_seen: dt.date | None
    raw_copy: Path | None
    raw_form: str | None


def read_cdr_file(
    path: Path,
    *,
    file_number: int,
    layouts: Sequence[Layout],
    staging: Path,
    raw_copy: Path | None,
    layout_id: str | None = None,
) -> FileReading:
    """Read one file into `staging/<date>.parquet`, tables of `Cdr`, and keep a compressed copy of it.

    Args:
        path: the file as it came: plain or gzip, UTF-8 or GB18030.
        file_number: its number in the books, from 1; upper half of every `cdr_id`.
        layouts: what it may be.
        staging: a folder of its own, made when missing; only the parts stay in it.
        raw_copy: where the copy goes, `.zst` or `.gz` is added; None keeps none.
        layout_id: the layout to use, when it shall not be recognised by the header.

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
        layout, framing_count = _stage_rows(plain, candidates, staging, file_number)
        shutil.rmtree(work)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        if received.raw_copy:
            received.raw_copy.unlink(missing_ok=True)
        raise
    parts = _parts(staging, layout)
    return FileReading(
        sha256=received.sha256,
        file_name=path.name,
        layout=layout.tag,
        source=layout.source_name,
        encoding=plain.encoding,
        record_count=sum(part.rows for part in parts.values()),
        framing_count=framing_count,
        not_ours_count=sum(part.not_ours for part in parts.values()),
        parts=parts,
        first_seen=max((day for day in parts if day), default=None),
        raw_copy=received.raw_copy,
        raw_form=received.raw_form,
    )


def _stage_rows(plain: PlainFile, layouts: Sequence[Layout], staging: Path, file_number: int) -> tuple[Layout, int]:
    """Write the parts; the layout that was recognised, and the number of lines that are no records."""
    header_line, header = find_header(head_lines(plain), layouts, plain.name)
    layout, columns = recognise(header, layouts, f"{plain.name}:{header_line}")
    if plain.encoding not in layout.encodings:
        words = {"found": plain.encoding, "layout": layout.tag, "allowed": ", ".join(layout.encodings)}
        raise refuse("ENCODING_NOT_ALLOWED", f"{plain.name}:1", **words)
    text = work_text(plain, staging / "work")
    if text.facts.line_count >= LINES_PER_FILE:
        raise refuse("FILE_TOO_LONG", plain.name, lines=text.facts.line_count, limit=LINES_PER_FILE - 1)
    form = line_form(layout, columns, text.facts)
    framing = is_framing(header, header_line, layout)
    write_by_date(read_text(text.path, framing, form, layout, file_number), Cdr, staging, Cdr.usage_date)
    framing_count = text.facts.line_count - sum(_row_count(path) for path in staging.glob("*.parquet"))
    if framing_count != (header_line if layout.has_header else 0):
        # Lines were counted from the bytes, records from what was written: a line that got lost between shows here.
        counted = pl.scan_lines(text.path, name=LINE, row_index_name=LINE_INDEX, glob=False).select(framing.sum())
        assert framing_count == counted.collect().item(), f"{plain.name}: {text.facts.line_count} lines"
    return layout, framing_count


def _parts(staging: Path, layout: Layout) -> dict[dt.date | None, PartFile]:
    """The staged parts, in order of date, the undated one last."""
    return {
        None if path.stem == UNDATED else dt.date.fromisoformat(path.stem): PartFile(
            path, _row_count(path), _not_ours_count(path) if layout.not_ours else 0
        )
        for path in sorted(staging.glob("*.parquet"))
    }


def _row_count(path: Path) -> int:
    """Rows of a Parquet file, from its footer."""
    count: int = pq.read_metadata(path).num_rows
    return count


def _not_ours_count(path: Path) -> int:
    is_not_ours = pl.col(Cdr.outcome) == NOT_OURS
    count: int = scan_tables([path], Cdr).select(is_not_ours.sum()).collect().item()
    return count
