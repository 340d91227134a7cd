"""When a cap is reached: walk the sums of each day, and put in order only the calls around the day that crosses it.

Domain rule: an amount cap counts calls when they end, in order of end; the instant is the end of the call that brings
the sum to the cap or above, and calls that start strictly after it are over the cap. A count cap counts calls in order
of start; the first N are connected, the next one is over. No call lasts longer than a day (checked before rating), so
only calls that start on the crossing day, the day before or the day after can matter.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

import polars as pl

from billing.charging.cap_rules import CapRule, RuleName
from billing.core.period import Period
from billing.tables.calls import Cdr, RatedCall, UsageTotal

ACCOUNT = (UsageTotal.contract_id, UsageTotal.service_number)
EDGE = ("over_calls", "over_micro", "over_settlement_micro", "over_attempts", "over_answered")
"""Sums of the calls over the cap on the very day of the instant; later days are over as a whole."""

_DAY = dt.timedelta(days=1)
_TIE_BREAK = (Cdr.started_at, Cdr.source, Cdr.call_id, Cdr.caller, Cdr.talk_ms, Cdr.cdr_id)
_CALL_MEASURES = ("calls", "amount_micro", "settlement_micro", "attempts", "answered")
_SINGLE_CALL = pl.struct(
    Cdr.cdr_id,
    "calls",
    pl.col(RatedCall.amount_micro).alias("micro"),
    pl.col(RatedCall.settlement_micro).alias("settlement"),
)
_NOT_ATTEMPTS = ("blocked_region", "blocked_blacklist", "bad_password", "cap_reached", "not_ours")
INSTANTS_SCHEMA = pl.Schema(
    {
        "contract_id": pl.String(),
        "service_number": pl.String(),
        "rule": pl.String(),
        "instant": pl.Datetime("ms"),
        "edge_day": pl.Date(),
        **dict.fromkeys(EDGE, pl.Int64()),
        "tied": pl.List(pl.Struct({"cdr_id": pl.Int64, "calls": pl.Int64, "micro": pl.Int64, "settlement": pl.Int64})),
    }
)


class CallsOf(Protocol):
    """Gives the calls of some numbers on some usage days; asked only where a cap crosses."""

    def __call__(self, days: Sequence[dt.date], numbers: Sequence[str]) -> pl.DataFrame:
        """Calls with cdr_id, service_number, contract_id, source, call_id, caller, started_at, ended_at, talk_ms,
        outcome, amount_micro, settlement_micro, in any order.
        """  # noqa: D205


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


def cap_instants(
    rules: Sequence[CapRule], trials: pl.DataFrame, daily: pl.DataFrame, calls_of: CallsOf, period: Period
) -> pl.DataFrame:
    """The earliest cap instant of each number that reaches one.

    Caps of single numbers come first; caps of whole contracts then count only what those left.

    Args:
        rules: the caps of the month.
        trials: contract_id and trial_until of the contracts.
        daily: `daily_measures` of their numbers.
        calls_of: asked for the calls around crossing days.
        period: the month.

    Returns:
        One row a number, ordered: contract_id, service_number, rule, instant, edge_day, the sums of the calls over
        the cap on that day (columns `EDGE`), and `tied`: those of them that start at the instant itself and are over
        a count cap.
    """
    found = pl.DataFrame(schema=INSTANTS_SCHEMA)
    for scope in ("number", "contract"):
        scoped = [rule for rule in rules if rule.scope == scope]
        if scoped:
            members = _members(scoped).join(trials, on="contract_id", how="left", maintain_order="left")
            left = _left_after(daily, found)
            crossings = _crossings(members, left, period)
            found = _earliest(pl.concat([found, _ordered(crossings, members, found, calls_of, period)]))
    return found


def _members(rules: Sequence[CapRule]) -> pl.DataFrame:
    rows = [
        (index, rule.rule, rule.contract_id, number, rule.limit, rule.before, rule.measure)
        for index, rule in enumerate(rules)
        for number in rule.numbers
    ]
    columns = ("rule_index", "rule", *ACCOUNT, "limit", "before", "measure")
    types = (pl.Int64, pl.String, pl.String, pl.String, pl.Int64, pl.Int64, pl.String)
    return pl.DataFrame(rows, schema=dict(zip(columns, types, strict=True)), orient="row")


def _measured() -> pl.Expr:
    """What a row adds to its rule's sum."""
    measure = pl.col("measure")
    return (
        pl.when(measure == "amount_micro").then(pl.col("amount_micro"))
        .when(measure == "attempts").then(pl.col("attempts"))
        .otherwise(pl.col("answered"))
    )  # fmt: skip


