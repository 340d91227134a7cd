"""Days of a month on which a number was suspended, faulty, worked upon or given away, from the catalog."""

import datetime as dt
from collections.abc import Mapping

import polars as pl

from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.catalog import ServiceEvent

EventDays = Mapping[tuple[str, str], Mapping[str, frozenset[dt.date]]]
"""By contract and number, then by kind: the civil days of the month."""
NO_DAYS: frozenset[dt.date] = frozenset()


def event_days(book: RateBook, period: Period) -> EventDays:
    """The days of a month that events cover, each day once; orders have a day of their own and are not among them."""
    found: dict[tuple[str, str], dict[str, frozenset[dt.date]]] = {}
    since, until = pl.col(ServiceEvent.valid_from), pl.col(ServiceEvent.valid_to)
    rows = book.table(ServiceEvent.name).filter(
        pl.col(ServiceEvent.kind) != "order", since < period.end, until.is_null() | (until > period.start)
    )
    for row in rows.iter_rows(named=True):
        account = row[ServiceEvent.contract_id], row[ServiceEvent.service_number]
        first, end = row[ServiceEvent.valid_from], row[ServiceEvent.valid_to]
        days = frozenset(day for day in period.days() if first <= day and (end is None or day < end))
        kinds = found.setdefault(account, {})
        kinds[row[ServiceEvent.kind]] = kinds.get(row[ServiceEvent.kind], NO_DAYS) | days
    return found
