"""Lists that a person takes away as a file: which forms there are, how long a sheet may be, where a file may go."""

from pathlib import Path

from billing.core.findings import refuse
from pipelines.books import Books

EXPORTS = (".csv", ".xlsx")
SHEET_ROWS = 1_048_575
"""Rows below the headings of a sheet; a workbook would pass over the others in silence."""


def check_target(to: Path) -> None:
    """Refuse a file of no known form, one that stands already, or one in a folder that does not exist."""
    if to.suffix.lower() not in EXPORTS:
        raise refuse("EXPORT_FORM_UNKNOWN", file=to.name, known=", ".join(EXPORTS))
    if to.exists() or not to.absolute().parent.is_dir():
        raise refuse("EXPORT_NOT_FREE", file=to)


def check_folder(books: Books, to: Path, passing: str = "") -> None:
    """Refuse a folder that holds files (one of the name `passing` apart), or that lies in the books."""
    if to.exists() and any(path.name != passing for path in to.iterdir()):
        raise refuse("FOLDER_NOT_FREE", folder=to)
    if to.resolve().is_relative_to(books.root.resolve()):
        raise refuse("FOLDER_IN_BOOKS", folder=to)


def is_sheet(to: Path) -> bool:
    """Whether a file is to be a workbook."""
    return to.suffix.lower() == ".xlsx"
