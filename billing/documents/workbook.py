"""A document as a workbook: the first sheet reads like page one, long lists have sheets of their own, all rows of them.

What a cell holds comes from outside as often as not, so text stays text: nothing is run, followed or made a number.
Amounts are numbers with a format; their unit stands in the heading or the format, never in the cell.
"""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import xlsxwriter

from billing.core.money import BASIS_POINTS, yuan_exact
from billing.documents.model import (
    Bars,
    Column,
    Document,
    Field,
    Grid,
    Kind,
    Ladder,
    Meters,
    Notes,
    Section,
    Value,
)
from billing.documents.words import Words
from billing.documents.worksheets import CELL_CHARACTERS, SAFE

_FORMATS: dict[Kind, str] = {
    "money": "#,##0.00;[Red]-#,##0.00",
    "price": "0.00####",
    "percent": "0.00%",
    "count": "#,##0",
    "seconds": "#,##0",
    "date": "yyyy-mm-dd",
}
_WIDTHS: dict[Kind, int] = {"text": 22, "money": 14, "price": 12, "percent": 9, "count": 9, "seconds": 12, "date": 12}
_WIDEST = 40
_KEYWORDS = re.compile(r"<cp:keywords>([0-9a-f]+)</cp:keywords>")


class _Sheet:
    """A sheet that is written from top to bottom."""

    def __init__(self, book: Any, name: str, formats: dict[str, Any]) -> None:  # noqa: ANN401 - xlsxwriter has no types
        self.sheet = book.add_worksheet(name)
        self.formats = formats
        self.row = 0

    def write(self, cells: Sequence[tuple[Value, Kind]], style: str = "plain") -> None:
        """Write a row; money and shares become numbers with a format."""
        for column, (value, kind) in enumerate(cells):
            if value is None or value == "":
                continue
            form = self.formats[f"{style}.{kind}"]
            if isinstance(value, str):
                self.sheet.write_string(self.row, column, value[:CELL_CHARACTERS], form)
            elif isinstance(value, dt.date):
                self.sheet.write_datetime(self.row, column, dt.datetime.combine(value, dt.time()), form)
            else:
                self.sheet.write_number(self.row, column, _number(value, kind), form)
        self.row += 1

    def title(self, text: str) -> None:
        """A heading line with a blank line above."""
        self.row += 1
        self.write([(text, "text")], "title")


def write_workbook(document: Document, words: Words) -> bytes:
    """The workbook of a document; equal documents give equal bytes.

    Args:
        document: what it says.
        words: of the document's language.
    """
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, SAFE) as book:
        book.set_properties(
            {
                "title": document.title,
                "author": str(document.seller[0].value),
                "keywords": document.check_code,
                "created": dt.datetime.combine(document.issued_on, dt.time()),
            }
        )
        formats = _formats(book)
        first = _Sheet(book, words(f"sheet.{document.kind}"), formats)
        _set_widths(first, [Column("", "text", 3), *[Column("", "money")] * 9])
        _head(first, document, words)
        for section in document.sections:
            _section(first, section, words)
        for section in document.sections:
            if isinstance(section, Grid) and section.sheet:
                _own_sheet(_Sheet(book, section.sheet, formats), section, document, words)
        notes = _Sheet(book, words("sheet.notes"), formats)
        notes.sheet.set_column(0, 0, 100)
        _mark(notes, document, words)
        for section in document.sections:
            if isinstance(section, Notes):
                notes.title(section.title)
                for line in section.lines:
                    notes.write([(line, "text")], "wrapped")
        notes.title(words("doc.check_code"))
        notes.write([(document.check_code, "text")])
        notes.write([(words("doc.check_code_note"), "text")], "wrapped")
    return target.getvalue()


