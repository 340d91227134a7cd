"""Where two rules of a month meet: changes of plan, credits, discounts, floors, gaps in service."""

import datetime as dt

import pytest
from pydantic import ValidationError

from billing.charging.fees_due import billed_ahead
from billing.charging.stage import charge_accounts
from billing.core.money import yuan_exact
from billing.core.period import Period
from billing.rate_book.book import read_price_book
from billing.rate_book.check import check_book
from pipelines.books import shipped
from tests.charging.books import MINIMUM_40, NO_MOVEMENTS, OCTOBER, contracts, no_calls, rate_book, retail, usage

FEE = {"item": "fee", "kind": "recurring", "amount": "31.00", "tax_code": "value_added", "first_month": "by_day",
       "last_month": "by_day"}  # fmt: skip
BY_DAY = FEE | {"plan_change": "by_day"}
DEAR = BY_DAY | {"amount": "62.00"}
ADVANCE = FEE | {"billed": "advance"}
HALF = [{"name": "half", "on": "all", "share": "0.50", "position": "after_cap"}]
CREDITS = {"credit": "bill", "faults": "fees_by_day"}
SUBSCRIPTION = "contract_id service_number plan_id valid_from valid_to\n"
EVENT = "event_id contract_id service_number kind valid_from valid_to\n"
ONE = f"{SUBSCRIPTION}C1 4006000001 plan 2026-01-01 -"
CHANGE = f"{SUBSCRIPTION}C1 4006000001 plan 2026-01-01 2026-10-16\nC1 4006000001 other 2026-10-16 -"
METERED = "metered_id contract_id service_number item used_on quantity_millionths\n"
NO_CALLS = "day number contract"


def charged(book, period=OCTOBER, text=NO_CALLS, ahead=None):
    return charge_accounts(period, usage(text), no_calls, book, NO_MOVEMENTS, ahead=ahead).tables


def lines(tables):
    rows = tables["charge"].sort("kind", "amount_micro").iter_rows(named=True)
    return [f"{row['kind']} {yuan_exact(row['amount_micro'])}" for row in rows]


def books(*plans, subscription=ONE, **tables):
    return rate_book(*plans, contract=contracts("C1"), subscription=subscription, **tables)


def test_a_new_agreed_amount_in_mid_month_is_no_change_of_plan():
    rows = f"{SUBSCRIPTION.strip()} monthly_minimum_micro\nC1 4006000001 plan 2026-01-01 2026-10-16 40.00\n"
    rows += "C1 4006000001 plan 2026-10-16 - 50.00"
    book = books(retail(fees=[BY_DAY], minimum=MINIMUM_40), subscription=rows)
    assert lines(charged(book)) == ["recurring 31.00", "true_up 40.00"]


def test_a_plan_that_comes_back_in_the_month_counts_its_days_once():
    """Ten days on the plan, ten on the dear one, eleven on the plan again: 21.00 and 20.00."""
    rows = f"{SUBSCRIPTION}C1 4006000001 plan 2026-01-01 2026-10-11\nC1 4006000001 other 2026-10-11 2026-10-21\n"
    book = books(
        retail(fees=[BY_DAY]), retail("other", fees=[DEAR]), subscription=f"{rows}C1 4006000001 plan 2026-10-21 -"
    )
    assert lines(charged(book)) == ["recurring 20.00", "recurring 21.00"]


def test_a_fault_is_credited_at_the_plan_of_its_days():
    """Two days of the plan of 62.00: 4.00."""
    plans = retail(fees=[BY_DAY], service_credits=CREDITS), retail("other", fees=[DEAR], service_credits=CREDITS)
    fault = f"{EVENT}E1 C1 4006000001 fault 2026-10-20 2026-10-22"
    tables = charged(books(*plans, subscription=CHANGE, service_event=fault))
    assert lines(tables) == ["recurring 15.00", "recurring 32.00", "service_credit -4.00"]
    assert tables["service_credit"].select("rate_id", "days").rows() == [("other@2024-01-01", 2)]


def test_what_was_given_off_a_fee_is_not_credited():
    """31.00 less half were paid for a month without service: that is what comes back."""
    plan = retail(fees=[FEE], service_credits=CREDITS, discounts=HALF)
    book = books(plan, service_event=f"{EVENT}E1 C1 4006000001 fault 2026-10-01 2026-11-01")
    assert lines(charged(book)) == ["discount -15.50", "discount 15.50", "recurring 31.00", "service_credit -31.00"]


