"""`deliver`: a pack for every recipient of a closed period, lists of what went to whom, and a commit that remembers it.

The folder is filled below `.part` and comes to light after the commit: nothing leaves the books that they do not know
of. What was interrupted is begun again by the same command, or brought to light where the commit was made.
"""

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from billing.catalog.reading import read_catalog
from billing.core.digests import file_sha256
from billing.core.findings import Refusal, refuse
from billing.core.period import Period
from billing.documents.delivery.archives import archive
from billing.documents.delivery.lists import (
    CONTENTS,
    DELIVERY_LIST,
    MAIL_LIST,
    PackedFile,
    contents,
    delivery_list,
    mail_list,
)
from billing.documents.delivery.packs import Addresses, Pack, addresses_of, due_dates_of, packs_of
from billing.documents.delivery.passwords import read_passwords
from billing.documents.delivery.pdf_files import encrypted, page_count, require_extra
from billing.documents.model import Document
from billing.documents.places import place_of
from billing.documents.stage import print_documents
from billing.tables.catalog import CATALOG_TABLES
from billing.tables.deliveries import Delivery
from billing.tables.documents import Invoice
from billing.tables.parquet import scan_tables
from pipelines.books import Books, workbench
from pipelines.closed_month import ClosedMonth, closed_month, files_of, write
from pipelines.commits import Commit
from pipelines.print_bills import print_bills
from pipelines.progress import Progress

PART = ".part"
ENCRYPTED = "encrypted"
PRINTED = "print"
STEP = "deliver"


@dataclass(frozen=True)
class Wanted:
    """What is asked of a delivery.

    Attributes:
        to: an empty or new folder.
        only: one recipient: customer, agent or carrier id.
        passwords: a file of passwords, for encrypted copies.
        is_printed: whether one PDF of all bills is made.
        is_dry: whether nothing is written.
    """

    to: Path
    only: str | None = None
    passwords: Path | None = None
    is_printed: bool = False
    is_dry: bool = False


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


@dataclass(frozen=True)
class Packed:
    """A pack as it was packed."""

    pack: Pack
    files: Sequence[PackedFile]
    records: Sequence[str]
    archive_sha256: str


def deliver_period(books: Books, period: Period, wanted: Wanted, progress: Progress) -> Delivered:
    """Deliver a closed period.

    Raises:
        Refusal: the period is not closed, the folder holds files or lies in the books, there is no such recipient, the
            extra is missing, a password will not do, or what is published is not what was committed.
    """
    with workbench(books) as bench:
        month = closed_month(books, period, bench.folder / "final", wanted.only)
        if not (wanted.to / PART).is_dir():
            _check_folder(books, wanted.to)
        if wanted.passwords or wanted.is_printed:
            require_extra()
        packs = _packs(books, month)
        passwords = read_passwords(wanted.passwords, {p.recipient_id for p in packs}) if wanted.passwords else {}
        if left := _left_behind(books, period, packs, wanted.to):
            if not wanted.is_dry:
                _bring_to_light(wanted.to)
            return left
        _check_folder(books, wanted.to)
        delivered = Delivered(packs, _copies(books, period, packs))
        if wanted.is_dry:
            return delivered
        with progress.stage("deliver"), _hidden(wanted.to) as folder:
            month.make_missing(packs)
            reprints = _reprints(month, delivered, bench.folder / "reprint")
            packed = [_pack(month, pack, delivered.copies, reprints, folder) for pack in packs]
            attached = _encrypt(month, packs, passwords, reprints, folder)
            told = [(pack, attached.get(pack.key) or [pack.archive(str(period))]) for pack in packs]
            write(folder / DELIVERY_LIST, delivery_list([(each.pack, each.files) for each in packed], str(period)))
            write(folder / MAIL_LIST, mail_list(told, month.company, str(period), month.words))
            pages = _print(month, packs, reprints, folder) if wanted.is_printed else 0
            rows = _rows(packed, str(period))
            bench.write(rows, Delivery, f"lake/{Delivery.name}/{period}/{len(books.commits) + 1:06d}.parquet",
                        {"period": str(period)})  # fmt: skip
            bench.settle()
            done = Delivered(packs, delivered.copies, sum(map(len, attached.values())), pages)
            books.append(STEP, files=bench.entries, facts=_facts(done, period))
        return done


def deliveries(books: Books, period: Period) -> list[tuple[Commit, pl.DataFrame]]:
    """Every delivery of a period: its commit and its `Delivery` rows."""
    return [
        (commit, scan_tables(books.paths(commit.files), Delivery).collect())
        for commit in books.commits
        if commit.kind == STEP and commit.facts["period"] == str(period)
    ]


def _facts(delivered: Delivered, period: Period) -> dict[str, str | int]:
    return {
        "period": str(period),
        "recipient_count": len(delivered.packs),
        "document_count": len(delivered.copies),
        "reprint_count": delivered.reprint_count,
        "encrypted_count": delivered.encrypted_count,
        "printed_pages": delivered.printed_pages,
    }


def _check_folder(books: Books, to: Path) -> None:
    if to.exists() and any(path.name != PART for path in to.iterdir()):
        raise refuse("FOLDER_NOT_EMPTY", folder=to)
    if to.resolve().is_relative_to(books.root.resolve()):
        raise refuse("FOLDER_IN_BOOKS", folder=to)


def _packs(books: Books, month: ClosedMonth) -> list[Pack]:
    due_dates = due_dates_of(month.tables[Invoice.name].iter_rows(named=True))
    packs = list(packs_of(month.documents("final"), _addresses(books), due_dates).values())
    if not packs:
        raise refuse("RECIPIENT_UNKNOWN", period=month.period, recipient=month.only or "-")
    return [month.as_published(pack) for pack in packs]


