"""Pieces of a long call: one call, one start, the union of their times, rounded once afterwards.

Whole is a set that has a first and a last piece, every number between them, and no gap in time beyond the seam. Two
pieces with one number, a piece behind the last, two callers or two numbers dialled contradict each other.
"""

import polars as pl

from billing.assembly.rule import SEAM_MS, AssemblyRule
from billing.assembly.verdicts import SET, verdict
from billing.tables.calls import Cdr, Waiting

_BEGIN, _END, _REACH = "begin", "end", "reach"


def same_record(rule: AssemblyRule) -> list[str]:
    """What two tellings of one piece share beside the set."""
    return [Waiting.started_at if rule.first_number is None else Waiting.piece_number]


def judge(records: pl.DataFrame, rule: AssemblyRule) -> pl.DataFrame:
    """set_id and verdict of every set."""
    role = pl.col(Waiting.role)
    is_last, is_single = role.is_in(["last", "single"]), role == "single"
    timed = _timed(records, rule)
    gap = (pl.col(_BEGIN) - pl.col(_REACH)).dt.total_milliseconds() > SEAM_MS
    sets = timed.group_by(SET, maintain_order=True).agg(
        count=pl.len(),
        lasts=is_last.sum(),
        singles=is_single.sum(),
        firsts=role.is_in(["first", "single"]).sum(),
        starts_first=role.first().is_in(["first", "single"]),
        ends_last=role.last().is_in(["last", "single"]),
        starts=pl.col(_BEGIN).n_unique(),
        has_gap=gap.any(),
        callers=pl.col(Cdr.caller).drop_nulls().n_unique(),
        numbers=pl.col(Cdr.service_number).drop_nulls().n_unique(),
        known=pl.col("position").n_unique(),
        lowest=pl.col("position").min(),
        highest=pl.col("position").max(),
        last_number=pl.col("position").filter(is_last).max(),
    )
    two_of_one = (pl.col("lasts") > 1) | ((pl.col("singles") > 0) & (pl.col("count") > 1))
    two_calls = (pl.col("callers") > 1) | (pl.col("numbers") > 1)
    if rule.first_number is None:
        has_ends = (pl.col("firsts") == 1) & (pl.col("lasts") == 1)
        wrong_ends = has_ends & ~(pl.col("starts_first") & pl.col("ends_last"))
        contradicts = (pl.col("firsts") > 1) | (pl.col("starts") < pl.col("count")) | wrong_ends
        is_there = has_ends
    else:
        contradicts = (pl.col("known") < pl.col("count")) | (pl.col("lowest") < rule.first_number)
        contradicts |= (pl.col("highest") > pl.col("last_number")).fill_null(value=False)
        is_there = (pl.col("lasts") == 1) & (pl.col("last_number") - rule.first_number + 1 == pl.col("count"))
    whole = is_there & ~pl.col("has_gap").fill_null(value=False)
    return sets.select(SET, verdict(contradicts | two_of_one | two_calls, whole))


def form(records: pl.DataFrame, rule: AssemblyRule) -> pl.DataFrame:
    """One `Cdr` row without an id for each set."""
    timed = _timed(records, rule)
    begin = pl.max_horizontal(_BEGIN, _REACH)
    covered = (pl.col(_END) - begin).dt.total_milliseconds().clip(lower_bound=0)
    answered = pl.col(Cdr.outcome).is_in(["answered", "ivr_only"])
    ordered = timed.with_columns(covered=pl.when(pl.col(Cdr.talk_ms).is_not_null()).then(covered)).sort(SET, "position")
    sets = ordered.group_by(SET, maintain_order=True).agg(
        pl.col(Cdr.started_at).first(),
        *(pl.col(name).drop_nulls().first() for name in _FIRST_TOLD),
        pl.col(Cdr.answered_at).min(),
        pl.col(Cdr.ended_at).max(),
        pl.col(Cdr.outcome).filter(answered).first().alias("answered_as"),
        pl.col(Cdr.outcome).last(),
        pl.when(pl.col("covered").is_null().any()).then(None).otherwise(pl.col("covered").sum()).alias(Cdr.talk_ms),
    )
    return sets.with_columns(pl.coalesce("answered_as", Cdr.outcome).alias(Cdr.outcome)).drop("answered_as")


_FIRST_TOLD = (
    *(Cdr.source, Cdr.call_id, Cdr.caller, Cdr.service_number, Cdr.landing_number),
    *(Cdr.platform_answered_at, Cdr.call_class),
)


def _timed(records: pl.DataFrame, rule: AssemblyRule) -> pl.DataFrame:
    """Add begin and end of the talk of each piece, how far the pieces before it reach, and its position in the call.

    A piece may repeat the answer time of the whole call, so its talk is counted back from its end.
    """
    talk = pl.duration(milliseconds=pl.col(Cdr.talk_ms), time_unit="ms")
    first = pl.coalesce(Cdr.answered_at, Cdr.started_at)
    timed = records.with_columns(
        pl.coalesce(pl.col(Cdr.ended_at) - talk, first).alias(_BEGIN),
        pl.coalesce(pl.col(Cdr.ended_at), first + talk, first).alias(_END),
    ).sort(SET, _BEGIN, _END, Cdr.cdr_id)
    reach = pl.col(_END).cum_max().shift(1).over(SET)
    # Without numbers the order in time is the order of the pieces; a call that was never cut is its own first piece.
    position = pl.col(Waiting.piece_number)
    if rule.first_number is None:
        position = pl.int_range(pl.len(), dtype=pl.Int64).over(SET)
    return timed.with_columns(reach.alias(_REACH), position.fill_null(rule.first_number or 0).alias("position"))
