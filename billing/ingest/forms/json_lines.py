"""JSON to a working text: the columns of a layout are dotted paths into its records.

A record stands on its first physical line; where that is taken, as by the records of one array on one line, it stands
on the next number behind the record before it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from billing.core.findings import refuse
from billing.ingest.file_form import JsonRecords
from billing.ingest.forms.json_scan import Fault, Record, as_text, holds_twice, scan_records
from billing.ingest.forms.work import LineWriter, WorkText, written_text
from billing.ingest.layout import Layout
from billing.ingest.received import CHUNK_BYTES
from billing.ingest.recognition import best_layout, required_columns, unknown_columns
from billing.ingest.text import PlainFile, utf8_text

LOOKED_AT_RECORDS = 100
"""Records whose columns tell the layout."""
SHOWN_COLUMNS = 40
_MISSING = object()
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")


def json_text(plain: PlainFile, layouts: Sequence[Layout], staging: Path, *, is_excerpt: bool) -> WorkText:
    """Recognise a JSON file by the columns of its first records and write its working text.

    Args:
        plain: the file.
        layouts: what it may be; all of form `json_lines`.
        staging: where the text goes.
        is_excerpt: the file may be cut off, so a missing end is none.

    Raises:
        Refusal: no layout fits, or the JSON of the file as a whole is broken or has no end.
    """
    source, facts = utf8_text(plain, staging)
    layout = _layout_of(layouts, lambda: _records(source, plain.name, is_excerpt=is_excerpt), plain.name)
    columns = tuple(layout.used_columns())
    target = staging / "cells.txt"
    with LineWriter(target, plain.name, len(columns)) as writer:
        records = _records(source, plain.name, is_excerpt=is_excerpt)
        for number, record, _ in numbered(records, layout.json_records.records_at):
            writer.put(number, None if record is None else cells_of(record, columns, layout.json_records))
        written = writer.finish(facts.line_count)
    told = "/".join(filter(None, (plain.encoding, "json", layout.json_records.records_at)))
    return written_text(target, written, layout, columns, told)


def numbered(
    records: Iterable[Record], records_at: str | None
) -> Iterator[tuple[int, Mapping[str, Any] | None, Record]]:
    """Every record with its number and where it stands; None stands for one that is broken."""
    last = 0
    for record in records:
        for value in _inside(record, records_at):
            last = max(record.line, last + 1)
            yield last, None if value is None or holds_twice(value) else value, record


def raw_records(chunks: Iterable[str], records_at: str, wanted: Sequence[int]) -> dict[int, str]:
    """Records as text on one line, by their number; a broken one is shown as it stands.

    Args:
        chunks: the text of the file, with plain line ends.
        records_at: path of the list within each object; empty when each object is a record.
        wanted: numbers, in order.
    """
    found: dict[int, str] = {}
    numbers = frozenset(wanted)
    for number, value, record in numbered(scan_records(chunks), records_at or None):
        if number in numbers:
            found[number] = record.text if value is None else as_text(value)
        if number >= wanted[-1]:
            break
    return found


def value_at(record: object, path: str, missing: object = None) -> object:
    """What stands at a dotted path; a number counts the places of an array from 0."""
    for step in path.split("."):
        if isinstance(record, Mapping) and step in record:
            record = record[step]
        elif isinstance(record, list) and step.isdecimal() and step.isascii() and int(step) < len(record):
            record = record[int(step)]
        else:
            return missing
    return record


def cells_of(record: Mapping[str, Any], columns: Sequence[str], form: JsonRecords) -> list[str]:
    """The values of the columns as text: numbers as they are written, null and what is missing as empty."""
    return [_cell(value_at(record, column), is_url_encoded=form.url_encoded) for column in columns]


def _cell(value: object, *, is_url_encoded: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return as_text(value)
    if is_url_encoded and _ESCAPE.search(value):
        try:
            return unquote(value, errors="strict")
        except UnicodeDecodeError:
            return value
    return value


def _inside(record: Record, records_at: str | None) -> Sequence[Mapping[str, Any] | None]:
    """The records within an object: itself, or those of the list it holds; one that is broken when there is no list."""
    if records_at is None or record.value is None:
        return (record.value,)
    found = value_at(record.value, records_at)
    return [each if isinstance(each, dict) else None for each in found] if isinstance(found, list) else (None,)


def _layout_of(layouts: Sequence[Layout], records: Callable[[], Iterator[Record]], name: str) -> Layout:
    """The layout whose columns all occur in the first records of a file.

    Not every record names every column: of a call that nobody answered there may be no time of an answer.
    """
    found: dict[str, dict[str, None]] = {}
    fitting = []
    for layout in layouts:
        looked_at = list(islice(numbered(records(), layout.json_records.records_at), LOOKED_AT_RECORDS))
        if not looked_at:
            if len(layouts) > 1:
                raise refuse("JSON_WITHOUT_RECORDS", name)
            return layout
        values = [value for _, value, _ in looked_at if value is not None]
        named = (
            column for column in layout.header for value in values if value_at(value, column, _MISSING) is not _MISSING
        )
        found[layout.tag] = dict.fromkeys(path for value in values for path in _paths(value)) | dict.fromkeys(named)
        if required_columns(layout) <= found[layout.tag].keys():
            fitting.append(layout)
    if not fitting:
        shown = {tag: list(islice(columns, SHOWN_COLUMNS)) for tag, columns in found.items()}
        raise unknown_columns(shown, layouts, f"{name}:1")
    return best_layout(fitting, f"{name}:1")


def _paths(value: object, before: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _paths(each, f"{before}.{key}" if before else key)
    else:
        yield before


def _chunks(source: Path) -> Iterator[str]:
    with source.open(encoding="utf-8", newline=None) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def _records(source: Path, name: str, *, is_excerpt: bool) -> Iterator[Record]:
    """The records of a file; of an excerpt those before the place where it is cut off."""
    try:
        yield from scan_records(_chunks(source))
    except Fault as fault:
        if fault.is_cut_off and is_excerpt:
            return
        reason = "JSON_CUT_OFF" if fault.is_cut_off else "JSON_BROKEN"
        raise refuse(reason, f"{name}:{fault.line}", problem=fault.problem) from None
