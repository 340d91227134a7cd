"""`deliver`: a pack for every recipient of a closed period, lists of what went to whom, and a commit that remembers it.

The folder is filled below `.part` and comes to light after the commit: nothing leaves the books that they do not know
of. What was interrupted is begun again by the same command, or brought to light where the commit was made.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from billing.catalog.reading import read_tables
from billing.core.digests import bytes_sha256
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
from billing.documents.delivery.packs import Addresses, Pack, Sending, addresses_of, overdue_of, packs_of
from billing.documents.delivery.passwords import read_passwords
from billing.documents.delivery.pdf_files import encrypted, page_count, require_extra
from billing.documents.delivery.recipients import Recipient, id_named, meant, shared
from billing.documents.model import Document
from billing.documents.places import place_of
from billing.documents.stage import print_documents
from billing.tables.catalog import Agent, Carrier, Customer
from billing.tables.deliveries import Delivery
from billing.tables.documents import LateFee
from pipelines.books import Books, workbench
from pipelines.closed_month import ClosedMonth, closed_month, files_of, write
from pipelines.deliveries import (
    MARK,
    PART,
    STEP,
    Delivered,
    bring_to_light,
    copies_of,
    hidden,
    left_behind,
    new_mark,
    taken_up,
)
from pipelines.exports import check_folder
from pipelines.print_bills import print_bills
from pipelines.progress import Progress

ENCRYPTED = "encrypted"
PRINTED = "print"
_ADDRESSED = (Customer, Agent, Carrier)


@dataclass(frozen=True)
class Wanted:
    """What is asked of a delivery.

    Attributes:
        to: an empty or new folder.
        only: one recipient: customer, agent or carrier id, or `agent:ID`.
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
class Packed:
    """A pack as it was packed."""

    pack: Pack
    files: Sequence[PackedFile]
    records: Sequence[str]
    archive_sha256: str


def deliver_period(books: Books, period: Period, wanted: Wanted, progress: Progress) -> Delivered:
    """Deliver a closed period.

    Raises:
        Refusal: the period is not closed, the folder holds files, another delivery or lies in the books, there is no
            such recipient, the extra is missing, a password will not do, or what is published is not what was
            committed.
    """
    with workbench(books) as bench:
        month = closed_month(books, period, bench.folder / "final", id_named(wanted.only) if wanted.only else None)
        if not (wanted.to / PART).is_dir():
            check_folder(books, wanted.to, PART)
        if wanted.passwords or wanted.is_printed:
            require_extra()
        known = _packs(books, month)
        packs = [month.as_published(known[each]) for each in _wanted(known, wanted.only, period)]
        passwords = read_passwords(wanted.passwords, known, {p.key for p in packs}) if wanted.passwords else {}
        if commit := left_behind(books, wanted.to):
            # Whatever is asked for: what is on record is not lost.
            if not wanted.is_dry:
                bring_to_light(wanted.to)
            locked = sum(len(pack.sendings) for pack in packs if pack.key in passwords)
            is_printed = wanted.is_printed and bool(_bills(packs))
            return taken_up(books, commit, period, packs, wanted.to, locked=locked, is_printed=is_printed)
        check_folder(books, wanted.to, PART)
        delivered = Delivered(packs, copies_of(books, period, packs))
        if wanted.is_dry:
            return delivered
        with progress.stage("deliver"), hidden(wanted.to) as folder:
            month.make_missing(packs)
            handed = _Handed(month, _reprints(month, delivered, bench.folder / "reprint"), folder)
            packed = [_pack(handed, pack, delivered.copies) for pack in packs]
            attached = _encrypt(handed, packs, passwords)
            _write_lists(handed, packed, attached)
            pages = _print(handed, packs) if wanted.is_printed else 0
            name = f"lake/{Delivery.name}/{period}/{len(books.commits) + 1:06d}.parquet"
            bench.write(_rows(packed, str(period)), Delivery, name, {"period": str(period)})
            bench.settle()
            done = replace(delivered, encrypted_count=sum(map(len, attached.values())), printed_pages=pages)
            mark = new_mark()
            write(folder / MARK, mark.encode())
            books.append(STEP, files=bench.entries, facts=_facts(done, period) | {"mark": mark})
        return done


