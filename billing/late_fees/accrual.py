"""What one overdue bill costs: the rule itself, over spans of days on which nothing changes.

Domain rule 10.33: simple, a share of the unpaid principal for each day from the day after the due date to the day of
payment, that day included; what is unpaid on a day is the principal less what was received before it.
"""

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from billing.core.money import BASIS_POINTS, fen_of
from billing.rate_book.policy import LateFeeTerms

ONE_DAY = dt.timedelta(days=1)
Payment = tuple[dt.date, int]
"""Day received and amount in micro; a negative amount was paid back."""


@dataclass(frozen=True)
class Overdue:
    """How a bill stands at the end of a period: money in micro, days of arrears so far."""

    paid_micro: int
    unpaid_micro: int
    days: int
    accrued_micro: int


def overdue_bill(
    principal_micro: int, due_date: dt.date, payments: Sequence[Payment], end: dt.date, terms: LateFeeTerms
) -> Overdue:
    """What a bill has cost through the day before `end`: rounded half up to the fen once, on the exact total.

    Args:
        principal_micro: what was owed, positive.
        due_date: the last day on which it costs nothing.
        payments: all money received for the bill, in any order.
        end: first day that does not count.
        terms: rates by day and the cap.
    """
    exact_bp, days = 0, 0
    for since, until in _spans(due_date + ONE_DAY, payments, end, terms):
        if unpaid := _unpaid(principal_micro, payments, since):
            length = (until - since).days
            exact_bp += unpaid * terms.rate_bp(since) * length
            days += length
    cap_bp = principal_micro * terms.cap
    return Overdue(
        paid_micro=_received(payments, end),
        unpaid_micro=_unpaid(principal_micro, payments, end),
        days=days,
        accrued_micro=fen_of(Fraction(min(exact_bp, cap_bp), BASIS_POINTS)),
    )


def _spans(
    start: dt.date, payments: Sequence[Payment], end: dt.date, terms: LateFeeTerms
) -> Iterator[tuple[dt.date, dt.date]]:
    """Half-open spans of days with one unpaid amount and one rate; money counts from the day after it came."""
    edges = {start, end} if start < end else set()
    changes = [*(day + ONE_DAY for day, _ in payments), *(rate.start for rate in terms.rates)]
    edges.update(day for day in changes if start < day < end)
    return itertools.pairwise(sorted(edges))


def _received(payments: Sequence[Payment], day: dt.date) -> int:
    return sum(amount for received_on, amount in payments if received_on < day)


def _unpaid(principal_micro: int, payments: Sequence[Payment], day: dt.date) -> int:
    """What is unpaid on a day: never less than nothing, never more than was owed."""
    return min(principal_micro, max(0, principal_micro - _received(payments, day)))
