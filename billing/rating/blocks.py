"""Block schedules in closed form: seconds, blocks and price of a call, as column expressions, never a loop over blocks.

A schedule is a few steps (from second, block length, price a block). Talk time inside a step is rounded up to whole
blocks, in milliseconds and once, at the block; a step starts when the one before it is used up.
"""

from dataclasses import dataclass

import polars as pl

from billing.rate_book.rating_rows import block_columns

_MS = 1000


@dataclass(frozen=True)
class BlockExpressions:
    """Rounded seconds, blocks started and price (1e-6 CNY) of each call."""

    billed_seconds: pl.Expr
    block_count: pl.Expr
    price_micro: pl.Expr


def price_blocks(prefix: str, width: int, talk_ms: pl.Expr) -> BlockExpressions:
    """Expressions over the columns `<prefix><i>_from/_seconds/_micro` of the joined rating row.

    Args:
        prefix: `retail` or `carrier`.
        width: how many steps the columns hold.
        talk_ms: talk time in milliseconds, Int64, not null.

    Returns:
        Int64 expressions.
    """
    billed, blocks, price = pl.lit(0, pl.Int64), pl.lit(0, pl.Int64), pl.lit(0, pl.Int64)
    for index in range(width):
        start, length, micro = (pl.col(name) for name in block_columns(prefix, index))
        in_step = talk_ms - start * _MS
        if index + 1 < width:
            next_start = pl.col(block_columns(prefix, index + 1)[0])
            in_step = pl.min_horizontal(in_step, (next_start - start) * _MS)
        block_ms = length * _MS
        started = (in_step.clip(lower_bound=0) + block_ms - 1) // block_ms
        billed = billed + started * length
        blocks = blocks + started
        price = price + started * micro
    return BlockExpressions(billed, blocks, price)
