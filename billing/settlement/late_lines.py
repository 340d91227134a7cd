"""Late calls against the carrier: what the month they belong to would have cost with them, less what it cost without.

Domain rule: lines are rounded and the carrier's minimum is applied on both sides, as on the customer's; a late call
under the minimum takes off the true-up what it adds in usage. A month these books never billed has no true-up of
theirs: its late calls are plain usage.
"""

import polars as pl

from billing.core.digests import canonical_json
from billing.core.money import yuan_exact
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.settlement.carrier_minimums import carrier_true_ups
from billing.tables.documents import SettlementLine

_LINE = (
    SettlementLine.carrier_id,
    SettlementLine.service_number,
    SettlementLine.settlement_rate_id,
    SettlementLine.kind,
    SettlementLine.usage_period,
)
_MEASURES = (SettlementLine.call_count, SettlementLine.billed_seconds, SettlementLine.gross_micro)


def late_lines(
    period: Period, original: Period, before: pl.DataFrame, after: pl.DataFrame, book: RateBook
) -> pl.DataFrame:
    """Settlement lines of the late calls of a month that these books billed.

    Args:
        period: the open month, in which the difference is settled.
        original: the closed month.
        before: its usage lines as billed so far, earlier late calls included.
        after: its usage lines with the late calls.
        book: the rate book.

    Returns:
        Rows with the columns of `after`: usage that was added, and what it takes off true-ups.
    """
    old, new = (pl.concat([lines, carrier_true_ups(original, lines, book)]) for lines in (before, after))
    signed = [lines.with_columns(pl.col(_MEASURES).fill_null(0) * sign) for lines, sign in ((old, -1), (new, 1))]
    billed = (-pl.col(SettlementLine.gross_micro).filter(pl.col(SettlementLine.gross_micro) < 0).sum()).alias("billed")
    differences = (
        pl.concat(signed)
        .group_by(_LINE)
        .agg(billed, pl.col(_MEASURES).sum())
        .filter(pl.any_horizontal(pl.col(_MEASURES) != 0))
        .sort(_LINE)
    )
    pairs = differences.select("billed", SettlementLine.gross_micro).iter_rows()
    texts = [
        canonical_json({"billed": yuan_exact(so_far), "with_late": yuan_exact(so_far + more)}) for so_far, more in pairs
    ]
    is_usage = pl.col(SettlementLine.kind) == "usage"
    return differences.select(
        pl.lit(str(period)).alias(SettlementLine.period),
        *_LINE,
        *(pl.when(is_usage).then(pl.col(name)).alias(name) for name in _MEASURES[:2]),
        SettlementLine.gross_micro,
        pl.Series(SettlementLine.explanation, texts, pl.String),
    ).select(after.columns)
