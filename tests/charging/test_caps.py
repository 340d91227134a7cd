from fractions import Fraction

import pytest

from billing.charging.account_terms import month_terms
from billing.charging.running_bill import RunningBill
from billing.charging.stage import charge_accounts
from billing.core.money import PARTS, micro_from_text, yuan_exact
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
    retail,
    shown,
    totals,
    usage,
)

ONE_NUMBER = """
contract_id service_number plan_id valid_from
C1          4006000001     plan    2026-01-01
"""
TWO_NUMBERS = ONE_NUMBER + "C1          4006000002     plan    2026-01-01"
CAP_10 = {"cap_amount": {"amount": "10.00", "fee_base": "usage", "scope": "number"}}
CAP_2_CALLS = {"cap_count": {"calls": 2, "count": "attempts", "scope": "number"}}


def charged(terms, text, subscription=ONE_NUMBER):
    book = rate_book(retail(**terms), contract=contracts("C1"), subscription=subscription)
    table = calls(text)
    asked = Calls(table)
    return charge_accounts(OCTOBER, totals(table), asked, book, NO_MOVEMENTS), asked


def adjusted(out):
    """Adjustments in short: number, rule, instant or call, calls, amount, leakage."""
    return [
        " ".join(
            [
                row["service_number"],
                row["rule"],
                f"call {row['cdr_id']}" if row["cdr_id"] else f"after {row['started_after']:%d %H:%M:%S}",
                f"{row['call_count']} calls",
                yuan_exact(row["amount_micro"]),
                yuan_exact(row["settlement_micro"]),
            ]
        )
        for row in out.tables["call_adjustment"].iter_rows(named=True)
    ]


@pytest.mark.parametrize(
    ("exact", "over", "lines", "credit"),
    [
        ("12.00", "2.00", "12.00", "-2.00"),
        ("0.025", "0.005", "0.03", "-0.01"),  # kept 0.020 -> 0.02, billed 0.03
        ("0.024", "0.010", "0.02", "-0.01"),  # kept 0.014 -> 0.01
        ("0.004", "0.004", "0.00", "0.00"),
        ("0.008", "0.001", "0.00", "0.00"),  # two lines of 0.004 were rounded down: a credit never adds
    ],
)
def test_what_a_rule_takes_off_the_bill(exact, over, lines, credit):
    book = rate_book(retail(), contract=contracts("C1"), subscription=ONE_NUMBER)
    (terms,) = month_terms(OCTOBER, book)
    exact, over, lines = (micro_from_text(text) for text in (exact, over, lines))
    bill = RunningBill({terms.account: exact * PARTS}, {terms.account: lines})
    assert yuan_exact(bill.change(terms, Fraction(-over))) == credit


def test_the_crossing_call_and_calls_in_progress_are_billed_whole():
    """A costs 12.00 and ends at 12:00:00; B is in progress, 0.10; C starts a second later: free, leakage 0.06."""
    out, asked = charged(
        CAP_10,
        """
        day number     start    seconds
        5   4006000001 10:00:00 7200
        5   4006000001 10:05:00 60
        5   4006000001 12:00:01 60
        """,
    )
    assert shown(out.tables["charge"]) == ["4006000001 cap_credit -0.10", "4006000001 usage 12.20"]
    assert due(out.tables["charge"]) == "12.10"
    assert adjusted(out) == ["4006000001 cap_amount after 05 12:00:00 1 calls 0.10 0.06"]
    assert asked.asked == [([4, 5, 6], ["4006000001"])]
    assert [finding.reason for finding in out.findings] == ["CAP_REACHED"]
    assert "12.1" not in out.findings[0].text("en") and "0.06" in out.findings[0].text("zh")


@pytest.mark.parametrize(
    ("start", "expected"),
    [("12:00:00", "12.20"), ("12:00:01", "12.10"), ("11:59:59", "12.20")],  # strictly after the instant
)
def test_a_call_that_starts_at_the_instant_is_billed(start, expected):
    out, _ = charged(
        CAP_10,
        f"""
        day number     start    seconds
        5   4006000001 10:00:00 7200
        5   4006000001 10:05:00 60
        5   4006000001 {start} 60
        """,
    )
    assert due(out.tables["charge"]) == expected


