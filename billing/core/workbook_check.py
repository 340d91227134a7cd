"""Looks into a workbook before it is opened, for what its reader would not survive or not show.

The reader lays a sheet out as a full rectangle, so one cell in the far corner asks for more memory than there is and
ends the process; and it shows an error cell (#N/A, #REF!) as an empty one.
"""

import errno
import html
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from billing.core.findings import refuse

MAX_UNPACKED_BYTES = 512 * 2**20
MAX_CELLS = 20_000_000
"""Technical limits: what a workbook may unpack to, and the rectangle a sheet may span."""

_TAG = re.compile(rb"<(?:\w+:)?(?:c|row)\s[^>]*[^>/]>")  # one that closes itself holds nothing
_PLACE = re.compile(rb"\sr=[\"']([A-Z]*)(\d+)[\"']")
_LETTERS, _DIGITS = 9, 18
"""How much of a cell's name is read: what is longer lies beyond every sheet, however it goes on."""
_ERROR = re.compile(rb"\st=[\"']e[\"']")
_SHEET = re.compile(r"<(?:\w+:)?sheet\s[^>]*>")
_ATTRIBUTE = re.compile(r"([\w:]+)=\"([^\"]*)\"")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\s[^>]*>")
_DAMAGE = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, UnicodeDecodeError)
"""What reading an archive may raise when it is damaged, has a password, or is packed in an unusual way."""
_WORKBOOK, _RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"


def check_workbook(path: Path, name: str = "") -> None:
    """Refuse a workbook that is no archive, unpacks to too much, or holds a sheet with a far corner.

    Args:
        path: where it lies.
        name: its name for messages, where that is another.

    Raises:
        Refusal: as said.
    """
    name = name or path.name
    with _archive(path, name) as archive:
        if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED_BYTES:
            raise refuse("WORKBOOK_TOO_LARGE", name, limit=MAX_UNPACKED_BYTES // 2**20)
        names = archive.namelist()
        # What a part says of its size is only believed once it was unpacked so far and not further.
        if damaged := archive.testzip():
            raise zipfile.BadZipFile(damaged)
        if len(set(names)) < len(names):
            raise zipfile.BadZipFile("a part stands twice")
        for member in names:
            if _is_sheet(member):
                rows, columns, _ = _extent(archive.read(member))
                if rows * columns > MAX_CELLS:
                    raise refuse("SHEET_TOO_WIDE", name, rows=rows, columns=columns)


def member_names(path: Path, name: str) -> list[str]:
    """What an archive holds, by name.

    Raises:
        Refusal: it is none.
    """
    with _archive(path, name) as archive:
        return archive.namelist()


def error_cells(path: Path, sheet: str, name: str = "") -> list[str]:
    """The cells of a sheet that hold an error, by name; call `check_workbook` first.

    A workbook whose parts are named in an unusual way is searched whole.

    Raises:
        Refusal: a part is damaged.
    """
    with _archive(path, name or path.name) as archive:
        names = set(archive.namelist())
        sheets = sorted(name for name in names if _is_sheet(name))
        if {_WORKBOOK, _RELATIONS} <= names:
            targets = _targets(archive.read(_RELATIONS).decode())
            for tag in _SHEET.findall(archive.read(_WORKBOOK).decode()):
                attributes = dict(_ATTRIBUTE.findall(tag))
                if html.unescape(attributes.get("name", "")) == sheet and targets.get(attributes.get("r:id")) in names:
                    sheets = [targets[attributes["r:id"]]]
        return [cell for name in sheets for cell in _extent(archive.read(name))[2]]


@contextmanager
def _archive(path: Path, name: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _DAMAGE as error:
        raise refuse("WORKBOOK_UNREADABLE", name, problem=str(error)) from error
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # A part is said to lie before the beginning of the file.
        raise refuse("WORKBOOK_UNREADABLE", name, problem=str(error)) from error


def _targets(relations: str) -> dict[str | None, str]:
    """Relation id -> member name, of the workbook's parts."""
    found: dict[str | None, str] = {}
    for relation in _RELATION.findall(relations):
        attributes = dict(_ATTRIBUTE.findall(relation))
        target = attributes.get("Target", "")
        found[attributes.get("Id")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return found


def _is_sheet(member: str) -> bool:
    return member.startswith("xl/worksheets/") and member.endswith(".xml")


def _extent(sheet: bytes) -> tuple[int, int, list[str]]:
    """Rows and columns a sheet spans, and its error cells."""
    rows, columns = 0, 1
    errors = []
    for tag in _TAG.findall(sheet):
        place = _PLACE.search(tag)
        if place:
            rows = max(rows, int(place[2][:_DIGITS]))
            columns = max(columns, _column_number(place[1][:_LETTERS]))
            if _ERROR.search(tag):
                errors.append((place[1] + place[2]).decode())
    return rows, columns, errors


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
