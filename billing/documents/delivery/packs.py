"""Packs: what each recipient gets of a period, nothing of anybody else's.

A document belongs to the recipient it names and lies in that recipient's own folder; a pack is made of those alone.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import polars as pl

from billing.core.email_addresses import email_addresses
from billing.documents.delivery.recipients import Recipient, Role
from billing.documents.file_names import file_stem
from billing.documents.model import Document
from billing.documents.places import place_of
from billing.documents.words import Words
from billing.tables.catalog import Agent, Carrier, Customer
from billing.tables.documents import LateFee

ROLES: Mapping[str, Role] = {
    "bill": "customer",
    "credit_note": "customer",
    "statement": "agent",
    "settlement": "carrier",
}
"""Who gets each kind of document."""
Addresses = Mapping[Recipient, Sequence[str]]
_ADDRESSES: tuple[tuple[Role, str, str], ...] = (
    ("customer", Customer.name, Customer.customer_id),
    ("agent", Agent.name, Agent.agent_id),
    ("carrier", Carrier.name, Carrier.carrier_id),
)
_ASKS = ("bill", "statement", "settlement")
"""Kinds of documents whose amount is what the mail speaks of; a credit note comes with a bill that has it within."""


@dataclass(frozen=True)
class Sending:
    """A document on its way to its recipient.

    Attributes:
        kind: of the document.
        place: its file relative to the published period, without ending.
        check_code: what PDF, workbook and reprint have in common.
    """

    kind: str
    place: str
    check_code: str

    @property
    def stem(self) -> str:
        """The name of its files, without ending."""
        return PurePosixPath(self.place).name


@dataclass(frozen=True)
class Pack:
    """All that one recipient gets.

    Attributes:
        role: as what it is a recipient; ids are only unique within one.
        recipient_id: customer, agent or carrier.
        name: as its documents print it.
        addresses: where it is sent; none where the catalog has none.
        amount_micro: what the customer is to pay, the agent or the carrier is owed.
        due_date: until when, as its bill says; None where nothing is to be paid or no day is agreed.
        overdue_micro: what of the amount is of earlier bills and overdue.
        sendings: its documents.
    """

    role: Role
    recipient_id: str
    name: str
    addresses: Sequence[str]
    amount_micro: int
    due_date: dt.date | None
    overdue_micro: int
    sendings: tuple[Sending, ...]

    @property
    def key(self) -> Recipient:
        """Role and id: which recipient it is."""
        return self.role, self.recipient_id

    @property
    def folder(self) -> str:
        """The folder of its archive: `customers`."""
        return f"{self.role}s"

    def archive(self, period: str) -> str:
        """Its archive: `customers/C0001-2026-10.zip`."""
        return f"{self.folder}/{file_stem(self.recipient_id)}-{period}.zip"


def packs_of(documents: Iterable[Document], addresses: Addresses, overdue: Mapping[str, int]) -> dict[Recipient, Pack]:
    """Packs by role and recipient, in the order of the documents.

    Args:
        documents: final documents of a period.
        addresses: see `addresses_of`.
        overdue: see `overdue_of`.
    """
    packs: dict[Recipient, Pack] = {}
    for document in documents:
        role, recipient_id = ROLES[document.kind], document.recipient_id
        key = (role, recipient_id)
        before = packs.get(key)
        packs[key] = Pack(
            role=role,
            recipient_id=recipient_id,
            name=before.name if before else document.recipient_name,
            addresses=addresses.get(key, ()),
            amount_micro=(before.amount_micro if before else 0) + _amount(document),
            due_date=(before.due_date if before else None) or _due_date(document),
            overdue_micro=overdue.get(recipient_id, 0) if role == "customer" else 0,
            sendings=(*(before.sendings if before else ()), _sending(document)),
        )
    return packs


def addresses_of(catalog: Mapping[str, pl.DataFrame]) -> Addresses:
    """Where each recipient is reached, from the catalog's customers, agents and carriers."""
    return {
        (role, row[key]): email_addresses(row["email"] or "")
        for role, table, key in _ADDRESSES
        for row in catalog[table].iter_rows(named=True)
    }


def overdue_of(late_fees: pl.DataFrame) -> dict[str, int]:
    """What of earlier bills each customer left unpaid beyond its day, from rows of `LateFee`."""
    unpaid = late_fees.filter(pl.col(LateFee.unpaid_micro) != 0)
    sums = unpaid.group_by(LateFee.customer_id).agg(pl.col(LateFee.unpaid_micro).sum())
    return dict(sums.iter_rows())


def _sending(document: Document) -> Sending:
    return Sending(document.kind, place_of(document, ""), document.check_code)


def _due_date(document: Document) -> dt.date | None:
    """The day that a bill names; it names none where nothing is to be paid."""
    label = Words(document.lang)("doc.due_date")
    named = (field.value for field in document.particulars if document.kind == "bill" and field.label == label)
    return next((value for value in named if isinstance(value, dt.date)), None)


def _amount(document: Document) -> int:
    if document.kind not in _ASKS:
        return 0
    return sum(figure.value for figure in document.figures if figure.strong)
