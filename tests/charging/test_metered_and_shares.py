"""Metered items, discounts on more than calls, floors that count them, prices by the day, quantities by the number."""

import pytest
from pydantic import ValidationError

from billing.charging.stage import charge_accounts
from billing.core.money import yuan_exact
from billing.rate_book.call_price import CallPrice
from billing.rate_book.quantity_price import QuantityPrice
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
    totals,
    usage,
)

ONE = "contract_id service_number plan_id valid_from valid_to\nC1 4006000001 plan 2026-01-01 -"
TWO = f"{ONE}\nC1 4006000002 plan 2026-01-01 -"
NOTHING = "day number contract"


def item(price, counted="sum", scope="number", **more):
    return {"item": "data", "counted": counted, "scope": scope, "price": price, "tax_code": "voice"} | more


def month(plan, quantities=(), text=NOTHING, subscription=ONE, **tables):
    rows = [
        f"U{index} C1 {number} data 2026-10-{day:02} {round(quantity * 10**6)}"
        for index, (day, quantity, number) in enumerate((*q, "4006000001")[:3] for q in quantities)
    ]
    used = "\n".join(["metered_id contract_id service_number item used_on quantity_millionths", *rows])
    book = rate_book(plan, contract=contracts("C1"), subscription=subscription, metered_item=used, **tables)
    return charge_accounts(OCTOBER, usage(text), no_calls, book, NO_MOVEMENTS).tables


def lines(tables):
    rows = tables["charge"].sort("kind", "amount_micro").iter_rows(named=True)
    return [f"{row['kind']} {yuan_exact(row['amount_micro'])}" for row in rows]


HUNDREDS = [{"above": "0", "price": "1", "per": "100"}, {"above": "500", "price": "0.8", "per": "100"}]
GRADUATED = {"graduated": [{"above": "0", "price": "1"}, {"above": "10", "price": "0.5"}]}


@pytest.mark.parametrize(
    ("metered", "quantities", "expected"),
    [
        # half a unit; 0.005 is a fen, half up
        (item({"price": "0.30"}), [(1, 0.5)], "0.15"),
        (item({"price": "0.01"}), [(1, 0.25), (2, 0.25)], "0.01"),
        (item({"price": "0.01"}), [(1, 0.49)], "0.00"),
        # each record for itself: 12 units are 11.00, 9 are 9.00; the first one free leaves 9.00
        (item(GRADUATED, "each"), [(1, 12), (2, 9)], "20.00"),
        (item(GRADUATED, "each", free_records=1), [(1, 12), (2, 9)], "9.00"),
        (item(GRADUATED, "each", free_records=2), [(2, 9), (1, 12), (3, 1)], "1.00"),
        # summed: 21 units, 10 at 1.00 and 11 at 0.50
        (item(GRADUATED), [(1, 12), (2, 9)], "15.50"),
        (item(GRADUATED, "peak"), [(1, 12), (2, 9)], "11.00"),
        (item(GRADUATED, "last"), [(1, 12), (2, 9)], "9.00"),
        # 2,500 units above 1,000 are two packages of 1,000 begun
        (
            item({"graduated": [{"above": "0", "price": "0"}, {"above": "1000", "price": "1", "per": "1000"}]}),
            [(1, 2500)],
            "2.00",
        ),
        (item({"all_units": HUNDREDS}), [(1, 501)], "4.80"),
        # due without any record
        (item({"price": "1", "minimum_charge": "10.00", "minimum_at_zero": True}), [], "10.00"),
        (item({"price": "1", "minimum_charge": "10.00"}), [], "0.00"),
        (item({"graduated": [{"above": "0", "price": "1", "fee": "5"}], "fee_at_zero": True}), [], "5.00"),
        (item({"graduated": [{"above": "0", "price": "1", "fee": "5"}], "fee_at_zero": False}), [], "0.00"),
        (item({"graduated": [{"above": "0", "price": "1", "fee": "5"}], "fee_at_zero": True}), [(1, 2)], "7.00"),
    ],
)  # fmt: skip
def test_what_items_cost(metered, quantities, expected):
    assert due(month(retail(metered=[metered]), quantities)["charge"]) == expected


