"""Events: a call begins with one record and ends with another; its talk is what lies between.

Whole is a set with a start that was not answered, or one that was and has an end. Two different starts, or ends at two
times, contradict each other. An end or a cancel alone waits for its start: it is never a call of no or endless length.
"""

import polars as pl

from billing.assembly.rule import AssemblyRule
from billing.assembly.verdicts import SET, verdict
from billing.tables.calls import Cdr, Waiting

_ANSWERED = pl.col(Cdr.outcome).is_in(["answered", "ivr_only"])
_IS_START, _IS_END = pl.col(Waiting.role) == "start", pl.col(Waiting.role) == "end"


def same_record(rule: AssemblyRule) -> list[str]:
    """What two tellings of one record share beside the set."""
    return [Waiting.role]


def judge(records: pl.DataFrame, rule: AssemblyRule) -> pl.DataFrame:
    """set_id and verdict of every set."""
    sets = records.group_by(SET, maintain_order=True).agg(
        starts=_IS_START.sum(),
        ends=pl.col(Cdr.started_at).filter(_IS_END).n_unique(),
        was_answered=(_IS_START & _ANSWERED.fill_null(value=False)).any(),
    )
    has_end = (pl.col("ends") == 1) | ~pl.col("was_answered")
    return sets.select(SET, verdict((pl.col("starts") > 1) | (pl.col("ends") > 1), (pl.col("starts") == 1) & has_end))


def form(records: pl.DataFrame, rule: AssemblyRule) -> pl.DataFrame:
    """One `Cdr` row for each set: what the start tells, and the time of the end where it was answered."""
    ends = records.filter(_IS_END).group_by(SET).agg(pl.col(Cdr.started_at).min().alias("end_at"))
    starts = records.filter(_IS_START).join(ends, on=SET, how="left", maintain_order="left")
    answered_at = pl.coalesce(Cdr.answered_at, Cdr.started_at)
    return (
        starts.with_columns(pl.when(_ANSWERED).then(answered_at).alias(Cdr.answered_at))
        .with_columns(pl.when(_ANSWERED).then(pl.col("end_at")).otherwise(Cdr.ended_at).alias(Cdr.ended_at))
        .with_columns(
            pl.when(_ANSWERED)
            .then((pl.col(Cdr.ended_at) - pl.col(Cdr.answered_at)).dt.total_milliseconds())
            .otherwise(0)
            .alias(Cdr.talk_ms)
        )
        .drop(Cdr.cdr_id)
    )
