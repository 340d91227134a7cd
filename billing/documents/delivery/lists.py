"""What goes beside the packs: the list inside each, what went to whom, and the mails to write.

The lists are read by machines as often as by people: their headings are English in all books, a subject is in theirs.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.core.money import yuan_exact
from billing.core.spreadsheet_cells import csv_text
from billing.documents.delivery.packs import Pack
from billing.documents.words import Words

CONTENTS = "contents.txt"
DELIVERY_LIST = "delivery_list.csv"
MAIL_LIST = "mail_list.csv"
SEVERAL = ";"
"""Between several addresses or attachments of one mail; no file of ours has it in its name."""

_DELIVERY = ("kind", "id", "name", "archive", "document", "sha256", "check_code", "copy")
_MAIL = ("name", "address", "subject", "attachment", "amount", "overdue", "due_date", "kind", "id")


@dataclass(frozen=True)
class PackedFile:
    """A file of a pack: its name there, its SHA-256, the check code of its document, and the how-manieth copy it is."""

    kind: str
    name: str
    sha256: str
    check_code: str
    copy: int


def contents(pack: Pack, files: Sequence[PackedFile], company: str, period: str, words: Words) -> bytes:
    """The list inside a pack, for a plain editor of any system."""
    lines = [
        words("delivery.contents", period=period),
        words("delivery.from_to", company=company, name=pack.name, id=pack.recipient_id),
        "",
    ]
    for file in files:
        told = words("delivery.copy", number=file.copy) if file.copy > 1 else ""
        lines += [f"{file.name}  {told}".rstrip(), f"  {words('doc.check_code')} {file.check_code}"]
        lines += [f"  SHA-256 {file.sha256}", ""]
    lines.append(words("doc.check_code_note"))
    return ("\ufeff" + "\r\n".join([*lines, ""])).encode("utf-8")


def delivery_list(packed: Iterable[tuple[Pack, Sequence[PackedFile]]], period: str) -> bytes:
    """What went to whom: a line a file of an archive."""
    rows = (
        (
            pack.role,
            pack.recipient_id,
            pack.name,
            pack.archive(period),
            file.name,
            file.sha256,
            file.check_code,
            file.copy,
        )
        for pack, files in packed
        for file in files
    )
    return csv_text(_DELIVERY, rows).encode("utf-8")


def mail_list(packs: Iterable[tuple[Pack, Sequence[str]]], company: str, period: str, words: Words) -> bytes:
    """The mails to write, for whatever program sends them: one a recipient, with the paths of what is attached.

    A recipient without an address stands there with an empty one. The day is that of this month's bill; what is overdue
    was due before.
    """
    rows = (
        (
            pack.name,
            SEVERAL.join(pack.addresses),
            words(f"delivery.subject.{pack.role}", company=company, period=period, name=pack.name),
            SEVERAL.join(attachments),
            Decimal(yuan_exact(pack.amount_micro)),
            Decimal(yuan_exact(pack.overdue_micro)) if pack.overdue_micro else None,
            _day(pack.due_date),
            pack.role,
            pack.recipient_id,
        )
        for pack, attachments in packs
    )
    return csv_text(_MAIL, rows).encode("utf-8")


def _day(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()