def _crossings(members: pl.DataFrame, daily: pl.DataFrame, period: Period) -> pl.DataFrame:
    """The first day on which each rule's sum reaches its limit, with the sum before the first day to look into."""
    reached = pl.col("sum") >= pl.col("limit")
    sums = (
        members.join(daily, on=ACCOUNT)
        .group_by("rule_index", "rule", "limit", "before", UsageTotal.usage_date)
        .agg(_measured().sum().alias("measured"))
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
        calls = _calls_in_order(calls_of(days, inside["service_number"].unique().sort().to_list()), inside, found)
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


def _calls_in_order(calls: pl.DataFrame, members: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Calls of the rules in the order in which they count, those over an earlier cap left out, with a running sum."""
    day, outcome = pl.col(Cdr.started_at).dt.date(), pl.col(Cdr.outcome)
    is_paid = pl.col("trial_until").is_null() | (day >= pl.col("trial_until"))
    ends = pl.coalesce(Cdr.ended_at, pl.col(Cdr.started_at) + pl.duration(milliseconds=Cdr.talk_ms))
    counts_at = pl.when(pl.col("rule") == "cap_amount").then(ends).otherwise(pl.col(Cdr.started_at))
    return (
        calls.join(members, on=ACCOUNT)
        .join(found.select(*ACCOUNT, pl.col("instant").alias("capped_at"), "tied"), on=ACCOUNT, how="left")
        .filter(~_is_over_earlier_cap().fill_null(False))
        .with_columns(
            day.alias("day"),
            counts_at.cast(pl.Datetime("ms")).alias("counts_at"),
            ((outcome == "answered") & (pl.col(Cdr.talk_ms) > 0) & is_paid).cast(pl.Int64).alias("calls"),
            (~outcome.is_in(_NOT_ATTEMPTS)).cast(pl.Int64).alias("attempts"),
            (outcome == "answered").cast(pl.Int64).alias("answered"),
        )
        .sort("rule_index", "counts_at", *_TIE_BREAK)
        .with_columns(
            (pl.col("before") + pl.col("earlier") + _measured().cum_sum().over("rule_index")).alias("sum"),
            pl.int_range(pl.len()).over("rule_index").alias("position"),
        )
    )


def _is_over_earlier_cap() -> pl.Expr:
    tied_ids = pl.col("tied").list.eval(pl.element().struct.field("cdr_id"))
    return (pl.col(Cdr.started_at) > pl.col("capped_at")) | tied_ids.list.contains(pl.col(Cdr.cdr_id))


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
    started, instant = pl.col(Cdr.started_at), pl.col("instant")
    is_tied = (started == instant) & (pl.col("position") > pl.col("crossing_position")) & pl.lit(rule == "cap_count")
    over = (
        calls.join(crossing, on="rule_index")
        .filter(pl.col("day") == pl.col("edge_day"), (started > instant) | is_tied)
        .group_by("rule_index", *ACCOUNT)
        .agg(
            *(pl.col(name).sum().alias(over) for name, over in zip(_CALL_MEASURES, EDGE, strict=True)),
            _SINGLE_CALL.filter(is_tied).alias("tied"),
        )
    )
    return (
        members.join(crossing, on="rule_index", maintain_order="left")
        .join(over, on=("rule_index", *ACCOUNT), how="left", maintain_order="left")
        .with_columns(pl.col(EDGE).fill_null(0), pl.col("tied").fill_null([]))
        .select(INSTANTS_SCHEMA.names())
        .cast(dict(INSTANTS_SCHEMA))
    )


def _left_after(daily: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """The daily sums without the calls that are over a cap already found."""
    is_edge = pl.col(UsageTotal.usage_date) == pl.col("edge_day")
    taken = (
        pl.col(name) - pl.when(is_edge).then(pl.col(over)).otherwise(0)
        for name, over in zip(_CALL_MEASURES, EDGE, strict=True)
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