def _facts(delivered: Delivered, period: Period) -> dict[str, str | int]:
    return {
        "period": str(period),
        "recipient_count": len(delivered.packs),
        "document_count": len(delivered.copies),
        "reprint_count": delivered.reprint_count,
        "encrypted_count": delivered.encrypted_count,
        "printed_pages": delivered.printed_pages,
    }


def _packs(books: Books, month: ClosedMonth) -> dict[Recipient, Pack]:
    overdue = overdue_of(month.tables[LateFee.name])
    return packs_of(month.documents("final"), _addresses(books), overdue)


def _wanted(known: Mapping[Recipient, Pack], only: str | None, period: Period) -> list[Recipient]:
    """All recipients, or the one that is named."""
    named = list(known) if only is None else meant(only, known)
    if not named and only is None:
        raise refuse("NOTHING_TO_DELIVER", period=period)
    if not named:
        raise refuse("RECIPIENT_UNKNOWN", period=period, recipient=only)
    if only is not None and named[1:]:
        raise Refusal(shared(only, named))
    return named


def _addresses(books: Books) -> Addresses:
    """Addresses as the catalog has them today: who moved after the close is reached where they are now."""
    tables, findings = read_tables(books.path("catalog"), _ADDRESSED)
    if any(finding.severity == "critical" for finding in findings):
        raise Refusal(*findings)
    return addresses_of(tables)


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


@dataclass(frozen=True)
class _Handed:
    """Where what is handed over comes from and goes to: the month, its reprints, the folder that is filled."""

    month: ClosedMonth
    reprints: Path
    folder: Path

    @property
    def period(self) -> str:
        """The period, as names have it."""
        return str(self.month.period)

    def content(self, name: str) -> bytes:
        """A file as it is handed over."""
        again = self.reprints / name
        return again.read_bytes() if again.exists() else self.month.read(name)


def _pack(handed: _Handed, pack: Pack, copies: Mapping[str, int]) -> Packed:
    files, packed, records = [], [], []
    for sending in pack.sendings:
        for name in files_of(sending):
            content, own = handed.content(name), Path(name).name
            files.append((own, content))
            sha256 = bytes_sha256(content)
            packed.append(PackedFile(sending.kind, own, sha256, sending.check_code, copies[sending.place]))
            records.append(bytes_sha256(handed.month.read(name)) if copies[sending.place] > 1 else sha256)
    month = handed.month
    files.append((CONTENTS, contents(pack, packed, month.company, handed.period, month.words)))
    whole = archive(files, month.period.end)
    write(handed.folder / pack.archive(handed.period), whole)
    return Packed(pack, packed, records, bytes_sha256(whole))


def _encrypt(handed: _Handed, packs: Sequence[Pack], passwords: Mapping[Recipient, str]) -> dict[Recipient, list[str]]:
    """Copies of PDFs under passwords: their files by recipient."""
    attached: dict[Recipient, list[str]] = {}
    for pack in packs:
        for sending in pack.sendings if pack.key in passwords else ():
            file = f"{ENCRYPTED}/{pack.folder}/{sending.stem}.pdf"
            plain = handed.content(f"{sending.place}.pdf")
            write(handed.folder / file, encrypted(plain, passwords[pack.key]))
            attached.setdefault(pack.key, []).append(file)
    return attached


def _write_lists(handed: _Handed, packed: Sequence[Packed], attached: Mapping[Recipient, Sequence[str]]) -> None:
    """Who gets what, and the mails to write: a locked copy is attached where there is one, else the archive."""
    mails = [(each.pack, attached.get(each.pack.key) or [each.pack.archive(handed.period)]) for each in packed]
    month = handed.month
    write(handed.folder / DELIVERY_LIST, delivery_list([(each.pack, each.files) for each in packed], handed.period))
    write(handed.folder / MAIL_LIST, mail_list(mails, month.company, handed.period, month.words))


def _print(handed: _Handed, packs: Sequence[Pack]) -> int:
    """One PDF of all bills that are handed over: its pages, 0 where there is none."""
    bills = [(pack, handed.content(f"{sending.place}.pdf")) for pack, sending in _bills(packs)]
    if not bills:
        return 0
    content = print_bills(handed.month, bills)
    write(handed.folder / PRINTED / f"bills-{handed.period}.pdf", content)
    return page_count(content)


def _bills(packs: Sequence[Pack]) -> list[tuple[Pack, Sending]]:
    return [(pack, sending) for pack in packs for sending in pack.sendings if sending.kind == "bill"]


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