def test_an_item_of_the_contract_without_usage_is_due_once():
    fee = {"graduated": [{"above": "0", "price": "1", "fee": "5"}], "fee_at_zero": True}
    assert lines(month(retail(metered=[item(fee, scope="contract")]), subscription=TWO)) == ["metered 5.00"]
    assert lines(month(retail(metered=[item(fee)]), subscription=TWO)) == ["metered 5.00", "metered 5.00"]


def test_what_rounding_to_the_fen_left_out_is_told():
    tables = month(retail(metered=[item({"price": "0.3333"})]), [(1, 1.5)])
    row = tables["charge"].row(0, named=True)
    assert (row["quantity"], row["quantity_unit"], yuan_exact(row["amount_micro"])) == (1_500_000, "1e-6 unit", "0.50")
    assert '"exact":"0.49995"' in row["explanation"]


def discount(on, share="0.10", **more):
    return {"name": f"off_{on}", "share": share, "position": "after_cap", "on": on} | more


FEE = {"item": "fee", "kind": "recurring", "amount": "30.00", "tax_code": "value_added", "first_month": "whole",
       "last_month": "whole"}  # fmt: skip
CALLS = "day number contract amount\n3 4006000001 C1 10.00"


@pytest.mark.parametrize(
    ("discounts", "expected"),
    [
        ([discount("calls")], ["discount -1.00", "metered 20.00", "recurring 30.00", "usage 10.00"]),
        ([discount("metered")], ["discount -2.00", "metered 20.00", "recurring 30.00", "usage 10.00"]),
        (
            [discount("all")],
            ["discount -3.00", "discount -2.00", "discount -1.00", "metered 20.00", "recurring 30.00", "usage 10.00"],
        ),
        # 10 % off 20.00, then 50 % off the 18.00 that are left
        (
            [discount("metered"), discount("all", "0.50")],
            ["discount -15.00", "discount -9.00", "discount -5.00", "discount -2.00", "metered 20.00",
             "recurring 30.00", "usage 10.00"],
        ),
    ],
)  # fmt: skip
def test_a_discount_is_on_what_it_says(discounts, expected):
    plan = retail(metered=[item({"price": "1"})], fees=[FEE], discounts=discounts)
    assert lines(month(plan, [(1, 20)], CALLS)) == expected


def test_a_discount_stands_under_the_tax_code_of_its_line():
    plan = retail(metered=[item({"price": "1"})], fees=[FEE], discounts=[discount("all")])
    charges = month(plan, [(1, 20)], CALLS)["charge"].filter(kind="discount")
    assert dict(charges.select("tax_code", "amount_micro").group_by("tax_code").sum().iter_rows()) == {
        "voice": -3_000_000, "value_added": -3_000_000}  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "true_up"),
    [("calls", "90.00"), ("calls_and_fees", "60.00"), ("calls_and_metered", "72.00"), ("all", "42.00")],
)
def test_what_fills_the_floor(counts, true_up):
    """A floor of 100.00: calls 10.00, fee 30.00, metered 20.00 less 2.00."""
    minimum = {"per_month": "100.00", "scope": "number", "first_month": "actual", "last_month": "actual"}
    plan = retail(
        minimum=minimum | {"counts": counts},
        metered=[item({"price": "1"})],
        fees=[FEE],
        discounts=[discount("metered")],
    )
    assert f"true_up {true_up}" in lines(month(plan, [(1, 20)], CALLS))


@pytest.mark.parametrize(
    ("terms", "problem"),
    [
        (
            {"metered": [item({"price": "1"})], "discounts": [{"name": "d", "share": "1", "position": "after_cap"}]},
            "on:",
        ),
        ({"discounts": [discount("all", share=None, amount="1.00")]}, "is a share"),
        ({"discounts": [discount("all", position="before_cap")]}, "after the cap"),
        ({"metered": [item({"price": "1"}, free_records=1)]}, "counted: each"),
        ({"metered": [item({"price": "1", "minimum_at_zero": True})]}, "minimum_charge"),
        (
            {"metered": [item({"graduated": [{"above": "0", "per": "10", "fee": "1"}], "fee_at_zero": False})]},
            "per belongs",
        ),
        (
            {"metered": [item({"price": "1"}, scope="contract")],
             "minimum": {"per_month": "1.00", "scope": "number", "first_month": "actual", "last_month": "actual",
                         "counts": "all"}},
            "whole contract",
        ),
        (
            {"call": {"schedule": "60/60", "price_per_minute": "0.10", "connect_fee": "1.00"},
             "volume": {"of": "minute", "scope": "number", "price": "0.05"}},
            "connect_fee included",
        ),
    ],
)  # fmt: skip
def test_terms_that_would_do_nothing_are_refused(terms, problem):
    with pytest.raises(ValidationError, match=problem):
        retail(**terms)


