"""Calls over the edge of a window or a rate change, where the plan splits them: in closed form, piece by piece.

The rating row holds the prices of its day and the next as pieces (`split_pieces`). Where rounding restarts at an edge,
each piece of a call is rounded by its own blocks from its first second on. Where it carries on, blocks run through and
each costs what holds when it begins: what a piece costs is the blocks begun before its end less those begun before its
start. Where a call goes by its end, the piece in which it ends has all of it.
"""

import polars as pl

from billing.core.money import PARTS
from billing.rate_book.rating_rows import EDGE, block_columns, split_columns, split_prefix
from billing.tables.calls import Cdr

MS = 1000

SPLIT_PARTS = "split_parts"
"""Price of the blocks and the connect fee of a call, in parts of a millionth; null where its plan does not split."""


def has_splits(rows: pl.DataFrame) -> bool:
    """Whether any number of the day is on a plan that splits."""
    return EDGE in rows.columns


def with_pieces(calls: pl.LazyFrame, rows: pl.DataFrame, charged_ms: str, billable_ms: str, width: int) -> pl.LazyFrame:
    """Add `SPLIT_PARTS`, and put what the pieces of such calls come to into billed_seconds and block_count.

    Args:
        calls: calls with their rating row, billed_seconds and block_count.
        rows: the rating rows of the day.
        charged_ms: column of the time that is charged.
        billable_ms: column of the time that counts, free first seconds included.
        width: steps of the longest schedule.
    """
    midnight = pl.col(Cdr.started_at).dt.truncate("1d")
    begun = pl.coalesce(
        pl.when("from_platform").then(pl.coalesce(Cdr.platform_answered_at, Cdr.answered_at)),
        Cdr.answered_at,
        Cdr.started_at,
    )
    # The charged time runs from the first charged millisecond to the end of the call.
    first = (begun - midnight).dt.total_milliseconds() + pl.col(billable_ms) - pl.col(charged_ms)
    last = first + pl.col(charged_ms)
    is_restart, is_end = pl.col(EDGE) == "restart", pl.col(EDGE) == "end"
    parts, seconds, blocks = (pl.lit(0, pl.Int64) for _ in range(3))
    since: pl.Expr = pl.lit(0, pl.Int64)
    for piece in range(_piece_count(rows)):
        until, connect, divisor = (pl.col(name) for name in split_columns(piece))
        # Offsets within the charged time at which the piece begins and ends.
        a, b = (pl.min_horizontal(pl.max_horizontal(edge, first), last) - first for edge in (since, until))
        holds_last = (last > since) & (last <= until)
        a = pl.when(is_end).then(0).otherwise(a)
        b = pl.when(is_end).then(pl.when(holds_last).then(charged_ms).otherwise(0)).otherwise(b)
        unit = PARTS // divisor
        for index in range(width):
            length, micro = (pl.col(name) for name in block_columns(split_prefix(piece), index)[1:])
            alone = _begun(piece, index, width, b - a)
            through = _begun(piece, index, width, b) - _begun(piece, index, width, a)
            count = pl.when(is_restart).then(alone).otherwise(through)
            parts, seconds, blocks = parts + count * micro * unit, seconds + count * length, blocks + count
        bears_fee = pl.when(is_end).then(holds_last).otherwise((first >= since) & (first < until))
        parts = parts + pl.when(bears_fee).then(connect * PARTS).otherwise(0)
        since = until
    splits = pl.col(EDGE).is_not_null() & (pl.col(charged_ms) > 0)
    return calls.with_columns(
        pl.when(splits).then(parts).alias(SPLIT_PARTS),
        pl.when(splits).then(seconds).otherwise("billed_seconds").alias("billed_seconds"),
        pl.when(splits).then(blocks).otherwise("block_count").alias("block_count"),
    )


def _begun(piece: int, index: int, width: int, within: pl.Expr) -> pl.Expr:
    """How many blocks of a step begin within the first so many milliseconds."""
    start, length, _ = (pl.col(name) for name in block_columns(split_prefix(piece), index))
    in_step = within - start * MS
    if index + 1 < width:
        following = pl.col(block_columns(split_prefix(piece), index + 1)[0])
        in_step = pl.min_horizontal(in_step, (following - start) * MS)
    block_ms = length * MS
    return (in_step.clip(lower_bound=0) + block_ms - 1) // block_ms


def _piece_count(rows: pl.DataFrame) -> int:
    count = 0
    while split_columns(count)[0] in rows.columns:
        count += 1
    return count