def _addresses(books: Books) -> Addresses:
    """Addresses as the catalog has them today: who moved after the close is reached where they are now."""
    catalog = read_catalog(books.path("catalog"))
    if not catalog.is_usable:
        raise Refusal(*catalog.findings)
    return addresses_of({table.name: catalog.frame(table) for table in CATALOG_TABLES})


def _copies(books: Books, period: Period, packs: Sequence[Pack]) -> dict[str, int]:
    """Which copy each document is: one more than how often its recipient got it."""
    key = [Delivery.recipient_kind, Delivery.recipient_id, Delivery.document_kind, Delivery.check_code]
    gone = Counter(row for _, rows in deliveries(books, period) for row in rows.select(key).unique().iter_rows())
    return {
        sending.place: 1 + gone[(*pack.key, sending.kind, sending.check_code)]
        for pack in packs
        for sending in pack.sendings
    }


@contextmanager
def _hidden(to: Path) -> Iterator[Path]:
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
    _bring_to_light(to)


def _bring_to_light(to: Path) -> None:
    for child in sorted((to / PART).iterdir()):
        child.rename(to / child.name)
    (to / PART).rmdir()


def _left_behind(books: Books, period: Period, packs: Sequence[Pack], to: Path) -> Delivered | None:
    """The last delivery, when it is the one that is asked for and its folder did not come to light any more."""
    known = deliveries(books, period)
    if not (to / PART).is_dir() or not known:
        return None
    commit, rows = known[-1]
    archives = dict(rows.select(Delivery.archive, Delivery.archive_sha256).unique().iter_rows())
    lying = {name: top / name for name in archives for top in (to, to / PART) if (top / name).is_file()}
    is_whole = all(name in lying and file_sha256(lying[name]) == sha256 for name, sha256 in archives.items())
    if not is_whole or set(archives) != {pack.archive(str(period)) for pack in packs}:
        return None
    copies = dict(rows.select(Delivery.file, Delivery.copy_number).iter_rows())
    facts = commit.facts
    return Delivered(
        packs,
        {sending.place: copies[f"{sending.stem}.pdf"] for pack in packs for sending in pack.sendings},
        facts["encrypted_count"],
        facts["printed_pages"],
        is_resumed=True,
    )


def _reprints(month: ClosedMonth, delivered: Delivered, folder: Path) -> Path:
    """Print what a recipient had before once more, stamped; a reprint has to say the same."""
    codes = {sending.place: sending.check_code for pack in delivered.packs for sending in pack.sendings}
    again = {place for place, copy in delivered.copies.items() if copy > 1}

    def stamped() -> Iterator[Document]:
        for document in month.documents("reprint"):
            place = place_of(document, "")
            if place in again and document.check_code != codes[place]:
                raise refuse("REPRINT_DIFFERS", document=place, period=month.period)
            if place in again:
                yield document

    for name, content in print_documents(stamped()) if again else ():
        write(folder / name, content)
    return folder


def _content(month: ClosedMonth, reprints: Path, name: str) -> bytes:
    """A file as it is handed over."""
    return (reprints / name).read_bytes() if (reprints / name).exists() else month.read(name)


def _pack(month: ClosedMonth, pack: Pack, copies: Mapping[str, int], reprints: Path, folder: Path) -> Packed:
    files, packed, records = [], [], []
    for sending in pack.sendings:
        for name in files_of(sending):
            content = _content(month, reprints, name)
            own = Path(name).name
            files.append((own, content))
            packed.append(PackedFile(sending.kind, own, _sha256(content), sending.check_code, copies[sending.place]))
            records.append(_sha256(month.read(name)))
    words, period = month.words, str(month.period)
    files.append((CONTENTS, contents(pack, packed, month.company, period, words)))
    content = archive(files, month.period.end)
    write(folder / pack.archive(period), content)
    return Packed(pack, packed, records, _sha256(content))


def _encrypt(
    month: ClosedMonth, packs: Sequence[Pack], passwords: Mapping[str, str], reprints: Path, folder: Path
) -> dict[tuple[str, str], list[str]]:
    """Copies of PDFs under passwords: their files by recipient."""
    attached: dict[tuple[str, str], list[str]] = {}
    for pack in packs:
        for sending in pack.sendings if pack.recipient_id in passwords else ():
            file = f"{ENCRYPTED}/{pack.folder}/{sending.stem}.pdf"
            plain = _content(month, reprints, f"{sending.place}.pdf")
            write(folder / file, encrypted(plain, passwords[pack.recipient_id]))
            attached.setdefault(pack.key, []).append(file)
    return attached


def _print(month: ClosedMonth, packs: Sequence[Pack], reprints: Path, folder: Path) -> int:
    bills = {
        pack.recipient_id: _content(month, reprints, f"{sending.place}.pdf")
        for pack in packs
        for sending in pack.sendings
        if sending.kind == "bill"
    }
    if not bills:
        return 0
    content = print_bills(month, bills)
    write(folder / PRINTED / f"bills-{month.period}.pdf", content)
    return page_count(content)


def _rows(packed: Sequence[Packed], period: str) -> pl.DataFrame:
    rows = [
        {
            Delivery.period: period,
            Delivery.recipient_kind: each.pack.role,
            Delivery.recipient_id: each.pack.recipient_id,
            Delivery.document_kind: file.kind,
            Delivery.file: file.name,
            Delivery.sha256: file.sha256,
            Delivery.record_sha256: record,
            Delivery.check_code: file.check_code,
            Delivery.copy_number: file.copy,
            Delivery.archive: each.pack.archive(period),
            Delivery.archive_sha256: each.archive_sha256,
        }
        for each in packed
        for file, record in zip(each.files, each.records, strict=True)
    ]
    return Delivery.of_rows(rows).sort(Delivery.key)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
