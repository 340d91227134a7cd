import polars as pl

from billing.charging.stage import charge_late
from tests.charging.books import (
    MINIMUM_40,
    OCTOBER,
    Calls,
    calls,
    contracts,
    due,
    no_calls,
    rate_book,
    retail,
    shown,
    totals,
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
        NOVEMBER, OCTOBER, usage(before), usage(after), no_calls, no_calls, book, billed_here=billed_here
    )


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


def test_a_late_call_may_move_the_cap():
    """Cap 0.20. Billed: calls at 9 and 10, then 11 free. Late: a call at 8, so that the cap is reached at 9:01."""
    cap = {"cap_amount": {"amount": "0.20", "fee_base": "usage", "scope": "number"}}
    book = rate_book(retail(**cap), contract=contracts("C1"), subscription=SUBSCRIPTION.replace("C2", "C1"))
    table = calls(
        """
        day number     start    seconds
        5   4006000001 08:00:00 60
        5   4006000001 09:00:00 60
        5   4006000001 10:00:00 60
        5   4006000001 11:00:00 60
        """
    )
    billed = table.filter(pl.col("cdr_id") > 1)
    charges = charge_late(
        NOVEMBER, OCTOBER, totals(billed), totals(table), Calls(billed), Calls(table), book, billed_here=True
    )
    assert shown(charges) == ["4006000001 cap_credit -0.10", "4006000001 late_usage 0.10"]
