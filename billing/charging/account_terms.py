"""The terms of a month for each number under a contract: plan version, first and last day, agreed amounts.

Domain rule: plan changes take effect on calls by the day they start; minimum, caps and fixed fees of a month go by the
version in force on its first day in service. Service that is paid for begins on the first day after a free trial.
"""

import datetime as dt
import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import polars as pl

from billing.charging.long_fees import long_fees_since
from billing.charging.service_events import NO_DAYS, event_days
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.rate_book.month_terms import Suspended
from billing.rate_book.plans import RetailPlan, RetailVersion
from billing.rate_book.trials import free_until_expr
from billing.tables.catalog import Contract, Subscription

Account = tuple[str, str]
"""Contract and number."""
ACCOUNT = (Subscription.contract_id, Subscription.service_number)

MonthRule = Literal["whole", "part", "free"]
"""How an opening or closing month counts: as a whole month, by its days in service, or not at all."""


@dataclass(frozen=True)
class Segment:
    """Days of a month on which a number is on one version of a plan."""

    rate_id: str
    plan: RetailPlan
    version: RetailVersion
    days: frozenset[dt.date]


@dataclass(frozen=True)
class AccountTerms:
    """What a number under a contract is billed by in one month.

    Attributes:
        rate_id: plan@start of the governing version.
        opened_on: first day ever of paid service of the number under the contract.
        contract_opened_on: first day of paid service of any number under the contract, whatever became of it.
        days_before: days of the month before service began (opened, or came back), None when it did not this month.
        days_after: days of the month after service closed, None when it did not close this month.
        monthly_minimum_micro: agreed minimum, None for the plan's own; likewise both caps.
        event_days: days of the month by what happened to the service on them.
        segments: the versions of the month with their days, where there are several; else none.
        fees_since: first day on which the number had each fee of several months, without a break since.
    """

    contract_id: str
    customer_id: str
    service_number: str
    rate_id: str
    plan: RetailPlan
    version: RetailVersion
    opened_on: dt.date
    contract_opened_on: dt.date
    days_before: int | None
    days_after: int | None
    monthly_minimum_micro: int | None
    cap_amount_micro: int | None
    cap_count: int | None
    event_days: Mapping[str, frozenset[dt.date]] = field(default_factory=dict)
    segments: Sequence[Segment] = ()
    fees_since: Mapping[str, dt.date] = field(default_factory=dict)

    def opens_in(self, period: Period) -> bool:
        """Whether the number has its first day ever in the month."""
        return Period.of(self.opened_on) == period

    @property
    def account(self) -> Account:
        """Contract and number."""
        return self.contract_id, self.service_number

    def days_charged(self, opening: MonthRule, closing: MonthRule, suspended: Suspended, period: Period) -> int:
        """Days of the month that count under the rules for its opening and closing month; all days otherwise.

        Days that were given away never count; those on which the number was suspended by the rule for them.
        """
        days = period.day_count
        for outside, rule in ((self.days_before, opening), (self.days_after, closing)):
            if outside is not None and rule == "free":
                return 0
            if outside is not None and rule == "part":
                days -= outside
        free = self.free_days(suspended, period)
        return 0 if free >= self.days_in_service(period) else max(0, days - len(free))

    def days_in_service(self, period: Period) -> frozenset[dt.date]:
        """The days of the month on which the number was paid service, suspended or not."""
        days = list(period.days())
        return frozenset(days[self.days_before or 0 : period.day_count - (self.days_after or 0)])

    def free_days(self, suspended: Suspended, period: Period) -> frozenset[dt.date]:
        """Days in service that cost nothing: gifts, and suspended ones by the rule for them."""
        in_service = self.days_in_service(period)
        gifts, stopped = (self.event_days.get(kind, NO_DAYS) & in_service for kind in ("gift", "suspension"))
        is_whole_month = gifts | stopped == in_service
        counts = suspended == "by_day" or (suspended == "whole_months_free" and is_whole_month)
        return gifts | stopped if counts else gifts


