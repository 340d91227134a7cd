"""What service that was not as agreed is worth: opening late, and days of faults and works (domain rule 10.37).

The carrier's rule books promise a day of opening, counted in working days from the day on which the prepayment was
received and the file complete; each day after it is worth a share of the opening fee or of the prepaid package. A day
of a fault or of works is worth the recurring fees of that day. Plans say whether a credit is billed or only reported.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import polars as pl

from billing.charging.account_terms import Account, AccountTerms
from billing.charging.charge_rows import Item
from billing.charging.discounts import Line
from billing.charging.fixed_fees import FeeOfMonth
from billing.charging.service_events import NO_DAYS
from billing.core.money import BASIS_POINTS, fen_of, yuan_exact
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.rate_book.month_terms import LateOpening
from billing.rate_book.windows import Calendar
from billing.tables.catalog import Contract, ServiceEvent, Subscription
from billing.tables.documents import ServiceCredit

OUTAGE, LATE_OPENING = "outage", "late_opening"
PREPAID_PACKAGE = "prepaid_package"


def service_credits(
    period: Period, terms: Sequence[AccountTerms], fees: Sequence[FeeOfMonth], book: RateBook
) -> tuple[pl.DataFrame, list[Line]]:
    """The credits of a month.

    Args:
        period: the month.
        terms: terms of every number.
        fees: the fees for the month.
        book: the rate book, for orders and calendars.

    Returns:
        `ServiceCredit` rows in key order, and the charges of those that are billed; what a discount took of a fee it
        takes of its credit.

    Raises:
        Refusal: a plan's calendar does not hold a year it is asked for.
    """
    rows: list[dict[str, Any]] = []
    billed: list[Line] = []
    fees_of: dict[Account, list[FeeOfMonth]] = {}
    for fee in fees:
        fees_of.setdefault(fee.number.account, []).append(fee)
    packages: set[str] = set()
    for number in terms:
        agreed = number.version.service_credits
        if agreed is None:
            continue
        own = fees_of.get(number.account, [])
        found = list(_outages(number, own, period)) if agreed.faults else []
        if agreed.late_opening and number.opens_in(period):
            found += _late_opening(number, agreed.late_opening, own, book, packages)
        for row, tax_code in found:
            rows.append({ServiceCredit.period: str(period), ServiceCredit.treatment: agreed.credit} | row)
            if agreed.credit == "bill":
                billed.append((*number.account, _item(number, row, tax_code)))
    return ServiceCredit.of_rows(rows).sort(ServiceCredit.key), billed


def promised_day(complete_on: dt.date, working_days: int, calendar: Calendar) -> dt.date:
    """The last day on which opening is in time: so many working days after the day on which the order was complete."""
    day, left = complete_on, working_days
    while left:
        day += dt.timedelta(days=1)
        left -= calendar.kind_of(day) == "working"
    return day


def _outages(terms: AccountTerms, fees: Sequence[FeeOfMonth], period: Period) -> Iterator[tuple[dict[str, Any], str]]:
    """Days without service that were paid for, as their part of each recurring fee of the month."""
    out = terms.event_days.get("fault", NO_DAYS) | terms.event_days.get("works", NO_DAYS)
    for due in fees:
        days = len(out.intersection(due.charged))
        if due.fee.kind == "recurring" and due.fee.every_months == 1 and days:
            base, credit = due.item.amount_micro, due.worth_of(out, period)
            yield _row(terms, OUTAGE, due.fee.item, due.item.rate_id, days, base, credit), due.fee.tax_code


def _late_opening(
    terms: AccountTerms,
    agreed: LateOpening,
    fees: Sequence[FeeOfMonth],
    book: RateBook,
    packages: set[str],
) -> Iterator[tuple[dict[str, Any], str]]:
    """Days between the promised day and the day service began, as shares of what was paid for it.

    The package of a contract is credited once, with the first of its numbers; `packages` holds the contracts done.
    """
    opened_on, complete_on = _opened_on(terms, book), _complete_on(terms, book)
    if complete_on is None:
        return
    promised = promised_day(complete_on, agreed.working_days, book.prices.calendars[agreed.calendar])
    days = (opened_on - promised).days
    if days <= 0:
        return
    bases = [(due.fee.item, due.fee.tax_code, due.item.amount_micro) for due in fees if due.fee.kind == "one_off"]
    if agreed.base == PREPAID_PACKAGE:
        if terms.opened_on != terms.contract_opened_on or terms.contract_id in packages:
            return
        packages.add(terms.contract_id)
        contract = book.table(Contract.name).filter(pl.col(Contract.contract_id) == terms.contract_id)
        bases = [(PREPAID_PACKAGE, terms.plan.tax_code, contract[Contract.total_micro].item() or 0)]
    for item, tax_code, base in bases:
        credit = min(base, fen_of(Fraction(base * agreed.share_per_day * days, BASIS_POINTS)))
        if credit:
            yield _row(terms, LATE_OPENING, item, terms.rate_id, days, base, credit), tax_code


def _opened_on(terms: AccountTerms, book: RateBook) -> dt.date:
    held = _of_number(book.table(Subscription.name), terms)
    first: dt.date = held[Subscription.valid_from].min()
    return first


def _complete_on(terms: AccountTerms, book: RateBook) -> dt.date | None:
    orders = _of_number(book.table(ServiceEvent.name), terms).filter(pl.col(ServiceEvent.kind) == "order")
    first: dt.date | None = orders[ServiceEvent.valid_from].min()
    return first


def _of_number(table: pl.DataFrame, terms: AccountTerms) -> pl.DataFrame:
    return table.filter(pl.col("contract_id") == terms.contract_id, pl.col("service_number") == terms.service_number)


def _row(
    terms: AccountTerms, kind: str, item: str, rate_id: str | None, days: int, base: int, credit: int
) -> dict[str, Any]:
    return {
        ServiceCredit.contract_id: terms.contract_id,
        ServiceCredit.service_number: terms.service_number,
        ServiceCredit.kind: kind,
        ServiceCredit.item: item,
        ServiceCredit.rate_id: rate_id,
        ServiceCredit.days: days,
        ServiceCredit.base_micro: base,
        ServiceCredit.credit_micro: credit,
    }


def _item(terms: AccountTerms, row: dict[str, Any], tax_code: str) -> Item:
    kind, days, rate_id = row[ServiceCredit.kind], row[ServiceCredit.days], row[ServiceCredit.rate_id]
    explanation = {"credit": kind, "of": yuan_exact(row[ServiceCredit.base_micro]), "days": str(days)}
    product, amount = terms.plan.product, -row[ServiceCredit.credit_micro]
    # The agreed package is no fee that a discount was on.
    priced_by = None if row[ServiceCredit.item] == PREPAID_PACKAGE else rate_id
    detail = f"{kind}/{row[ServiceCredit.item]}/{rate_id}"
    return Item(
        "service_credit", "service_credit", product, priced_by, tax_code, days, "day", amount, explanation, detail
    )
