"""Which layout a file has: the one whose required columns all stand in its header line. Never a guess.

A file without a header has the layout whose columns its first record fills, one by one: as many of them, a start and a
number of ours where they belong.
"""

import csv
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from billing.core.findings import refuse
from billing.ingest.layout import Layout
from billing.tables.calls import SERVICE_NUMBER

BOM = "\ufeff"
_SOME_NUMBER = re.compile(f"(?:{SERVICE_NUMBER})$")


@dataclass(frozen=True)
class Header:
    """The header line: its physical line number (from 1), its text, and its column names under the layout."""

    line: int
    text: str
    columns: tuple[str, ...]


def find_header(lines: Sequence[str], layouts: Sequence[Layout], where: str) -> tuple[int, str]:
    """The first line that is neither blank nor a comment of one of the layouts: its number and text.

    Raises:
        Refusal: there is none.
    """
    prefixes = tuple(layout.comment_prefix for layout in layouts if layout.comment_prefix)
    for number, line in enumerate(lines, 1):
        text = line.removeprefix(BOM)
        if text.strip() and not text.startswith(prefixes):
            return number, text
    raise refuse("FILE_WITHOUT_HEADER", where)


def recognise(header: str, layouts: Sequence[Layout], where: str) -> tuple[Layout, tuple[str, ...]]:
    """The layout of a file from its header line, and the header's column names.

    A layout fits when all its columns stand in the header; more columns are kept and unused. Where one fitting
    layout asks for more columns than another, it is the better fit.

    Args:
        header: the header line as text.
        layouts: what it may be.
        where: `file:line` for messages.

    Raises:
        Refusal: no layout fits, two fit equally, or the header names a used column twice.
    """
    fitting = [
        layout for layout in layouts if layout.has_header and set(layout.header) <= set(split_header(header, layout))
    ]
    if not fitting:
        fitting = [layout for layout in layouts if not layout.has_header and _is_record(header, layout)]
    if not fitting:
        raise _unknown(header, layouts, where)
    most = max(len(layout.header) for layout in fitting)
    best = [layout for layout in fitting if len(layout.header) == most]
    if len(best) > 1:
        raise refuse("LAYOUT_AMBIGUOUS", where, layouts=", ".join(layout.tag for layout in best))
    if not best[0].has_header:
        return best[0], tuple(best[0].header)
    columns = split_header(header, best[0])
    if twice := sorted({column for column in best[0].header if columns.count(column) > 1}):
        raise refuse("COLUMN_TWICE", where, columns=", ".join(twice), layout=best[0].tag)
    return best[0], columns


def _is_record(line: str, layout: Layout) -> bool:
    """Whether a line is a record of a layout without a header."""
    try:
        cells = next(csv.reader([line], delimiter=layout.delimiter, strict=True), [])
    except csv.Error:
        return False
    if len(cells) != len(layout.header):
        return False
    started, number = (layout.fields[name] for name in ("started_at", "service_number"))
    named = dict(zip(layout.header, cells, strict=True))
    return _is_time(named[started.column], started.form) and bool(_SOME_NUMBER.search(named[number.column]))


def _is_time(cell: str, form: str) -> bool:
    if "%" not in form:
        return cell.isascii() and cell.isdecimal()
    try:
        dt.datetime.strptime(cell, form)  # noqa: DTZ007 - only its form is asked for
    except ValueError:
        return False
    return True


def split_header(header: str, layout: Layout) -> tuple[str, ...]:
    """The header's column names, blanks and quotes stripped, under a layout's delimiter."""
    return tuple(name.strip() for name in next(csv.reader([header], delimiter=layout.delimiter), []))


def _unknown(header: str, layouts: Sequence[Layout], where: str) -> Exception:
    """The refusal of a header no layout fits, with the difference to the layout that comes closest."""

    def closeness(layout: Layout) -> tuple[int, int]:
        found = set(split_header(header, layout))
        return len(found & set(layout.header)), -len(set(layout.header) - found)

    closest = max((layout for layout in layouts if layout.has_header), key=closeness, default=layouts[0])
    found = split_header(header, closest)
    missing = [column for column in closest.header if column not in found]
    unknown = [column for column in found if column not in closest.header]
    return refuse(
        "UNKNOWN_LAYOUT",
        where,
        count=len(found),
        columns=", ".join(found),
        closest=closest.tag,
        expected=len(closest.header),
        missing=", ".join(missing),
        unknown=", ".join(unknown) or "-",
    )
