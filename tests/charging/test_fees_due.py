"""Fees in advance and in arrears, terms of several months, days that cost nothing."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from billing.charging.fees_due import billed_ahead
from billing.charging.stage import charge_accounts
from billing.core.money import yuan_exact
from billing.core.period import Period
from billing.rate_book.month_terms import Fee, Minimum
from billing.tables.documents import Charge
from tests.charging.books import NO_MOVEMENTS, contracts, no_calls, rate_book, retail, usage

FEE = {"item": "fee", "kind": "recurring", "amount": "31.00", "tax_code": "value_added", "first_month": "by_day",
       "last_month": "by_day"}  # fmt: skip
NO_CALLS = usage("day number contract")
START = Period(2026, 1)


def books(fee, opened, closed=None, events=(), *, plans=(), until=None):
    rows = f"contract_id service_number plan_id valid_from valid_to\nC1 4006000001 plan {opened} {closed or '-'}"
    lines = [f"E{index} C1 4006000001 {kind} {first} {end}" for index, (kind, first, end) in enumerate(events)]
    table = "\n".join(["event_id contract_id service_number kind valid_from valid_to", *lines]) if events else ""
    return rate_book(retail(fees=[fee]), *plans, contract=contracts("C1"), subscription=rows, service_event=table)


def bills(book_of, months):
    """Fees on each bill: (usage month, amount); `book_of` gives the books as they were known in a month."""
    found, charges = [], Charge.empty()
    for offset in range(months):
        period = START.shifted(offset)
        ahead = billed_ahead(charges, period)
        charges = charge_accounts(period, NO_CALLS, no_calls, book_of(period), NO_MOVEMENTS, ahead=ahead).tables[
            "charge"
        ]
        recurring = charges.filter(kind="recurring").sort("usage_period", "amount_micro")
        found.append([(row["usage_period"], row["amount_micro"]) for row in recurring.iter_rows(named=True)])
    return found


def shown(found):
    return [[f"{month} {yuan_exact(micro)}" for month, micro in bill] for bill in found]


def test_the_first_bill_holds_two_months_and_the_last_puts_it_right():
    fee = FEE | {"billed": "advance"}
    known, told = books(fee, "2026-01-12"), books(fee, "2026-01-12", "2026-03-11")
    found = bills(lambda period: told if period >= Period(2026, 3) else known, 4)
    # January: 20 of 31 days, and February whole. March: 10 of 31 days are 10.00, 31.00 were billed before.
    assert shown(found) == [["2026-01 20.00", "2026-02 31.00"], ["2026-03 31.00"], ["2026-03 -21.00"], []]


def test_a_number_that_closed_before_the_month_gets_its_fee_back():
    fee = FEE | {"billed": "advance"}
    known, told = books(fee, "2026-01-01"), books(fee, "2026-01-01", "2026-02-01")
    # What was billed in January for February stands; the closing became known in February.
    assert shown(bills(lambda period: told if period >= Period(2026, 2) else known, 2)) == [
        ["2026-01 31.00", "2026-02 31.00"], ["2026-02 -31.00"]]  # fmt: skip


DAYS = st.dates(dt.date(2025, 11, 1), dt.date(2026, 9, 30))
EVENT = st.tuples(st.sampled_from(["suspension", "gift", "fault"]), DAYS, st.integers(1, 100)).map(
    lambda e: (e[0], e[1], e[1] + dt.timedelta(days=e[2]))
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["whole", "by_day", "next_month"]),
    st.sampled_from(["whole", "by_day"]),
    st.sampled_from(["charged", "whole_months_free", "by_day"]),
    st.dates(dt.date(2026, 1, 1), dt.date(2026, 6, 30)),
    st.integers(1, 200),
    st.lists(EVENT, max_size=3),
    st.integers(0, 10),
)
def test_in_advance_comes_to_what_arrears_come_to(first, last, suspended, opened, lasts, events, known_from):
    """Whatever becomes known when: each month is settled on its own bill at the latest."""
    closed, told_in = opened + dt.timedelta(days=lasts), START.shifted(known_from)
    fee = FEE | {"first_month": first, "last_month": last, "suspended": suspended}
    final = books(fee, opened, closed, events)
    arrears = bills(lambda _: final, 14)
    ahead = fee | {"billed": "advance"}
    before, after = books(ahead, opened), books(ahead, opened, closed, events)
    advance = bills(lambda period: after if period >= told_in else before, 14)
    sums: dict[str, int] = {}
    for month, micro in (line for bill in advance for line in bill):
        sums[month] = sums.get(month, 0) + micro
    settled = {month: micro for month, micro in sums.items() if micro}
    due = {month: micro for bill in arrears for month, micro in bill}
    assert {m: v for m, v in settled.items() if m >= str(told_in)} == {
        m: v for m, v in due.items() if m >= str(told_in)
    }


@pytest.mark.parametrize(
    ("rule", "events", "days"),
    [
        ("charged", [("suspension", "2026-03-05", "2026-03-15")], 31),
        ("whole_months_free", [("suspension", "2026-03-05", "2026-03-15")], 31),
        ("whole_months_free", [("suspension", "2026-03-01", "2026-04-01")], 0),
        ("whole_months_free", [("suspension", "2026-02-20", "2026-03-16"), ("suspension", "2026-03-16", "-")], 0),
        ("by_day", [("suspension", "2026-03-05", "2026-03-15")], 21),
        # The day on which two meet counts once.
        ("by_day", [("suspension", "2026-03-05", "2026-03-15"), ("gift", "2026-03-14", "2026-03-16")], 20),
        ("charged", [("gift", "2026-03-05", "2026-03-15")], 21),
        ("charged", [("fault", "2026-03-05", "2026-03-15")], 31),
        # Given away in part and suspended for the rest: no day is left that anybody would pay for.
        ("whole_months_free", [("suspension", "2026-03-01", "2026-03-15"), ("gift", "2026-03-15", "-")], 0),
    ],
)
def test_days_that_cost_something(rule, events, days):
    book = books(FEE | {"suspended": rule}, "2026-01-01", None, events)
    charges = charge_accounts(Period(2026, 3), NO_CALLS, no_calls, book, NO_MOVEMENTS).tables["charge"]
    assert charges["amount_micro"].sum() == days * 1_000_000


@pytest.mark.parametrize(
    ("opened", "closed", "months"),
    [
        ("2025-01-31", None, ["2026-01"]),
        ("2025-04-30", None, ["2026-04"]),
        ("2025-03-15", "2026-03-15", []),  # the year that would begin on the closing day
        ("2025-03-15", "2026-03-16", ["2026-03"]),
        ("2026-02-10", None, ["2026-02"]),
    ],
)
def test_a_yearly_fee_comes_when_a_year_begins(opened, closed, months):
    fee = FEE | {"every_months": "12", "first_month": "whole", "last_month": "whole", "suspended": "charged"}
    found = bills(lambda _: books(fee, opened, closed), 6)
    assert [month for bill in found for month, _ in bill] == months


def test_a_quarterly_fee_in_advance():
    fee = FEE | {"every_months": "3", "first_month": "whole", "last_month": "whole", "suspended": "charged",
                 "billed": "advance"}  # fmt: skip
    # Opened on 31 January: terms begin on 31 January and 30 April; the bill before holds the second.
    assert shown(bills(lambda _: books(fee, "2026-01-31"), 5)) == [["2026-01 31.00"], [], ["2026-04 31.00"], [], []]


@pytest.mark.parametrize(
    "changed",
    [
        {"every_months": "12"},
        {"every_months": "0"},
        {"billed": "later"},
        {"suspended": "never"},
        {"kind": "one_off", "billed": "advance"},
        {"kind": "one_off", "suspended": "charged"},
    ],
)
def test_a_fee_that_means_nothing_is_refused(changed):
    with pytest.raises(ValidationError):
        Fee.model_validate(FEE | changed)


def test_a_yearly_minimum_has_no_suspended_months():
    yearly = {"per_year": "480.00", "scope": "number", "last_month": "actual", "suspended": "by_day"}
    with pytest.raises(ValidationError, match="a year counts whatever was suspended"):
        Minimum.model_validate(yearly)


CHANGE = """
contract_id service_number plan_id valid_from valid_to
C1          4006000001     plan    2025-06-01 2026-01-16
C1          4006000001     dear    2026-01-16 -
"""


def changing(first, second, subscription=CHANGE, **terms):
    plans = retail(fees=[first], **terms), retail("dear", fees=[second], **terms)
    return rate_book(*plans, contract=contracts("C1"), subscription=subscription)


@pytest.mark.parametrize(
    ("first", "second", "january", "february"),
    [
        ({}, {"amount": "62.00"}, ["31.00"], ["62.00"]),
        ({"plan_change": "by_day"}, {"amount": "62.00", "plan_change": "by_day"}, ["15.00", "32.00"], ["62.00"]),
        # By days only where both say so, else the version of the first day counts whole.
        ({}, {"amount": "62.00", "plan_change": "by_day"}, ["31.00"], ["62.00"]),
        ({"plan_change": "by_day"}, {"amount": "62.00"}, ["31.00"], ["62.00"]),
    ],
)
def test_a_plan_changed_in_mid_month(first, second, january, february):
    book = changing(FEE | first, FEE | second)
    found = bills(lambda _: book, 2)
    assert [[yuan_exact(micro) for _, micro in bill] for bill in found] == [january, february]


def test_a_plan_changed_in_mid_month_was_billed_in_advance():
    """In December 31.00 were billed for January; of the old plan 15.00 are due, of the new one 32.00."""
    terms = {"billed": "advance", "plan_change": "by_day"}
    told = changing(FEE | terms, FEE | terms | {"amount": "62.00"})
    known = changing(FEE | terms, FEE | terms, CHANGE.replace("2026-01-16 \n", "-\n").replace("2026-01-16", "-", 1)
                     .replace("C1          4006000001     dear    2026-01-16 -\n", ""))  # fmt: skip
    december = charge_accounts(Period(2025, 12), NO_CALLS, no_calls, known, NO_MOVEMENTS).tables["charge"]
    assert december["usage_period"].to_list()[-1] == "2026-01"
    ahead = billed_ahead(december, START)
    charges = charge_accounts(START, NO_CALLS, no_calls, told, NO_MOVEMENTS, ahead=ahead).tables["charge"]
    found = {
        (row["usage_period"], row["rate_id"]): yuan_exact(row["amount_micro"]) for row in charges.iter_rows(named=True)
    }
    assert found == {
        ("2026-01", "plan@2024-01-01"): "-16.00",
        ("2026-01", "dear@2024-01-01"): "32.00",
        ("2026-02", "dear@2024-01-01"): "62.00",
    }


def test_segments_of_a_plan_with_a_new_version():
    """A new version of the same plan on 11 January: 10 days at 31.00, 21 at 62.00."""
    plan = retail(fees=[FEE | {"plan_change": "by_day"}])
    dear = retail(fees=[FEE | {"amount": "62.00", "plan_change": "by_day"}])
    versions = plan.versions | {dt.date(2026, 1, 11): next(iter(dear.versions.values()))}
    rows = "contract_id service_number plan_id valid_from\nC1 4006000001 plan 2025-06-01"
    book = rate_book(plan.model_copy(update={"versions": versions}), contract=contracts("C1"), subscription=rows)
    assert [yuan_exact(micro) for _, micro in bills(lambda _: book, 1)[0]] == ["10.00", "42.00"]
