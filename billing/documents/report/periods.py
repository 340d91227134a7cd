"""The page over all periods: a row each with a link to its report, and how the last twelve months went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from billing.core.period import MONTHS_A_YEAR, Period
from billing.documents.model import Kind
from billing.documents.report import svg
from billing.documents.report.page import REPORT, page
from billing.documents.report.words import Words

PERIODS = "index.html"
TRENDS: tuple[tuple[str, Kind], ...] = (
    ("revenue_net", "money"),
    ("settlement_net", "money"),
    ("commission_accrued", "money"),
    ("margin", "money"),
    ("calls", "count"),
    ("bills", "count"),
)
"""What a row tells of a period, and a chart of the last months."""


@dataclass(frozen=True)
class PeriodRow:
    """A published period: draft or closed, its figures by the names of `TRENDS`, and the page its folder has."""

    period: Period
    status: str
    figures: Mapping[str, int]
    page: str = REPORT


def render_periods(rows: Sequence[PeriodRow], company: str, lang: str) -> str:
    """The page `index.html` beside the folders of the periods.

    Args:
        rows: every published period; at least one.
        company: whose books these are.
        lang: zh or en, the language it opens in.
    """
    words = Words(lang)
    latest = max(row.period for row in rows)
    months = [latest.shifted(back) for back in range(1 - MONTHS_A_YEAR, 1)]
    return page(
        "periods",
        words,
        company=company,
        rows=sorted(rows, key=lambda row: row.period, reverse=True),
        months=months,
        trends=[_trend(name, kind, months, {row.period: row.figures[name] for row in rows}, words)
                for name, kind in TRENDS],
        kinds=TRENDS,
    )  # fmt: skip


def _trend(
    name: str, kind: Kind, months: Sequence[Period], values: Mapping[Period, int], words: Words
) -> dict[str, Any]:
    shown = [values.get(month) for month in months]
    known = [value for value in shown if value is not None]
    title = words(f"report.figure.{name}")
    told = words(
        "report.trend_told",
        months=len(known),
        low=words.printed(min(known), kind),
        high=words.printed(max(known), kind),
    )
    return {"title": title, "now": words.printed(shown[-1], kind), "told": told, "chart": svg.trend(title, told, shown)}
