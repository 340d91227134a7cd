"""Catalog files as rows of cells, with the place of each: CSV (UTF-8 or GB18030, decoded strictly) or XLSX.

Nothing is repaired here: bytes that are no text, quotes that never close and workbooks that do not open refuse the
file in one finding.
"""

import csv
import datetime as dt
import io
from dataclasses import dataclass
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum, load_workbook

from billing.core.findings import Finding, Refusal, refuse
from billing.core.workbook_check import check_workbook, error_cells

Cell = str | int | float | bool | dt.date | dt.datetime | dt.time | dt.timedelta | None

MAX_FILE_BYTES = 64 * 2**20
"""A technical limit: a catalog of a million rows is a tenth of it."""
NOTES_SHEETS = ("说明", "Notes")
"""Sheets that explain and hold no rows."""


@dataclass(frozen=True)
class Row:
    """One row: its number as the file counts (a CSV's first physical line), its cells."""

    number: int
    cells: tuple[Cell, ...]

    @property
    def is_blank(self) -> bool:
        """Whether no cell holds anything but blanks."""
        return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in self.cells)


@dataclass(frozen=True)
class Sheet:
    """The rows of one file.

    Attributes:
        file: the file's name.
        name: the sheet's name; None for a CSV.
        rows: every row, blank ones too.
        notes: what the reader should know about how it was read.
    """

    file: str
    name: str | None
    rows: tuple[Row, ...]
    notes: tuple[Finding, ...] = ()

    def where(self, row: int, column: int = 0) -> str:
        """`file:line` of a CSV, `file:sheet!cell` of a workbook; columns count from 0."""
        if self.name is None:
            return f"{self.file}:{row}"
        return f"{self.file}:{self.name}!{cell_name(row, column)}"


def cell_name(row: int, column: int) -> str:
    """The name of a cell as a spreadsheet shows it: row from 1, column from 0."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row}"


def read_sheet(path: Path) -> Sheet:
    """Read one catalog file.

    Raises:
        Refusal: the file is too large, is no text in a known encoding, has broken quotes, or is no readable workbook.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise refuse("CATALOG_FILE_TOO_LARGE", path.name, limit=MAX_FILE_BYTES // 2**20)
    return _read_workbook(path) if path.suffix.lower() == ".xlsx" else _read_csv(path)


def _read_csv(path: Path) -> Sheet:
    text, encoding = _decoded(path)
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        raise refuse("CATALOG_NOT_TEXT", f"{path.name}:{line}", problem="NUL")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = []
    first_line = 1
    try:
        for cells in reader:
            rows.append(Row(first_line, tuple(cells)))
            first_line = reader.line_num + 1
    except csv.Error as error:
        raise refuse("CATALOG_CSV_BROKEN", f"{path.name}:{first_line}", problem=str(error)) from error
    note = Finding("CATALOG_FILE_READ", "info", path.name, {"encoding": encoding, "rows": len(rows)})
    return Sheet(path.name, None, tuple(rows), (note,))


def _decoded(path: Path) -> tuple[str, str]:
    """The text and the encoding it was found in: a mark at the start, else UTF-8, else GB18030; never repaired."""
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise refuse("CATALOG_UTF16", path.name)
    encodings = ("utf-8-sig",) if raw.startswith(b"\xef\xbb\xbf") else ("utf-8", "gb18030")
    for encoding in encodings:
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise refuse("CATALOG_ENCODING", path.name, encodings=", ".join(encodings))


def _read_workbook(path: Path) -> Sheet:
    check_workbook(path)
    try:
        with load_workbook(path) as workbook:
            name, others = _data_sheet(workbook, path.name)
            grid = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except CalamineError as error:
        raise refuse("WORKBOOK_UNREADABLE", path.name, problem=str(error)) from error
    errors = [
        Finding("CATALOG_ERROR_CELL", "critical", f"{path.name}:{name}!{cell}") for cell in error_cells(path, name)
    ]
    if errors:
        raise Refusal(*errors)
    rows = tuple(Row(number, tuple(cells)) for number, cells in enumerate(grid, start=1))
    notes = [Finding("CATALOG_FILE_READ", "info", path.name, {"encoding": f"xlsx/{name}", "rows": len(rows)})]
    if others:
        notes.append(Finding("CATALOG_SHEETS_NOT_READ", "warning", path.name, {"sheets": ", ".join(others)}))
    return Sheet(path.name, name, rows, tuple(notes))


def _data_sheet(workbook: CalamineWorkbook, file: str) -> tuple[str, list[str]]:
    """The first sheet that shows and is no explanation, and the names of further ones, which are not read."""
    shown = [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible and sheet.name not in NOTES_SHEETS
    ]
    if not shown:
        raise refuse("CATALOG_NO_SHEET", file)
    return shown[0], shown[1:]
