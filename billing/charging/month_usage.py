"""The calls of a month as the rules of the month see them: sums of each day, and single calls where order decides.

Each rule takes something away from both and hands the rest on: allowances first, then caps. What a rule took from
single calls is remembered, so calls read later are seen without it.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from billing.core.money import PARTS
from billing.tables.calls import BLOCKED, NOT_OURS, TEST_CALL, Cdr, RatedCall, UsageTotal

ACCOUNT = (UsageTotal.contract_id, UsageTotal.service_number)
MEASURES = ("calls", "seconds", "amount_micro", "rest_parts", "settlement_micro", "attempts", "answered")
"""Calls that would be charged, their charged time, money and what it lacks of exact, their cost, two ways to count."""

CALL_ORDER = (Cdr.started_at, Cdr.source, Cdr.call_id, Cdr.caller, Cdr.talk_ms, Cdr.cdr_id)
"""Calls by start; ties go by source, the source's id, caller, talk time."""

_IS_TEST = pl.col(RatedCall.free_reason).eq_missing(TEST_CALL)
_NOT_ATTEMPTS = (*BLOCKED, NOT_OURS)


class CallsOf(Protocol):
    """Gives the calls of some numbers on some usage days; asked only where the order of calls decides."""

    def __call__(self, days: Sequence[dt.date], numbers: Sequence[str]) -> pl.DataFrame:
        """Rated calls of the numbers that start on the days, in any order.

        Returns:
            cdr_id, service_number, contract_id, rate_id, source, call_id, caller, started_at, ended_at, talk_ms,
            outcome, free_reason, charged_seconds, amount_micro, rest_parts, settlement_micro.
        """


@dataclass(frozen=True)
class MonthUsage:
    """What the rules have left so far.

    Attributes:
        daily: contract_id, service_number, usage_date and `MEASURES`, one row each contract, number and day.
        calls_of: gives single calls, without what was taken from them.
    """

    daily: pl.DataFrame
    calls_of: CallsOf

    def exact_parts(self) -> dict[tuple[str, str], int]:
        """What the calls of each contract and number cost, exactly, in parts of a millionth of a yuan."""
        sums = self.daily.group_by(ACCOUNT).agg(pl.col("amount_micro", "rest_parts").sum())
        return {(row[0], row[1]): row[2] * PARTS + row[3] for row in sums.iter_rows()}


def month_usage(usage: pl.DataFrame, calls_of: CallsOf) -> MonthUsage:
    """The calls of a month before any rule, from its `UsageTotal` rows."""
    count, outcome = pl.col(UsageTotal.call_count), pl.col(UsageTotal.outcome)
    daily = (
        usage.group_by(*ACCOUNT, UsageTotal.usage_date)
        .agg(
            count.filter(pl.col(UsageTotal.free_reason).is_null()).sum().alias("calls"),
            pl.col(UsageTotal.charged_seconds).sum().alias("seconds"),
            pl.col(UsageTotal.amount_micro, UsageTotal.rest_parts, UsageTotal.settlement_micro).sum(),
            count.filter(~outcome.is_in(_NOT_ATTEMPTS), ~_IS_TEST).sum().alias("attempts"),
            count.filter(outcome == "answered", ~_IS_TEST).sum().alias("answered"),
        )
        .sort(*ACCOUNT, UsageTotal.usage_date)
    )
    return MonthUsage(daily, calls_of)


def with_measures(calls: pl.DataFrame) -> pl.DataFrame:
    """Single calls with what each adds to `MEASURES`."""
    outcome = pl.col(Cdr.outcome)
    return calls.with_columns(
        pl.col(RatedCall.free_reason).is_null().cast(pl.Int64).alias("calls"),
        pl.col(RatedCall.charged_seconds).alias("seconds"),
        (~outcome.is_in(_NOT_ATTEMPTS) & ~_IS_TEST).cast(pl.Int64).alias("attempts"),
        ((outcome == "answered") & ~_IS_TEST).cast(pl.Int64).alias("answered"),
    )


def exact(amount: str = "amount_micro", rest: str = "rest_parts") -> pl.Expr:
    """An amount in parts of a millionth, wide enough for any sum."""
    return pl.col(amount).cast(pl.Int128) * PARTS + pl.col(rest)
