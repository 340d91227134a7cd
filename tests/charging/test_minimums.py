import datetime as dt

import pytest

from billing.charging.minimums import floor_of_days, true_up
from billing.charging.stage import charge_accounts
from billing.core.money import micro_from_text, yuan_exact
from tests.charging.books import (
    MINIMUM_40,
    NO_MOVEMENTS,
    OCTOBER,
    contracts,
    due,
    no_calls,
    rate_book,
    retail,
    shown,
    usage,
)

YUAN = 1_000_000


@pytest.mark.parametrize(
    ("per_month", "day_rate", "days", "day_count", "floor"),
    [
        ("50.00", None, 20, 30, "33.33"),  # 50 x 20/30 = 33.333...
        ("50.00", "1.65", 20, 30, "33.00"),  # opened on 11 April: 20 days x 1.65
        ("50.00", "1.65", 31, 31, "50.00"),  # a whole month costs the month, not 51.15
        ("50.00", "2.00", 29, 30, "50.00"),  # 58.00 would be more than the month
        ("50.00", None, 30, 30, "50.00"),
        ("50.00", None, 0, 30, "0.00"),
        ("0.01", None, 15, 30, "0.01"),  # half a fen goes up
        ("0.01", None, 14, 30, "0.00"),
    ],
)
def test_floor_of_days(per_month, day_rate, days, day_count, floor):
    rate = None if day_rate is None else micro_from_text(day_rate)
    assert yuan_exact(floor_of_days(micro_from_text(per_month), rate, days, day_count)) == floor


@pytest.mark.parametrize(
    ("floor", "counted", "missing"),
    [("40.00", "32.40", "7.60"), ("40.00", "40.00", "0.00"), ("40.00", "60.00", "0.00"), ("50.00", "0.00", "50.00")],
)
def test_true_up(floor, counted, missing):
    assert yuan_exact(true_up(micro_from_text(floor), micro_from_text(counted))) == missing


def test_usage_below_the_floor_is_filled_up():
    book = rate_book(retail(minimum=MINIMUM_40), contract=contracts("C1"), subscription=SINCE_JANUARY)
    out = charge_accounts(
        OCTOBER, usage("day number contract amount\n3 4006000001 C1 32.40"), no_calls, book, NO_MOVEMENTS
    )
    assert shown(out.tables["charge"]) == ["4006000001 true_up 7.60", "4006000001 usage 32.40"]
    assert out.findings == []


THREE_NUMBERS = """
    contract_id service_number plan_id valid_from
    C1          4006000001     plan    2026-01-01
    C1          4006000002     plan    2026-01-01
    C1          4006000003     plan    2026-01-01
"""


@pytest.mark.parametrize(
    ("amounts", "missing"),
    [
        (("100.00", "0.00", "0.00"), "50.00"),  # 150 - 100: the golden vector, due 150.00
        (("60.00", "60.00", "30.00"), None),  # exactly the pool
        (("10.00", "0.00", "20.00"), "120.00"),
        (("500.00", "0.00", "0.00"), None),
    ],
)
def test_a_contract_may_pool_the_floors_of_its_numbers(amounts, missing):
    pooled = MINIMUM_40 | {"per_month": "50.00", "scope": "contract"}
    book = rate_book(retail(minimum=pooled), contract=contracts("C1"), subscription=THREE_NUMBERS)
    text = "\n".join(f"3 400600000{index} C1 {amount}" for index, amount in enumerate(amounts, 1))
    out = charge_accounts(OCTOBER, usage(f"day number contract amount\n{text}"), no_calls, book, NO_MOVEMENTS)
    found = [line for line in shown(out.tables["charge"]) if "true_up" in line]
    assert found == ([f"* true_up {missing}"] if missing else [])


