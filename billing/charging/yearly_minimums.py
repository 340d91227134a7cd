"""Yearly minimums: what the call charges of a contract year lack of the agreed floor, charged when the year ends.

Domain rule 10.11: the year runs from the day the number (or the first number of the contract) opened. What months have
filled of it stands in `allowance_movement`, as a lot that is granted with the year and drawn by call charges; what is
left when it expires is the true-up. In the month in which a year ends on another day than the last, calls count by the
day on which they start, before credits; credits of that month count to the new year.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import polars as pl

from billing.charging.account_terms import Account, AccountTerms
from billing.charging.charge_rows import Item
from billing.charging.month_usage import MonthUsage, exact
from billing.charging.running_bill import RunningBill
from billing.core.money import PARTS, fen_of, yuan_exact
from billing.core.period import Period, add_years
from billing.tables.calls import UsageTotal
from billing.tables.documents import AllowanceMovement

NAME = "minimum_of_year"
"""Stands for the allowance in the movements of a yearly minimum."""


@dataclass(frozen=True)
class _Year:
    """A contract year of an owner; `ends_on` is its first day outside, earlier where service closes."""

    group: Sequence[AccountTerms]
    owner: str | None
    starts_on: dt.date
    ends_on: dt.date
    floor_micro: int

    @property
    def key(self) -> str:
        return f"{self.group[0].contract_id}/{self.owner or '*'}/{NAME}/{self.starts_on}"


def yearly_true_ups(
    period: Period, terms: Sequence[AccountTerms], month: MonthUsage, bill: RunningBill, movements: pl.DataFrame
) -> tuple[list[tuple[AccountTerms, str | None, Item]], list[dict[str, Any]]]:
    """The true-ups of years that end in a month, and how the month moved every year's floor.

    Args:
        period: the month.
        terms: terms of every number.
        month: its calls by day, as allowances left them.
        bill: call charges of the month after all credits.
        movements: `AllowanceMovement` rows of other months.
    """
    found: list[tuple[AccountTerms, str | None, Item]] = []
    rows: list[dict[str, Any]] = []
    sums = movements.filter(pl.col("allowance") == NAME).group_by("lot_key").agg(pl.col("granted", "drawn").sum())
    stated = {row[0]: (row[1], row[2]) for row in sums.iter_rows()}
    for group, owner in _groups(terms):
        years = _years(group, owner, period)
        for year in years:
            granted, drawn_before = stated.get(year.key, (0, 0))
            opening = (granted or year.floor_micro) - drawn_before
            counted = _counted(year, years, period, month, bill)
            drawn = max(0, min(opening, counted))
            left = max(0, opening - drawn)
            is_over = year.ends_on <= period.end
            rows.append(_movement(year, period, 0 if granted else year.floor_micro, drawn, left, is_over=is_over))
            if is_over and left:
                found.append((group[0], owner, _item(year, left)))
    return found, rows


def _groups(terms: Sequence[AccountTerms]) -> list[tuple[list[AccountTerms], str | None]]:
    groups: dict[tuple[str, str | None], list[AccountTerms]] = {}
    for each in terms:
        minimum = each.version.minimum
        if minimum is not None and minimum.per_year is not None:
            owner = each.service_number if minimum.scope == "number" else None
            groups.setdefault((each.contract_id, owner), []).append(each)
    return [(group, owner) for (_, owner), group in groups.items()]


def _years(group: Sequence[AccountTerms], owner: str | None, period: Period) -> list[_Year]:
    """The contract years that touch the month; the last one ends where service closes, with the floor as it is read."""
    minimum = group[0].version.minimum
    assert minimum is not None and minimum.per_year is not None, "the group has a yearly minimum"
    opened_on = group[0].opened_on if owner else group[0].contract_opened_on
    outside = [each.days_after for each in group]
    closed_on = (
        period.end - dt.timedelta(days=min(days for days in outside if days is not None))
        if all(days is not None for days in outside)
        else None
    )
    years = []
    for index in range(max(0, period.start.year - opened_on.year - 1), period.end.year - opened_on.year + 1):
        start, end = add_years(opened_on, index), add_years(opened_on, index + 1)
        if start >= period.end or end <= period.start or (closed_on and start >= closed_on):
            continue
        floor = minimum.per_year
        if closed_on and closed_on < end:
            days, whole = (closed_on - start).days, (end - start).days
            floor = {"actual": 0, "full": floor, "prorate": fen_of(Fraction(floor * days, whole))}[minimum.last_month]
            end = closed_on
        years.append(_Year(group, owner, start, end, floor))
    return years


def _counted(year: _Year, years: Sequence[_Year], period: Period, month: MonthUsage, bill: RunningBill) -> int:
    """Call charges of the month that fill a year: all of them, or those of its days where two years meet."""
    accounts = {each.account for each in year.group}
    billed = sum(bill.billed.get(account, 0) for account in accounts)
    if len(years) == 1:
        return billed
    edge = years[1].starts_on
    before = _before(month, accounts, edge)
    return before if year is years[0] else billed - before


def _before(month: MonthUsage, accounts: set[Account], edge: dt.date) -> int:
    rows = month.daily.filter(pl.col(UsageTotal.usage_date) < edge).select(
        UsageTotal.contract_id, UsageTotal.service_number, exact().alias("parts")
    )
    parts = sum(parts for contract, number, parts in rows.iter_rows() if (contract, number) in accounts)
    return fen_of(Fraction(parts, PARTS))


def _item(year: _Year, missing: int) -> Item:
    first = year.group[0]
    explanation: Mapping[str, str] = {
        "floor": yuan_exact(year.floor_micro),
        "counted": yuan_exact(year.floor_micro - missing),
        "year": f"{year.starts_on} - {year.ends_on - dt.timedelta(days=1)}",
    }
    plan, rate_id = first.plan, first.rate_id
    detail = str(year.starts_on)
    return Item("true_up", "true_up", plan.product, rate_id, plan.tax_code, 1, "once", missing, explanation, detail)


def _movement(year: _Year, period: Period, granted: int, drawn: int, left: int, *, is_over: bool) -> dict[str, Any]:
    return {
        AllowanceMovement.lot_key: year.key,
        AllowanceMovement.period: str(period),
        AllowanceMovement.usage_period: str(period),
        AllowanceMovement.contract_id: year.group[0].contract_id,
        AllowanceMovement.service_number: year.owner,
        AllowanceMovement.allowance: NAME,
        AllowanceMovement.granted_on: year.starts_on,
        AllowanceMovement.expires_on: year.ends_on,
        AllowanceMovement.counted_in: "1e-6 CNY",
        AllowanceMovement.granted: granted,
        AllowanceMovement.drawn: drawn,
        AllowanceMovement.lapsed: left if is_over else 0,
        AllowanceMovement.remaining: 0 if is_over else left,
    }
