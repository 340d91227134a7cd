"""Passwords of recipients: one a line, `recipient,password`. A password is never shown, logged or kept."""

import csv
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from billing.core.findings import Finding, Refusal, refuse

_HEADINGS = ["recipient", "password"]
LEAST, MOST, LEAST_DIFFERENT = 8, 127, 5
"""Characters: at least so many, at most so many (the format takes no more), and so many that differ."""
_TELLING = 4
"""An id of so many characters may not be part of a password."""


def read_passwords(path: Path, known: Iterable[str]) -> dict[str, str]:
    """Passwords by recipient.

    Args:
        path: a CSV file in UTF-8 with the headings recipient and password.
        known: ids of recipients that the delivery has.

    Raises:
        Refusal: the file cannot be read; a recipient is unknown or stands twice; a password is empty or easily guessed.
    """
    try:
        lines = list(csv.reader(path.read_text("utf-8-sig").splitlines(), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        # The error quotes what it read, and that may be a password.
        raise refuse("PASSWORDS_UNREADABLE", path.name, file=path.name) from error
    if not lines or [cell.strip() for cell in lines[0]] != _HEADINGS or any(len(line) not in (0, 2) for line in lines):
        raise refuse("PASSWORDS_UNREADABLE", path.name, file=path.name)
    recipients = set(known)
    found: dict[str, str] = {}
    wrong: list[Finding] = []
    for number, line in enumerate(lines[1:], 2):
        if line:
            wrong += _wrong(f"{path.name}:{number}", line, recipients, found)
            found[line[0].strip()] = line[1]
    if wrong:
        raise Refusal(*wrong)
    return found


def _wrong(where: str, line: list[str], known: set[str], found: dict[str, str]) -> Iterator[Finding]:
    recipient, password = line[0].strip(), line[1]
    values = {"recipient": recipient}
    if recipient not in known:
        yield Finding("PASSWORD_RECIPIENT_UNKNOWN", "critical", where, values)
    elif recipient in found:
        yield Finding("PASSWORD_TWICE", "critical", where, values)
    elif is_weak(password, recipient):
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
