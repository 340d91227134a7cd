"""The carrier's own minimum of each number, by the number's grade, with a true-up line where calls fall short.

Reading taken: it is owed for months in which the number is in service on every day, whichever contract it is under and
whatever opened or closed at the month's edges; a month with a day without service owes its calls only (the same reading
as `actual` on the customer's side).
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl

from billing.core.digests import canonical_json
from billing.core.money import yuan_exact
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.catalog import Carrier, ServiceNumber, Subscription
from billing.tables.documents import SettlementLine


def carrier_true_ups(period: Period, usage_lines: pl.DataFrame, book: RateBook) -> pl.DataFrame:
    """True-up lines of the numbers whose calls of the month fall short of the carrier's floor.

    Args:
        period: the month; calls of other months do not fill its floor.
        usage_lines: usage lines, whole fen.
        book: the rate book.

    Returns:
        Rows with the columns of `usage_lines`, floors by the version in force on the first of the month.
    """
    own = usage_lines.filter(pl.col(SettlementLine.usage_period) == str(period))
    sums = own.group_by(SettlementLine.service_number).agg(pl.col(SettlementLine.gross_micro).sum())
    counted: dict[str, int] = dict(sums.iter_rows())
    rows: list[dict[str, Any]] = []
    for number in _whole_month_numbers(period, book).iter_rows(named=True):
        version = book.settlement(number[Carrier.settlement_plan], period.start)
        floor = version[1].minimum_of(number[ServiceNumber.grade]) if version else 0
        used = counted.get(number[ServiceNumber.service_number], 0)
        if version and floor > used:
            rows.append(_line(period, number, version[0], floor, used))
    return pl.DataFrame(rows, schema=usage_lines.schema, orient="row")


def _line(period: Period, number: Mapping[str, Any], rate_id: str, floor: int, used: int) -> dict[str, Any]:
    return {
        SettlementLine.period: str(period),
        SettlementLine.usage_period: str(period),
        SettlementLine.carrier_id: number[ServiceNumber.carrier_id],
        SettlementLine.service_number: number[ServiceNumber.service_number],
        SettlementLine.settlement_rate_id: rate_id,
        SettlementLine.kind: "true_up",
        SettlementLine.call_count: None,
        SettlementLine.billed_seconds: None,
        SettlementLine.gross_micro: floor - used,
        SettlementLine.explanation: canonical_json({"floor": yuan_exact(floor), "counted": yuan_exact(used)}),
    }


def _whole_month_numbers(period: Period, book: RateBook) -> pl.DataFrame:
    """Numbers in service on every day of the month."""
    first, last = pl.col(Subscription.valid_from), pl.col(Subscription.valid_to)
    ends = pl.min_horizontal(last.fill_null(period.end), pl.lit(period.end))
    days = (ends - pl.max_horizontal(first, pl.lit(period.start))).clip(lower_bound=dt.timedelta(0))
    return (
        book.table(Subscription.name)
        .group_by(Subscription.service_number)
        .agg(days.sum().alias("days"))
        .filter(pl.col("days") == dt.timedelta(days=period.day_count))
        .join(book.table(ServiceNumber.name), on=ServiceNumber.service_number)
        .join(book.table(Carrier.name), on=Carrier.carrier_id)
        .sort(ServiceNumber.service_number)
    )
