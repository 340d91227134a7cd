import polars as pl
import pytest

from billing.charging.late import late_adjustments
from billing.charging.stage import charge_late
from billing.core.money import yuan_exact
from billing.tables.calls import CallAdjustment
from tests.charging.books import (
    MINIMUM_40,
    NO_MOVEMENTS,
    OCTOBER,
    Calls,
    calls,
    contracts,
    due,
    no_calls,
    rate_book,
    read_rows,
    retail,
    shown,
    totals,
    typed,
    usage,
)

NOVEMBER = OCTOBER.shifted(1)
SUBSCRIPTION = """
contract_id service_number plan_id valid_from
C1          4006000001     plan    2026-01-01
C2          4006000002     plan    2026-01-01
"""
BOOK = rate_book(retail(minimum=MINIMUM_40), contract=contracts("C1", "C2"), subscription=SUBSCRIPTION)


def late(before, after, book=BOOK, billed_here=True):
    return charge_late(
        NOVEMBER, OCTOBER, usage(before), usage(after), no_calls, no_calls, book, NO_MOVEMENTS, billed_here=billed_here
    ).tables["charge"]


HEAD = "day number contract amount calls\n"


def test_a_late_call_below_the_floor_costs_nothing():
    """32.40 + 7.60 were billed; with 0.20 more it is 32.60 + 7.40: late_usage 0.20, true_up -0.20, due 0.00."""
    charges = late(HEAD + "3 4006000001 C1 32.40 10", HEAD + "3 4006000001 C1 32.60 11")
    assert shown(charges, "period", "usage_period") == [
        "4006000001 late_usage 0.20 2026-11 2026-10",
        "4006000001 true_up -0.20 2026-11 2026-10",
    ]
    assert due(charges) == "0.00"
    assert charges["explanation"].to_list() == [
        '{"billed":"32.40","with_late":"32.60"}',
        '{"billed":"7.60","with_late":"7.40"}',
    ]
    assert charges["call_count"].to_list() == [1, None]
    assert charges["usage_key"].null_count() == 2


def test_a_late_call_above_the_floor_costs_its_price():
    charges = late(HEAD + "3 4006000001 C1 40.00 10", HEAD + "3 4006000001 C1 40.20 11")
    assert shown(charges) == ["4006000001 late_usage 0.20"]


def test_lines_are_rounded_before_they_are_compared():
    """4.012 was billed as 4.01; with 0.004 more it is 4.016, billed as 4.02: the difference is one whole fen."""
    book = rate_book(retail(), contract=contracts("C1"), subscription=SUBSCRIPTION.replace("C2", "C1"))
    charges = late(HEAD + "3 4006000001 C1 4.012 10", HEAD + "3 4006000001 C1 4.016 11", book)
    assert shown(charges) == ["4006000001 late_usage 0.01"]


def test_contracts_without_late_calls_are_left_alone():
    other = "\n3 4006000002 C2 1.00 1"
    charges = late(HEAD + "3 4006000001 C1 50.00 10" + other, HEAD + "3 4006000001 C1 50.20 11" + other)
    assert shown(charges, "contract_id") == ["4006000001 late_usage 0.20 C1"]


def test_a_month_these_books_never_billed_is_charged_its_usage_only():
    charges = late("day number contract", HEAD + "3 4006000001 C1 0.20 1", billed_here=False)
    assert shown(charges) == ["4006000001 late_usage 0.20"]
    assert '"original_month":"not_billed_here"' in charges["explanation"][0]


def test_no_late_calls_no_charges():
    same = HEAD + "3 4006000001 C1 0.20 1"
    assert late(same, same).is_empty()


def capped(scope="number", limit="0.20"):
    cap = {"cap_amount": {"amount": limit, "fee_base": "usage", "scope": scope}}
    return rate_book(retail(**cap), contract=contracts("C1"), subscription=SUBSCRIPTION.replace("C2", "C1"))


def with_late(table, late_ids, book, **more):
    """Tables of the late calls among calls."""
    billed = table.filter(~pl.col("cdr_id").is_in(late_ids))
    months = (totals(billed), totals(table), Calls(billed), Calls(table))
    return charge_late(NOVEMBER, OCTOBER, *months, book, NO_MOVEMENTS, **({"billed_here": True} | more)).tables


def adjusted(tables):
    """Adjustments in short: key, instant, calls, amount and leakage."""
    return [
        f"{row['rule_key']} {row['started_after'] and row['started_after'].time()} {row['call_count']} "
        f"{yuan_exact(row['amount_micro'])} {yuan_exact(row['settlement_micro'])}"
        for row in tables["call_adjustment"].iter_rows(named=True)
    ]


FOUR_CALLS = """
    day number     start    seconds
    5   4006000001 08:00:00 60
    5   4006000001 09:00:00 60
    5   4006000001 10:00:00 60
    5   4006000001 11:00:00 60
    """


def test_a_late_call_may_move_the_cap():
    """Cap 0.20. Billed: calls at 9 and 10, then 11 free. Late: a call at 8, so that the cap is reached at 9:01."""
    tables = with_late(calls(FOUR_CALLS), [1], capped())
    assert shown(tables["charge"]) == ["4006000001 cap_credit -0.10", "4006000001 late_usage 0.10"]
    assert adjusted(tables) == ["C1/4006000001/cap_amount/2026-10 09:01:00 1 0.10 0.06"]


def test_a_late_call_over_the_cap_is_free_and_leaks():
    """Cap 0.20, reached at 9:01. Billed: 8 and 9, then 10 free. Late: a call at 11, free like the one at 10."""
    tables = with_late(calls(FOUR_CALLS), [4], capped())
    assert due(tables["charge"]) == "0.00"
    assert adjusted(tables) == ["C1/4006000001/cap_amount/2026-10 09:01:00 1 0.10 0.06"]


def test_a_month_these_books_never_billed_has_no_caps():
    tables = with_late(calls(FOUR_CALLS), [1], capped(), billed_here=False)
    assert shown(tables["charge"]) == ["4006000001 late_usage 0.10"] and adjusted(tables) == []


ADJUSTMENTS = "rule_key contract_id service_number rule started_after cdr_id call_count amount_micro settlement_micro\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("k C1 N cap_count 2026-10-05T09:00 - 2 0.20 0.12", "k C1 N cap_count 2026-10-05T09:00 - 2 0.20 0.12", []),
        ("", "k C1 N cap_count 2026-10-05T09:00 - 2 0.20 0.12", ["k 09:00:00 2 0.20 0.12"]),
        ("k C1 N cap_count 2026-10-05T09:00 - 2 0.20 0.12", "", ["k None -2 -0.20 -0.12"]),  # the rule holds no more
        (
            "k C1 N cap_count 2026-10-05T09:00 - 2 0.20 0.12",
            "k C1 N cap_count 2026-10-05T08:00 - 2 0.20 0.12",
            ["k 08:00:00 0 0.00 0.00"],  # only the instant moved
        ),
        (
            "k C1 N cap_count 2026-10-05T09:00 - 2 0.20 0.12\nk C1 N cap_count - 7 1 0.10 0.06",
            "k C1 N cap_count 2026-10-05T08:00 - 4 0.40 0.24",
            ["k 08:00:00 2 0.20 0.12", "k None -1 -0.10 -0.06"],  # the single call is part of the range now
        ),
    ],
)
def test_adjustments_are_differences(old, new, expected):
    frames = (typed(CallAdjustment, read_rows(ADJUSTMENTS + rows)) for rows in (old, new))
    assert adjusted({"call_adjustment": late_adjustments(*frames)}) == expected
