"""Since when a number has a fee of several months: its terms are counted from that day."""

import datetime as dt

import polars as pl

from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.rate_book.plans import RetailVersion
from billing.rate_book.trials import free_until_expr
from billing.tables.catalog import Contract, Subscription

Account = tuple[str, str]


def long_fees_since(book: RateBook, period: Period) -> dict[Account, dict[str, dt.date]]:
    """The first day of each such fee by contract, number and item; a break in the service or in the plans ends it.

    A plan that has the same item goes on with its terms.
    """
    long_items = {
        plan_id: sorted((start, _items(version)) for start, version in plan.versions.items())
        for plan_id, plan in book.prices.retail.items()
        if any(_items(version) for version in plan.versions.values())
    }
    if not long_items:
        return {}
    found: dict[Account, dict[str, dt.date]] = {}
    until: dict[Account, dt.date] = {}
    free = book.table(Contract.name).select(Contract.contract_id, free_until_expr().alias("free"))
    held = book.table(Subscription.name).join(free, on=Contract.contract_id, how="left")
    paid = held.with_columns(pl.max_horizontal(Subscription.valid_from, "free").alias("paid_from"))
    for row in paid.filter(pl.col("paid_from") < period.end).sort("paid_from").iter_rows(named=True):
        account = row[Subscription.contract_id], row[Subscription.service_number]
        since, end = row["paid_from"], row[Subscription.valid_to] or dt.date.max
        versions = long_items.get(row[Subscription.plan_id], [(dt.date.min, frozenset[str]())])
        starts = [since, *(start for start, _ in versions if since < start < min(end, period.end))]
        for day in starts:
            items = next((items for start, items in reversed(versions) if start <= day), frozenset[str]())
            before = found.get(account, {}) if day != since or until.get(account) == since else {}
            found[account] = {item: before.get(item, day) for item in items}
        until[account] = end
    return found


def _items(version: RetailVersion | None) -> frozenset[str]:
    """The fees of several months of a version; a withdrawal has none."""
    return frozenset(fee.item for fee in version.fees if fee.every_months > 1) if version else frozenset()
