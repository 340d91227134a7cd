"""Cells of CSV files that spreadsheets open: a text that would run as a formula gets an apostrophe before it.

What is a number is given as one, so a negative amount stays an amount.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

import polars as pl

Cell = str | int | Decimal | None

_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"
_BEGINS = re.compile(_FORMULA)


def safe_cell(text: str) -> str:
    """A text as a cell may hold it."""
    return f"'{text}" if _BEGINS.match(text) else text


def safe_cells(texts: pl.Expr) -> pl.Expr:
    """`safe_cell` of a column of texts."""
    return pl.when(texts.str.contains(_FORMULA)).then(pl.format("'{}", texts)).otherwise(texts).name.keep()


def csv_text(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A CSV file for spreadsheets, with the mark by which they know UTF-8; texts are made safe, numbers stay."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(headings)
    for row in rows:
        writer.writerow(safe_cell(cell) if isinstance(cell, str) else cell for cell in row)
    return "\ufeff" + written.getvalue()