def test_a_fault_is_worth_what_was_held_on_its_days():
    """One seat until the 20th, ten from then on, the fault while there was one: twenty days at 1.00."""
    seats = FEE | {"item": "seats", "price": {"price": "31.00"}, "counted": "by_day"}
    del seats["amount"]
    held = "contract_id service_number item quantity valid_from valid_to\nC1 4006000001 seats 1 2026-01-01 2026-10-21\n"
    book = books(
        retail(fees=[seats], service_credits=CREDITS),
        quantity_held=f"{held}C1 4006000001 seats 10 2026-10-21 -",
        service_event=f"{EVENT}E1 C1 4006000001 fault 2026-10-01 2026-10-21",
    )
    assert lines(charged(book)) == ["recurring 130.00", "service_credit -20.00"]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (HALF, [], ["discount -7.50", "recurring 15.00", "recurring 32.00"]),
        ([], HALF, ["discount -16.00", "recurring 15.00", "recurring 32.00"]),
    ],
)
def test_a_fee_has_the_discount_of_its_own_plan(first, second, expected):
    plans = retail(fees=[BY_DAY], discounts=first), retail("other", fees=[DEAR], discounts=second)
    assert lines(charged(books(*plans, subscription=CHANGE))) == expected


def test_a_fee_in_advance_has_the_discount_of_its_month():
    """Half off from November on: October's bill holds November's fee with November's discount."""
    plan, cheap = retail(fees=[ADVANCE]), retail(fees=[ADVANCE], discounts=HALF)
    versions = plan.versions | {dt.date(2026, 11, 1): next(iter(cheap.versions.values()))}
    book = books(plan.model_copy(update={"versions": versions}))
    ahead = billed_ahead(charged(book, Period(2026, 9))["charge"], OCTOBER)
    assert lines(charged(book, ahead=ahead)) == ["discount -15.50", "recurring 31.00"]


def test_a_fee_taken_back_takes_its_discount_with_it():
    plan = retail(fees=[ADVANCE], discounts=HALF)
    ahead = billed_ahead(charged(books(plan), Period(2026, 9))["charge"], OCTOBER)
    closed = books(plan, subscription=f"{SUBSCRIPTION}C1 4006000001 plan 2026-01-01 2026-10-01")
    assert lines(charged(closed, ahead=ahead)) == ["discount 15.50", "recurring -31.00"]


def test_a_floor_and_a_cap_count_fees_as_they_are_billed():
    minimum = MINIMUM_40 | {"counts": "calls_and_fees"}
    book = books(retail(fees=[FEE], minimum=minimum, discounts=HALF))
    assert "true_up 24.50" in lines(charged(book))
    cap = {"amount": "30.00", "fee_base": "all", "scope": "number"}
    calls = "day number contract amount\n3 4006000001 C1 10.00"
    # 15.50 of fees leave 14.50 for calls: nothing is over.
    tables = charged(books(retail(fees=[FEE], cap_amount=cap, discounts=HALF)), text=calls)
    assert lines(tables) == ["discount -15.50", "discount -5.00", "recurring 31.00", "usage 10.00"]


def test_a_yearly_fee_begins_when_the_number_comes_onto_it():
    """The monthly plan until 10 October, then the yearly one: its first year begins that day, not in a year."""
    year = FEE | {"item": "year", "amount": "480.00", "every_months": "12", "first_month": "whole",
                  "last_month": "whole", "suspended": "charged"}  # fmt: skip
    rows = f"{SUBSCRIPTION}C1 4006000001 plan 2025-03-10 2026-10-10\nC1 4006000001 yearly 2026-10-10 -"
    book = books(retail(fees=[FEE]), retail("yearly", fees=[year]), subscription=rows)
    found = {str(p): lines(charged(book, p)) for p in (OCTOBER.shifted(offset) for offset in (-1, 0, 1, 5, 12))}
    assert found == {
        "2026-09": ["recurring 31.00"],
        "2026-10": ["recurring 31.00", "recurring 480.00"],
        "2026-11": [],
        "2027-03": [],
        "2027-10": ["recurring 480.00"],
    }