def test_a_pool_holds_what_opened_in_the_month_by_its_own_reading():
    """Two floors of 50; one number opens on the 17th: 15 of 31 days, 24.19. Usage 60: 74.19 - 60 = 14.19."""
    pooled = MINIMUM_40 | {"per_month": "50.00", "scope": "contract", "first_month": "prorate"}
    book = rate_book(
        retail(minimum=pooled),
        contract=contracts("C1"),
        subscription="""
        contract_id service_number plan_id valid_from
        C1          4006000001     plan    2026-01-01
        C1          4006000002     plan    2026-10-17
        """,
    )
    out = charge_accounts(
        OCTOBER, usage("day number contract amount\n3 4006000001 C1 60.00"), no_calls, book, NO_MOVEMENTS
    )
    assert "* true_up 14.19" in shown(out.tables["charge"])


def test_every_number_has_its_own_floor():
    """50/50/50 with usage 100/0/0 costs 100 + 50 + 50 = 200, not the 150 of one pooled floor."""
    book = rate_book(
        retail(minimum=MINIMUM_40 | {"per_month": "50.00"}),
        contract=contracts("C1"),
        subscription="""
        contract_id service_number plan_id valid_from
        C1          4006000001     plan    2026-01-01
        C1          4006000002     plan    2026-01-01
        C1          4006000003     plan    2026-01-01
        """,
    )
    out = charge_accounts(
        OCTOBER, usage("day number contract amount\n3 4006000001 C1 100.00"), no_calls, book, NO_MOVEMENTS
    )
    assert due(out.tables["charge"]) == "200.00"


@pytest.mark.parametrize(
    ("first_month", "last_month", "day_rate", "valid_from", "valid_to", "usage_amount", "expected"),
    [
        # October has 31 days; the floor is 40.00.
        ("actual", "actual", "exact", "2026-09-30", "-", "0", "40.00"),  # opened last month: whole floor
        ("actual", "actual", "exact", "2026-10-11", "-", "0", None),  # opening month: no floor
        ("actual", "actual", "exact", "2026-10-01", "-", "0", "40.00"),  # opened on the 1st: in service every day
        ("full", "actual", "exact", "2026-10-11", "-", "0", "40.00"),
        ("prorate", "actual", "exact", "2026-10-11", "-", "0", "27.10"),  # 40 x 21/31 = 27.096...
        ("prorate", "actual", "1.65", "2026-10-11", "-", "0", "34.65"),  # 1.65 x 21
        ("prorate", "actual", "1.65", "2026-10-11", "-", "60", None),  # usage is above it
        ("actual", "actual", "exact", "2026-01-01", "2026-10-21", "0", None),  # closing month: no floor
        ("actual", "prorate", "exact", "2026-01-01", "2026-10-21", "0", "25.81"),  # 40 x 20/31 = 25.806...
        ("actual", "full", "exact", "2026-01-01", "2026-10-21", "0", "40.00"),
        ("actual", "prorate", "exact", "2026-01-01", "2026-11-01", "0", "40.00"),  # last day 31 October: all days
        ("actual", "actual", "exact", "2026-01-01", "2026-11-02", "0", "40.00"),  # closes next month
        ("prorate", "prorate", "exact", "2026-10-11", "2026-10-21", "0", "12.90"),  # 40 x 10/31 = 12.903...
        ("full", "actual", "exact", "2026-10-11", "2026-10-21", "0", None),  # the milder rule wins
    ],
)
def test_opening_and_closing_month(first_month, last_month, day_rate, valid_from, valid_to, usage_amount, expected):
    terms = MINIMUM_40 | {"first_month": first_month, "last_month": last_month, "prorate_day_rate": day_rate}
    rows = f"contract_id service_number plan_id valid_from valid_to\nC1 4006000001 plan {valid_from} {valid_to}"
    book = rate_book(retail(minimum=terms), contract=contracts("C1"), subscription=rows)
    calls = usage(f"day number contract amount\n12 4006000001 C1 {usage_amount}")
    charges = charge_accounts(OCTOBER, calls, no_calls, book, NO_MOVEMENTS).tables["charge"]
    true_ups = [yuan_exact(row["amount_micro"]) for row in charges.iter_rows(named=True) if row["kind"] == "true_up"]
    assert true_ups == ([] if expected is None else [expected])


