"""Cells of a sheet as the text that the one reader of values understands, or as text it will not take.

A spreadsheet keeps numbers as doubles: 15 digits are exact, and a telephone number kept as one has lost its leading 0.
What may have lost a digit is written in scientific notation, as the spreadsheet shows it, which no number is read from.
A cell that holds a date alone is no time: it may be midnight, or a time that got lost.
"""

import datetime as dt
import re
from collections.abc import Callable

from billing.ingest.layout import NUMBERS, TIMES, Layout
from billing.tables.calls import SERVICE_NUMBER

Cell = str | int | float | bool | dt.date | dt.datetime | dt.time | dt.timedelta | None

EXACT_LIMIT = 10**15
_WHOLE_NUMBER = re.compile(f"(?:86)?1[3-9][0-9]{{9}}|{SERVICE_NUMBER}|1[0-9]{{4}}")
"""Telephone numbers that have no leading 0 to lose: mobiles, 400 and other service numbers."""
_FRACTION = re.compile(r"%\.?[0-9]?f")


def cell_reader(layout: Layout, column: str) -> Callable[[Cell], str]:
    """How cells of a column become text, by what the layout reads from it."""
    fields = [(name, field.form) for name, field in layout.fields.items() if field.column == column]
    is_number = any(name in NUMBERS and form == "number" for name, form in fields)
    form = next((form for name, form in fields if name in TIMES and "%" in form), "")
    return lambda cell: _text(cell, form, is_number=is_number)


def is_blank(cell: Cell) -> bool:
    """Whether a cell holds nothing but blanks."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def shown(cell: Cell) -> str:
    """A cell for people to look at."""
    return _text(cell, "", is_number=False)


def _text(cell: Cell, form: str, *, is_number: bool) -> str:
    if cell is None or isinstance(cell, str):
        return cell or ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, dt.datetime):
        return _time_text(cell, form)
    if isinstance(cell, int | float):
        return _number_text(cell, is_number=is_number)
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else str(cell)


def _number_text(number: int | float, *, is_number: bool) -> str:
    """A number cell by its digits, where they are surely all there."""
    if number != number // 1:
        return f"{number:.15g}"
    digits = str(int(number))
    if abs(number) >= EXACT_LIMIT or (is_number and not _WHOLE_NUMBER.fullmatch(digits)):
        return f"{number:.5E}"
    return digits


def _time_text(time: dt.datetime, form: str) -> str:
    """A real date and time in the column's form; as it stands where the form cannot hold its fraction."""
    if not form or (time.microsecond and not _FRACTION.search(form)):
        return time.isoformat(" ")
    fraction = f"{time.microsecond // 1000:03}"
    return time.strftime(_FRACTION.sub(lambda found: ("." if "." in found[0] else "") + fraction, form))
