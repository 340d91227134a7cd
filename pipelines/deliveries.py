"""Deliveries: what went to whom so far, which copy comes next, and the folder in which one comes to light.

A delivery lies below `.part` until it is on record. Its mark, a random word, is the last file that is written there
and stands in the commit: of what a killed command left behind it says whether it is whole and on record. Archives do
not tell, those of two deliveries are equal.
"""

import shutil
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from billing.core.findings import refuse
from billing.core.period import Period
from billing.documents.delivery.packs import Pack
from billing.tables.deliveries import Delivery
from billing.tables.parquet import scan_tables
from pipelines.books import Books
from pipelines.commits import Commit

STEP = "deliver"
PART = ".part"
MARK = ".mark"


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
    """A folder that comes to light when all is done, and leaves nothing behind otherwise.

    Raises:
        Refusal: FOLDER_NOT_MADE.
    """
    was_there = to.exists()
    part = to / PART
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
    except OSError as error:
        raise refuse("FOLDER_NOT_MADE", folder=to, problem=error.strerror) from error
    try:
        yield part
    except BaseException:
        shutil.rmtree(part if was_there else to, ignore_errors=True)
        raise
    bring_to_light(to)


def new_mark() -> str:
    """A word that no other delivery has."""
    return uuid.uuid4().hex


def bring_to_light(to: Path) -> None:
    """Give a finished folder its place; its mark stays to the end, so that what is interrupted here goes on."""
    part = to / PART
    for child in sorted(part.iterdir()):
        if child.name != MARK:
            child.rename(to / child.name)
    (part / MARK).unlink()
    part.rmdir()


def left_behind(books: Books, to: Path) -> Commit | None:
    """The delivery that lies in a folder, on record, and did not come to light any more."""
    mark = to / PART / MARK
    if not mark.is_file():
        return None
    word = mark.read_text("utf-8")
    return next((c for c in books.commits if c.kind == STEP and c.facts.get("mark") == word), None)


def taken_up(
    books: Books, commit: Commit, period: Period, packs: Sequence[Pack], to: Path, *, locked: int, is_printed: bool
) -> Delivered:
    """What was left behind, when it is what is asked for.

    Args:
        books: the books.
        commit: the delivery that was left behind.
        period: asked for, as what follows.
        packs: for whom.
        to: the folder.
        locked: how many copies under passwords.
        is_printed: whether there are bills to print.

    Raises:
        Refusal: DELIVERY_LEFT_BEHIND: it is another delivery.
    """
    rows, facts = scan_tables(books.paths(commit.files), Delivery).collect(), commit.facts
    found = (set(rows[Delivery.archive]), facts["encrypted_count"], bool(facts["printed_pages"]))
    # The name of an archive has the period in it.
    if found != ({pack.archive(str(period)) for pack in packs}, locked, is_printed):
        raise refuse("DELIVERY_LEFT_BEHIND", folder=to, number=commit.number)
    copies = dict(rows.select(Delivery.file, Delivery.copy_number).iter_rows())
    return Delivered(
        packs,
        {sending.place: copies[f"{sending.stem}.pdf"] for pack in packs for sending in pack.sendings},
        facts["encrypted_count"],
        facts["printed_pages"],
        is_resumed=True,
    )
