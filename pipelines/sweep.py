"""Clearing away: files that no commit names, and what only superseded drafts of closed periods name.

Only whoever holds the writer lock sweeps. Calls, snapshots and commits are never swept.
"""

from pathlib import Path

from billing.core.findings import refuse
from billing.tables.calls import RatedCall, UsageTotal
from pipelines.books import Books
from pipelines.commits import FileEntry
from pipelines.parts import UNRATED, parts_of

KEPT_BELOW = ("lake", "snapshots")
RAW = "lake/raw"


def sweep_orphans(books: Books) -> int:
    """Remove files that a killed step left in the lake before it could commit; kept raw copies always stay.

    Returns:
        How many.

    Raises:
        Refusal: a published period that no commit names, so commits were lost; nothing is swept then.
    """
    for manifest in books.path("published").glob("[0-9]*/manifest.json"):
        if books.state.published(manifest.parent.name) is None:
            raise refuse("COMMITS_LOST", f"published/{manifest.parent.name}", period=manifest.parent.name)
    named = {entry.path for commit in books.commits for entry in commit.files}
    orphans = [
        path
        for folder in KEPT_BELOW
        for path in books.path(folder).rglob("*")
        if path.is_file() and not path.is_relative_to(books.path(RAW)) and _name(books, path) not in named
    ]
    for path in orphans:
        path.unlink()
    return len(orphans)


def _name(books: Books, path: Path) -> str:
    return path.relative_to(books.root).as_posix()


def sweep_superseded(books: Books) -> int:
    """Remove what earlier drafts of closed periods left: their documents, and ratings that were done again.

    Returns:
        How many files.
    """
    closed_parts = {
        (part.cdr.key["day"], part.file_number)
        for part in parts_of(books.state)
        if part.billing_period in books.state.closes
    }

    def is_superseded(entry: FileEntry) -> bool:
        if entry.path in books.state.files:
            return False
        if entry.table in (RatedCall.name, UsageTotal.name, UNRATED):
            return (entry.key["day"], entry.key["file"]) in closed_parts
        return entry.key.get("period") in books.state.closes

    gone = {entry.path for commit in books.commits for entry in commit.files if is_superseded(entry)}
    swept = [path for path in sorted(gone) if books.path(path).exists()]
    for path in swept:
        books.path(path).unlink()
    return len(swept)