def test_a_number_that_changes_owners_closes_for_the_first_and_opens_for_the_second():
    book = rate_book(
        retail(minimum=MINIMUM_40 | {"first_month": "prorate", "last_month": "prorate"}),
        contract=contracts("C1", "C2"),
        subscription="""
        contract_id service_number plan_id valid_from valid_to
        C1          4006000001     plan    2026-01-01 2026-10-11
        C2          4006000001     plan    2026-10-11 -
        """,
    )
    charges = charge_accounts(OCTOBER, usage("day number contract"), no_calls, book, NO_MOVEMENTS).tables["charge"]
    # 40 x 10/31 = 12.903..., 40 x 21/31 = 27.096...
    assert shown(charges, "contract_id") == ["4006000001 true_up 12.90 C1", "4006000001 true_up 27.10 C2"]


def test_the_version_in_force_on_the_first_governs_the_month():
    plan = retail(minimum=MINIMUM_40)
    dearer = retail(start="2026-10-10", minimum=MINIMUM_40 | {"per_month": "90.00"})
    both = plan.model_copy(update={"versions": {**plan.versions, **dearer.versions}})
    book = rate_book(both, contract=contracts("C1"), subscription=SINCE_JANUARY)
    charges = charge_accounts(OCTOBER, usage("day number contract"), no_calls, book, NO_MOVEMENTS).tables["charge"]
    assert shown(charges, "rate_id") == ["4006000001 true_up 40.00 plan@2024-01-01"]
    november = charge_accounts(OCTOBER.shifted(1), usage("day number contract"), no_calls, book, NO_MOVEMENTS).tables[
        "charge"
    ]
    assert shown(november, "rate_id") == ["4006000001 true_up 90.00 plan@2026-10-10"]


@pytest.mark.parametrize(
    ("trial_until", "expected"),
    [
        ("2026-11-01", []),  # the trial covers the month
        ("2026-10-21", ["4006000001 true_up 14.19"]),  # paid service opens on the 21st: 40 x 11/31 = 14.193...
        ("2026-09-21", ["4006000001 true_up 40.00"]),
    ],
)
def test_a_free_trial_owes_no_minimum(trial_until, expected):
    trial = f"contract_id customer_id agent_id trial_until\nC1 K1 A1 {trial_until}"
    terms = retail(minimum=MINIMUM_40 | {"first_month": "prorate"})
    book = rate_book(terms, contract=trial, subscription=SINCE_JANUARY)
    assert (
        shown(charge_accounts(OCTOBER, usage("day number contract"), no_calls, book, NO_MOVEMENTS).tables["charge"])
        == expected
    )


def test_an_agreed_minimum_replaces_the_plans():
    book = rate_book(retail(minimum=MINIMUM_40), contract=contracts("C1"), subscription=AGREED_60)
    charges = charge_accounts(OCTOBER, usage("day number contract"), no_calls, book, NO_MOVEMENTS).tables["charge"]
    assert shown(charges, "explanation") == ['4006000001 true_up 60.00 {"counted":"0.00","floor":"60.00"}']
    assert charges["supply_date"].to_list() == [dt.date(2026, 10, 31)]


def test_an_agreed_minimum_without_a_reading_is_refused_not_guessed():
    book = rate_book(retail(), contract=contracts("C1"), subscription=AGREED_60)
    out = charge_accounts(OCTOBER, usage("day number contract"), no_calls, book, NO_MOVEMENTS)
    assert out.tables["charge"].is_empty()
    assert [(finding.reason, finding.severity) for finding in out.findings] == [("MINIMUM_READING_MISSING", "critical")]
    assert "C1" in out.findings[0].text("en") and "C1" in out.findings[0].text("zh")


SINCE_JANUARY = """
contract_id service_number plan_id valid_from
C1          4006000001     plan    2026-01-01
"""
AGREED_60 = """
contract_id service_number plan_id valid_from monthly_minimum_micro
C1          4006000001     plan    2026-01-01 60.00
"""
