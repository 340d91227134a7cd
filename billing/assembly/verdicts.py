"""What a set of records can come to, and the names of the columns that say so."""

import polars as pl

SET, VERDICT, FATE = "set_id", "verdict", "fate"
WHOLE, WAITS, CONTRADICTS = "whole", "waits", "contradicts"


def verdict(contradicts: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """The verdict from the two questions; what nobody can say is neither."""
    return (
        pl.when(contradicts.fill_null(value=False))
        .then(pl.lit(CONTRADICTS))
        .when(whole.fill_null(value=False))
        .then(pl.lit(WHOLE))
        .otherwise(pl.lit(WAITS))
        .alias(VERDICT)
    )
