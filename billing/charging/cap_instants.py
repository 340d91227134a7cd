"""When a cap is reached: walk the sums of each day, and put in order only the calls around the day that crosses it.

Domain rule: an amount cap counts calls when they end, in order of end; the instant is the end of the call that brings
the sum to the cap or above, and calls that start strictly after it are over the cap. A count cap counts calls in order
of start; the first N are connected, the next one is over. No call lasts longer than a day (checked before rating), so
only calls that start on the crossing day, the day before or the day after can matter.
"""

import datetime as dt
from collections.abc import Sequence

import polars as pl

from billing.charging.cap_order import calls_in_order, measured
from billing.charging.cap_rules import CapRule, RuleName
from billing.charging.month_usage import ACCOUNT, MEASURES, CallsOf, MonthUsage
from billing.core.money import PARTS
from billing.core.period import Period
from billing.tables.calls import Cdr, UsageTotal

EDGE = tuple(f"over_{measure}" for measure in MEASURES)
"""Sums of the calls over the cap on the very day of the instant; later days are over as a whole."""

_DAY = dt.timedelta(days=1)
_TAKEN = {"calls": "calls", "micro": "amount_micro", "rest": "rest_parts", "settlement": "settlement_micro"}
"""Of a single call over a cap: field of `tied`, and what of the call it is when the call is over as a whole."""
INSTANTS_SCHEMA = pl.Schema(
    {
        "contract_id": pl.String(),
        "service_number": pl.String(),
        "rule": pl.String(),
        "instant": pl.Datetime("ms"),
        "edge_day": pl.Date(),
        **dict.fromkeys(EDGE, pl.Int64()),
        "tied": pl.List(pl.Struct(dict.fromkeys(("cdr_id", *_TAKEN), pl.Int64()))),
    }
)


def cap_instants(rules: Sequence[CapRule], usage: MonthUsage, period: Period) -> pl.DataFrame:
    """The earliest cap instant of each number that reaches one.

    Caps of single numbers come first; caps of whole contracts then count only what those left.

    Args:
        rules: the caps of the month.
        usage: the calls of their numbers, asked for singly around crossing days.
        period: the month.

    Returns:
        One row a number, ordered: contract_id, service_number, rule, instant, edge_day, the sums of the calls over
        the cap on that day (columns `EDGE`), and `tied`: single calls among them, those that start at the instant
        itself and are over a count cap, and those cut at an amount cap, with what is taken of them.
    """
    found = pl.DataFrame(schema=INSTANTS_SCHEMA)
    for scope in ("number", "contract"):
        scoped = [rule for rule in rules if rule.scope == scope]
        if scoped:
            members = _members(scoped)
            left = _left_after(usage.daily, found)
            crossings = _crossings(members, left, period)
            found = _earliest(pl.concat([found, _ordered(crossings, members, found, usage.calls_of, period)]))
    return found


def _members(rules: Sequence[CapRule]) -> pl.DataFrame:
    """A row for each number of each rule; limits of money are compared exactly, in parts of a millionth."""
    rows = [
        (index, rule.rule, rule.contract_id, number, rule.limit, rule.before, rule.measure, rule.crossing)
        for index, rule in enumerate(rules)
        for number in rule.numbers
    ]
    columns = ("rule_index", "rule", *ACCOUNT, "limit", "before", "measure", "crossing")
    types = (pl.Int64, pl.String, pl.String, pl.String, pl.Int128, pl.Int128, pl.String, pl.String)
    return pl.DataFrame(rows, schema=dict(zip(columns, types, strict=True)), orient="row")


def _crossings(members: pl.DataFrame, daily: pl.DataFrame, period: Period) -> pl.DataFrame:
    """The first day on which each rule's sum reaches its limit, with the sum before the first day to look into."""
    reached = pl.col("sum") >= pl.col("limit")
    sums = (
        members.join(daily, on=ACCOUNT)
        .group_by("rule_index", "rule", "limit", "before", UsageTotal.usage_date)
        .agg(measured().sum().alias("measured"))
        .sort("rule_index", UsageTotal.usage_date)
        .with_columns((pl.col("before") + pl.col("measured").cum_sum().over("rule_index")).alias("sum"))
    )
    first_look = pl.max_horizontal(
        pl.col("crossing_day") - pl.when(pl.col("rule") == "cap_amount").then(_DAY).otherwise(dt.timedelta(0)),
        pl.lit(period.start),
    )
    is_crossed = pl.when(pl.col("rule") == "cap_amount").then(reached).otherwise(pl.col("sum") > pl.col("limit"))
    return (
        sums.filter(is_crossed.any().over("rule_index"))
        .with_columns(pl.col(UsageTotal.usage_date).filter(reached).min().over("rule_index").alias("crossing_day"))
        .with_columns(first_look.alias("first_look"))
        .group_by("rule_index", "rule", "limit", "before", "crossing_day", "first_look")
        .agg(pl.col("measured").filter(pl.col(UsageTotal.usage_date) < pl.col("first_look")).sum().alias("earlier"))
        .sort("rule_index")
    )


