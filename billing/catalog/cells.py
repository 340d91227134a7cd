"""One cell to one value: each kind of value has one way it may be written, and anything else is refused."""

from collections.abc import Callable, Mapping
from typing import Any

from billing.catalog.cell_text import (
    CellError,
    clean_text,
    read_emails,
    read_identifier,
    read_phone,
    read_phones,
    read_prefixes,
    read_service_number,
    read_text,
)
from billing.catalog.cell_values import (
    read_amount,
    read_basis_points,
    read_count,
    read_day,
    read_last_day,
    read_period,
    read_quantity,
    read_share,
    read_signed_amount,
)
from billing.catalog.sheets import Cell


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
        cell = clean_text(cell)
    if cell is None or cell == "":
        return None
    if kind == "choice":
        return _choice(cell, choices)
    return _READERS[kind](cell)


def _choice(cell: Cell, choices: Mapping[str, tuple[str, str]]) -> str | int:
    text = read_text(cell).casefold()
    for value, words in choices.items():
        if text in (value, *(word.casefold() for word in words)):
            return int(value) if value.isdigit() else value
    allowed = ", ".join(f"{words[1]} ({words[0]})" for words in choices.values())
    raise CellError("CATALOG_NOT_A_CHOICE", value=text, allowed=allowed)


_READERS: dict[str, Callable[[Cell], Any]] = {
    "id": read_identifier,
    "text": read_text,
    "phone": read_phone,
    "phones": read_phones,
    "emails": read_emails,
    "service_number": read_service_number,
    "prefixes": read_prefixes,
    "day": read_day,
    "last_day": read_last_day,
    "amount": read_amount,
    "signed_amount": read_signed_amount,
    "count": read_count,
    "quantity": read_quantity,
    "share": read_share,
    "basis_points": read_basis_points,
    "period": read_period,
}
