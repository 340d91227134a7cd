"""Rules of the month where they meet: numbers that come and go, fees of a volume under a cap, plans of a day."""

import polars as pl
import pytest
from pydantic import ValidationError

from billing.charging.stage import charge_accounts
from billing.core.money import yuan_exact
from billing.rate_book.check import check_book
from tests.charging.books import (
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

ONE = "contract_id service_number plan_id valid_from valid_to\nC1 4006000001 plan 2026-01-01 -"
YEARLY = {"name": "yearly", "of": "minute", "quantity": "6000", "every": "year", "scope": "contract",
          "last_call": "split", "unused": "lapse"}  # fmt: skip
RECORDING = {"item": "recording", "counted": "sum", "scope": "number", "price": {"price": "0.05"}, "tax_code": "voice"}
METERED = "metered_id contract_id service_number item used_on quantity_millionths\n"


def charged(period, book, movements=NO_MOVEMENTS, text="day number contract"):
    return charge_accounts(period, usage(text), no_calls, book, movements)


def test_a_contract_keeps_its_year_when_its_first_number_leaves():
    """Opened by number 1 on 15 January, which leaves on 1 September: the lot of that day stands alone."""
    subscriptions = """
    contract_id service_number plan_id valid_from valid_to
    C1          4006000001     plan    2026-01-15 2026-09-01
    C1          4006000002     plan    2026-06-01 -
    """
    book = rate_book(retail(allowances=[YEARLY]), contract=contracts("C1"), subscription=subscriptions)
    movements = NO_MOVEMENTS
    for offset in (-2, -1, 0):
        month = charged(OCTOBER.shifted(offset), book, movements).tables["allowance_movement"]
        movements = pl.concat([movements, month])
    assert movements["lot_key"].unique().to_list() == ["C1/*/yearly/2026-01-15"]
    assert movements["granted"].to_list() == [360_000, 0, 0]
    assert month["remaining"].to_list() == [360_000]


def test_a_lot_that_would_change_its_unit_is_refused():
    month = {"every": "month", "scope": "number", "last_call": "split", "unused": "roll", "first_month": "full"}
    before = retail(allowances=[month | {"name": "inc", "of": "minute", "quantity": "400"}])
    after = retail(allowances=[month | {"name": "inc", "of": "call", "quantity": "10"}])
    books = [rate_book(plan, contract=contracts("C1"), subscription=ONE) for plan in (before, after)]
    september = charged(OCTOBER.shifted(-1), books[0]).tables["allowance_movement"]
    assert "ALLOWANCE_TERMS_DISAGREE" in [finding.reason for finding in charged(OCTOBER, books[1], september).findings]


SINGLES = {"size": "5", "price": "5.00", "rest": "single", "single_price": "2.00"}
CAP = {"amount": "7.00", "fee_base": "usage", "scope": "number"}


@pytest.mark.parametrize(
    "volume",
    [
        {"package": SINGLES},  # 4 singles cost 8.00, the fifth makes a package of 5.00
        {"all_units": [{"above": "0", "price": "0.10"}, {"above": "10", "price": "0.05"}]},
    ],
)
def test_a_price_that_can_fall_goes_with_no_cap(volume):
    terms = {"volume": {"of": "minute", "scope": "number"} | volume}
    retail(**terms)
    with pytest.raises(ValidationError, match="never says when a cap is reached"):
        retail(**terms, cap_amount=CAP)


def test_a_fee_that_is_due_without_usage_fills_no_cap():
    """10.00 are due anyhow; the calls of 0.10 reach the cap of 0.15 with the second one, the third is free."""
    volume = {"of": "minute", "scope": "number", "fee_at_zero": True,
              "graduated": [{"above": "0", "price": "0.10", "fee": "10.00"}]}  # fmt: skip
    plan = retail(volume=volume, cap_amount=CAP | {"amount": "0.15"})
    book = rate_book(plan, contract=contracts("C1"), subscription=ONE)
    table = calls(
        """
        day number     start    seconds
        5   4006000001 10:00:00 60
        5   4006000001 11:00:00 60
        5   4006000001 12:00:00 60
        """
    )
    out = charge_accounts(OCTOBER, totals(table), Calls(table), book, NO_MOVEMENTS).tables["charge"]
    assert shown(out) == ["4006000001 cap_credit -0.10", "4006000001 tier_credit 10.00", "4006000001 usage 0.30"]
    assert due(out) == "10.20"


def test_a_volume_of_the_contract_counts_each_tax_code_for_itself():
    volume = {"of": "minute", "scope": "contract", "all_units": [{"above": "0", "price": "0.05"}]}
    other = retail(plan="other", volume=volume)
    other = other.model_copy(update={"tax_code": "value_added"})
    subscription = ONE + "\nC1 4006000002 other 2026-01-01 -"
    book = rate_book(retail(volume=volume), other, contract=contracts("C1"), subscription=subscription)
    text = """
    day number     contract amount seconds rate_id
    3   4006000001 C1       10.00  6000    plan@2024-01-01
    3   4006000002 C1       90.00  54000   other@2024-01-01
    """
    out = charged(OCTOBER, book, text=text).tables["charge"].filter(pl.col("kind") == "tier_credit")
    found = {row["tax_code"]: yuan_exact(row["amount_micro"]) for row in out.iter_rows(named=True)}
    assert found == {"voice": "-5.00", "value_added": "-45.00"}


@pytest.mark.parametrize(("used_on", "expected"), [("2026-10-14", ["METERED_WITHOUT_TERMS"]), ("2026-10-20", [])])
def test_metered_usage_goes_by_the_plan_of_its_day(used_on, expected):
    """The number is on a plan without recording until the 15th, and on one with it from then on."""
    subscription = """
    contract_id service_number plan_id valid_from valid_to
    C1          4006000001     plan    2026-01-01 2026-10-15
    C1          4006000001     talk    2026-10-15 -
    """
    plans = (retail(), retail(plan="talk", metered=[RECORDING]))
    rows = f"{METERED}U1 C1 4006000001 recording {used_on} 100000000"
    book = rate_book(*plans, contract=contracts("C1"), subscription=subscription, metered_item=rows)
    out = charged(OCTOBER, book)
    assert [finding.reason for finding in out.findings] == expected
    assert due(out.tables["charge"]) == ("0.00" if expected else "5.00")
    told = [finding.reason for finding in check_book(book, lambda *_: "-") if finding.severity == "critical"]
    assert told == (["ITEM_WITHOUT_TERMS"] if expected else [])


@pytest.mark.parametrize(("used_on", "expected"), [("2026-10-09", "0.00"), ("2026-10-10", "5.00")])
def test_metered_usage_of_a_free_trial_is_free(used_on, expected):
    contract = "contract_id customer_id agent_id trial_until\nC1 K1 A1 2026-10-10"
    rows = f"{METERED}U1 C1 4006000001 recording {used_on} 100000000"
    book = rate_book(retail(metered=[RECORDING]), contract=contract, subscription=ONE, metered_item=rows)
    assert due(charged(OCTOBER, book).tables["charge"]) == expected


def test_a_plan_that_comes_back_within_the_month_governs_it():
    """Withdrawn on 20 September and back on 5 October: October has the terms of the version of the 5th."""
    plan = retail(metered=[RECORDING])
    version = next(iter(plan.versions.values()))
    dates = [usage(f"day number contract\n{day} n c")["usage_date"][0] for day in (5,)]
    back = {**plan.versions, dates[0].replace(month=9, day=20): None, dates[0]: version}
    plan = plan.model_copy(update={"versions": back})
    rows = f"{METERED}U1 C1 4006000001 recording 2026-10-20 100000000"
    book = rate_book(plan, contract=contracts("C1"), subscription=ONE, metered_item=rows)
    assert due(charged(OCTOBER, book).tables["charge"]) == "5.00"


def test_a_purchase_is_owned_as_the_plan_says():
    bought = {"name": "bought", "of": "minute", "every": "purchase", "scope": "contract", "last_call": "split",
              "unused": "lapse"}  # fmt: skip
    head = "purchase_id contract_id service_number allowance quantity valid_from valid_to\n"
    told = []
    for owner in ("-", "4006000001"):
        row = f"{head}P1 C1 {owner} bought 100 2026-10-01 -"
        book = rate_book(
            retail(allowances=[bought]), contract=contracts("C1"), subscription=ONE, allowance_purchase=row
        )
        told.append([f.reason for f in check_book(book, lambda *_: "-") if f.severity == "critical"])
    assert told == [[], ["ITEM_WITHOUT_TERMS"]]
