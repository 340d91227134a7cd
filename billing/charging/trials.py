"""Trials that are over and that nobody has agreed to pay for: their calls stay free, and every month says so."""

import datetime as dt

import polars as pl

from billing.core.findings import Finding
from billing.core.money import yuan_exact
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.calls import UsageTotal
from billing.tables.catalog import Contract

TRIAL_NOT_CONFIRMED = "TRIAL_NOT_CONFIRMED"


def unconfirmed_trials(period: Period, usage: pl.DataFrame, book: RateBook) -> list[Finding]:
    """One warning a contract with answered calls after its trial and before anybody agreed to pay.

    Args:
        period: the month.
        usage: `UsageTotal` rows of its calls.
        book: the rate book.
    """
    confirmed = pl.col(Contract.trial_confirmed_on).fill_null(period.end)
    day = pl.col(UsageTotal.usage_date)
    calls = (
        usage.filter(pl.col(UsageTotal.free_reason) == "trial")
        .join(book.table(Contract.name), on=UsageTotal.contract_id)
        .filter(day >= pl.col(Contract.trial_until), day < confirmed)
        .group_by(UsageTotal.contract_id, Contract.trial_until)
        .agg(pl.col(UsageTotal.call_count).sum(), pl.col(UsageTotal.settlement_micro).sum())
        .sort(UsageTotal.contract_id)
    )
    return [_finding(*row) for row in calls.iter_rows()]


def _finding(contract_id: str, trial_until: dt.date, count: int, settlement_micro: int) -> Finding:
    values = {"contract": contract_id, "day": trial_until, "count": count, "leakage": yuan_exact(settlement_micro)}
    return Finding(TRIAL_NOT_CONFIRMED, "warning", "", values)
