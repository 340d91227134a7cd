"""What makes a plan or an adjustment impossible to bill is found before a month is run."""

import dataclasses

import pytest

from billing.rate_book.check import check_book
from billing.rate_book.policy import LateFeeTerms
from tests.charging.books import contracts, rate_book, retail

FEE = {
    "item": "monthly_function_fee",
    "kind": "recurring",
    "amount": "50.00",
    "tax_code": "value_added",
    "first_month": "whole",
    "last_month": "whole",
}
OPENING = {"item": "opening_fee", "kind": "one_off", "amount": "100.00", "tax_code": "value_added"}
ADJUSTMENT = "adjustment_id contract_id period amount_micro tax_code\n"


def told(*plans, **tables):
    every = check_book(rate_book(*plans, **tables), lambda table, row: f"catalog/{table.name}:{row[table.key[0]]}")
    found = [finding for finding in every if finding.severity == "critical"]
    assert all(finding.text("zh") and finding.text("en") for finding in found)
    return [(finding.reason, finding.where, dict(finding.values)) for finding in found]


@pytest.mark.parametrize("fees", [[], [FEE], [FEE, OPENING]])
def test_each_item_once(fees):
    assert told(retail(fees=fees)) == []


@pytest.mark.parametrize("fees", [[FEE, FEE], [FEE, OPENING, {**FEE, "amount": "10.00"}]])
def test_an_item_twice(fees):
    ((reason, where, values),) = told(retail(fees=fees))
    assert (reason, where) == ("PLAN_FEE_TWICE", "rate_plans/retail/plan.yaml")
    assert (values["plan"], values["item"], str(values["start"])) == ("plan", "monthly_function_fee", "2024-01-01")


def with_late_fee(book, **terms):
    policy = book.policy.model_copy(update={"late_fee": LateFeeTerms.model_validate(terms)})
    return dataclasses.replace(book, policy=policy)


@pytest.mark.parametrize(
    ("terms", "billing", "expected"),
    [
        ({}, "bill", []),
        ({"tax_code": "value_added"}, "bill", []),
        ({"tax_code": "penalty"}, "-", ["LATE_FEE_TAX_CODE_UNKNOWN"]),
    ],
)
def test_late_fees_name_a_tax_code_that_exists(terms, billing, expected):
    rows = f"contract_id customer_id late_fee\nC1 K1 {billing}"
    book = with_late_fee(rate_book(retail(), contract=rows), **terms)
    assert [finding.reason for finding in check_book(book, lambda *_: "") if finding.severity == "critical"] == expected


@pytest.mark.parametrize(("billing", "expected"), [("show", []), ("bill", ["LATE_FEE_TAX_CODE_UNKNOWN"])])
def test_books_without_the_default_tax_code_are_read_until_a_contract_bills_late_fees(billing, expected):
    book = rate_book(retail(), contract=f"contract_id customer_id late_fee\nC1 K1 {billing}")
    codes = {"value_added": book.prices.tax.codes["value_added"]}
    prices = dataclasses.replace(book.prices, tax=book.prices.tax.model_copy(update={"codes": codes}))
    found = list(check_book(dataclasses.replace(book, prices=prices), lambda *_: ""))
    assert [each.reason for each in found if each.reason == "LATE_FEE_TAX_CODE_UNKNOWN"] == expected


def test_an_adjustment_names_a_tax_code_that_exists():
    rows = f"{ADJUSTMENT}T1 C1 2026-10 -5.00 voice\nT2 C1 2026-10 -5.00 vioce"
    assert told(retail(), contract=contracts("C1"), adjustment=rows) == [
        ("ADJUSTMENT_TAX_CODE_UNKNOWN", "catalog/adjustment:T2", {"adjustment": "T2", "code": "vioce"})
    ]


RECHARGE = {"name": "recharge", "of": "yuan", "every": "purchase", "scope": "number", "last_call": "split",
            "unused": "lapse"}  # fmt: skip


@pytest.mark.parametrize(
    ("months", "amount", "minimum", "agreed", "least"),
    [
        # Minimum 50: the greater of 3 x 50 and 600. Minimum 300: 3 x 300, for 4000 numbers 6 x 300. 4008: 3 x 50, 800.
        (3, "600.00", "50.00", "-", "600.00"),
        (3, "600.00", "300.00", "-", "900.00"),
        (6, "600.00", "300.00", "-", "1800.00"),
        (3, "800.00", "50.00", "-", "800.00"),
        # What is agreed for the number counts, not the plan's own.
        (3, "600.00", "50.00", "300.00", "900.00"),
    ],
)
def test_the_least_recharge(months, amount, minimum, agreed, least):
    least_purchase = {"months_of_minimum": months, "amount": amount}
    floor = {"per_month": minimum, "scope": "number", "first_month": "actual", "last_month": "actual"}
    plan = retail(minimum=floor, allowances=[RECHARGE | {"least_purchase": least_purchase}])
    rows = (
        f"contract_id service_number plan_id valid_from monthly_minimum_micro\nC1 4006000001 plan 2026-01-01 {agreed}"
    )
    for below, expected in ((1, [least]), (0, [])):
        bought = int(least.partition(".")[0]) - below
        heading = "purchase_id contract_id service_number allowance quantity valid_from"
        purchase = f"{heading}\nB1 C1 4006000001 recharge {bought} 2026-03-01"
        book = rate_book(plan, contract=contracts("C1"), subscription=rows, allowance_purchase=purchase)
        told = [each for each in check_book(book, lambda *_: "") if each.reason == "PURCHASE_BELOW_LEAST"]
        assert [each.values["least"] for each in told] == expected
        assert all(each.text("zh") and each.text("en") for each in told)
