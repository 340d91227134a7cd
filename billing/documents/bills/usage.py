"""How a customer's numbers were used: what of the packages is left, calls by day, and what callers paid."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator

from billing.core.money import PARTS, round_ratio
from billing.documents.bills.account import Account
from billing.documents.model import Bars, Column, Grid, Kind, Meter, Meters
from billing.documents.printed import printed
from billing.documents.rows import Row, total
from billing.documents.words import Words
from billing.tables.calls import UsageTotal
from billing.tables.documents import AllowanceMovement, CallerShare
from billing.tables.schema import MICRO_YUAN

_KINDS: dict[str, Kind] = {"second": "seconds", "call": "count", "part": "price", MICRO_YUAN: "price"}


def pools(account: Account, words: Words) -> Iterator[Meters | Grid]:
    """Packages: what each gave, what was drawn and what is left; nothing where the customer has none."""
    movements = [row for row in account.allowances if _given(row) or row[AllowanceMovement.drawn]]
    if not movements:
        return
    yield Meters(words("bill.pools"), [_meter(row, words) for row in movements if _given(row) > 0])
    columns = (
        Column(words("bill.pool"), share=3),
        Column(words("doc.number"), share=2),
        Column(words("bill.pool_from"), "date"),
        Column(words("bill.pool_until"), "date"),
        *(Column(words(f"bill.pool_{name}"), share=2) for name in ("granted", "drawn", "lapsed", "remaining")),
    )
    yield Grid(words("bill.pool_movements"), columns, [_movement(row, words) for row in movements])


def _given(row: Row) -> int:
    """What there was to draw from in the month: all that was drawn, lapsed or is left."""
    return int(row[AllowanceMovement.drawn] + row[AllowanceMovement.lapsed] + row[AllowanceMovement.remaining])


def _meter(row: Row, words: Words) -> Meter:
    unit = row[AllowanceMovement.counted_in]
    left = _amount(row[AllowanceMovement.remaining], unit, words)
    label = _name(row, words)
    if row[AllowanceMovement.service_number]:
        label = f"{label} {row[AllowanceMovement.service_number]}"
    # Of a minimum of the year calls draw what is agreed; what is left of it is missing.
    rest = "missing" if unit == MICRO_YUAN else "left"
    used, given = _in_kind(row[AllowanceMovement.drawn], unit), _in_kind(_given(row), unit)
    return Meter(label, used, given, _KINDS[unit], words(f"bill.pool_{rest}", left=left))


def _movement(row: Row, words: Words) -> tuple[str | None, ...]:
    unit = row[AllowanceMovement.counted_in]
    amounts = (
        _amount(row[name], unit, words)
        for name in (
            AllowanceMovement.granted,
            AllowanceMovement.drawn,
            AllowanceMovement.lapsed,
            AllowanceMovement.remaining,
        )
    )
    return (
        _name(row, words),
        row[AllowanceMovement.service_number] or words("bill.shared"),
        row[AllowanceMovement.granted_on],
        row[AllowanceMovement.expires_on],
        *amounts,
    )


def _amount(amount: int, unit: str, words: Words) -> str:
    text = printed(_in_kind(amount, unit), _KINDS[unit], words.lang)
    if unit == "call":
        return words("bill.calls", count=text)
    return words("bill.yuan", amount=text) if unit in ("part", MICRO_YUAN) else text


def _name(row: Row, words: Words) -> str:
    name = row[AllowanceMovement.allowance]
    return words.name(f"allowance.{name}", name)


def _in_kind(amount: int, unit: str) -> int:
    return round_ratio(amount, PARTS) if unit == "part" else amount


def days(account: Account, words: Words) -> Iterator[Bars | Grid]:
    """Calls by day as a chart, and by day and number as a list for the workbook."""
    own = [row for row in account.usage if row[UsageTotal.usage_date] >= account.period.start]
    if not own:
        return
    calls: dict[int, int] = defaultdict(int)
    for row in own:
        calls[row[UsageTotal.usage_date].day] += row[UsageTotal.call_count]
    most = max(calls, key=lambda day: (calls[day], -day))
    yield Bars(
        words("bill.by_day"),
        words("bill.by_day_told", count=sum(calls.values()), day=most, most=calls[most]),
        [(str(day.day), calls[day.day]) for day in account.period.days()],
        marked=str(most),
    )
    yield _by_day(own, words)


def _by_day(rows: list[Row], words: Words) -> Grid:
    names = ("call_count", "billed_seconds", "charged_seconds", "amount_micro")
    sums: dict[tuple[dt.date, str], list[int]] = {}
    for row in rows:
        key = (row[UsageTotal.usage_date], row[UsageTotal.service_number])
        so_far = sums.setdefault(key, [0] * len(names))
        sums[key] = [before + row[name] for before, name in zip(so_far, names, strict=True)]
    columns = (
        Column(words("bill.day"), "date"),
        Column(words("doc.number"), share=2),
        Column(words("bill.calls_in"), "count"),
        Column(words("bill.billed_time"), "seconds"),
        Column(words("bill.charged_time"), "seconds"),
        Column(words("bill.first_price"), "price"),
    )
    return Grid(
        words("bill.by_day_list"),
        columns,
        [(*key, *sums[key]) for key in sorted(sums)],
        (words("doc.total"), "", *(total(rows, name) for name in names)),
        note=words("bill.first_price_note"),
        sheet=words("sheet.days"),
        limit=0,
    )


def callers_share(account: Account, words: Words) -> Iterator[Grid]:
    """What callers paid to their own carriers: information, never part of the bill."""
    if not account.shares:
        return
    rows = [
        (
            row[CallerShare.service_number],
            row[CallerShare.call_count],
            row[CallerShare.least_micro],
            row[CallerShare.most_micro],
        )
        for row in account.shares
    ]
    columns = (
        Column(words("doc.number"), share=3),
        Column(words("bill.answered"), "count"),
        Column(words("bill.least"), "money"),
        Column(words("bill.most"), "money"),
    )
    yield Grid(words("bill.callers_share"), columns, rows, note=words("bill.callers_share_note"))
