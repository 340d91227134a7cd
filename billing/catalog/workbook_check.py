"""Looks into a workbook before it is opened, for what its reader would not survive or not show.

The reader lays a sheet out as a full rectangle, so one cell in the far corner asks for more memory than there is and
ends the process; and it shows an error cell (#N/A, #REF!) as an empty one.
"""

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from billing.core.findings import refuse

MAX_UNPACKED_BYTES = 512 * 2**20
MAX_CELLS = 20_000_000
"""Technical limits: what a workbook may unpack to, and the rectangle a sheet may span."""

_TAG = re.compile(rb"<(?:\w+:)?(?:c|row)\s[^>]*>")
_PLACE = re.compile(rb"\sr=[\"']([A-Z]{0,3})(\d{1,7})[\"']")
_ERROR = re.compile(rb"\st=[\"']e[\"']")
_SHEET = re.compile(r"<(?:\w+:)?sheet\s[^>]*>")
_ATTRIBUTE = re.compile(r"([\w:]+)=\"([^\"]*)\"")
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}


@dataclass(frozen=True)
class SheetMember:
    """One sheet inside the archive: its error cells by name."""

    error_cells: tuple[str, ...]


def check_workbook(path: Path) -> None:
    """Refuse a workbook that is no archive, unpacks to too much, or holds a sheet with a far corner.

    Raises:
        Refusal: as said.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise refuse("CATALOG_FILE_TOO_LARGE", path.name, limit=MAX_UNPACKED_BYTES // 2**20)
            for member in archive.namelist():
                if member.startswith("xl/worksheets/") and member.endswith(".xml"):
                    rows, columns, _ = _extent(archive.read(member))
                    if rows * columns > MAX_CELLS:
                        raise refuse("CATALOG_SHEET_TOO_WIDE", path.name, rows=rows, columns=columns)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise refuse("CATALOG_WORKBOOK_UNREADABLE", path.name, problem=str(error)) from error


def sheet_members(path: Path) -> dict[str, SheetMember]:
    """What stands in the archive for each sheet name; call `check_workbook` first."""
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        targets = _targets(archive)
        found = {}
        for sheet in _SHEET.findall(archive.read("xl/workbook.xml").decode()):
            attributes = dict(_ATTRIBUTE.findall(sheet))
            member = targets.get(attributes.get("r:id", ""), "")
            errors = _extent(archive.read(member))[2] if member in names else ()
            found[_unescaped(attributes["name"])] = SheetMember(tuple(errors))
    return found


def _targets(archive: zipfile.ZipFile) -> dict[str, str]:
    """Relation id -> member name, of the workbook's parts."""
    relations = archive.read("xl/_rels/workbook.xml.rels").decode()
    found = {}
    for relation in re.findall(r"<(?:\w+:)?Relationship\s[^>]*>", relations):
        attributes = dict(_ATTRIBUTE.findall(relation))
        target = attributes["Target"]
        found[attributes["Id"]] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return found


def _extent(sheet: bytes) -> tuple[int, int, list[str]]:
    """Rows and columns a sheet spans, and its error cells."""
    rows, columns = 0, 1
    errors = []
    for tag in _TAG.findall(sheet):
        place = _PLACE.search(tag)
        if place:
            rows = max(rows, int(place[2]))
            columns = max(columns, _column_number(place[1]))
            if _ERROR.search(tag):
                errors.append((place[1] + place[2]).decode())
    return rows, columns, errors


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _unescaped(text: str) -> str:
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    return text
