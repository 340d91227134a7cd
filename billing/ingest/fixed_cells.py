"""The cells of one fixed-width line, cut by positions in characters or in bytes of the file's own encoding."""

from collections.abc import Mapping
from itertools import accumulate

from billing.ingest.file_form import Encoding, FixedColumn, FixedWidth


def cut(line: str, fixed: FixedWidth, encoding: Encoding) -> tuple[str, ...] | None:
    """The cells of a record in the order of the columns; None when the line is none.

    It is none when it begins otherwise, has another length, or a column begins or ends inside a character.
    """
    if not line.startswith(fixed.prefix):
        return None
    places = _places(line, fixed.unit, encoding)
    if max(places) != fixed.length:
        return None
    spans = [_span(places, each.start, each.length) for each in fixed.columns.values()]
    if any(span is None for span in spans):
        return None
    return tuple(_unpadded(line[span], each) for span, each in zip(spans, fixed.columns.values(), strict=True) if span)


def span_of(line: str, start: int, length: int, unit: str, encoding: str) -> str | None:
    """What stands at some positions of a line; None where they end behind it or inside a character."""
    span = _span(_places(line, unit, encoding), start, length)
    return None if span is None else line[span]


def _places(line: str, unit: str, encoding: str) -> Mapping[int, int] | range:
    """Positions between two characters, in the unit, and which character follows each.

    Bytes cut anywhere may well decode, to something else; only a cut between two characters is one.
    """
    if unit == "characters" or line.isascii():
        return range(len(line) + 1)
    ends = accumulate((len(character.encode(encoding)) for character in line), initial=0)
    return {end: place for place, end in enumerate(ends)}


def _span(places: Mapping[int, int] | range, start: int, length: int) -> slice | None:
    if start - 1 not in places or start - 1 + length not in places:
        return None
    return slice(places[start - 1], places[start - 1 + length])


def _unpadded(cell: str, column: FixedColumn) -> str:
    cell = cell.strip(" ")
    return cell.lstrip("0") or cell[:1] if column.zero_padded else cell
