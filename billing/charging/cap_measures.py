"""What calls count towards a cap: sums of each day, and calls in the order in which they count.

Domain rule: an amount cap counts calls when they end, a count cap when they start; a blocked call, a wrong password or
a call refused because the cap was reached is no attempt. Ties go by start, source, the source's id, caller, talk time.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

import polars as pl

from billing.tables.calls import NOT_OURS, Cdr, UsageTotal

ACCOUNT = (UsageTotal.contract_id, UsageTotal.service_number)
CALL_MEASURES = ("calls", "amount_micro", "settlement_micro", "attempts", "answered")
"""Calls that would be charged, their money, what they cost us, and the two ways to count them."""

_TIE_BREAK = (Cdr.started_at, Cdr.source, Cdr.call_id, Cdr.caller, Cdr.talk_ms, Cdr.cdr_id)
_NOT_ATTEMPTS = ("blocked_region", "blocked_blacklist", "bad_password", "cap_reached", NOT_OURS)


class CallsOf(Protocol):
    """Gives the calls of some numbers on some usage days; asked only where a cap crosses."""

    def __call__(self, days: Sequence[dt.date], numbers: Sequence[str]) -> pl.DataFrame:
        """Rated calls of the numbers that start on the days, in any order.

        Returns:
            cdr_id, service_number, contract_id, source, call_id, caller, started_at, ended_at, talk_ms, outcome,
            amount_micro, settlement_micro.
        """


def daily_measures(usage: pl.DataFrame) -> pl.DataFrame:
    """What the calls of each contract, number and day add up to, by every measure a cap may use."""
    count, outcome = pl.col(UsageTotal.call_count), pl.col(UsageTotal.outcome)
    return (
        usage.group_by(*ACCOUNT, UsageTotal.usage_date)
        .agg(
            count.filter(pl.col(UsageTotal.free_reason).is_null()).sum().alias("calls"),
            pl.col(UsageTotal.amount_micro).sum(),
            pl.col(UsageTotal.settlement_micro).sum(),
            count.filter(~outcome.is_in(_NOT_ATTEMPTS)).sum().alias("attempts"),
            count.filter(outcome == "answered").sum().alias("answered"),
        )
        .sort(*ACCOUNT, UsageTotal.usage_date)
    )


def measured() -> pl.Expr:
    """What a row adds to its rule's sum."""
    measure = pl.col("measure")
    return (
        pl.when(measure == "amount_micro").then(pl.col("amount_micro"))
        .when(measure == "attempts").then(pl.col("attempts"))
        .otherwise(pl.col("answered"))
    )  # fmt: skip


def calls_in_order(calls: pl.DataFrame, members: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Calls of the rules in the order in which they count, with a running sum.

    Calls over a cap found before add nothing to the sum, but stay in: this rule may take them earlier than that one.
    """
    day, outcome = pl.col(Cdr.started_at).dt.date(), pl.col(Cdr.outcome)
    is_paid = pl.col("trial_until").is_null() | (day >= pl.col("trial_until"))
    ends = pl.coalesce(Cdr.ended_at, pl.col(Cdr.started_at) + pl.duration(milliseconds=Cdr.talk_ms))
    adds = pl.when(pl.col("is_taken")).then(0).otherwise(measured())
    counts_at = pl.when(pl.col("rule") == "cap_amount").then(ends).otherwise(pl.col(Cdr.started_at))
    return (
        calls.join(members, on=ACCOUNT)
        .join(found.select(*ACCOUNT, pl.col("instant").alias("capped_at"), "tied"), on=ACCOUNT, how="left")
        .with_columns(
            _is_over_earlier_cap().fill_null(False).alias("is_taken"),
            day.alias("day"),
            counts_at.cast(pl.Datetime("ms")).alias("counts_at"),
            ((outcome == "answered") & (pl.col(Cdr.talk_ms) > 0) & is_paid).cast(pl.Int64).alias("calls"),
            (~outcome.is_in(_NOT_ATTEMPTS)).cast(pl.Int64).alias("attempts"),
            (outcome == "answered").cast(pl.Int64).alias("answered"),
        )
        .sort("rule_index", "counts_at", *_TIE_BREAK)
        .with_columns(
            (pl.col("before") + pl.col("earlier") + adds.cum_sum().over("rule_index")).alias("sum"),
            pl.int_range(pl.len()).over("rule_index").alias("position"),
        )
    )


def _is_over_earlier_cap() -> pl.Expr:
    tied_ids = pl.col("tied").list.eval(pl.element().struct.field("cdr_id"))
    return (pl.col(Cdr.started_at) > pl.col("capped_at")) | tied_ids.list.contains(pl.col(Cdr.cdr_id))
