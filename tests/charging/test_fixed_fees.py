import pytest

from billing.charging.fixed_fees import fee_of_days
from billing.charging.stage import charge_accounts
from billing.core.money import micro_from_text, yuan_exact
from tests.charging.books import MINIMUM_40, NO_MOVEMENTS, OCTOBER, contracts, no_calls, rate_book, retail, shown, usage

MONTHLY = {"item": "monthly_function_fee", "kind": "recurring", "amount": "50.00", "tax_code": "value_added"}
OPENING = {"item": "opening_fee", "kind": "one_off", "amount": "100.00", "tax_code": "value_added"}
NO_CALLS = usage("day number contract")


@pytest.mark.parametrize(
    ("fee", "days", "day_count", "amount"),
    [("50.00", 20, 30, "33.33"), ("50.00", 31, 31, "50.00"), ("0.03", 15, 30, "0.02"), ("50.00", 0, 31, "0.00")],
)
def test_fee_of_days(fee, days, day_count, amount):
    assert yuan_exact(fee_of_days(micro_from_text(fee), days, day_count)) == amount


@pytest.mark.parametrize(
    ("first_month", "last_month", "valid_from", "valid_to", "amount", "quantity"),
    [
        # October has 31 days; the fee is 50.00.
        ("by_day", "whole", "2026-01-01", "-", "50.00", "1 month"),
        ("by_day", "whole", "2026-10-11", "-", "33.87", "21 day"),  # 50 x 21/31 = 33.870...
        ("whole", "whole", "2026-10-11", "-", "50.00", "1 month"),
        ("next_month", "whole", "2026-10-11", "-", None, ""),
        ("by_day", "whole", "2026-01-01", "2026-10-11", "50.00", "1 month"),  # whole in the closing month
        ("by_day", "by_day", "2026-01-01", "2026-10-11", "16.13", "10 day"),  # 50 x 10/31 = 16.129...
        ("by_day", "whole", "2026-10-11", "2026-10-21", "33.87", "21 day"),  # from opening to the end of the month
        ("by_day", "by_day", "2026-10-11", "2026-10-21", "16.13", "10 day"),
        ("next_month", "by_day", "2026-10-11", "2026-10-21", None, ""),
    ],
)
def test_recurring_fee(first_month, last_month, valid_from, valid_to, amount, quantity):
    fee = MONTHLY | {"first_month": first_month, "last_month": last_month}
    rows = f"contract_id service_number plan_id valid_from valid_to\nC1 4006000001 plan {valid_from} {valid_to}"
    book = rate_book(retail(fees=[fee]), contract=contracts("C1"), subscription=rows)
    charges = charge_accounts(OCTOBER, NO_CALLS, no_calls, book, NO_MOVEMENTS).tables["charge"]
    line = f"4006000001 recurring {amount} {quantity}"
    assert shown(charges, "quantity", "quantity_unit") == ([] if amount is None else [line])


@pytest.mark.parametrize(
    ("valid_from", "expected"),
    [("2026-10-31", ["4006000001 one_off 100.00 600"]), ("2026-09-30", []), ("2026-11-01", [])],
)
def test_one_off_fees_are_whole_in_the_opening_month(valid_from, expected):
    rows = f"contract_id service_number plan_id valid_from\nC1 4006000001 plan {valid_from}"
    book = rate_book(retail(fees=[OPENING]), contract=contracts("C1"), subscription=rows)
    charges = charge_accounts(OCTOBER, NO_CALLS, no_calls, book, NO_MOVEMENTS).tables["charge"]
    assert shown(charges, "vat_rate_bp") == expected


def test_a_new_plan_under_the_same_contract_is_no_opening():
    rows = """
    contract_id service_number plan_id valid_from valid_to
    C1          4006000001     plan    2026-01-01 2026-10-11
    C1          4006000001     other   2026-10-11 -
    """
    plans = retail(fees=[OPENING]), retail("other", fees=[OPENING])
    book = rate_book(*plans, contract=contracts("C1"), subscription=rows)
    assert charge_accounts(OCTOBER, NO_CALLS, no_calls, book, NO_MOVEMENTS).tables["charge"].is_empty()


def test_fixed_fees_do_not_fill_the_minimum():
    fee = MONTHLY | {"first_month": "by_day", "last_month": "whole"}
    rows = "contract_id service_number plan_id valid_from\nC1 4006000001 plan 2026-01-01"
    book = rate_book(retail(minimum=MINIMUM_40, fees=[fee]), contract=contracts("C1"), subscription=rows)
    charges = charge_accounts(OCTOBER, NO_CALLS, no_calls, book, NO_MOVEMENTS).tables["charge"]
    assert shown(charges) == ["4006000001 recurring 50.00", "4006000001 true_up 40.00"]
