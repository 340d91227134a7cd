"""How a time is written: which forms a layout may declare, and the cells that have such a form, digit by digit.

The parser is more lenient than a form says: it reads 2026100323595, a digit short, as 23:59:05, a 60th second as the
next minute, and passes over the name of a zone. So a cell is compared with its form before its time is believed.
"""

import itertools
import re

_PIECE = re.compile(r"%([.:#]?[0-9]?[A-Za-z])|(.)", re.DOTALL)
_SHORT = {"%T": "%H:%M:%S", "%F": "%Y-%m-%d", "%R": "%H:%M"}
_OFFSET = "[+-][0-9]{2}:?[0-9]{2}"
_FIXED = {"Y": "[0-9]{4}", "y": "[0-9]{2}", "M": "[0-5][0-9]", "S": "[0-5][0-9]", "3f": "[0-9]{3}", "6f": "[0-9]{6}",
          "9f": "[0-9]{9}"}  # fmt: skip
_ONE_OR_TWO = ("m", "d", "H", "I")
"""Written with one digit or two where something stands between them and the next, by spreadsheets for instance."""
_OTHER = {".f": r"(?:\.[0-9]{1,9})?", ".3f": r"\.[0-9]{3}", ".6f": r"\.[0-9]{6}", ".9f": r"\.[0-9]{9}",
          "p": "(?:AM|PM|am|pm)", "b": "[A-Za-z]{3}", "z": _OFFSET, ":z": _OFFSET,
          "#z": f"(?:Z|{_OFFSET}|[+-][0-9]{{2}})"}  # fmt: skip
_WIDTHS = {"Y": 4, "y": 2, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
_OFFSETS = ("z", ":z", "#z")


def time_problem(form: str) -> str:
    """Why a form leaves a time open; empty when it does not."""
    letters = [letter for letter, _ in _pieces(form) if letter]
    known = {*_FIXED, *_ONE_OR_TWO, *_OTHER}
    if strangers := sorted({f"%{letter}" for letter in letters} - {f"%{letter}" for letter in known}):
        return f"{', '.join(strangers)} cannot be read for certain"
    if len(set(letters)) < len(letters):
        return f"{form} names one part twice"
    has = set(letters).__contains__
    hours = has("H") if not has("I") else has("p") and not has("H")
    lacks = [
        name
        for name, is_there in (
            ("one year", has("Y") != has("y")),
            ("one month", has("m") != has("b")),
            ("day", has("d")),
            ("hours, of 24 or with AM and PM", hours),
            ("minutes", has("M")),
        )
        if not is_there
    ]
    return f"{form} lacks {', '.join(lacks)}" if lacks else ""


def has_offset(form: str) -> bool:
    """Whether cells of the form say themselves how far they are from UTC."""
    return any(letter in _OFFSETS for letter, _ in _pieces(form))


def time_pattern(form: str) -> str:
    """The regular expression that cells of a form fit, from their first character to their last."""
    pieces, texts = _pieces(form), []
    for index, (letter, literal) in enumerate(pieces):
        if letter in _ONE_OR_TWO:
            before, after = pieces[index - 1 : index], pieces[index + 1 : index + 2]
            is_apart = not any(is_digits(neighbour) for neighbour in (*before, *after))
            texts.append("[0-9]{1,2}" if is_apart else "[0-9]{2}")
        else:
            texts.append(_FIXED.get(letter) or _OTHER.get(letter) or re.escape(literal))
    return f"^{''.join(texts)}$"


def is_digits(piece: tuple[str, str]) -> bool:
    """Whether a part of a form is written in digits."""
    letter, literal = piece
    return letter in _FIXED or letter in _ONE_OR_TWO or literal.isdigit()


def plain_width(form: str) -> int | None:
    """Characters of a cell with all its digits, for forms that a look at length and last digits is enough for.

    Those are forms that end in seconds and keep all parts apart: nothing in them can be taken for something else.
    """
    pieces = _pieces(form)
    together = any(is_digits(first) and is_digits(second) for first, second in itertools.pairwise(pieces))
    known = all(letter in _WIDTHS or not letter for letter, _ in pieces)
    if together or not known or pieces[-1][0] != "S":
        return None
    return sum(_WIDTHS.get(letter, len(literal.encode())) for letter, literal in pieces)


def _pieces(form: str) -> list[tuple[str, str]]:
    """A form in order: a letter of what stands there, or a character as it is."""
    for short, long in _SHORT.items():
        form = form.replace(short, long)
    return [(match[1] or "", match[2] or "") for match in _PIECE.finditer(form)]
