"""Passwords of recipients: one a line, `recipient,password`. A password is never shown, logged or kept.

A recipient is an id, or `customer:ID`, `agent:ID`, `carrier:ID` where it is shared.
"""

import csv
from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path

from billing.core.findings import Finding, Refusal, refuse
from billing.documents.delivery.recipients import Recipient, meant, shared

_HEADINGS = ["recipient", "password"]
LEAST, MOST, LEAST_DIFFERENT = 8, 127, 5
"""Characters: at least so many, at most so many (the format takes no more), and so many that differ."""
_TELLING = 4
"""An id of so many characters may not be part of a password."""


def read_passwords(path: Path, known: Collection[Recipient], wanted: Collection[Recipient]) -> dict[Recipient, str]:
    """Passwords by recipient.

    Args:
        path: a CSV file in UTF-8 with the headings recipient and password.
        known: recipients that a word may mean.
        wanted: those of them that the delivery has.

    Raises:
        Refusal: the file cannot be read; a recipient is unknown, one of several of its id, or stands twice; a password
            is empty or easily guessed.
    """
    try:
        lines = list(csv.reader(path.read_text("utf-8-sig").splitlines(), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        # The error quotes what it read, and that may be a password.
        raise refuse("PASSWORDS_UNREADABLE", path.name, file=path.name) from error
    if not lines or [cell.strip() for cell in lines[0]] != _HEADINGS or any(len(line) not in (0, 2) for line in lines):
        raise refuse("PASSWORDS_UNREADABLE", path.name, file=path.name)
    found: dict[Recipient, str] = {}
    wrong: list[Finding] = []
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        named = meant(line[0].strip(), known)
        wrong += _wrong(f"{path.name}:{number}", line, [each for each in named if each in wanted or named[1:]], found)
        found |= dict.fromkeys(named, line[1])
    if wrong:
        raise Refusal(*wrong)
    return found


def _wrong(where: str, line: list[str], named: list[Recipient], found: dict[Recipient, str]) -> Iterator[Finding]:
    recipient, password = line[0].strip(), line[1]
    values = {"recipient": recipient}
    if not named:
        yield Finding("PASSWORD_RECIPIENT_UNKNOWN", "critical", where, values)
    elif named[1:]:
        yield shared(recipient, named, where)
    elif named[0] in found:
        yield Finding("PASSWORD_TWICE", "critical", where, values)
    elif is_weak(password, named[0][1]):
        yield Finding("PASSWORD_WEAK", "critical", where, values | {"least": LEAST, "different": LEAST_DIFFERENT})


def is_weak(password: str, recipient: str) -> bool:
    """Whether a password is easily guessed, or cannot be typed the same everywhere."""
    is_typed = password.isascii() and password.isprintable() and password == password.strip()
    is_long = LEAST <= len(password) <= MOST and len(set(password)) >= LEAST_DIFFERENT
    has_id = len(recipient) >= _TELLING and recipient.casefold() in password.casefold()
    return not (is_typed and is_long) or has_id or _is_row(password)


def _is_row(password: str) -> bool:
    """Whether the characters follow one another: 12345678, hgfedcba."""
    steps = {ord(after) - ord(before) for before, after in pairwise(password)}
    return steps in ({1}, {-1})
