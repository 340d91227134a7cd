"""The years that calendars must hold: those of the months asked about in which a version goes by the calendar."""

import dataclasses

import pytest

from billing.core.period import Period
from billing.rate_book.check import calendar_years, check_book
from billing.rate_book.plans import RetailPlan
from billing.rate_book.windows import Calendar
from tests.charging.books import rate_book, retail

CALL = {"schedule": "60/60", "price_per_minute": "0.10"}
HOLIDAYS = {"name": "off", "days": ["holiday"], "since": "00:00", "until": "24:00", "call": CALL}
WITH = {"call": CALL, "windows": [HOLIDAYS], "calendar": "cn", "straddle": "start"}
WITHOUT = {"call": CALL}


def book_of(years, **versions):
    days = {"holidays": [], "make_up_days": []}
    calendar = Calendar.model_validate(
        {"calendar": "cn", "description": {}, "reference": {}, "years": dict.fromkeys(years, days)}
    )
    terms = {day.removeprefix("from_").replace("_", "-"): version for day, version in versions.items()}
    plan = RetailPlan.model_validate(retail().model_dump(exclude={"versions", "words", "tests"}) | {"versions": terms})
    book = rate_book(plan)
    return dataclasses.replace(book, prices=dataclasses.replace(book.prices, calendars={"cn": calendar}))


def years(book, first, last):
    found = list(calendar_years(book, Period.parse(first), Period.parse(last)))
    assert all((each.severity, each.where) == ("critical", "rate_plans/calendars/cn.yaml") for each in found)
    assert all((each.values["plan"], each.values["calendar"]) == ("plan", "cn") for each in found)
    return [each.values["year"] for each in found]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2026-01", "2026-12", []),
        ("2026-01", "2027-01", [2027]),
        ("2025-12", "2026-12", [2025]),
        ("2025-12", "2028-01", [2025, 2027, 2028]),
    ],
)
def test_every_year_of_the_months(first, last, expected):
    assert years(book_of([2026], from_2020_01_01=WITH), first, last) == expected


def test_versions_need_only_their_own_years():
    book = book_of([2026], from_2024_01_01=WITHOUT, from_2026_01_01=WITH, from_2027_01_01=WITHOUT)
    assert years(book, "2024-01", "2029-12") == []
    book = book_of([2026], from_2024_01_01=WITHOUT, from_2026_01_01=WITH, from_2027_01_02=WITHOUT)
    assert years(book, "2024-01", "2029-12") == [2027]
    assert years(book_of([2026], from_2026_01_01=WITH, from_2027_01_01=None), "2026-01", "2029-12") == []


def test_a_call_split_at_midnight_goes_on_into_the_next_year():
    split = {**WITH, "straddle": "split", "at_edge": "restart"}
    assert years(book_of([2026], from_2020_01_01=split), "2026-01", "2026-12") == [2027]
    assert years(book_of([2026], from_2020_01_01=split), "2026-01", "2026-11") == []


def test_the_first_month_is_looked_at_whenever_a_book_is_read():
    found = [each.reason for each in check_book(book_of([2025], from_2020_01_01=WITH), lambda *_: "")]
    assert found.count("CALENDAR_YEAR_NEEDED") == 1
