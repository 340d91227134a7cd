"""Money paid ahead, as the catalog holds it: receipts for the full term or for a contract year, refunds among them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.catalog import Receipt


@dataclass(frozen=True)
class Paid:
    """A receipt for a term or a contract year; a negative amount is a refund."""

    receipt_id: str
    received_on: dt.date
    amount_micro: int
    purpose: str


Receipts = Mapping[str, Sequence[Paid]]
"""Receipts by contract, in order of day and id."""


def receipts_ahead(book: RateBook, period: Period) -> Receipts:
    """Receipts and refunds of prepayments up to the end of a period."""
    ahead = book.table(Receipt.name).filter(
        pl.col(Receipt.purpose).is_in(["full_term", "contract_year"]), pl.col(Receipt.received_on) < period.end
    )
    columns = (Receipt.contract_id, Receipt.receipt_id, Receipt.received_on, Receipt.amount_micro, Receipt.purpose)
    found: dict[str, list[Paid]] = {}
    for row in ahead.sort(Receipt.received_on, Receipt.receipt_id).select(columns).iter_rows():
        found.setdefault(row[0], []).append(Paid(*row[1:]))
    return found
