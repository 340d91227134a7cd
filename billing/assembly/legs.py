"""Legs: every leg of a call has a record, and one of them is the call that is charged; legs are never added up.

A set is always whole; a leg that comes later is weighed with the others again. Legs to two different numbers that may
be ours contradict each other where the layout charges `ours`: two payers are two calls, so its key must tell them
apart.
"""

import polars as pl

from billing.assembly.rule import AssemblyRule
from billing.assembly.verdicts import SET, verdict
from billing.tables.calls import SERVICE_NUMBER, Cdr, Waiting

_IS_OURS = pl.col(Cdr.service_number).str.contains(f"^(?:{SERVICE_NUMBER})$").fill_null(value=False)
_REST = [str(column) for column in Waiting.columns if column != Waiting.cdr_id]
"""What decides between legs that are equal in all that matters for money, so that the order of lines does not."""


def same_record(rule: AssemblyRule) -> list[str]:
    """What two tellings of one leg share beside the set."""
    return [Waiting.call_id]


def judge(records: pl.DataFrame, rule: AssemblyRule) -> pl.DataFrame:
    """set_id and verdict of every set."""
    sets = records.group_by(SET, maintain_order=True).agg(
        numbers=pl.col(Cdr.service_number).filter(_IS_OURS).n_unique()
    )
    return sets.select(SET, verdict((pl.col("numbers") > 1) & (rule.charged == "ours"), pl.lit(value=True)))


def form(records: pl.DataFrame, rule: AssemblyRule) -> pl.DataFrame:
    """One `Cdr` row for each set: the leg that is charged."""
    answered = pl.col(Cdr.outcome).is_in(["answered", "ivr_only"])
    is_ours = _IS_OURS if rule.charged == "ours" else pl.lit(value=False)
    start, talk = pl.col(Cdr.started_at), pl.col(Cdr.talk_ms)
    weighed = records.with_columns(is_ours=is_ours, was_answered=answered.fill_null(value=False))
    if rule.charged == "earliest":
        order, falling = [start, pl.col("was_answered"), talk], [False, True, True]
    else:
        # Of legs that nobody answered the earliest counts, whatever length they state.
        order = [pl.col("is_ours"), pl.col("was_answered"), pl.when("was_answered").then(talk), start]
        falling = [True, True, True, False]
    ordered = weighed.sort(SET, *order, *_REST, descending=[False, *falling, *([False] * len(_REST))], nulls_last=True)
    return ordered.unique(SET, keep="first", maintain_order=True)
