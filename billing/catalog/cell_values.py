"""Cells that hold amounts, counts, shares, days and months, each in the few forms that can be read in one way only."""

import datetime as dt
import re

from billing.catalog.cell_text import CellError, number_text
from billing.catalog.sheets import Cell
from billing.core.money import BASIS_POINTS, basis_points_from_text, micro_from_text
from billing.core.period import Period

FIRST_YEAR, LAST_YEAR = 1990, 2100
"""Years a contract can lie in; outside is a slip of the pen."""

_DAY = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})|(\d{4})年(\d{1,2})月(\d{1,2})日", re.ASCII)
_DAY_LIKE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}", re.ASCII)
_TWO_PLACES = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,2})?")
_QUANTITY = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_COUNT = re.compile(r"[0-9]{1,9}")


def read_signed_amount(cell: Cell) -> int:
    """Yuan as micro-yuan: plain digits, at most two places."""
    text = number_text(cell)
    if not _TWO_PLACES.fullmatch(text):
        raise CellError("CATALOG_NOT_AN_AMOUNT", value=text)
    return micro_from_text(text)


def read_amount(cell: Cell) -> int:
    """Yuan as micro-yuan, not negative."""
    micro = read_signed_amount(cell)
    if micro < 0:
        raise CellError("CATALOG_NEGATIVE_AMOUNT", value=number_text(cell))
    return micro


def read_count(cell: Cell) -> int:
    """A whole number, not negative."""
    text = number_text(cell)
    if not _COUNT.fullmatch(text):
        raise CellError("CATALOG_NOT_A_COUNT", value=text)
    return int(text)


def read_quantity(cell: Cell) -> int:
    """A quantity in millionths: plain digits, not negative, at most six places."""
    text = number_text(cell)
    if not _QUANTITY.fullmatch(text):
        raise CellError("CATALOG_NOT_A_QUANTITY", value=text)
    return micro_from_text(text)


def read_basis_points(cell: Cell) -> int:
    """A share as hundredths of a percent."""
    points = read_count(cell)
    if points > BASIS_POINTS:
        raise CellError("CATALOG_SHARE_ABOVE_WHOLE", value=points)
    return points


def read_share(cell: Cell) -> int:
    """A share as 60% or 0.6. A bare 1 may mean 1 % or 100 %, so it is refused."""
    text = number_text(cell)
    try:
        points = basis_points_from_text(text.removesuffix("%"))
    except ValueError:
        raise CellError("CATALOG_NOT_A_SHARE", value=text) from None
    if text.endswith("%"):
        points, rest = divmod(points, 100)
        if rest:
            raise CellError("CATALOG_NOT_A_SHARE", value=text)
        if points > BASIS_POINTS:
            raise CellError("CATALOG_SHARE_ABOVE_WHOLE", value=text)
    elif points == BASIS_POINTS:
        raise CellError("CATALOG_NOT_A_SHARE", value=text)
    if not 0 <= points <= BASIS_POINTS:
        raise CellError("CATALOG_NOT_A_SHARE", value=text)
    return points


def read_day(cell: Cell) -> dt.date:
    """A day, from text in one of the forms that cannot be misread, or from a real date."""
    if isinstance(cell, dt.datetime):
        if cell.time() != dt.time():
            raise CellError("CATALOG_DAY_WITH_TIME", value=cell)
        cell = cell.date()
    if isinstance(cell, dt.date):
        day = cell
    elif isinstance(cell, str):
        day = _day_from_text(cell)
    else:
        raise CellError("CATALOG_NOT_A_DAY", value=cell)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise CellError("CATALOG_NOT_A_DAY", value=day)
    return day


def read_last_day(cell: Cell) -> dt.date:
    """The first day outside, from the last valid day."""
    return read_day(cell) + dt.timedelta(days=1)


def read_period(cell: Cell) -> str:
    """`2026-10`; a real date is taken when it is the first of a month, which is what a spreadsheet makes of it."""
    if isinstance(cell, dt.date) and cell.day == 1:
        return str(Period.of(cell))
    try:
        return str(Period.parse(cell if isinstance(cell, str) else ""))
    except ValueError:
        raise CellError("CATALOG_NOT_A_PERIOD", value=cell) from None


def _day_from_text(text: str) -> dt.date:
    match = _DAY.fullmatch(text)
    if not match:
        raise CellError("CATALOG_DAY_AMBIGUOUS" if _DAY_LIKE.fullmatch(text) else "CATALOG_NOT_A_DAY", value=text)
    year, month, day = (int(part) for part in match.groups() if part and part not in "-/")
    try:
        return dt.date(year, month, day)
    except ValueError:
        raise CellError("CATALOG_NOT_A_DAY", value=text) from None
