"""What a file says about itself in its header record and trailer, compared with what it holds.

A trailer stands last and a header record first, once each. A file that lacks one its layout requires is not complete.
Whether its totals agree with its records is for the quality gate to judge; here both figures are found.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from billing.core.findings import refuse
from billing.ingest.file_form import Encoding, FramingRecord, Place
from billing.ingest.fixed_cells import span_of
from billing.ingest.forms.fixed_width import is_framing_record
from billing.ingest.forms.work import WorkText
from billing.ingest.lines import CELL, LINE, LINE_INDEX, blank_lines, fields_of, read_strictly

SUM_ROWS = 500_000
_DIGITS = re.compile(r"[0-9]{1,18}")
NAME_LIMIT = 255
"""Characters of a name that a layout's pattern is tried on."""


@dataclass(frozen=True)
class Stated:
    """The figures a file states; None where it states none.

    Attributes:
        records: how many records it has.
        talk_seconds: the seconds of talk of all of them.
        found_talk_seconds: the seconds its records have, worked out where it states them.
        sequence: its number in the row of its source's files.
    """

    records: int | None = None
    talk_seconds: int | None = None
    found_talk_seconds: int | None = None
    sequence: int | None = None


def read_stated(text: WorkText, name: str) -> Stated:
    """The figures that a file states.

    Args:
        text: the file's working text.
        name: the file's name.

    Raises:
        Refusal: a required header record or trailer is missing, one stands elsewhere, a figure cannot be read, or the
            header record and the trailer or the name differ.
    """
    layout = text.layout
    found: dict[str, int] = {}
    if layout.file_sequence and (match := re.search(layout.file_sequence, name[:NAME_LIMIT])):
        if not _DIGITS.fullmatch(match[1]):
            raise refuse("STATEMENT_UNREADABLE", name, figure="sequence", text=match[1])
        found["sequence"] = int(match[1])
    for record, is_trailer in ((layout.header_record, False), (layout.trailer, True)):
        placed = _placed(text, record, name, is_trailer=is_trailer) if record else None
        if record and placed:
            found |= _read_record(text, record, placed, name, found)
    if "talk_seconds" in found:
        found["found_talk_seconds"] = _talk_seconds(text)
    return Stated(**found)


def _read_record(
    text: WorkText, record: FramingRecord, placed: tuple[int, str], name: str, known: Mapping[str, int]
) -> dict[str, int]:
    """The figures of one header record or trailer, each equal to what the file said of it before."""
    number, line = placed
    where = f"{name}:{number}"
    figures = {}
    for figure, place in _places(record).items():
        stated = _figure(line, place, text, where, figure)
        before = known.get(figure, stated)
        if before != stated:
            raise refuse("STATEMENTS_DIFFER", where, figure=figure, stated=stated, before=before)
        figures[figure] = stated
    return figures


def _places(record: FramingRecord) -> dict[str, Place]:
    named = {"records": record.records, "talk_seconds": record.talk_seconds, "sequence": record.sequence}
    return {figure: place for figure, place in named.items() if place}


def _placed(text: WorkText, record: FramingRecord, name: str, *, is_trailer: bool) -> tuple[int, str] | None:
    """Number and text of the one line that is a header record or trailer; None where it may be missing and is.

    A line that begins like one and has another length is a broken record, and was counted as such.
    """
    layout = text.layout
    lines = pl.scan_lines(text.framing_path, name=LINE, row_index_name=LINE_INDEX, glob=False)
    begins = pl.col(LINE).str.starts_with(record.prefix)
    comment = pl.col(LINE).str.starts_with(layout.comment_prefix) if layout.comment_prefix else pl.lit(value=False)
    filled = lines.filter(~blank_lines() & (begins | ~comment))
    found = [
        (index + 1, line)
        for index, line in lines.filter(begins).head(2).collect().iter_rows()
        if is_framing_record(line, record, layout.fixed_width, _encoding(text))
    ]
    if not found:
        if record.required:
            reason = "TRAILER_MISSING" if is_trailer else "HEADER_RECORD_MISSING"
            raise refuse(reason, name, layout=layout.tag, prefix=record.prefix)
        return None
    at_end = filled.select(pl.col(LINE_INDEX).last() if is_trailer else pl.col(LINE_INDEX).first()).collect().item()
    if found[0][0] != at_end + 1 or len(found) > 1:
        raise refuse("FRAMING_MISPLACED", f"{name}:{found[-1][0]}", prefix=record.prefix)
    return found[0]


def _encoding(text: WorkText) -> Encoding:
    return "gb18030" if text.encoding == "gb18030" else "utf-8"


def _figure(line: str, place: Place, text: WorkText, where: str, figure: str) -> int:
    """A figure of a line, in plain digits; zeros in front are padding."""
    layout = text.layout
    if layout.fixed_width:
        written = span_of(line, place.start or 1, place.length or 1, layout.fixed_width.unit, text.encoding)
    else:
        fields = fields_of(line, layout.delimiter) or []
        written = fields[place.field - 1] if place.field and len(fields) >= place.field else None
    digits = (written or "").strip()
    if not _DIGITS.fullmatch(digits):
        raise refuse("STATEMENT_UNREADABLE", where, figure=figure, text=digits)
    return int(digits)


def _talk_seconds(text: WorkText) -> int:
    """The sum of the seconds that the records name; a record that cannot be read adds nothing."""
    cell = CELL + text.layout.fields["talk_ms"].column
    lines = pl.scan_lines(text.path, name=LINE, row_index_name=LINE_INDEX, glob=False).filter(~text.framing)
    total = 0
    for batch in lines.collect_batches(chunk_size=SUM_ROWS):
        seconds = read_strictly(batch, text.form)[cell].str.strip_chars(" \t")
        total += int(seconds.filter(seconds.str.contains(r"^[0-9]{1,13}$")).cast(pl.Int64).sum())
    return total
