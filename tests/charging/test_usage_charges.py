import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.charging.stage import charge_accounts
from billing.core.money import round_to_fen
from tests.charging.books import NO_MOVEMENTS, OCTOBER, contracts, no_calls, rate_book, retail, shown, usage

SUBSCRIPTION = """
contract_id service_number plan_id valid_from
C1          4006000001     plan    2026-01-01
C1          4006000002     plan    2026-01-01
"""
BOOK = rate_book(retail(), contract=contracts("C1"), subscription=SUBSCRIPTION)


def charged(text):
    return charge_accounts(OCTOBER, usage(text), no_calls, BOOK, NO_MOVEMENTS).tables["charge"]


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        (("0.10", "0.20"), ["4006000001 usage 0.30"]),
        # the line is rounded once, not the calls: 0.0125 + 0.0125 = 0.025 -> 0.03
        (("0.0125", "0.0125"), ["4006000001 rounding 0.005", "4006000001 usage 0.025"]),
        (("0.0124", "0.0125"), ["4006000001 rounding -0.0049", "4006000001 usage 0.0249"]),
        (("0", "0"), ["4006000001 usage 0.00"]),
    ],
)
def test_usage_and_its_rounding(amounts, expected):
    rows = "\n".join(f"{day} 4006000001 C1 {amount}" for day, amount in zip((3, 4), amounts, strict=True))
    assert shown(charged(f"day number contract amount\n{rows}")) == expected


def test_a_usage_charge_counts_all_calls_and_names_its_key():
    charges = charged(
        """
        day number     contract calls amount seconds outcome   free_reason
        3   4006000001 C1       10    2.00   1200    answered  -
        4   4006000001 C1       4     0      0       no_answer not_answered
        """
    )
    row = charges.row(0, named=True)
    assert (row["call_count"], row["quantity"], row["quantity_unit"]) == (14, 1200, "second")
    assert row["usage_key"] == "2026-10|C1|4006000001|plan@2024-01-01"
    assert row["charge_key"] == row["line_key"] == "C1/4006000001/usage/usage/2026-10/plan@2024-01-01"
    assert (row["customer_id"], row["agent_id"], row["vat_rate_bp"]) == ("K1", "A1", 900)


def test_rounding_shares_the_line_of_its_usage():
    charges = charged("day number contract amount\n3 4006000001 C1 0.012")
    assert charges["line_key"].n_unique() == 1
    assert charges["usage_key"].to_list() == [None, "2026-10|C1|4006000001|plan@2024-01-01"]


def test_a_month_of_two_vat_rates_has_two_lines():
    """Voice went from 10 % to 9 % on 1 April 2019; here the change is put into mid-October."""
    rates = dict(BOOK.prices.tax.codes["voice"].general) | {dt.date(2026, 10, 15): 600}
    codes = dict(BOOK.prices.tax.codes) | {
        "voice": BOOK.prices.tax.codes["voice"].model_copy(update={"general": rates})
    }
    tax = BOOK.prices.tax.model_copy(update={"codes": codes})
    book = type(BOOK)(type(BOOK.prices)(**(vars(BOOK.prices) | {"tax": tax})), BOOK.tables, BOOK.policy)
    calls = usage("day number contract amount\n14 4006000001 C1 1.00\n15 4006000001 C1 2.00")
    charges = charge_accounts(OCTOBER, calls, no_calls, book, NO_MOVEMENTS).tables["charge"]
    assert shown(charges, "vat_rate_bp", "usage_key") == [
        "4006000001 usage 2.00 600 2026-10|C1|4006000001|plan@2024-01-01|600",
        "4006000001 usage 1.00 900 2026-10|C1|4006000001|plan@2024-01-01|900",
    ]


def test_adjustments_are_charged_in_their_period():
    rows = """
    adjustment_id contract_id service_number period  amount_micro tax_code reason
    J1            C1          4006000001     2026-10 -3.20        voice    goodwill
    J2            C1          -              2026-10 1.00         voice    correction
    J3            C1          -              2026-11 9.00         voice    later
    """
    book = rate_book(retail(), contract=contracts("C1"), subscription=SUBSCRIPTION, adjustment=rows)
    charges = charge_accounts(OCTOBER, usage("day number contract"), no_calls, book, NO_MOVEMENTS).tables["charge"]
    assert shown(charges, "charge_key", "product") == [
        "* adjustment 1.00 C1/*/adjustment/adjustment/2026-10/J2 None",
        "4006000001 adjustment -3.20 C1/4006000001/adjustment/adjustment/2026-10/J1 split_charge_400",
    ]


AMOUNTS = st.lists(
    st.tuples(st.integers(1, 31), st.sampled_from(["4006000001", "4006000002"]), st.integers(0, 10**9)), max_size=20
)


@given(AMOUNTS, st.randoms())
def test_calls_and_rounding_are_the_bill_whatever_the_order(rows, random):
    frame = usage("day number contract\n" + "\n".join(f"{day} {number} C1" for day, number, _ in rows))
    frame = frame.with_columns(pl.Series("amount_micro", [amount for *_, amount in rows], pl.Int64))
    charges = charge_accounts(OCTOBER, frame, no_calls, BOOK, NO_MOVEMENTS).tables["charge"]
    order = list(range(len(rows)))
    random.shuffle(order)
    assert charge_accounts(OCTOBER, frame[order], no_calls, BOOK, NO_MOVEMENTS).tables["charge"].equals(charges)
    for number in ("4006000001", "4006000002"):
        exact = sum(amount for _, name, amount in rows if name == number)
        of_number = charges.filter(pl.col("service_number") == number)
        assert of_number["amount_micro"].sum() == round_to_fen(exact)
        assert of_number.filter(pl.col("kind") == "usage")["amount_micro"].sum() == exact
