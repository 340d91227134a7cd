"""`deliver`, `call-details`: what is said about what leaves the house."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from billing.core.findings import Refusal, refuse
from billing.documents.delivery.packs import Pack
from billing.documents.delivery.recipients import Recipient, meant, shared
from billing.tables.deliveries import Delivery
from pipelines.call_details import Asked, give_calls
from pipelines.commits import Commit
from pipelines.deliver import ENCRYPTED, PRINTED, Wanted, deliver_period
from pipelines.deliveries import Delivered, deliveries
from pipelines.session import Session
from pipelines.summaries import table

SHORT = 12
_TOLD = (Delivery.recipient_kind, Delivery.recipient_id, Delivery.file, Delivery.copy_number, Delivery.sha256)


def deliver(
    session: Session,
    books: Path,
    period: str,
    to: Path | None,
    only: str | None,
    passwords: Path | None,
    printed: bool,
    listed: bool,
    by: str,
    dry_run: bool,
    wait: float,
) -> None:
    """Packs for recipients, or what went out before."""
    if listed:
        _tell_deliveries(session, books, period, only)
        return
    if to is None:
        raise refuse("DELIVER_WITHOUT_FOLDER")
    wanted = Wanted(to, only, passwords, is_printed=printed, is_dry=dry_run)
    with session.writing(books, wait) as opened:
        opened.by = by.strip() or opened.by
        delivered = deliver_period(opened, session.period(period), wanted, session.progress)
    _tell_delivered(session, delivered, period, wanted)


def call_details(
    session: Session,
    books: Path,
    period: str,
    recipient: str,
    to: Path,
    masked: bool,
    by: str,
    reason: str,
    dry_run: bool,
    wait: float,
) -> None:
    """All calls of a customer's own numbers."""
    if not by.strip():
        raise refuse("NAME_MISSING")
    if not reason.strip():
        raise refuse("REASON_MISSING")
    wanted = session.period(period)
    with session.writing(books, wait) as opened:
        opened.by = by.strip()
        given = give_calls(opened, wanted, Asked(recipient, to, reason.strip(), is_masked=masked, is_dry=dry_run))
    session.give(customer=given.customer, calls=given.count, is_draft=given.is_draft, is_masked=masked)
    values = {"count": given.count, "customer": given.customer, "period": period}
    if dry_run:
        session.say("summary.would_give_calls", **values)
        session.say("summary.dry_run")
    else:
        session.say("summary.call_details", **values, file=to, by=by.strip())
    if given.is_draft:
        session.say("summary.call_details_draft")


def _tell_delivered(session: Session, delivered: Delivered, period: str, wanted: Wanted) -> None:
    counts = {
        "recipients": len(delivered.packs),
        "documents": len(delivered.copies),
        "reprints": delivered.reprint_count,
    }
    without = sum(not pack.addresses for pack in delivered.packs)
    session.give(
        **counts,
        without_address=without,
        encrypted=delivered.encrypted_count,
        printed_pages=delivered.printed_pages,
        is_resumed=delivered.is_resumed,
        packs=[_pack(delivered, pack, period) for pack in delivered.packs] if session.as_json else [],
    )
    if wanted.is_dry:
        session.say("summary.would_deliver", period=period, **counts)
    else:
        session.say("summary.delivered", period=period, folder=wanted.to, **counts)
    if delivered.is_resumed:
        session.say("summary.delivery_resumed")
    session.print(*_by_role(session, delivered))
    if without:
        session.say("summary.without_address", count=without)
    if delivered.encrypted_count:
        session.say("summary.delivered_encrypted", count=delivered.encrypted_count, folder=wanted.to / ENCRYPTED)
    if delivered.printed_pages:
        file = wanted.to / PRINTED / f"bills-{period}.pdf"
        session.say("summary.delivered_printed", pages=delivered.printed_pages, file=file)
    if wanted.is_dry:
        session.say("summary.dry_run")


def _pack(delivered: Delivered, pack: Pack, period: str) -> dict[str, Any]:
    return {
        "kind": pack.role,
        "id": pack.recipient_id,
        "archive": pack.archive(period),
        "copies": {sending.stem: delivered.copies[sending.place] for sending in pack.sendings},
    }


def _by_role(session: Session, delivered: Delivered) -> list[str]:
    """A line a kind of recipient: packs, documents, reprints, and how many have no address."""
    packs, documents, reprints, without = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for pack in delivered.packs:
        packs[pack.role] += 1
        documents[pack.role] += len(pack.sendings)
        reprints[pack.role] += sum(delivered.copies[sending.place] > 1 for sending in pack.sendings)
        without[pack.role] += not pack.addresses
    names = ("recipient", "packs", "documents", "reprints", "no_address")
    headings = [session.word(f"heading.{name}") for name in names]
    rows = [
        [session.word(f"role.{role}"), *(f"{counted[role]:,}" for counted in (packs, documents, reprints, without))]
        for role in packs
    ]
    return table(headings, rows, frozenset({1, 2, 3, 4}))


def _tell_deliveries(session: Session, books: Path, period: str, only: str | None) -> None:
    wanted = session.period(period)
    with session.reading(books) as opened:
        known = deliveries(opened, wanted)
    named = _named(known, only)
    rows = [_told(commit, row) for commit, frame in known for row in _of(frame, named)]
    session.give(deliveries=rows)
    if not rows:
        session.say("summary.nothing_delivered", period=period)
        return
    names = ("recipient", "file", "copy", "at", "by", "sha256")
    cells = [[row["id"], row["file"], str(row["copy"]), row["at"], row["by"], row["sha256"][:SHORT]] for row in rows]
    headings = [*(session.word(f"heading.{name}") for name in names[:-1]), "SHA-256"]
    session.print(*table(headings, cells, frozenset({2})))


def _named(known: Sequence[tuple[Commit, pl.DataFrame]], only: str | None) -> list[Recipient]:
    """Whose deliveries are told: everybody's, or those of one recipient."""
    key = (Delivery.recipient_kind, Delivery.recipient_id)
    every = [row for _, frame in known for row in frame.select(key).unique().iter_rows()]
    named = every if only is None else meant(only, every)
    if only is not None and named[1:]:
        raise Refusal(shared(only, named))
    return named


def _of(frame: pl.DataFrame, named: Collection[Recipient]) -> list[dict[str, Any]]:
    rows = frame.select(_TOLD).to_dicts()
    return [row for row in rows if (row[Delivery.recipient_kind], row[Delivery.recipient_id]) in named]


def _told(commit: Commit, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": row[Delivery.recipient_kind],
        "id": row[Delivery.recipient_id],
        "file": row[Delivery.file],
        "copy": row[Delivery.copy_number],
        "sha256": row[Delivery.sha256],
        "at": commit.at,
        "by": commit.by,
        "commit": commit.number,
    }
