"""`call-details`: all calls of a customer's own numbers, for the customer; who gave them out and why is remembered.

Whom a number belonged to when a call came in decides whose call it is, so nobody gets calls of an owner before or
after.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import polars as pl

from billing.call_analysis.provinces import with_province
from billing.core.findings import refuse
from billing.core.period import Period
from billing.core.told_numbers import tells_a_number
from billing.documents.call_details import told_calls, write_calls_csv, write_calls_sheet
from billing.documents.words import Words
from billing.publishing.masking import mask_number
from billing.rate_book.book import RateBook
from billing.tables.calls import Cdr, RatedCall, UsageTotal
from billing.tables.catalog import Contract, Customer, Subscription
from billing.tables.parquet import scan_tables
from pipelines.books import Books
from pipelines.exports import SHEET_ROWS, check_target, is_sheet
from pipelines.parts import Part, parts_of, usage_of
from pipelines.rate_book_of import book_of_snapshot

STEP = "call_details"
_OWN_EYES = 0o600
"""Callers in full: a file for whoever asked for it, and nobody else of the machine."""
_RECEIVED = (Cdr.cdr_id, Cdr.caller, Cdr.landing_number, Cdr.started_at, Cdr.answered_at, Cdr.ended_at)


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    Attributes:
        recipient: a customer id, or a 400 number of its own.
        to: a new file, .csv or .xlsx.
        reason: who asked for it and what for.
        is_masked: whether callers and landing numbers are masked.
        is_dry: whether nothing is written.
    """

    recipient: str
    to: Path
    reason: str
    is_masked: bool = False
    is_dry: bool = False


@dataclass(frozen=True)
class Given:
    """Whose calls were given, how many, and whether the period may still change."""

    customer: str
    count: int
    is_draft: bool


def give_calls(books: Books, period: Period, asked: Asked) -> Given:
    """Write the calls of a customer's numbers that a period bills.

    Raises:
        Refusal: no draft, neither a customer nor a number, a number of several customers, a reason with a number in it,
            no new file of a known form, or more calls than a sheet holds.
    """
    check_target(asked.to)
    if asked.to.resolve().is_relative_to(books.root.resolve()):
        raise refuse("FOLDER_IN_BOOKS", folder=asked.to)
    commit = books.state.published(str(period))
    if commit is None:
        raise refuse("NO_DRAFT", period=period)
    book = book_of_snapshot(books, commit.facts["snapshot"])
    parts = parts_of(books.state, str(period))
    usage = usage_of(books, parts)
    customer, wanted = _owner(book, period, usage, asked.recipient)
    _check_reason(book, customer, asked.reason)
    own = usage.filter(wanted)
    given = Given(customer, int(own[UsageTotal.call_count].sum()), commit.kind != "close")
    if is_sheet(asked.to) and given.count > SHEET_ROWS:
        raise refuse("CALLS_TOO_LONG", count=given.count, limit=SHEET_ROWS)
    if asked.is_dry:
        return given
    days = own[UsageTotal.usage_date].unique().to_list()
    words = Words(book.policy.lang)
    pages = _pages(books, [part for part in parts if part.day in days], wanted, asked, words)
    _hand_over(books, period, asked, given, pages, words)
    return given


def _check_reason(book: RateBook, customer: str, reason: str) -> None:
    """The reason is kept for ever and shown to all who read the log: no caller's number may stand in it."""
    contracts = book.table(Contract.name).filter(pl.col(Contract.customer_id) == customer)[Contract.contract_id]
    if tells_a_number(reason, [customer, *contracts]):
        raise refuse("REASON_WITH_NUMBER")


def _hand_over(
    books: Books, period: Period, asked: Asked, given: Given, pages: Iterator[pl.DataFrame], words: Words
) -> None:
    """Write the list beside its place, put it on record, and only then give it its name."""
    part = asked.to.with_name(f".{asked.to.name}.part")
    part.unlink(missing_ok=True)
    part.touch(_OWN_EYES, exist_ok=False)
    try:
        written = _write(part, asked.to, pages, words, period)
        assert written == given.count, "the list has every call that was counted"
        facts = {
            "period": str(period),
            "customer": given.customer,
            "call_count": given.count,
            "is_masked": asked.is_masked,
            "reason": asked.reason,
        }
        books.append(STEP, facts=facts)
        part.rename(asked.to)
    finally:
        part.unlink(missing_ok=True)


def _write(part: Path, to: Path, pages: Iterator[pl.DataFrame], words: Words, period: Period) -> int:
    return write_calls_sheet(part, pages, words, period.end) if is_sheet(to) else write_calls_csv(part, pages, words)


def _owner(book: RateBook, period: Period, usage: pl.DataFrame, recipient: str) -> tuple[str, pl.Expr]:
    """The customer, and which rows of its contracts are meant: all, or those of one number."""
    owners = dict(book.table(Contract.name).select(Contract.contract_id, Contract.customer_id).iter_rows())
    if recipient in book.table(Customer.name)[Customer.customer_id]:
        return recipient, _of_contracts(owners, recipient)
    held = {
        row[Subscription.contract_id]
        for row in book.table(Subscription.name).iter_rows(named=True)
        if row[Subscription.service_number] == recipient
        and period.days_active(row[Subscription.valid_from], row[Subscription.valid_to])
    }
    is_number = pl.col(UsageTotal.service_number) == recipient
    held |= set(usage.filter(is_number)[UsageTotal.contract_id].drop_nulls())
    customers = sorted({owners[contract] for contract in held if contract in owners})
    if not customers:
        raise refuse("CALLS_OF_NOBODY", recipient=recipient, period=period)
    if len(customers) > 1:
        raise refuse("CALLS_OF_SEVERAL", recipient=recipient, period=period, customers=", ".join(customers))
    return customers[0], is_number & _of_contracts(owners, customers[0])


def _of_contracts(owners: dict[str, str], customer: str) -> pl.Expr:
    own = sorted(contract for contract, owner in owners.items() if owner == customer)
    return pl.col(RatedCall.contract_id).is_in(own)


def _pages(books: Books, parts: Sequence[Part], wanted: pl.Expr, asked: Asked, words: Words) -> Iterator[pl.DataFrame]:
    """The calls of one day after another."""
    for _, of_day in groupby(parts, key=lambda part: part.day):
        frames = [_calls(books, part, wanted) for part in of_day if part.rated]
        calls = pl.concat(frames).pipe(with_province, Cdr.caller)
        if asked.is_masked:
            calls = calls.with_columns(mask_number(pl.col(Cdr.caller)), mask_number(pl.col(Cdr.landing_number)))
        yield told_calls(calls, words)


def _calls(books: Books, part: Part, wanted: pl.Expr) -> pl.LazyFrame:
    assert part.rated is not None, "only rated parts are asked"
    received = scan_tables([books.path(part.cdr.path)], Cdr).select(_RECEIVED)
    rated = scan_tables([books.path(part.rated.path)], RatedCall).filter(wanted)
    return rated.join(received, on=RatedCall.cdr_id, how="inner", maintain_order="left")
