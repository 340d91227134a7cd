"""What a call costs beside its blocks: start of its time, free seconds, fees, limits, legs, discount, rounding.

Each term of `CALL_TERMS` is a column of the rating row. A term that no row of the day has is not computed at all. Exact
prices are counted in parts of a millionth (`PARTS`), rounded to the millionth at the end, and what that leaves is kept.
"""

import polars as pl

from billing.core.money import BASIS_POINTS, PARTS, RoundingMode, round_ratio_expr
from billing.rate_book.rating_rows import NO_TERMS
from billing.rating.straddle import SPLIT_PARTS, has_splits
from billing.tables.calls import Cdr

IS_BILLABLE = "is_billable"
BILLABLE_MS = "billable_ms"
CHARGED_MS = "charged_ms"
BLOCKS_PRICE = "blocks_price"
_EXACT = "exact_parts"
_PRICED = ("connect_micro", "least_micro", "most_micro", "legs", "discount_bp", "retail_divisor", "round_micro")


def with_billable_time(calls: pl.LazyFrame, rows: pl.DataFrame) -> pl.LazyFrame:
    """Add whether a call can cost anything, the time that counts, and what of it is charged.

    Time counts from the landing number's answer; under `from_platform` from the platform's, also where nobody else
    answered (domain rule 2.2).
    """
    answered, talk = pl.col(Cdr.outcome) == "answered", pl.col(Cdr.talk_ms)
    is_billable, counted = answered, talk
    if _occurs(rows, "from_platform"):
        from_platform = pl.col("from_platform")
        begun = pl.coalesce(Cdr.platform_answered_at, Cdr.answered_at)
        lasted = (pl.col(Cdr.ended_at) - begun).dt.total_milliseconds()
        is_billable = answered | (from_platform & (pl.col(Cdr.outcome) == "ivr_only"))
        counted = pl.when(from_platform).then(pl.coalesce(lasted, talk)).otherwise(talk)
    calls = calls.with_columns(is_billable.alias(IS_BILLABLE)).with_columns(
        pl.when(IS_BILLABLE).then(counted).otherwise(0).alias(BILLABLE_MS)
    )
    charged = pl.col(BILLABLE_MS)
    if _occurs(rows, "free_ms"):
        free = pl.col("free_ms")
        whole = pl.when(charged > free).then(charged).otherwise(0)
        charged = pl.when("free_if_shorter").then(whole).otherwise((charged - free).clip(lower_bound=0))
    return calls.with_columns(charged.alias(CHARGED_MS))


def with_first_price(calls: pl.LazyFrame, rows: pl.DataFrame) -> pl.LazyFrame:
    """Add `amount_micro` and `rest_parts`, from the price of the blocks and the terms of the call."""
    if not any(_occurs(rows, name) for name in _PRICED) and not has_splits(rows):
        return calls.with_columns(pl.col(BLOCKS_PRICE).alias("amount_micro"), pl.lit(0, pl.Int64).alias("rest_parts"))
    # Every price a minute is a whole number of sixtieths, every share one of basis points, so nothing is cut here.
    parts = pl.col(BLOCKS_PRICE) * (PARTS // pl.col("retail_divisor")) + pl.col("connect_micro") * PARTS
    if has_splits(rows):
        parts = pl.coalesce(SPLIT_PARTS, parts)
    limited = parts.clip(pl.col("least_micro") * PARTS, pl.col("most_micro") * PARTS)
    after_discount = limited // BASIS_POINTS * (BASIS_POINTS - pl.col("discount_bp")) * pl.col("legs")
    exact = pl.when(pl.col(CHARGED_MS) > 0).then(after_discount).otherwise(0)
    amount = pl.col("amount_micro")
    rest = pl.when(pl.col("round_micro") == 0).then(pl.col(_EXACT) - amount * PARTS).otherwise(0)
    return (
        calls.with_columns(exact.alias(_EXACT))
        .with_columns(_rounded(rows).alias("amount_micro"))
        .with_columns(rest.alias("rest_parts"))
    )


def _rounded(rows: pl.DataFrame) -> pl.Expr:
    """The exact price to the millionth, or at the call as the plan rounds it."""
    exact, rounded = pl.col(_EXACT), round_ratio_expr(pl.col(_EXACT), PARTS)
    forms = rows.select("round_micro", "round_mode").unique().drop_nulls().sort("round_micro", "round_mode")
    for unit, name in forms.filter(pl.col("round_micro") > 0).iter_rows():
        mode: RoundingMode = name
        fits = (pl.col("round_micro") == unit) & (pl.col("round_mode") == mode)
        rounded = pl.when(fits).then(round_ratio_expr(exact, PARTS * unit, mode) * unit).otherwise(rounded)
    return rounded


def _occurs(rows: pl.DataFrame, term: str) -> bool:
    """Whether any number of the day has the term."""
    return bool((rows[term] != NO_TERMS[term]).any())
