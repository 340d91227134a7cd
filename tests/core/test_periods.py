"""Months are half-open: every day lies in exactly one, contract years turn on the anniversary."""

import datetime as dt
import itertools

import pytest

from billing.core.period import Period, add_years, contract_year

D = dt.date.fromisoformat


@pytest.mark.parametrize(
    "text", ["2026-1", "2026-13", "2026-00", "202610", "2026-10-01", "2026/10", "", "２０２６-10", " 2026-10"]
)
def test_what_is_no_period(text):
    with pytest.raises(ValueError, match="period"):
        Period.parse(text)


def test_every_day_of_four_years_lies_in_one_period():
    day = D("2023-12-01")
    while day < D("2028-03-01"):
        period = Period.of(day)
        assert period.start <= day < period.end
        assert Period.parse(str(period)) == period
        day += dt.timedelta(days=1)


def test_periods_meet_without_gap_or_overlap():
    periods = [Period(2023, 11).shifted(months) for months in range(30)]
    for one, following in itertools.pairwise(periods):
        assert one.end == following.start
        assert following.shifted(-1) == one
        assert list(one.days())[-1] + dt.timedelta(days=1) == following.start
        assert len(list(one.days())) == one.day_count


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("2026-09-01", None, 31),
        ("2026-10-01", "2026-11-01", 31),
        ("2026-10-31", None, 1),
        ("2026-11-01", None, 0),
        ("2026-09-01", "2026-10-01", 0),
        ("2026-09-01", "2026-10-02", 1),
        ("2026-10-12", "2026-10-12", 0),
    ],
)
def test_days_in_service(first, last, days):
    assert Period(2026, 10).days_active(D(first), D(last) if last else None) == days


@pytest.mark.parametrize(
    ("start", "day", "year"),
    [
        ("2024-02-29", "2024-02-28", 0),
        ("2024-02-29", "2024-02-29", 1),
        ("2024-02-29", "2025-02-27", 1),
        ("2024-02-29", "2025-02-28", 2),
        ("2024-02-29", "2028-02-28", 4),
        ("2024-02-29", "2028-02-29", 5),
        ("2026-01-10", "2027-01-09", 1),
        ("2026-01-10", "2027-01-10", 2),
    ],
)
def test_contract_years_turn_on_the_anniversary(start, day, year):
    assert contract_year(D(start), D(day)) == year


def test_anniversary_of_a_leap_day():
    assert [str(add_years(D("2024-02-29"), years)) for years in (1, 4)] == ["2025-02-28", "2028-02-29"]
