"""Lines on money paid ahead: what receipts earn, what refunds take back, each once.

Every receipt belongs to the period of its day; one that was entered after that period was closed belongs to the first
open period. Receipts from before these books count as commissioned then: they earn nothing here, but the full-term
share of a customer and product is used up by them, and a refund of them takes their share back.
"""

import datetime as dt
import functools
from collections.abc import Mapping, Sequence

import polars as pl

from billing.commission.prepayments import Scheme, Span, prepaid_shares
from billing.commission.receipts import Paid, receipts_ahead
from billing.commission.refunds import clawback_lines
from billing.commission.shares import EarnedShare, Row, share_lines
from billing.commission.sold_contracts import SoldContract
from billing.core.findings import Finding
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.documents import CommissionLine

COMMISSION_RECEIPT_ENTERED_LATE = "COMMISSION_RECEIPT_ENTERED_LATE"
PREPAID_RULES = ("full_prepayment", "annual_payment")


def prepaid_lines(
    period: Period,
    receipts_since: Period,
    contracts: Mapping[str, SoldContract],
    earlier: pl.DataFrame,
    book: RateBook,
    findings: list[Finding],
) -> list[Row]:
    """Commission lines on the receipts and refunds of prepayments.

    Args:
        period: the billing period.
        receipts_since: the first period whose receipts are stated now, where no earlier line states them.
        contracts: contracts sold by agents.
        earlier: `CommissionLine` rows of earlier closed periods.
        book: the rate book.
        findings: doubts are added here.
    """
    receipts = receipts_ahead(book, period)
    books_start = min(book.policy.start, receipts_since).start

    def stated_in(span: Span, stated: Sequence[Row], found: list[Finding]) -> list[Row]:
        held = functools.partial(_scheme_on, book, findings=found, is_before_books=span.end == books_start)
        shares = list(prepaid_shares(span, contracts, receipts, stated, book, held))
        found += [_entered_late(*pair) for pair in shares if pair[0].received_on < period.start]
        lines = [line for _, share in shares for line in share_lines(share, period)]
        return lines + clawback_lines(span, contracts, receipts, [*stated, *lines], book, period)

    before = stated_in(Span(dt.date.min, books_start), [], [])
    closed = earlier.filter(pl.col(CommissionLine.rule).is_in(PREPAID_RULES)).rows(named=True)
    stated = [*before, *closed]
    if books_start < receipts_since.start:
        stated += stated_in(Span(books_start, receipts_since.start), stated, [])
    return stated_in(Span(receipts_since.start, period.end), stated, findings)


def _scheme_on(
    book: RateBook, contract: SoldContract, day: dt.date, *, findings: list[Finding], is_before_books: bool
) -> Scheme | None:
    """The scheme of a day; what is older than these books and the scheme's first version goes by that version."""
    scheme = book.prices.commission.get(contract.payee.scheme)
    if is_before_books and scheme is not None:
        day = max(day, min(scheme.versions, default=day))
    return contract.scheme_on(book, day, findings)


def _entered_late(receipt: Paid, share: EarnedShare) -> Finding:
    """The record that a share arises on money of a month that is closed."""
    values = {"receipt": share.source, "contract": share.contract_id, "day": receipt.received_on}
    return Finding(COMMISSION_RECEIPT_ENTERED_LATE, "warning", "", values)
