"""A table as a workbook that people open: text stays text, whatever it begins with, and long text is cut."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

CELL_CHARACTERS = 32_767
SAFE = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
    "in_memory": True,
}
"""Nothing in a cell is ever run, followed or turned into a number."""


def write_worksheet(path: Path, headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write one sheet with a heading line that stays in sight.

    Args:
        path: the workbook.
        headings: of the columns.
        rows: texts, whole numbers, or None for an empty cell.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(str(path), SAFE) as book:
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        for column, heading in enumerate(headings):
            sheet.write_string(0, column, heading, bold)
        for line, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                if isinstance(value, int):
                    sheet.write_number(line, column, value)
                elif value is not None:
                    sheet.write_string(line, column, str(value)[:CELL_CHARACTERS])
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(len(rows), 1), len(headings) - 1)
