"""Figures of a period: those that are read first, with the month before; days; calls over a cap; what is held back."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from billing.core.money import BASIS_POINTS, round_ratio
from billing.core.period import Period
from billing.documents.model import Kind
from billing.tables.calls import CallAdjustment, UsageTotal
from billing.tables.documents import CallAnalysis, Conservation, Invoice

FATES = (
    "duplicate", "suspense_ingest", "suspense_rating", "joined", "replaced", "waiting", "written_off", "recycled",
    "not_ours",
)  # fmt: skip
"""What became of records that were not rated, in the order in which it is told."""
OUTCOMES = ("calls_charged", "calls_free", "calls_in_allowance", "calls_over_cap")
"""What rated calls cost."""
_MONEY = ("invoiced_gross", "revenue_net", "settlement_net", "commission_accrued", "margin")


@dataclass(frozen=True)
class KeyFigure:
    """A figure with that of the month before, None where there is none; shares are in basis points."""

    name: str
    value: int | None
    before: int | None
    kind: Kind

    @property
    def change_bp(self) -> int | None:
        """The change: of a share the difference in basis points, else relative to the month before."""
        if self.value is None or self.before is None or (self.kind != "percent" and self.before == 0):
            return None
        change = self.value - self.before
        return change if self.kind == "percent" else round_ratio(change * BASIS_POINTS, abs(self.before))


@dataclass(frozen=True)
class Day:
    """Calls of a day at their first price, tax included, and what they cost us."""

    date: dt.date
    call_count: int
    usage_micro: int
    settlement_micro: int


def key_figures(tables: Mapping[str, pl.DataFrame], previous: Mapping[str, pl.DataFrame] | None) -> list[KeyFigure]:
    """What is read first.

    Args:
        tables: conservation, invoice, call_analysis; likewise `previous`.
        previous: of the month before, or None.
    """
    now, before = _read_first(tables), _read_first(previous) if previous else {}
    kinds: dict[str, Kind] = {"margin_rate": "percent", "answered_rate": "percent", "billed_time": "seconds"}
    counts: dict[str, Kind] = {"calls": "count", "bills": "count"}
    return [
        KeyFigure(name, value, before.get(name), (kinds | counts).get(name, "money")) for name, value in now.items()
    ]


def _read_first(tables: Mapping[str, pl.DataFrame]) -> dict[str, int | None]:
    amounts, counts = amounts_of(tables), counts_of(tables)
    totals = tables[CallAnalysis.name].filter(pl.col(CallAnalysis.dimension) == "total")
    rated = tables[Conservation.name].row(by_predicate=pl.col(Conservation.figure) == "calls_rated", named=True)
    answered = int(totals[CallAnalysis.answered_count].sum())
    return {
        **{name: amounts[name] for name in _MONEY},
        "margin_rate": share_bp(amounts["margin"], amounts["revenue_net"]),
        "calls": counts["calls_rated"],
        "answered_rate": share_bp(answered, int(totals[CallAnalysis.call_count].sum())),
        "billed_time": rated[Conservation.billed_seconds],
        "bills": tables[Invoice.name].height,
    }


@dataclass(frozen=True)
class Worth:
    """What records held back come to: None where not one of them can be valued; and how many cannot."""

    micro: int | None
    unvalued_count: int


def worth_of(held: pl.DataFrame) -> Worth:
    """All reasons together; nothing that is known of some is not zero.

    Args:
        held: as in `ReportInputs`.
    """
    known = held["value_micro"].drop_nulls()
    return Worth(int(known.sum()) if known.len() or held.is_empty() else None, int(held["unvalued_count"].sum()))


def share_bp(part: int, whole: int) -> int | None:
    """A share in basis points; None of nothing."""
    return round_ratio(part * BASIS_POINTS, whole) if whole > 0 else None


def amounts_of(tables: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    """Control figures of money by name, in micro."""
    return dict(
        tables[Conservation.name].select(Conservation.figure, Conservation.amount_micro).drop_nulls().iter_rows()
    )


def counts_of(tables: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    """Control figures of records and calls by name."""
    return dict(
        tables[Conservation.name].select(Conservation.figure, Conservation.record_count).drop_nulls().iter_rows()
    )


def days_of(tables: Mapping[str, pl.DataFrame], period: Period) -> tuple[list[Day], Day | None]:
    """Every day of the month, and what late calls of earlier months come to, if there are any."""
    measures = (UsageTotal.call_count, UsageTotal.amount_micro, UsageTotal.settlement_micro)
    usage = tables[UsageTotal.name].group_by(UsageTotal.usage_date).agg(pl.col(measures).sum())
    by_day = {row[0]: row[1:] for row in usage.iter_rows()}
    days = [Day(day, *by_day.pop(day, (0, 0, 0))) for day in period.days()]
    if not by_day:
        return days, None
    calls, amount, cost = (sum(row[index] for row in by_day.values()) for index in range(3))
    return days, Day(min(by_day), calls, amount, cost)


@dataclass(frozen=True)
class OverCap:
    """Calls of a number that a cap made free, and what they cost us all the same."""

    contract_id: str
    service_number: str | None
    call_count: int
    amount_micro: int
    settlement_micro: int


def over_caps(tables: Mapping[str, pl.DataFrame]) -> list[OverCap]:
    """Over the cap, the most costly first."""
    is_cap = ~pl.col(CallAdjustment.rule).str.starts_with("allowance:")
    measures = pl.col(CallAdjustment.call_count, CallAdjustment.amount_micro, CallAdjustment.settlement_micro)
    key = (CallAdjustment.contract_id, CallAdjustment.service_number)
    sums = tables[CallAdjustment.name].filter(is_cap).group_by(key).agg(measures.sum())
    ordered = sums.sort(CallAdjustment.settlement_micro, *key, descending=[True, False, False])
    return [OverCap(*row) for row in ordered.iter_rows()]
