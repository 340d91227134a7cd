"""Call analysis for the owner of the numbers: answered or not, by hour, and from where callers called."""

from collections import defaultdict
from collections.abc import Iterator

from billing.core.money import BASIS_POINTS, round_ratio
from billing.documents.bills.account import Account
from billing.documents.model import Bars, Column, Grid
from billing.documents.rows import Row, total
from billing.documents.words import Words
from billing.tables.documents import CallAnalysis

PROVINCES_SHOWN = 8
UNKNOWN = "unknown"
"""The province of callers whose number tells none."""
_MS_PER_SECOND = 1_000
_COUNTS = (
    CallAnalysis.answered_count,
    CallAnalysis.busy_count,
    CallAnalysis.no_answer_count,
    CallAnalysis.abandoned_count,
    CallAnalysis.ivr_only_count,
    CallAnalysis.blocked_count,
    CallAnalysis.other_count,
)


def call_analysis(account: Account, words: Words) -> Iterator[Grid | Bars]:
    """By number, by hour, by province; nothing where no call of the month came in."""
    own = [row for row in account.analysis if row[CallAnalysis.usage_period] == str(account.period)]
    by_number = [row for row in own if row[CallAnalysis.dimension] == "total"]
    if not by_number:
        return
    yield _numbers(by_number, words)
    yield _hours(_summed(own, "hour"), words)
    yield _provinces(_summed(own, "province"), words)


def answered_share(rows: list[Row]) -> int | None:
    """Answered calls of all that the owner's own rules let through, in basis points; None where none is left."""
    attempts = total(rows, CallAnalysis.call_count) - total(rows, CallAnalysis.blocked_count)
    return round_ratio(total(rows, CallAnalysis.answered_count) * BASIS_POINTS, attempts, "down") if attempts else None


def _numbers(rows: list[Row], words: Words) -> Grid:
    columns = (
        Column(words("doc.number"), share=2),
        Column(words("bill.calls_in"), "count"),
        Column(words("bill.answered"), "count"),
        Column(words("bill.answered_share"), "percent"),
        *(Column(words(f"bill.{name.removesuffix('_count')}"), "count") for name in _COUNTS[1:]),
        Column(words("bill.talk_time"), "seconds"),
    )
    lines = [_line(row[CallAnalysis.service_number], [row]) for row in rows]
    totals = _line(words("doc.total"), rows) if len(rows) > 1 else None
    return Grid(
        words("bill.analysis"), columns, lines, totals, words("bill.analysis_note"), words("sheet.analysis"), 60
    )


def _line(label: str, rows: list[Row]) -> tuple[str | int | None, ...]:
    counts = [total(rows, name) for name in _COUNTS]
    seconds = round_ratio(total(rows, CallAnalysis.talk_ms), _MS_PER_SECOND)
    return (label, total(rows, CallAnalysis.call_count), counts[0], answered_share(rows), *counts[1:], seconds)


def _summed(rows: list[Row], dimension: str) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for row in rows:
        if row[CallAnalysis.dimension] == dimension:
            sums[row[CallAnalysis.value]] += row[CallAnalysis.call_count]
    return sums


def _hours(sums: dict[str, int], words: Words) -> Bars:
    hours = [f"{hour:02d}" for hour in range(24)]
    most = max(hours, key=lambda hour: (sums.get(hour, 0), -int(hour)))
    told = words("bill.by_hour_told", hour=int(most), next=int(most) + 1, most=sums.get(most, 0))
    return Bars(words("bill.by_hour"), told, [(hour, sums.get(hour, 0)) for hour in hours], marked=most)


def _provinces(sums: dict[str, int], words: Words) -> Bars:
    ranked = sorted(sums.items(), key=lambda entry: (-entry[1], entry[0]))
    shown = [(words.name(f"province.{name}", name), count) for name, count in ranked[:PROVINCES_SHOWN]]
    if rest := sum(count for _, count in ranked[PROVINCES_SHOWN:]):
        shown.append((words("bill.other_provinces", count=len(ranked) - PROVINCES_SHOWN), rest))
    known = [(name, count) for name, count in ranked if name != UNKNOWN]
    told = (
        words("bill.by_province_told", province=words.name(f"province.{known[0][0]}", known[0][0]), most=known[0][1])
        if known
        else ""
    )
    return Bars(words("bill.by_province"), told, shown, lying=True)