def month_terms(period: Period, book: RateBook, contracts: Collection[str] | None = None) -> list[AccountTerms]:
    """Terms of every number with a paid day in the month, ordered by contract and number.

    A number that leaves one contract for another in mid-month has terms under both: its closing month under the first,
    its opening month under the second. A number whose plan has no price on its governing day has none.

    Args:
        period: the month.
        book: the rate book.
        contracts: only these contracts; all when None.
    """
    terms = []
    events = event_days(book, period)
    held = _rows_of_month(period, book, contracts)
    changing = _changes(held, book, period)
    fees_since = long_fees_since(book, period)
    for row in held.unique(ACCOUNT, keep="first", maintain_order=True).iter_rows(named=True):
        price = _governing_price(book, row[Subscription.plan_id], max(row["paid_from"], period.start), period)
        if price is None:
            continue
        rate_id, version = price
        terms.append(
            AccountTerms(
                contract_id=row[Subscription.contract_id],
                customer_id=row[Contract.customer_id],
                service_number=row[Subscription.service_number],
                rate_id=rate_id,
                plan=book.prices.retail[row[Subscription.plan_id]],
                version=version,
                opened_on=row["opened_on"],
                contract_opened_on=row["contract_opened_on"],
                days_before=_days_before(row["came_on"], period),
                days_after=_days_after(row["closed_on"], period),
                monthly_minimum_micro=row[Subscription.monthly_minimum_micro],
                cap_amount_micro=row[Subscription.cap_amount_micro],
                cap_count=row[Subscription.cap_count],
                event_days=events.get((row[Subscription.contract_id], row[Subscription.service_number]), {}),
                segments=changing.get((row[Subscription.contract_id], row[Subscription.service_number]), ()),
                fees_since=fees_since.get((row[Subscription.contract_id], row[Subscription.service_number]), {}),
            )
        )
    return terms


def _governing_price(book: RateBook, plan_id: str, day: dt.date, period: Period) -> tuple[str, RetailVersion] | None:
    """The version in force on the first day, or the first that begins later in the month."""
    plan = book.prices.retail.get(plan_id)
    starts = sorted(start for start in plan.versions if day < start < period.end) if plan else []
    return next((found for then in (day, *starts) if (found := book.retail(plan_id, then))), None)


def _changes(held: pl.DataFrame, book: RateBook, period: Period) -> dict[Account, list[Segment]]:
    """The versions of the month of each number that has several, in order; days without a price are in none."""
    in_month = {
        plan_id: [start for start in plan.versions if period.start < start < period.end]
        for plan_id, plan in book.prices.retail.items()
    }
    count = pl.len().over(ACCOUNT)
    moving = pl.col(Subscription.plan_id).is_in([plan_id for plan_id, starts in in_month.items() if starts])
    found: dict[Account, dict[str, Segment]] = {}
    for row in held.filter((count > 1) | moving.any().over(ACCOUNT)).iter_rows(named=True):
        plan_id, end = row[Subscription.plan_id], min(row[Subscription.valid_to] or period.end, period.end)
        starts = [day for day in sorted(in_month.get(plan_id, ())) if row["paid_from"] < day < end]
        edges = [max(row["paid_from"], period.start), *starts, end]
        for since, until in itertools.pairwise(edges):
            price = book.retail(plan_id, since)
            if price and since < until:
                days = frozenset(day for day in period.days() if since <= day < until)
                segment = Segment(price[0], book.prices.retail[plan_id], price[1], days)
                account = row[Subscription.contract_id], row[Subscription.service_number]
                own = found.setdefault(account, {})
                # A version that comes back, or goes on under another agreed amount, is one segment.
                own[price[0]] = replace(segment, days=days | own.get(price[0], segment).days)
    return {account: list(segments.values()) for account, segments in found.items() if len(segments) > 1}


def _rows_of_month(period: Period, book: RateBook, contracts: Collection[str] | None) -> pl.DataFrame:
    """The subscriptions in force in the month, by number and day, with the first and last paid day ever under it."""
    account = ACCOUNT
    paid_from, to = pl.col("paid_from"), pl.col(Subscription.valid_to)
    held = book.table(Subscription.name)
    if contracts is not None:
        held = held.filter(pl.col(Subscription.contract_id).is_in(sorted(contracts)))
    return (
        held.join(
            book.table(Contract.name).select(
                Contract.contract_id, Contract.customer_id, free_until_expr().alias("free")
            ),
            on=Contract.contract_id,
            maintain_order="left",
        )
        .with_columns(pl.max_horizontal(Subscription.valid_from, "free").alias("paid_from"))
        .filter(to.is_null() | (paid_from < to))
        .sort(*account, "paid_from")
        .with_columns(
            paid_from.min().over(account).alias("opened_on"),
            paid_from.min().over(Subscription.contract_id).alias("contract_opened_on"),
            (paid_from != to.shift().over(account)).fill_null(value=True).cum_sum().over(account).alias("stay"),
        )
        .with_columns(
            paid_from.min().over(*account, "stay").alias("came_on"),
            pl.when(to.is_null().any().over(*account, "stay"))
            .then(None)
            .otherwise(to.max().over(*account, "stay"))
            .alias("closed_on"),
        )
        .filter(paid_from < period.end, to.is_null() | (to > period.start))
        # Who leaves and comes back within the month is served all along.
        .with_columns(pl.col("closed_on").last().over(account))
    )


def _days_before(came_on: dt.date, period: Period) -> int | None:
    return (came_on - period.start).days if period.start <= came_on < period.end else None


def _days_after(closed_on: dt.date | None, period: Period) -> int | None:
    """`closed_on` is the first day outside; the closing month is the month of the day before it."""
    return (period.end - closed_on).days if closed_on and period.start < closed_on <= period.end else None
