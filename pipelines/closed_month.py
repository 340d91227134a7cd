"""The documents of a closed period: what they say, and their files as the close published them.

Where the close made none, or not this one, a document is made again. A published file is only read when it is what the
manifest says: nobody gets a file that was changed since.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from billing.core.digests import bytes_sha256
from billing.core.findings import refuse
from billing.core.period import Period
from billing.documents.delivery.packs import Pack, Sending
from billing.documents.model import Document, Standing
from billing.documents.places import place_of
from billing.documents.stage import make_documents, print_documents, print_lists
from billing.documents.words import Words
from billing.documents.workbook import check_code_of
from billing.rate_book.book import RateBook
from pipelines.books import Books
from pipelines.documents import EARLIER, tables_of
from pipelines.past import rows_before
from pipelines.rate_book_of import book_of_snapshot

_ENDINGS = (".pdf", ".xlsx")


@dataclass(frozen=True)
class ClosedMonth:
    """A closed period.

    Attributes:
        period: the billing period.
        book: the rate book of its snapshot.
        tables: its document tables.
        earlier: tables of the periods before that documents look back to.
        folder: where it is published.
        listed: its published files as the manifest lists them.
        scratch: where documents are written that the close did not make.
        only: one recipient; all when None.
    """

    period: Period
    book: RateBook
    tables: Mapping[str, pl.DataFrame]
    earlier: Mapping[str, pl.DataFrame]
    folder: Path
    listed: Mapping[str, Any]
    scratch: Path
    only: str | None

    @property
    def words(self) -> Words:
        """Words of the books' language."""
        return Words(self.book.policy.lang)

    @property
    def company(self) -> str:
        """Who we are."""
        return self.book.policy.company.name

    def documents(self, standing: Standing) -> Iterator[Document]:
        """What its documents say."""
        return make_documents(self.tables, self.earlier, self.book, self.period, standing, only=self.only)

    def is_published(self, sending: Sending) -> bool:
        """Whether the close made the document."""
        return f"{sending.place}.pdf" in self.listed

    def as_published(self, pack: Pack) -> Pack:
        """A pack with the check codes that its published documents bear, whichever version made them."""
        codes = {
            sending: check_code_of(self.read(f"{sending.place}.xlsx"))
            for sending in pack.sendings
            if self.is_published(sending)
        }
        sendings = (replace(each, check_code=codes.get(each) or each.check_code) for each in pack.sendings)
        return replace(pack, sendings=tuple(sendings))

    def make_missing(self, packs: Iterable[Pack]) -> None:
        """Make the documents that the close did not."""
        every = [sending for pack in packs for sending in pack.sendings]
        missing = {sending.place for sending in every if not self.is_published(sending)}
        if not missing:
            return
        documents = (document for document in self.documents("final") if place_of(document, "") in missing)
        for name, content in print_documents(documents):
            write(self.scratch / name, content)
        for name, content in print_lists(self.tables, self.period, "final", self.only):
            write(self.scratch / name, content)

    def read(self, name: str) -> bytes:
        """A file of a final document.

        Raises:
            Refusal: PUBLISHED_CHANGED.
        """
        if name not in self.listed:
            return (self.scratch / name).read_bytes()
        content = _bytes_of(self.folder / name)
        if bytes_sha256(content) != self.listed[name]["sha256"]:
            raise refuse("PUBLISHED_CHANGED", f"published/{self.period}/{name}", file=name, period=self.period)
        return content


def closed_month(books: Books, period: Period, scratch: Path, only: str | None = None) -> ClosedMonth:
    """Read what the close of a period left.

    Raises:
        Refusal: the period is not closed, or what is published is not what was committed.
    """
    close = books.state.closes.get(str(period))
    if close is None:
        raise refuse("PERIOD_NOT_CLOSED", period=period)
    folder = books.path(f"published/{period}")
    manifest = _bytes_of(folder / "manifest.json")
    if bytes_sha256(manifest) != close.facts["manifest"]:
        raise refuse("PUBLISHED_CHANGED", f"published/{period}/manifest.json", file="manifest.json", period=period)
    book = book_of_snapshot(books, close.facts["snapshot"])
    return ClosedMonth(
        period=period,
        book=book,
        tables=tables_of(books, book, period),
        earlier={table.name: rows_before(books, table, period) for table in EARLIER},
        folder=folder,
        listed=json.loads(manifest)["files"],
        scratch=scratch,
        only=only,
    )


def files_of(sending: Sending) -> list[str]:
    """The files of a document, relative to the published period; a settlement sheet has its list as CSV, too."""
    endings = (*_ENDINGS, ".csv") if sending.kind == "settlement" else _ENDINGS
    return [f"{sending.place}{ending}" for ending in endings]


def write(path: Path, content: bytes) -> None:
    """Write a file and the folders it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _bytes_of(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
