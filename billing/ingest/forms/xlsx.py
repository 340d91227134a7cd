"""A sheet of a workbook to a working text: the first sheet that shows, or the one its layout names; only values.

A row stands on its own number. The first row that is not blank is the header; where it stands again it is framing, as
blank rows are. A row with an error (#N/A, #REF!) in a column that is read is broken: the reader would show it as empty.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

from billing.core.findings import refuse
from billing.core.workbook_check import check_workbook, error_cells, member_names
from billing.ingest.forms.parquet import as_pairs
from billing.ingest.forms.sheet_cells import Cell, cell_reader, is_blank, shown
from billing.ingest.forms.work import LineWriter, WorkText, written_text
from billing.ingest.layout import Layout
from billing.ingest.recognition import best_layout, refuse_twice, unknown_columns
from billing.ingest.text import PlainFile

MAX_FILE_BYTES = 64 * 2**20
EXCERPT_ROWS = 1_000
ENCODING = "xlsx/"
"""Before the name of the sheet."""
_CELL_NAME = re.compile("([A-Z]+)([0-9]+)")

Row = tuple[int, list[Cell]]
_NO_ROW: Row = (0, [])


def xlsx_text(plain: PlainFile, layouts: Sequence[Layout], staging: Path, *, is_excerpt: bool) -> WorkText:
    """Recognise a workbook by the header of its sheet and write the working text of that sheet.

    Args:
        plain: the file.
        layouts: what it may be; all of form `xlsx`.
        staging: where the text goes.
        is_excerpt: only the first rows are wanted.

    Raises:
        Refusal: the file is no workbook or too large a one, it has no such sheet, the sheet has no header, or no layout
            fits.
    """
    _check(plain.path, plain.name)
    with _opened(plain.path, plain.name) as workbook:
        layout, sheet, header = _recognised(workbook, layouts, plain.name)
        columns = tuple(layout.used_columns())
        names = _names(header[1])
        places = [names.index(column) for column in columns]
        readers = [cell_reader(layout, column) for column in columns]
        broken = _broken_rows(plain, sheet, places, first=sheet.start[1] if sheet.start else 0)
        target = staging / "cells.txt"
        with LineWriter(target, plain.name, len(columns)) as writer:
            last = 0
            for number, row in islice(_rows(sheet), EXCERPT_ROWS if is_excerpt else None):
                last = number
                if number > header[0] and row != header[1] and not all(map(is_blank, row)):
                    cells = [read(row[place]) for read, place in zip(readers, places, strict=True)]
                    writer.put(number, None if number in broken else cells)
            facts = writer.finish(last)
    return written_text(target, facts, layout, columns, ENCODING + sheet.name, framing_least=header[0])


def raw_rows(path: Path, sheet_name: str, wanted: Sequence[int]) -> dict[int, str]:
    """Rows of a sheet as `column=value; ...`, by their number.

    Args:
        path: the unpacked workbook.
        sheet_name: its sheet.
        wanted: numbers, in order.
    """
    found: dict[int, str] = {}
    numbers = frozenset(wanted)
    with path.open("rb") as stream:
        sheet = CalamineWorkbook.from_filelike(stream).get_sheet_by_name(sheet_name)
        header: list[str] | None = None
        for number, row in _rows(sheet):
            if header is None and not all(map(is_blank, row)):
                header = _names(row)
            elif header is not None and number in numbers:
                found[number] = as_pairs(dict(zip(header, map(shown, row), strict=True)))
    return found


def _check(path: Path, name: str) -> None:
    """Refuse what is no workbook, or one that unpacks to more than can be held."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise refuse("WORKBOOK_TOO_LARGE", name, limit=MAX_FILE_BYTES // 2**20)
    check_workbook(path, name)
    if "xl/workbook.xml" not in member_names(path, name):
        raise refuse("ZIP_NOT_WORKBOOK", name)


@contextmanager
def _opened(path: Path, name: str) -> Iterator[CalamineWorkbook]:
    with path.open("rb") as stream:
        try:
            workbook = CalamineWorkbook.from_filelike(stream)
            yield workbook
        except CalamineError as error:
            raise refuse("WORKBOOK_UNREADABLE", name, problem=str(error)) from None


def _recognised(workbook: CalamineWorkbook, layouts: Sequence[Layout], name: str) -> tuple[Layout, CalamineSheet, Row]:
    """The layout whose columns stand in the header of its sheet, that sheet, and the header's row."""
    visible = [each.name for each in workbook.sheets_metadata if each.visible == SheetVisibleEnum.Visible]
    sheet_of = {layout.tag: layout.sheet or (visible[0] if visible else "") for layout in layouts}
    sheets = {each: workbook.get_sheet_by_name(each) for each in workbook.sheet_names if each in sheet_of.values()}
    if not sheets:
        wanted = ", ".join(sorted(filter(None, sheet_of.values())))
        raise refuse("SHEET_MISSING", name, sheets=wanted or "-", found=", ".join(workbook.sheet_names))
    headers = {each: _header(sheet) for each, sheet in sheets.items()}
    read = [layout for layout in layouts if headers.get(sheet_of[layout.tag], _NO_ROW)[1]]
    if not read:
        raise refuse("FILE_WITHOUT_HEADER", f"{name}:{next(iter(sheets))}")
    found = {layout.tag: _names(headers[sheet_of[layout.tag]][1]) for layout in read}
    fitting = [layout for layout in read if set(layout.header) <= set(found[layout.tag])]
    row = headers[sheet_of[(fitting or read)[0].tag]][0]
    where = f"{name}:{row}"
    if not fitting:
        raise unknown_columns({tag: list(filter(None, names)) for tag, names in found.items()}, read, where)
    layout = best_layout(fitting, where)
    refuse_twice(layout, found[layout.tag], where)
    return layout, sheets[sheet_of[layout.tag]], headers[sheet_of[layout.tag]]


def _header(sheet: CalamineSheet) -> Row:
    """The first row that is not blank; an empty one when there is none."""
    return next(((number, row) for number, row in _rows(sheet) if not all(map(is_blank, row))), _NO_ROW)


def _rows(sheet: CalamineSheet) -> Iterator[Row]:
    """Rows with their numbers, from the first column that holds anything."""
    for number, row in enumerate(sheet.iter_rows(), 1):
        yield number, list(row)


def _names(row: Sequence[Cell]) -> list[str]:
    """A header's column names, blanks around them stripped."""
    return [shown(cell).strip().lstrip("\ufeff") for cell in row]


def _broken_rows(plain: PlainFile, sheet: CalamineSheet, places: Sequence[int], *, first: int) -> frozenset[int]:
    """Rows with an error in one of some columns, which are counted from the first that holds anything."""
    broken = set()
    for cell in error_cells(plain.path, sheet.name, plain.name):
        letters, row = _CELL_NAME.fullmatch(cell).groups()  # type: ignore[union-attr]
        column = 0
        for letter in letters:
            column = column * 26 + ord(letter) - ord("A") + 1
        if column - 1 - first in places:
            broken.add(int(row))
    return frozenset(broken)
