"""One cell to one value: each kind of value has one way it may be written, and anything else is refused.

A value that can be read in two ways (03/04/2026, 26-3-4, a share of 1) and digits that a spreadsheet may have eaten
(1.38E+10, a number where an id is kept) are never guessed.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from billing.catalog.sheets import Cell
from billing.core.money import BASIS_POINTS, basis_points_from_text, micro_from_text
from billing.core.period import Period

EXACT_DIGITS = 15
"""A spreadsheet keeps numbers as doubles: 15 digits are exact, later ones are made up."""
MAX_TEXT = 300
FIRST_YEAR, LAST_YEAR = 1990, 2100
"""Years a contract can lie in; outside is a slip of the pen."""

_SCIENTIFIC = re.compile(r"[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
_DAY = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})|(\d{4})年(\d{1,2})月(\d{1,2})日", re.ASCII)
_DAY_LIKE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}", re.ASCII)
_TWO_PLACES = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,2})?")
_COUNT = re.compile(r"[0-9]{1,9}")
_SERVICE_NUMBER = re.compile(r"400[0-9]{7}")
_PHONE = re.compile(r"1[3-9][0-9]{9}|0[1-9][0-9]{8,10}|400[0-9]{7}|95[0-9]{3,6}|1[0-9]{4}")
_PREFIX = re.compile(r"400[0-9]{1,6}")
_PHONE_SEPARATORS = str.maketrans("", "", " -()\u3000\u2010\u2011\u2013\uff0d")
_WIDE_DIGITS = {ord("０") + digit: ord("0") + digit for digit in range(10)}


class CellError(Exception):
    """A cell refused: the message code and its values."""

    def __init__(self, reason: str, **values: object) -> None:
        super().__init__(reason)
        self.reason, self.values = reason, values


def read_cell(cell: Cell, kind: str, choices: Mapping[str, tuple[str, str]]) -> Any:  # noqa: ANN401 - by kind
    """Read one cell.

    Args:
        cell: as the file holds it.
        kind: kind of value, a key of headers.yaml.
        choices: the closed set of a `choice`.

    Returns:
        The value as the table keeps it (money in micro-yuan, shares in basis points); None for an empty cell.

    Raises:
        CellError: the cell cannot be read in exactly one way.
    """
    if isinstance(cell, str):
        cell = _clean_text(cell)
    if cell is None or cell == "":
        return None
    if kind == "choice":
        return _choice(cell, choices)
    return _READERS[kind](cell)


def has_wide_digits(cell: Cell, kind: str) -> bool:
    """Whether a phone number was written in full-width digits, which are folded and said so."""
    return kind in ("phone", "service_number") and isinstance(cell, str) and cell != cell.translate(_WIDE_DIGITS)


def _clean_text(text: str) -> str:
    text = text.strip(" \t\r\n\u3000\u00a0")
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs"):
            raise CellError("CATALOG_HIDDEN_CHARACTER", character=f"U+{ord(character):04X}")
    if len(text) > MAX_TEXT:
        raise CellError("CATALOG_TEXT_TOO_LONG", limit=MAX_TEXT)
    return text


def _text(cell: Cell) -> str:
    """Text, or a whole number whose digits are surely all there."""
    if isinstance(cell, str):
        if _SCIENTIFIC.fullmatch(cell):
            raise CellError("CATALOG_SCIENTIFIC_NOTATION", value=cell)
        return cell
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise CellError("CATALOG_NOT_TEXT_VALUE", value=cell)
    if cell != int(cell) or abs(cell) >= 10**EXACT_DIGITS:
        raise CellError("CATALOG_DIGITS_LOST", value=_number_text(cell), digits=EXACT_DIGITS)
    return str(int(cell))


def _identifier(cell: Cell) -> str:
    text = _text(cell)
    guarded = re.fullmatch(r"=\"(.*)\"", text)
    text = guarded[1] if guarded else text.removeprefix("'")
    if text.startswith("=") or any(character.isspace() for character in text):
        raise CellError("CATALOG_NOT_AN_ID", value=text)
    return text


def _number_text(cell: Cell) -> str:
    """A number cell as the spreadsheet shows it: 15 significant digits, no exponent."""
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise CellError("CATALOG_NOT_A_NUMBER", value=cell)
    if isinstance(cell, str):
        return cell
    return f"{Decimal(format(cell, f'.{EXACT_DIGITS}g')):f}"


def _signed_amount(cell: Cell) -> int:
    text = _number_text(cell)
    if not _TWO_PLACES.fullmatch(text):
        raise CellError("CATALOG_NOT_AN_AMOUNT", value=text)
    return micro_from_text(text)


def _amount(cell: Cell) -> int:
    micro = _signed_amount(cell)
    if micro < 0:
        raise CellError("CATALOG_NEGATIVE_AMOUNT", value=_number_text(cell))
    return micro


def _count(cell: Cell) -> int:
    text = _number_text(cell)
    if not _COUNT.fullmatch(text):
        raise CellError("CATALOG_NOT_A_COUNT", value=text)
    return int(text)


def _basis_points(cell: Cell) -> int:
    points = _count(cell)
    if points > BASIS_POINTS:
        raise CellError("CATALOG_NOT_A_SHARE", value=points)
    return points


def _share(cell: Cell) -> int:
    """A share as 60% or 0.6. A bare 1 may mean 1 % or 100 %, so it is refused."""
    text = _number_text(cell)
    try:
        points = basis_points_from_text(text.removesuffix("%"))
    except ValueError:
        raise CellError("CATALOG_NOT_A_SHARE", value=text) from None
    if text.endswith("%"):
        points, rest = divmod(points, 100)
        if rest:
            raise CellError("CATALOG_NOT_A_SHARE", value=text)
    elif points == BASIS_POINTS:
        raise CellError("CATALOG_NOT_A_SHARE", value=text)
    if not 0 <= points <= BASIS_POINTS:
        raise CellError("CATALOG_NOT_A_SHARE", value=text)
    return points


def _day(cell: Cell) -> dt.date:
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


def _day_from_text(text: str) -> dt.date:
    match = _DAY.fullmatch(text)
    if not match:
        raise CellError("CATALOG_DAY_AMBIGUOUS" if _DAY_LIKE.fullmatch(text) else "CATALOG_NOT_A_DAY", value=text)
    year, month, day = (int(part) for part in match.groups() if part and part not in "-/")
    try:
        return dt.date(year, month, day)
    except ValueError:
        raise CellError("CATALOG_NOT_A_DAY", value=text) from None


def _last_day(cell: Cell) -> dt.date:
    return _day(cell) + dt.timedelta(days=1)


def _period(cell: Cell) -> str:
    """`2026-10`; a real date is taken when it is the first of a month, which is what a spreadsheet makes of it."""
    if isinstance(cell, dt.date) and cell.day == 1:
        return str(Period.of(cell))
    try:
        return str(Period.parse(cell if isinstance(cell, str) else ""))
    except ValueError:
        raise CellError("CATALOG_NOT_A_PERIOD", value=cell) from None


def _digits(cell: Cell) -> str:
    if isinstance(cell, str):
        cell = cell.translate(_WIDE_DIGITS).translate(_PHONE_SEPARATORS)
    text = _identifier(cell)
    for prefix in ("+86", "0086"):
        if text.startswith(prefix):
            rest = text.removeprefix(prefix)
            # The trunk zero of an area code is dropped behind +86; mobiles and 400 numbers have none.
            return rest if _PHONE.fullmatch(rest) else f"0{rest}"
    return text


def _service_number(cell: Cell) -> str:
    text = _digits(cell)
    if not _SERVICE_NUMBER.fullmatch(text):
        raise CellError("CATALOG_NOT_A_SERVICE_NUMBER", value=text)
    return text


def _phone(cell: Cell) -> str:
    text = _digits(cell)
    if not _PHONE.fullmatch(text):
        raise CellError("CATALOG_NOT_A_PHONE", value=text)
    return text


def _prefixes(cell: Cell) -> str:
    prefixes = [part.strip() for part in re.split(r"[;；,，、]", _text(cell)) if part.strip()]
    for prefix in prefixes:
        if not _PREFIX.fullmatch(prefix):
            raise CellError("CATALOG_NOT_A_PREFIX", value=prefix)
    return ";".join(prefixes)


def _choice(cell: Cell, choices: Mapping[str, tuple[str, str]]) -> str | int:
    text = _text(cell).casefold()
    for value, words in choices.items():
        if text in (value, *(word.casefold() for word in words)):
            return int(value) if value.isdigit() else value
    allowed = ", ".join(f"{words[1]} ({words[0]})" for words in choices.values())
    raise CellError("CATALOG_NOT_A_CHOICE", value=text, allowed=allowed)


_READERS: dict[str, Callable[[Cell], Any]] = {
    "id": _identifier,
    "text": _text,
    "phone": _phone,
    "service_number": _service_number,
    "prefixes": _prefixes,
    "day": _day,
    "last_day": _last_day,
    "amount": _amount,
    "signed_amount": _signed_amount,
    "count": _count,
    "share": _share,
    "basis_points": _basis_points,
    "period": _period,
}