DAYS = """
day number     contract amount seconds
3   4006000001 C1       12.00  7200
3   4006000002 C1       6.00   3600
4   4006000001 C1       6.00   3600
"""


@pytest.mark.parametrize(
    ("every", "scope", "expected"),
    [
        # 100 minutes of a month at 0.10, further ones at 0.05. Number 1: 180 minutes, number 2: 60; together 240.
        ("month", "number", "20.00"),  # 10 + 4, 6
        ("month", "contract", "17.00"),  # 10 + 140 x 0.05
        # By the day: number 1 has 120 and 60, number 2 has 60; together 180 and 60.
        ("day", "number", "23.00"),  # 10 + 1, 6, 6
        ("day", "contract", "20.00"),  # 10 + 4, 6
    ],
)
def test_a_price_by_volume_of_the_month_or_of_each_day(every, scope, expected):
    bands = [{"above": "0", "price": "0.10"}, {"above": "100", "price": "0.05"}]
    plan = retail(volume={"of": "minute", "scope": scope, "graduated": bands, "every": every})
    assert due(month(plan, text=DAYS, subscription=TWO)["charge"]) == expected


def test_an_allowance_of_each_day():
    """Each day 90 minutes of each number: of 120, 60 and 60 minutes at 0.10, 30 are left to pay."""
    daily = {"name": "daily", "of": "minute", "quantity": "90", "every": "day", "scope": "number",
             "last_call": "split", "unused": "lapse"}  # fmt: skip
    plan = retail(allowances=[daily])
    book = rate_book(plan, contract=contracts("C1"), subscription=TWO)
    table = calls("""
    day number     start seconds contract
    3   4006000001 09:00 7200    C1
    3   4006000002 09:00 3600    C1
    4   4006000001 09:00 3600    C1
    """)
    tables = charge_accounts(OCTOBER, totals(table), Calls(table), book, NO_MOVEMENTS).tables
    assert due(tables["charge"]) == "3.00"
    moved = tables["allowance_movement"]
    assert (moved.height, moved["drawn"].sum(), moved["remaining"].sum()) == (62, 90 * 60 + 60 * 60 * 2, 0)


def test_an_allowance_that_grows_with_the_numbers_of_the_contract():
    pool = {"name": "pool", "of": "minute", "quantity": "50", "every": "month", "scope": "contract", "per": "number",
            "last_call": "split", "unused": "lapse", "first_month": "full"}  # fmt: skip
    for subscription, granted in ((ONE, 3_000), (TWO, 6_000)):
        moved = month(retail(allowances=[pool]), subscription=subscription)["allowance_movement"]
        assert moved["granted"].to_list() == [granted]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0"), (1, "200000"), (60, "200000"), (61, "200833+1/3"), (90, "225000"), (3600, "3150000")],
)
def test_a_block_at_a_price_a_minute_is_exact(seconds, expected):
    """The first minute 0.20, then 0.05 a minute by the second: 0.000833... a second."""
    price = CallPrice.model_validate(
        {"blocks": [{"from_second": 0, "block_seconds": 60, "price": "0.20"},
                    {"from_second": 60, "block_seconds": 1, "price_per_minute": "0.05"}]}
    )  # fmt: skip
    whole, _, part = expected.partition("+")
    assert price.price_of(seconds * 1000) * 3 == int(whole) * 3 + (1 if part else 0)


@pytest.mark.parametrize("block", [{}, {"price": "0.20", "price_per_minute": "0.05"}])
def test_a_block_has_one_price(block):
    with pytest.raises(ValidationError, match="price or a price_per_minute"):
        CallPrice.model_validate({"blocks": [{"from_second": 0, "block_seconds": 60} | block]})


def test_packages_of_a_band_keep_their_steps():
    price = QuantityPrice.model_validate(
        {"graduated": [{"above": "0", "price": "0.10"}, {"above": "10", "price": "1", "per": "10"}]}
    )
    assert price.derivation(25) == "10 x 0.10 + 2 x 1.00"
