"""Calls in the order in which they count towards a cap.

Domain rule: an amount cap counts calls when they end, a count cap when they start; a blocked call, a wrong password or
a call refused because the cap was reached is no attempt. Ties go by start, source, the source's id, caller, talk time.
"""

import polars as pl

from billing.charging.month_usage import ACCOUNT, CALL_ORDER, exact, with_measures
from billing.tables.calls import Cdr


def measured() -> pl.Expr:
    """What a row adds to its rule's sum: calls, or money in parts of a millionth."""
    measure = pl.col("measure")
    return (
        pl.when(measure == "amount_micro").then(exact())
        .when(measure == "attempts").then(pl.col("attempts").cast(pl.Int128))
        .otherwise(pl.col("answered").cast(pl.Int128))
    )  # fmt: skip


def calls_in_order(calls: pl.DataFrame, members: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Calls of the rules in the order in which they count, with a running sum.

    Calls over a cap found before add nothing to the sum, but stay in: this rule may take them earlier than that one.
    """
    ends = pl.coalesce(Cdr.ended_at, pl.col(Cdr.started_at) + pl.duration(milliseconds=Cdr.talk_ms))
    adds = pl.when(pl.col("is_taken")).then(pl.lit(0, pl.Int128)).otherwise(measured())
    counts_at = pl.when(pl.col("rule") == "cap_amount").then(ends).otherwise(pl.col(Cdr.started_at))
    return (
        with_measures(calls)
        .join(members, on=ACCOUNT)
        .join(found.select(*ACCOUNT, pl.col("instant").alias("capped_at"), "tied"), on=ACCOUNT, how="left")
        .with_columns(
            _is_over_earlier_cap().fill_null(False).alias("is_taken"),
            pl.col(Cdr.started_at).dt.date().alias("day"),
            counts_at.cast(pl.Datetime("ms")).alias("counts_at"),
        )
        .sort("rule_index", "counts_at", *CALL_ORDER)
        .with_columns(
            (pl.col("before") + pl.col("earlier") + adds.cum_sum().over("rule_index")).alias("sum"),
            pl.int_range(pl.len()).over("rule_index").alias("position"),
        )
    )


def _is_over_earlier_cap() -> pl.Expr:
    tied_ids = pl.col("tied").list.eval(pl.element().struct.field("cdr_id"))
    return (pl.col(Cdr.started_at) > pl.col("capped_at")) | tied_ids.list.contains(pl.col(Cdr.cdr_id))
