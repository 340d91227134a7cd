"""Draws as `CallAdjustment` rows: a row a run of calls that one allowance paid for, a row each call at an edge.

Whole days run on while the number's next day with charged calls is the same allowance's; on a day on which a lot runs
out, calls run on while the next in order is. A call that starts in the very millisecond of one that the run does not
hold stands for itself.
"""

import datetime as dt

import polars as pl

from billing.charging.month_usage import ACCOUNT, MonthUsage
from billing.core.period import Period
from billing.tables.calls import CallAdjustment, UsageTotal

RULE = "allowance:"
"""What the rule of an allowance begins with."""

_MS = dt.timedelta(milliseconds=1)
_SUMS = {
    "calls": CallAdjustment.call_count,
    "amount_micro": CallAdjustment.amount_micro,
    "settlement_micro": CallAdjustment.settlement_micro,
}


def allowance_adjustments(draws: pl.DataFrame, month: MonthUsage, period: Period) -> pl.DataFrame:
    """The draws of a month, as ranges and single calls, in key order.

    Args:
        draws: rows of `DRAWS_SCHEMA`.
        month: the calls before any rule, for the days on which a number has charged ones.
        period: the month.
    """
    rule = pl.concat_str(pl.lit(RULE), "allowance")
    key = pl.concat_str(*ACCOUNT, rule, pl.lit(str(period)), separator="/")
    found = pl.concat([_of_days(draws, month), _of_calls(draws)], how="diagonal")
    return (
        found.with_columns(key.alias(CallAdjustment.rule_key), rule.alias(CallAdjustment.rule))
        .rename(_SUMS)
        .pipe(CallAdjustment.conform)
        .sort(CallAdjustment.key, nulls_last=False)
    )


def _of_days(draws: pl.DataFrame, month: MonthUsage) -> pl.DataFrame:
    """Runs of whole days."""
    places = month.daily.filter(pl.col("calls") > 0).select(
        *ACCOUNT,
        UsageTotal.usage_date,
        pl.int_range(pl.len()).over(ACCOUNT, order_by=UsageTotal.usage_date).alias("place"),
    )
    whole = (
        draws.filter(pl.col("cdr_id").is_null())
        .group_by(*ACCOUNT, "allowance", UsageTotal.usage_date)
        .agg(pl.col(*_SUMS).sum())
        .join(places, on=(*ACCOUNT, UsageTotal.usage_date))
        .sort(*ACCOUNT, "allowance", "place")
    )
    run = pl.col("place") - pl.int_range(pl.len()).over(*ACCOUNT, "allowance")
    first, last = pl.col(UsageTotal.usage_date).min(), pl.col(UsageTotal.usage_date).max()
    return (
        whole.with_columns(run.alias("run"))
        .group_by(*ACCOUNT, "allowance", "run")
        .agg(first.alias("first"), last.alias("last"), pl.col(*_SUMS).sum())
        .with_columns(
            (pl.col("first").cast(pl.Datetime("ms")) - _MS).alias(CallAdjustment.started_after),
            (pl.col("last") + pl.duration(days=1)).cast(pl.Datetime("ms")).alias(CallAdjustment.started_before),
            pl.lit(None, pl.Int64).alias("cdr_id"),
        )
    )


def _of_calls(draws: pl.DataFrame) -> pl.DataFrame:
    """Runs and single calls of days on which a lot ran out; draws are in the order of the calls."""
    start, day = pl.col("started_at"), (*ACCOUNT, UsageTotal.usage_date)
    calls = draws.filter(pl.col("cdr_id").is_not_null()).with_columns(
        pl.when(pl.col("is_last") & (pl.len().over("cdr_id") == 1)).then("allowance").alias("whole_of")
    )
    is_new_run = pl.col("whole_of").ne_missing(pl.col("whole_of").shift(1).over(day))
    runs = (
        calls.with_columns(
            is_new_run.alias("is_new_run"),
            start.shift(1).over(day).alias("start_before"),
            start.shift(-1).over(day).alias("start_behind"),
        )
        .with_columns(pl.col("is_new_run").cum_sum().over(day).alias("run"))
        .with_columns(
            pl.col("start_before").first().over(*day, "run"),
            pl.col("start_behind").last().over(*day, "run"),
        )
        .filter(pl.col("allowance").is_not_null())
    )
    is_tied = (start == pl.col("start_before")) | (start == pl.col("start_behind"))
    is_single = pl.col("whole_of").is_null() | is_tied.fill_null(False)
    singles = (
        runs.filter(is_single)
        .group_by(*ACCOUNT, "allowance", "cdr_id")
        .agg(pl.col(*_SUMS).sum())
        .with_columns(
            pl.lit(None, pl.Datetime("ms")).alias(column)
            for column in (CallAdjustment.started_after, CallAdjustment.started_before)
        )
    )
    ranges = (
        runs.filter(~is_single)
        .group_by(*day, "allowance", "run")
        .agg(
            (start.min() - _MS).alias(CallAdjustment.started_after),
            (start.max() + _MS).alias(CallAdjustment.started_before),
            pl.col(*_SUMS).sum(),
        )
        .with_columns(pl.lit(None, pl.Int64).alias("cdr_id"))
        .drop(UsageTotal.usage_date, "run")
    )
    return pl.concat([singles, ranges], how="diagonal")
