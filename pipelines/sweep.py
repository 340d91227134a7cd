"""Clearing away: files that no commit names, and what only superseded drafts name.

Only whoever holds the writer lock sweeps. Calls, snapshots and commits are never swept.
"""

import datetime as dt
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


def sweep_superseded(books: Books, now: dt.datetime, keep_days: int) -> int:
    """Remove documents and ratings that only superseded drafts name: of a closed period at once, else after some days.

    Calls, snapshots and commits stay, so an older draft can be made again and compared with what its commit says.

    Args:
        books: the books, open for writing.
        now: the time.
        keep_days: how long what an open period's draft left is kept after another took its place.

    Returns:
        How many files.
    """
    closed_parts = {
        (part.cdr.key["day"], part.file_number)
        for part in parts_of(books.state)
        if part.billing_period in books.state.closes
    }
    replaced_at = {path: dt.datetime.fromisoformat(commit.at) for commit in books.commits for path in commit.replaces}

    def is_superseded(entry: FileEntry) -> bool:
        if entry.path in books.state.files or entry.path not in replaced_at:
            return False
        is_rating = entry.table in (RatedCall.name, UsageTotal.name, UNRATED)
        if not (is_rating or "period" in entry.key):
            return False
        is_closed = (
            (entry.key["day"], entry.key["file"]) in closed_parts
            if is_rating
            else entry.key["period"] in books.state.closes
        )
        return is_closed or now - replaced_at[entry.path] > dt.timedelta(days=keep_days)

    gone = {entry.path for commit in books.commits for entry in commit.files if is_superseded(entry)}
    swept = [path for path in sorted(gone) if books.path(path).exists()]
    for path in swept:
        books.path(path).unlink()
    return len(swept)
