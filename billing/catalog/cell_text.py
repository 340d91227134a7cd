"""Cells that hold words: ids, names, telephone numbers, prefixes. They are text, and stay what was typed.

Digits that a spreadsheet may have eaten (1.38E+10, more than 15 of them, a lost leading 0) are refused, never guessed.
"""

import re
import unicodedata
from decimal import Decimal

from billing.catalog.sheets import Cell
from billing.core.email_addresses import email_addresses
from billing.tables.calls import SERVICE_NUMBER

EXACT_DIGITS = 15
"""A spreadsheet keeps numbers as doubles: 15 digits are exact, later ones are made up."""
MAX_TEXT = 300

_SCIENTIFIC = re.compile(r"[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
_SERVICE_NUMBER = re.compile(SERVICE_NUMBER)
_PHONE = re.compile(r"1[3-9][0-9]{9}|0[1-9][0-9]{8,10}|400[0-9]{7}|95[0-9]{3,6}|1[0-9]{4}")
_PREFIX = re.compile(r"(?:[48]00|16[08]|9[56]|123)[0-9]{0,7}")
_PHONE_SEPARATORS = str.maketrans("", "", " -()\u3000\u2010\u2011\u2013\uff0d")
_WIDE_DIGITS = {ord("０") + digit: ord("0") + digit for digit in range(10)}


class CellError(Exception):
    """A cell refused: the message code and its values."""

    def __init__(self, reason: str, **values: object) -> None:
        super().__init__(reason)
        self.reason, self.values = reason, values


def clean_text(text: str) -> str:
    """Text without blanks around it; what would hide in a terminal or on a bill is refused."""
    text = text.strip(" \t\r\n\u3000\u00a0")
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs"):
            raise CellError("CATALOG_HIDDEN_CHARACTER", character=f"U+{ord(character):04X}")
    if len(text) > MAX_TEXT:
        raise CellError("CATALOG_TEXT_TOO_LONG", limit=MAX_TEXT)
    return text


def read_text(cell: Cell) -> str:
    """Text, or a whole number whose digits are surely all there."""
    if isinstance(cell, str):
        if _SCIENTIFIC.fullmatch(cell):
            raise CellError("CATALOG_SCIENTIFIC_NOTATION", value=cell)
        return cell
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise CellError("CATALOG_NOT_TEXT_VALUE", value=cell)
    if cell != int(cell) or abs(cell) >= 10**EXACT_DIGITS:
        raise CellError("CATALOG_DIGITS_LOST", value=number_text(cell), digits=EXACT_DIGITS)
    return str(int(cell))


def read_identifier(cell: Cell) -> str:
    """An id: no blanks, no formula; the marks by which a spreadsheet is kept from changing it are taken off."""
    text = read_text(cell)
    guarded = re.fullmatch(r"=\"(.*)\"", text)
    text = guarded[1] if guarded else text.removeprefix("'")
    if text.startswith("=") or any(character.isspace() for character in text):
        raise CellError("CATALOG_NOT_AN_ID", value=text)
    return text


def number_text(cell: Cell) -> str:
    """A number cell as the spreadsheet shows it: 15 significant digits, no exponent."""
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise CellError("CATALOG_NOT_A_NUMBER", value=cell)
    if isinstance(cell, str):
        return cell
    return f"{Decimal(format(cell, f'.{EXACT_DIGITS}g')):f}"


def read_service_number(cell: Cell) -> str:
    """A 400 number, or another service number, in normal form."""
    text = _digits(cell)
    if not _SERVICE_NUMBER.fullmatch(text):
        raise CellError("CATALOG_NOT_A_SERVICE_NUMBER", value=text)
    return text


def read_phone(cell: Cell) -> str:
    """A telephone number in normal form: a mobile, or an area code with its 0."""
    text = _digits(cell)
    if not _PHONE.fullmatch(text):
        raise CellError("CATALOG_NOT_A_PHONE", value=text)
    return text


def read_phones(cell: Cell) -> str:
    """Telephone numbers in normal form, in their order, joined by `;`."""
    return ";".join(read_phone(part) for part in _parts(cell))


def read_emails(cell: Cell) -> str | None:
    """E-mail addresses in their order, joined by `;`; None where there are separators only."""
    try:
        return ";".join(email_addresses(read_text(cell))) or None
    except ValueError as error:
        raise CellError("CATALOG_NOT_AN_EMAIL", value=error) from None


def read_prefixes(cell: Cell) -> str:
    """Leading digits of 400 numbers, joined by `;`."""
    prefixes = _parts(cell)
    for prefix in prefixes:
        if not _PREFIX.fullmatch(prefix):
            raise CellError("CATALOG_NOT_A_PREFIX", value=prefix)
    return ";".join(prefixes)


def has_wide_digits(cell: Cell, kind: str) -> bool:
    """Whether a phone number was written in full-width digits, which are folded and said so."""
    return (
        kind in ("phone", "phones", "service_number") and isinstance(cell, str) and cell != cell.translate(_WIDE_DIGITS)
    )


def _parts(cell: Cell) -> list[str]:
    return [part.strip() for part in re.split(r"[;；,，、]", read_text(cell)) if part.strip()]


def _digits(cell: Cell) -> str:
    if isinstance(cell, str):
        cell = cell.translate(_WIDE_DIGITS).translate(_PHONE_SEPARATORS)
    text = read_identifier(cell)
    for prefix in ("+86", "0086"):
        if text.startswith(prefix):
            rest = text.removeprefix(prefix)
            # The trunk zero of an area code is dropped behind +86; mobiles and 400 numbers have none.
            return rest if _PHONE.fullmatch(rest) else f"0{rest}"
    return text