def test_a_call_counts_when_it_ends():
    """B starts first and ends last: at 11:00 only A and C have ended (6.10), so D is still billed."""
    out, _ = charged(
        CAP_10,
        """
        day number     start    seconds
        5   4006000001 09:00:00 14400
        5   4006000001 09:30:00 3600
        5   4006000001 10:40:00 60
        5   4006000001 11:00:00 60
        5   4006000001 13:00:01 60
        """,
    )
    assert adjusted(out) == ["4006000001 cap_amount after 05 13:00:00 1 calls 0.10 0.06"]


def test_the_instant_may_lie_on_the_day_after_the_crossing_day():
    """The call of the 5th ends on the 6th at 01:00; calls of the 6th before that are billed, later days are not."""
    out, asked = charged(
        CAP_10,
        """
        day number     start    seconds
        5   4006000001 23:00:00 7200
        6   4006000001 00:30:00 60
        6   4006000001 01:00:01 60
        7   4006000001 08:00:00 60
        9   4006000001 08:00:00 0
        """,
    )
    assert adjusted(out) == ["4006000001 cap_amount after 06 01:00:00 2 calls 0.20 0.12"]
    assert asked.asked == [([4, 5, 6], ["4006000001"])]


def test_a_cap_that_is_not_reached_asks_for_no_call():
    book = rate_book(retail(**CAP_10), contract=contracts("C1"), subscription=ONE_NUMBER)
    out = charge_accounts(
        OCTOBER, usage("day number contract amount\n3 4006000001 C1 9.99"), no_calls, book, NO_MOVEMENTS
    )
    assert shown(out.tables["charge"]) == ["4006000001 usage 9.99"]
    assert out.tables["call_adjustment"].is_empty() and out.findings == []


@pytest.mark.parametrize(
    ("fee_base", "fee", "expected"),
    [
        ("usage", "9.00", "21.00"),  # only calls fill the cap: 12.00 are kept, and the fee comes on top
        ("all", "9.00", "15.00"),  # 9.00 of fee, 6.00 bring it to the cap; the second call is free
        ("all", "10.00", "10.00"),  # the fee alone reaches the cap: every call is free
    ],
)
def test_fixed_fees_may_count_towards_the_cap(fee_base, fee, expected):
    monthly = {"item": "fee", "kind": "recurring", "amount": fee, "tax_code": "value_added"}
    terms = {
        "cap_amount": {"amount": "10.00", "fee_base": fee_base, "scope": "number"},
        "fees": [monthly | {"first_month": "whole", "last_month": "whole"}],
    }
    out, _ = charged(
        terms,
        """
        day number     start    seconds
        5   4006000001 10:00:00 3600
        5   4006000001 12:00:00 3600
        """,
    )
    assert due(out.tables["charge"]) == expected


def test_the_count_cap_connects_the_first_calls_and_no_more():
    """Two attempts are the cap: an unanswered one counts, a blocked one does not; the rest of the day is over."""
    out, asked = charged(
        CAP_2_CALLS,
        """
        day number     start    seconds outcome
        5   4006000001 08:00:00 0       blocked_region
        5   4006000001 09:00:00 0       no_answer
        5   4006000001 10:00:00 60      answered
        5   4006000001 10:00:00 120     answered
        5   4006000001 11:00:00 60      answered
        6   4006000001 11:00:00 60      answered
        """,
    )
    # calls 3 and 4 start together; call 3 is the second attempt, call 4 is over the cap as a single call
    assert adjusted(out) == [
        "4006000001 cap_count after 05 10:00:00 2 calls 0.20 0.12",
        "4006000001 cap_count call 4 1 calls 0.20 0.12",
    ]
    assert shown(out.tables["charge"]) == ["4006000001 cap_credit -0.40", "4006000001 usage 0.50"]
    assert asked.asked == [([5], ["4006000001"])]