def test_a_number_that_comes_back_has_a_closing_and_an_opening_month():
    opening = {"item": "opening", "kind": "one_off", "amount": "100.00", "tax_code": "value_added"}
    rows = f"{SUBSCRIPTION}C1 4006000001 plan 2026-01-01 2026-03-11\nC1 4006000001 plan 2026-10-22 -"
    book = books(retail(fees=[FEE, opening]), subscription=rows)
    found = [lines(charged(book, Period(2026, month))) for month in (1, 3, 5, 10, 11)]
    assert found == [["one_off 100.00", "recurring 31.00"], ["recurring 10.00"], [], ["recurring 10.00"],
                     ["recurring 31.00"]]  # fmt: skip


def test_a_package_is_credited_once_whatever_numbers_it_has():
    late = {"working_days": 3, "calendar": "cn", "share_per_day": "0.10", "base": "prepaid_package"}
    plan = retail(fees=[FEE], service_credits={"credit": "report", "late_opening": late})
    rows = f"{SUBSCRIPTION}C1 4006000001 plan 2026-10-26 -\nC1 4006000002 plan 2026-10-26 -"
    orders = f"{EVENT}E1 C1 4006000001 order 2026-09-30 -\nE2 C1 4006000002 order 2026-09-30 -"
    contract = "contract_id customer_id agent_id total_micro\nC1 K1 A1 1000.00"
    book = rate_book(plan, contract=contract, subscription=rows, service_event=orders)
    book.prices.calendars.update(read_price_book(shipped("rate_plans")).calendars)
    credits = charged(book)["service_credit"]
    # In time until 10 October, opened on the 26th: sixteen days at a tenth are more than the whole.
    assert credits.select("service_number", "days", "credit_micro").rows() == [("4006000001", 16, 10**9)]


def test_metered_items_of_a_contract_fill_its_floor_whichever_number_has_it():
    recording = {"item": "rec", "counted": "sum", "scope": "contract", "price": {"price": "1"}, "tax_code": "voice"}
    minimum = {"per_month": "40.00", "scope": "contract", "first_month": "full", "last_month": "full",
               "counts": "calls_and_metered"}  # fmt: skip
    rows = f"{SUBSCRIPTION}C1 4006000001 plan 2026-01-01 -\nC1 4006000002 other 2026-01-01 -"
    used = f"{METERED}U1 C1 4006000002 rec 2026-10-03 100000000"
    plans = retail(), retail("other", minimum=minimum, metered=[recording])
    assert lines(charged(books(*plans, subscription=rows, metered_item=used))) == ["metered 100.00"]


def test_free_records_are_those_of_the_month_whatever_version_prices_them():
    item = {"item": "rec", "counted": "each", "scope": "number", "price": {"price": "1"}, "tax_code": "voice",
            "free_records": "2"}  # fmt: skip
    rows = "\n".join(f"U{day} C1 4006000001 rec 2026-10-{day:02} 1000000" for day in (3, 4, 5, 20, 21))
    used = METERED + rows
    plan = retail(metered=[item])
    versions = plan.versions | {dt.date(2026, 10, 16): next(iter(plan.versions.values()))}
    book = books(plan.model_copy(update={"versions": versions}), metered_item=used)
    assert lines(charged(book)) == ["metered 1.00", "metered 2.00"]


def test_an_event_of_a_number_that_the_contract_has_not_is_refused():
    for contract, expected in (("C1", []), ("C2", ["EVENT_WITHOUT_NUMBER"])):
        event = f"{EVENT}E1 {contract} 4006000001 fault 2026-10-20 2026-10-22"
        book = rate_book(retail(), contract=contracts("C1", "C2"), subscription=ONE, service_event=event)
        told = [each for each in check_book(book, lambda *_: "") if each.reason == "EVENT_WITHOUT_NUMBER"]
        assert [each.reason for each in told] == expected
        assert all(each.text("zh") and each.text("en") for each in told)


@pytest.mark.parametrize("name", ["d/fee", " d", ""])
def test_names_keep_the_parts_of_a_key_apart(name):
    with pytest.raises(ValidationError):
        retail(discounts=[{"name": name, "share": "0.1", "position": "after_cap"}])