def check_code_of(workbook: bytes) -> str | None:
    """The check code that a workbook of ours bears, read without opening a sheet; None where it bears none."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as packed:
        told = _KEYWORDS.search(packed.read("docProps/core.xml").decode("utf-8"))
    return told[1] if told else None


def _number(value: int, kind: Kind) -> int | Decimal:
    if kind in ("money", "price"):
        return Decimal(yuan_exact(value))
    return Decimal(value) / BASIS_POINTS if kind == "percent" else value


def _formats(book: Any) -> dict[str, Any]:  # noqa: ANN401
    styles: dict[str, dict[str, Any]] = {
        "plain": {},
        "bold": {"bold": True, "top": 1},
        "heading": {"bold": True, "bg_color": "#E8EEF6", "bottom": 1},
        "title": {"bold": True, "font_size": 12},
        "mark": {"bold": True, "font_color": "#A33333"},
        "wrapped": {"text_wrap": True, "valign": "top"},
    }
    kinds: dict[str, dict[str, str]] = {"text": {}} | {kind: {"num_format": form} for kind, form in _FORMATS.items()}
    return {
        f"{style}.{kind}": book.add_format({**look, **form})
        for style, look in styles.items()
        for kind, form in kinds.items()
    }


def _set_widths(sheet: _Sheet, columns: Sequence[Column]) -> None:
    for index, column in enumerate(columns):
        wide = max(_WIDTHS[column.kind], min(8 * column.share, _WIDEST))
        sheet.sheet.set_column(index, index, wide)


def _head(sheet: _Sheet, document: Document, words: Words) -> None:
    sheet.write([(document.title, "text")], "title")
    sheet.write([(document.subtitle, "text")])
    _mark(sheet, document, words)
    for fields in (document.seller, document.recipient, document.particulars):
        sheet.row += 1
        for field in fields:
            _field(sheet, field)
    sheet.row += 1
    for figure in document.figures:
        _field(sheet, Field(figure.label, figure.value, figure.kind), "bold" if figure.strong else "plain")
    if document.capitals:
        _field(sheet, document.capitals)


def _field(sheet: _Sheet, field: Field, style: str = "plain") -> None:
    sheet.write([(field.label, "text"), (field.value, field.kind)], style)


def _section(sheet: _Sheet, section: Section, words: Words) -> None:
    """A section on the first sheet; a grid with a sheet of its own is pointed to, notes have theirs."""
    match section:
        case Grid(sheet=name) if name:
            sheet.title(section.title)
            sheet.write([(words("doc.see_sheet", sheet=name, count=len(section.rows)), "text")])
            if section.totals:
                _grid_rows(sheet, section, words, rows=())
        case Grid():
            sheet.title(section.title)
            _grid_rows(sheet, section, words, rows=section.rows)
        case Bars():
            sheet.title(section.title)
            for label, value in section.bars:
                sheet.write([(label, "text"), (value, section.kind)])
        case Meters():
            sheet.title(section.title)
            for meter in section.meters:
                cells: list[tuple[Value, Kind]] = [(meter.label, "text"), (meter.used, meter.kind)]
                sheet.write([*cells, (meter.total, meter.kind), (meter.told, "text")])
        case Ladder():
            sheet.title(section.title)
            for step in section.steps:
                style = "bold" if step.sign == "=" else "plain"
                sheet.write([(step.label, "text"), (step.value, "money"), (step.told, "text")], style)


def _own_sheet(sheet: _Sheet, grid: Grid, document: Document, words: Words) -> None:
    _set_widths(sheet, grid.columns)
    _mark(sheet, document, words)
    top = sheet.row
    _grid_rows(sheet, grid, words, rows=grid.rows)
    sheet.sheet.freeze_panes(top + 1, 0)
    sheet.sheet.autofilter(top, 0, top + max(len(grid.rows), 1), len(grid.columns) - 1)


def _mark(sheet: _Sheet, document: Document, words: Words) -> None:
    """A line that says that a document is no final one."""
    if document.standing != "final":
        sheet.write([(words(f"doc.standing.{document.standing}"), "text")], "mark")


def _grid_rows(sheet: _Sheet, grid: Grid, words: Words, *, rows: Sequence[Sequence[Value]]) -> None:
    kinds = [column.kind for column in grid.columns]
    headings = [words.heading(column.heading, column.kind) for column in grid.columns]
    sheet.write([(heading, "text") for heading in headings], "heading")
    for row in rows:
        sheet.write(list(zip(row, kinds, strict=True)))
    if grid.totals:
        sheet.write(list(zip(grid.totals, kinds, strict=True)), "bold")
    if grid.note and rows:
        sheet.write([(grid.note, "text")])