@pytest.mark.parametrize(("count", "expected"), [("attempts", "0.10"), ("answered", "0.20")])
def test_attempts_or_answered_calls_are_counted(count, expected):
    out, _ = charged(
        {"cap_count": {"calls": 2, "count": count, "scope": "number"}},
        """
        day number     start    seconds
        5   4006000001 09:00:00 0
        5   4006000001 10:00:00 60
        5   4006000001 11:00:00 60
        5   4006000001 12:00:00 60
        """,
    )
    assert due(out.tables["charge"]) == expected


def test_the_earlier_of_two_caps_wins_and_a_call_is_credited_once():
    out, _ = charged(
        CAP_10 | {"cap_count": {"calls": 3, "count": "attempts", "scope": "number"}},
        """
        day number     start    seconds
        5   4006000001 08:00:00 60
        5   4006000001 09:00:00 7200
        5   4006000001 12:00:00 60
        5   4006000001 13:00:00 60
        """,
    )
    assert adjusted(out) == ["4006000001 cap_amount after 05 11:00:00 2 calls 0.20 0.12"]


@pytest.mark.parametrize(("scope", "expected"), [("number", "16.10"), ("contract", "12.10")])
def test_a_cap_may_be_shared_by_the_numbers_of_a_contract(scope, expected):
    out, _ = charged(
        {"cap_amount": {"amount": "10.00", "fee_base": "usage", "scope": scope}},
        """
        day number     start    seconds
        5   4006000001 08:00:00 3600
        5   4006000002 09:00:00 3600
        5   4006000001 09:59:59 60
        5   4006000002 11:00:00 2400
        """,
        TWO_NUMBERS,
    )
    assert due(out.tables["charge"]) == expected


def test_over_cap_calls_do_not_fill_the_minimum():
    """Cap 10, floor 40: 12.10 are kept and counted, 27.90 are missing."""
    out, _ = charged(
        CAP_10 | {"minimum": MINIMUM_40},
        """
        day number     start    seconds
        5   4006000001 10:00:00 7260
        5   4006000001 13:00:01 7200
        """,
    )
    assert shown(out.tables["charge"]) == [
        "4006000001 cap_credit -12.00",
        "4006000001 true_up 27.90",
        "4006000001 usage 24.10",
    ]


@pytest.mark.parametrize(
    ("terms", "agreed", "reason"),
    [
        (CAP_10, "cap_amount_micro 5.00", None),
        (CAP_2_CALLS, "cap_count 5", None),
        (CAP_2_CALLS, "cap_amount_micro 5.00", "CAP_READING_MISSING"),
        (CAP_10, "cap_count 5", "CAP_READING_MISSING"),
        ({}, "cap_count 5", "CAP_READING_MISSING"),
    ],
)
def test_an_agreed_cap_needs_a_plan_that_reads_it(terms, agreed, reason):
    column, value = agreed.split()
    rows = f"contract_id service_number plan_id valid_from {column}\nC1 4006000001 plan 2026-01-01 {value}"
    out, _ = charged(terms, "day number start seconds", rows)
    assert [finding.reason for finding in out.findings] == ([reason] if reason else [])


def test_an_agreed_cap_replaces_the_plans_number():
    rows = "contract_id service_number plan_id valid_from cap_amount_micro\nC1 4006000001 plan 2026-01-01 0.10"
    text = "day number start seconds\n5 4006000001 10:00:00 60\n5 4006000001 11:00:00 60"
    out, _ = charged(CAP_10, text, rows)
    assert due(out.tables["charge"]) == "0.10"


def test_numbers_that_share_a_cap_must_state_the_same():
    rows = """
    contract_id service_number plan_id valid_from cap_amount_micro
    C1          4006000001     plan    2026-01-01 0.20
    C1          4006000002     plan    2026-01-01 0.10
    """
    terms = {"cap_amount": {"amount": "10.00", "fee_base": "usage", "scope": "contract"}}
    text = "day number start seconds\n5 4006000001 10:00:00 60\n5 4006000002 11:00:00 60"
    out, _ = charged(terms, text, rows)
    assert [finding.reason for finding in out.findings] == ["CAP_TERMS_DISAGREE", "CAP_REACHED"]
    assert due(out.tables["charge"]) == "0.10"
