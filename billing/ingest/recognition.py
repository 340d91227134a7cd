"""Which layout a file has: the one whose required columns all stand in its header line. Never a guess.

A file without a header has the layout whose columns its first record fills, one by one: as many of them, a start and a
number of ours where they belong. Columns that a file names itself (JSON, Parquet, a sheet) are a header, too.
"""

import csv
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from billing.core.findings import refuse
from billing.ingest.file_form import TEXT_FORMS, Encoding
from billing.ingest.fixed_cells import cut
from billing.ingest.layout import Layout
from billing.ingest.lines import LINE, LINE_INDEX, fields_of
from billing.tables.calls import SERVICE_NUMBER

BOM = "\ufeff"
HEADER_LIMIT = 65_536
"""Characters of the first line; a header or record is not longer, and the reader of cells stops at twice as many."""
LOOKED_AT = 100
"""Lines behind the first that are asked for a whole record."""
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
        Refusal: there is none, or it is longer than any header.
    """
    found = _first_line(lines, tuple(layout.comment_prefix for layout in layouts if layout.comment_prefix))
    if found is None:
        raise refuse("FILE_WITHOUT_HEADER", where)
    if len(found[1]) > HEADER_LIMIT:
        raise refuse("HEADER_TOO_LONG", f"{where}:{found[0]}", limit=HEADER_LIMIT)
    return found


def _first_line(lines: Sequence[str], prefixes: tuple[str, ...]) -> tuple[int, str] | None:
    """The first line that is not blank and begins in none of some ways."""
    for number, line in enumerate(lines, 1):
        text = line.removeprefix(BOM)
        if text.strip() and not text.startswith(prefixes):
            return number, text
    return None


def recognise_text(
    lines: Sequence[str], layouts: Sequence[Layout], name: str, encoding: Encoding
) -> tuple[Layout, Header]:
    """The layout of a text and its header line, from its first lines.

    Layouts whose header record the file begins with are tried first, and their columns looked for behind it.

    Args:
        lines: the first lines of the file.
        layouts: what it may be; of forms that are text.
        name: the file's name for messages.
        encoding: of the file.

    Raises:
        Refusal: no layout fits, two fit equally, or the header names a used column twice.
    """
    line, text = find_header(lines, layouts, name)
    opened = [each for each in layouts if each.header_record and text.startswith(each.header_record.prefix)]
    comments = tuple(layout.comment_prefix for layout in layouts if layout.comment_prefix)
    for record in {each.header_record.prefix for each in opened if each.header_record}:
        behind = _first_line(lines, (*comments, record))
        group = [each for each in opened if each.header_record and each.header_record.prefix == record]
        line_behind = behind or (line, "")
        fitting = _fitting(line_behind[1], group, encoding, _behind(lines, line_behind[0]))
        if fitting := fitting or [each for each in group if _ends_at_once(line_behind[1], each)]:
            layout, columns = _one_of(fitting, line_behind[1], f"{name}:{line_behind[0]}")
            return layout, Header(*line_behind, columns)
    layout, columns = recognise(text, layouts, f"{name}:{line}", encoding, _behind(lines, line))
    return layout, Header(line, text, columns)


def _ends_at_once(line: str, layout: Layout) -> bool:
    """Whether a file without a column header has no record: its trailer or nothing stands behind its header record."""
    is_bare = layout.form == "fixed_width" or not layout.has_header
    return is_bare and (not line or (layout.trailer is not None and line.startswith(layout.trailer.prefix)))


def _behind(lines: Sequence[str], line: int) -> Sequence[str]:
    return lines[line : line + LOOKED_AT]


def recognise(
    header: str,
    layouts: Sequence[Layout],
    where: str,
    encoding: Encoding = "utf-8",
    following: Sequence[str] = (),
) -> tuple[Layout, tuple[str, ...]]:
    """The layout of a file from its header line, and the header's column names.

    A layout fits when all its columns stand in the header; more columns are kept and unused. Where one fitting
    layout asks for more columns than another, it is the better fit.

    Args:
        header: the header line as text.
        layouts: what it may be.
        where: `file:line` for messages.
        encoding: of the file, by whose bytes columns may be told.
        following: some lines behind it, among which a file without a header must have a whole record.

    Raises:
        Refusal: no layout fits, two fit equally, or the header names a used column twice.
    """
    fitting = _fitting(header, layouts, encoding, following)
    if not fitting:
        raise _unknown(header, layouts, where)
    return _one_of(fitting, header, where)


def recognise_columns(found: Sequence[str], layouts: Sequence[Layout], where: str) -> Layout:
    """The layout of a file that names its columns in a way of its own: all its columns must be there.

    Args:
        found: the file's columns.
        layouts: what it may be; of the file's form.
        where: the place of the columns for messages.

    Raises:
        Refusal: no layout fits, two fit equally, or the file names a used column twice.
    """
    fitting = [layout for layout in layouts if required_columns(layout) <= set(found)]
    if not fitting:
        raise unknown_columns({layout.tag: tuple(found) for layout in layouts}, layouts, where)
    best = best_layout(fitting, where)
    refuse_twice(best, found, where)
    return best


def required_columns(layout: Layout) -> set[str]:
    """The columns without which a file is none of a layout."""
    return set(layout.header) - set(layout.json_records.optional)


def _fitting(header: str, layouts: Sequence[Layout], encoding: Encoding, following: Sequence[str]) -> list[Layout]:
    """Layouts that a header line fits; where there is none, those whose first record the line can be."""
    headed = [layout for layout in layouts if layout.form == "delimited" and layout.has_header]
    named = [layout for layout in headed if set(layout.header) <= set(split_header(header, layout))]
    lines = (header, *following)
    bare = [layout for layout in layouts if layout.form in TEXT_FORMS and layout not in headed]
    return named or [layout for layout in bare if _are_records(lines, layout, encoding)]


def _one_of(fitting: Sequence[Layout], header: str, where: str) -> tuple[Layout, tuple[str, ...]]:
    best = best_layout(fitting, where)
    if best.form != "delimited" or not best.has_header:
        return best, tuple(best.header)
    columns = split_header(header, best)
    refuse_twice(best, columns, where)
    return best, columns


def best_layout(fitting: Sequence[Layout], where: str) -> Layout:
    """The layout that asks for most columns."""
    most = max(len(layout.header) for layout in fitting)
    best = [layout for layout in fitting if len(layout.header) == most]
    if len(best) > 1:
        raise refuse("LAYOUT_AMBIGUOUS", where, layouts=", ".join(layout.tag for layout in best))
    return best[0]


def refuse_twice(layout: Layout, columns: Sequence[str], where: str) -> None:
    """Refuse a header that names a column of its layout twice."""
    if twice := sorted({column for column in layout.header if columns.count(column) > 1}):
        raise refuse("COLUMN_TWICE", where, columns=", ".join(twice), layout=layout.tag)


def _are_records(lines: Sequence[str], layout: Layout, encoding: Encoding) -> bool:
    """Whether the first of some lines can be a record of a layout without a header, and one of them is a whole one.

    A start and a number may be missing on the first. Where records are not calls a file may lack the number altogether:
    only the start of a call names it, and legs go to extensions; then an event is known by its word.
    """
    how = layout.assemble
    roles = how.role if how is not None and how.kind == "events" else None
    needs_number = how is None or how.kind == "pieces"
    started, number = (layout.fields[name] for name in ("started_at", "service_number"))

    def fits(line: str, is_whole: bool) -> bool:
        named = _named_cells(line, layout, encoding)
        if named is None:
            return False
        start, service = named[started.column], named[number.column]
        has_start = _is_time(start, started.form) or (not is_whole and not start)
        if roles and named[roles.column] not in roles.words:
            return False
        may_lack = not needs_number or (not is_whole and not service)
        return has_start and (may_lack or bool(_SOME_NUMBER.search(service)))

    return fits(lines[0], is_whole=False) and any(fits(line, is_whole=True) for line in lines)


def _named_cells(line: str, layout: Layout, encoding: Encoding) -> dict[str, str] | None:
    """The cells of a record by column; None when the line has no such structure."""
    if layout.fixed_width:
        found = cut(line, layout.fixed_width, encoding)
        return None if found is None else dict(zip(layout.fixed_width.columns, found, strict=True))
    cells = fields_of(line, layout.delimiter)
    return dict(zip(layout.header, cells, strict=True)) if cells and len(cells) == len(layout.header) else None


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


def refuse_other_header(lines: pl.DataFrame, layout: Layout, name: str) -> None:
    """Refuse a file in whose middle another header stands: records below it would be read under the wrong columns.

    Args:
        lines: lines that are no plain records: `line_index` and `line`.
        layout: the file's layout.
        name: the file's name for messages.

    Raises:
        Refusal: one of the lines names all columns of the layout, but is not the file's own header.
    """
    if layout.form != "delimited" or not layout.has_header:
        return
    has_names = pl.all_horizontal(pl.col(LINE).str.contains(column, literal=True) for column in layout.header)
    for index, line in lines.filter(has_names).select(LINE_INDEX, LINE).iter_rows():
        columns = split_header(line.removeprefix(BOM), layout)
        if set(layout.header) <= set(columns):
            raise refuse("HEADER_CHANGES", f"{name}:{index + 1}", columns=", ".join(columns))


def _unknown(header: str, layouts: Sequence[Layout], where: str) -> Exception:
    """The refusal of a header line no layout fits."""
    headed = [layout for layout in layouts if layout.form == "delimited"]
    found = {layout.tag: split_header(header, layout) for layout in headed}
    return unknown_columns(found or {layout.tag: (header,) for layout in layouts}, headed or layouts, where)


def unknown_columns(found: Mapping[str, Sequence[str]], layouts: Sequence[Layout], where: str) -> Exception:
    """The refusal of columns no layout fits, with the difference to the layout that comes closest.

    Args:
        found: the file's columns, as each layout would see them.
        layouts: what was tried.
        where: `file:line` for messages.
    """

    def closeness(layout: Layout) -> tuple[int, int]:
        columns, required = set(found[layout.tag]), required_columns(layout)
        return len(columns & required), -len(required - columns)

    closest = max((layout for layout in layouts if layout.has_header), key=closeness, default=layouts[0])
    columns = found[closest.tag]
    missing = [column for column in closest.header if column in required_columns(closest) and column not in columns]
    unknown = [column for column in columns if column not in closest.header]
    return refuse(
        "UNKNOWN_LAYOUT",
        where,
        count=len(columns),
        columns=", ".join(columns),
        closest=closest.tag,
        expected=len(closest.header),
        missing=", ".join(missing),
        unknown=", ".join(unknown) or "-",
    )
