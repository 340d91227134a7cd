"""Deliveries: what went to whom so far, which copy comes next, and the folder in which one comes to light.

A delivery lies below `.part` until it is on record. A command that is killed in between leaves it there; the same
command knows it again by its archives.
"""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from billing.core.digests import file_sha256
from billing.core.period import Period
from billing.documents.delivery.packs import Pack
from billing.tables.deliveries import Delivery
from billing.tables.parquet import scan_tables
from pipelines.books import Books
from pipelines.commits import Commit

STEP = "deliver"
PART = ".part"


@dataclass(frozen=True)
class Delivered:
    """What was delivered, or would be.

    Attributes:
        packs: one a recipient.
        copies: which copy each document is, by its place.
        encrypted_count: PDFs that were copied under a password.
        printed_pages: pages of the one PDF of all bills, 0 without it.
        is_resumed: whether it was recorded by a command that was killed, and only came to light now.
    """

    packs: Sequence[Pack]
    copies: Mapping[str, int]
    encrypted_count: int = 0
    printed_pages: int = 0
    is_resumed: bool = False

    @property
    def reprint_count(self) -> int:
        """Documents that went to their recipient before."""
        return sum(copy > 1 for copy in self.copies.values())


def deliveries(books: Books, period: Period) -> list[tuple[Commit, pl.DataFrame]]:
    """Every delivery of a period: its commit and its `Delivery` rows."""
    return [
        (commit, scan_tables(books.paths(commit.files), Delivery).collect())
        for commit in books.commits
        if commit.kind == STEP and commit.facts["period"] == str(period)
    ]


def copies_of(books: Books, period: Period, packs: Sequence[Pack]) -> dict[str, int]:
    """Which copy each document is: one more than how often its recipient got it."""
    key = [Delivery.recipient_kind, Delivery.recipient_id, Delivery.document_kind, Delivery.check_code]
    gone = Counter(row for _, rows in deliveries(books, period) for row in rows.select(key).unique().iter_rows())
    return {
        sending.place: 1 + gone[(*pack.key, sending.kind, sending.check_code)]
        for pack in packs
        for sending in pack.sendings
    }


@contextmanager
def hidden(to: Path) -> Iterator[Path]:
    """A folder that comes to light when all is done, and leaves nothing behind otherwise."""
    was_there = to.exists()
    part = to / PART
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
    except BaseException:
        shutil.rmtree(part if was_there else to, ignore_errors=True)
        raise
    bring_to_light(to)


def bring_to_light(to: Path) -> None:
    """Give a finished folder its place."""
    for child in sorted((to / PART).iterdir()):
        child.rename(to / child.name)
    (to / PART).rmdir()


def left_behind(
    books: Books, period: Period, packs: Sequence[Pack], to: Path, *, is_locked: bool, is_printed: bool
) -> Delivered | None:
    """The last delivery, when it is the one that is asked for and its folder did not come to light any more."""
    known = deliveries(books, period)
    if not (to / PART).is_dir() or not known:
        return None
    commit, rows = known[-1]
    archives = dict(rows.select(Delivery.archive, Delivery.archive_sha256).unique().iter_rows())
    lying = {name: top / name for name in archives for top in (to, to / PART) if (top / name).is_file()}
    facts = commit.facts
    asked = (set(archives), bool(facts["encrypted_count"]), bool(facts["printed_pages"]))
    is_whole = all(name in lying and file_sha256(lying[name]) == sha256 for name, sha256 in archives.items())
    if not is_whole or asked != ({pack.archive(str(period)) for pack in packs}, is_locked, is_printed):
        return None
    copies = dict(rows.select(Delivery.file, Delivery.copy_number).iter_rows())
    return Delivered(
        packs,
        {sending.place: copies[f"{sending.stem}.pdf"] for pack in packs for sending in pack.sendings},
        facts["encrypted_count"],
        facts["printed_pages"],
        is_resumed=True,
    )
