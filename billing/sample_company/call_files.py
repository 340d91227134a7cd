"""The files of one carrier, day by day and chunk by chunk, and what went into each."""

import gzip
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import polars as pl

from billing.sample_company import dirt
from billing.sample_company.call_columns import DIRT, OUTCOME, TALK_S, CallMaker
from billing.sample_company.formats import FileFormat

CHUNK = 50_000
"""Calls made and written at once; memory is bounded by it."""
UNRATED = (
    "too_few_fields",
    "too_many_fields",
    "unreadable_time",
    "scientific_caller",
    "unknown_number",
    "unsubscribed",
)
"""Kinds of dirt that keep a call from being rated."""


@dataclass
class CallFile:
    """A file that was written.

    Attributes:
        path, layout: where, and what reads it.
        lines: its lines by kind: clean, a kind of dirt, outbound_leg; no header.
        totals: of calls that can be rated and were not resent: rated_calls, rated_talk_seconds, answered_calls.
    """

    path: Path
    layout: str
    lines: Counter[str] = field(default_factory=Counter)
    totals: Counter[str] = field(default_factory=Counter)

    @property
    def records(self) -> int:
        """Lines without the header."""
        return self.lines.total()


def write_call_files(folder: Path, form: FileFormat, makers: Sequence[CallMaker], days_a_file: int) -> list[CallFile]:
    """Write the calls of one carrier; lines that are sent twice come again at the end of the next file.

    Args:
        folder: made when missing.
        form: how the carrier writes.
        makers: the carrier's days, in order.
        days_a_file: how many days one file holds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: list[CallFile] = []
    resent: list[pl.DataFrame] = []
    for index in range(0, len(makers), days_a_file):
        group = makers[index : index + days_a_file]
        days = "-".join(dict.fromkeys(f"{maker.stretch.day:%Y%m%d}" for maker in (group[0], group[-1])))
        file = CallFile(folder / form.name.format(days=days), form.layout)
        due, resent = resent, []
        with opened_for_writing(file.path, form) as stream:
            stream.write(form.header_line())
            for maker in group:
                resent.extend(_write_day(stream, form, maker, file))
            if index + days_a_file >= len(makers):
                # The last file has no next one: what it sends twice stands in it twice.
                due.extend(resent)
            for lines in due:
                write_lines(stream, form, lines)
                file.lines["duplicate"] += len(lines)
        files.append(file)
    return files


def write_lines(stream: BinaryIO, form: FileFormat, lines: pl.DataFrame) -> None:
    """Append lines as they are: their quotes and separators are already in them."""
    buffer = io.BytesIO()
    lines.write_csv(buffer, include_header=False, quote_style="never", line_terminator=form.line_end)
    raw = buffer.getvalue()
    stream.write(raw if form.encoding == "utf-8" else raw.decode().encode(form.encoding))


@contextmanager
def opened_for_writing(path: Path, form: FileFormat) -> Iterator[BinaryIO]:
    """The file to write into, compressed where the format says so, with no time and no name inside."""
    with path.open("wb") as raw:
        if form.compression != "gzip":
            yield raw
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=1) as stream:
            yield cast(BinaryIO, stream)


def _write_day(stream: BinaryIO, form: FileFormat, maker: CallMaker, file: CallFile) -> Iterator[pl.DataFrame]:
    """Write a day and hand back the lines that come again."""
    for first in range(0, maker.stretch.count, CHUNK):
        calls = maker.chunk(first, min(CHUNK, maker.stretch.count - first))
        lines = form.lines(calls)
        write_lines(stream, form, lines)
        file.lines += _kinds(calls) + Counter(outbound_leg=calls.filter(form.legs()).height)
        file.totals += call_totals(calls)
        yield lines.filter(calls[DIRT] == dirt.code("duplicate"))


def _kinds(calls: pl.DataFrame) -> Counter[str]:
    """Lines by kind. A call that is sent twice is clean here and a duplicate where it comes again."""
    found: Counter[str] = Counter()
    for code, count in calls.group_by(DIRT).len().iter_rows():
        is_clean = code in (dirt.CLEAN, dirt.code("duplicate"))
        found["clean" if is_clean else dirt.kinds()[code - 1]] += count
    return found


def call_totals(calls: pl.DataFrame) -> Counter[str]:
    """What of these calls can be rated: calls, seconds of talk, answered ones."""
    ratable = calls.filter(~pl.col(DIRT).is_in([dirt.code(kind) for kind in UNRATED]))
    return Counter(
        rated_calls=len(ratable),
        rated_talk_seconds=int(ratable[TALK_S].sum()),
        answered_calls=ratable.filter(pl.col(OUTCOME) == "answered").height,
    )