def _ordered(
    crossings: pl.DataFrame, members: pl.DataFrame, found: pl.DataFrame, calls_of: CallsOf, period: Period
) -> pl.DataFrame:
    """Instants of the crossed rules; calls are asked for once a crossing day and kind of rule."""
    is_full = (pl.col("rule") == "cap_amount") & (pl.col("before") >= pl.col("limit"))
    parts = [_before_any_call(crossings.filter(is_full), members, period)]
    by_day = crossings.filter(~is_full).partition_by("rule", "crossing_day", maintain_order=True)
    for batch in by_day:
        rule: RuleName = batch["rule"][0]
        day = batch["crossing_day"][0]
        last = day + _DAY if rule == "cap_amount" else day
        days = [d for d in period.days() if batch["first_look"][0] <= d <= last]
        inside = members.join(batch.select("rule_index", "earlier"), on="rule_index", maintain_order="left")
        calls = calls_in_order(calls_of(days, inside["service_number"].unique().sort().to_list()), inside, found)
        parts.append(_instants(calls, inside, rule))
    return pl.concat(parts)


def _before_any_call(full: pl.DataFrame, members: pl.DataFrame, period: Period) -> pl.DataFrame:
    """Fixed fees alone reach the cap: every call of the month is over it."""
    instant = dt.datetime.combine(period.start, dt.time()) - dt.timedelta(milliseconds=1)
    return (
        members.join(full.select("rule_index"), on="rule_index", maintain_order="left")
        .with_columns(
            pl.lit(instant, pl.Datetime("ms")).alias("instant"),
            pl.lit(instant.date()).alias("edge_day"),
            *(pl.lit(0, pl.Int64).alias(name) for name in EDGE),
            pl.lit([], INSTANTS_SCHEMA["tied"]).alias("tied"),
        )
        .select(INSTANTS_SCHEMA.names())
    )


def _instants(calls: pl.DataFrame, members: pl.DataFrame, rule: RuleName) -> pl.DataFrame:
    """The instant of each rule and what is over the cap on its day, for every number of the rule."""
    crossing = (
        calls.filter(pl.col("sum") >= pl.col("limit"))
        .unique("rule_index", keep="first", maintain_order=True)
        .select(
            "rule_index",
            pl.col("counts_at").alias("instant"),
            pl.col("counts_at").dt.date().alias("edge_day"),
            pl.col("position").alias("crossing_position"),
        )
    )
    missing = set(members["rule_index"]) - set(crossing["rule_index"])
    assert not missing, "the calls do not add up to the daily sums that crossed the cap"
    started, instant = pl.col(Cdr.started_at), pl.col("instant")
    is_later = pl.col("position") > pl.col("crossing_position")
    is_tied = (started == instant) & is_later if rule == "cap_count" else _is_cut(is_later)
    is_whole = ~is_tied | is_later | (pl.col("crossing") == "none") | pl.lit(rule == "cap_count")
    beyond = pl.col("sum") - pl.col("limit")
    cut = {"calls": pl.lit(0), "micro": beyond // PARTS, "rest": beyond % PARTS, "settlement": pl.lit(0)}
    over = (
        calls.join(crossing, on="rule_index")
        .filter(((pl.col("day") == pl.col("edge_day")) & (started > instant)) | is_tied)
        .with_columns(is_tied.alias("is_tied"), is_whole.alias("is_whole"))
        .with_columns(
            pl.when("is_whole").then(pl.col(name)).otherwise(cut[field].cast(pl.Int64)).alias(name)
            for field, name in _TAKEN.items()
        )
        .group_by("rule_index", *ACCOUNT)
        .agg(
            *(pl.col(name).sum().alias(over) for name, over in zip(MEASURES, EDGE, strict=True)),
            pl.struct(Cdr.cdr_id, *(pl.col(name).alias(field) for field, name in _TAKEN.items()))
            .filter("is_tied")
            .alias("tied"),
        )
    )
    return (
        members.join(crossing, on="rule_index", maintain_order="left")
        .join(over, on=("rule_index", *ACCOUNT), how="left", maintain_order="left")
        .with_columns(pl.col(EDGE).fill_null(0), pl.col("tied").fill_null([]))
        .select(INSTANTS_SCHEMA.names())
        .cast(INSTANTS_SCHEMA)
    )


def _is_cut(is_later: pl.Expr) -> pl.Expr:
    """Whether a cap on fees takes something of a call that started before it was reached: its own, or one under way."""
    is_crossing = pl.col("position") == pl.col("crossing_position")
    under_way = is_later & (pl.col(Cdr.started_at) <= pl.col("instant")) & (pl.col("calls") > 0)
    goes_beyond = is_crossing & ((pl.col("sum") > pl.col("limit")) | (pl.col("crossing") == "none"))
    return (pl.col("crossing") != "whole") & (goes_beyond | under_way)


def _left_after(daily: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """The daily sums without the calls that are over a cap already found."""
    is_edge = pl.col(UsageTotal.usage_date) == pl.col("edge_day")
    taken = (
        pl.col(name) - pl.when(is_edge).then(pl.col(over)).otherwise(0)
        for name, over in zip(MEASURES, EDGE, strict=True)
    )
    return (
        daily.join(found, on=ACCOUNT, how="left", maintain_order="left")
        .filter(pl.col("edge_day").is_null() | (pl.col(UsageTotal.usage_date) <= pl.col("edge_day")))
        .with_columns(taken)
        .select(daily.columns)
    )


def _earliest(found: pl.DataFrame) -> pl.DataFrame:
    """One instant a number: the earliest; at the same instant the count cap, which also holds calls of the instant."""
    return found.sort(*ACCOUNT, "instant", "rule", descending=[False, False, False, True], maintain_order=True).unique(
        ACCOUNT, keep="first", maintain_order=True
    )
