"""What makes a plan or an adjustment impossible to bill is found before a month is run."""

import pytest

from billing.rate_book.check import check_book
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


def test_an_adjustment_names_a_tax_code_that_exists():
    rows = f"{ADJUSTMENT}T1 C1 2026-10 -5.00 voice\nT2 C1 2026-10 -5.00 vioce"
    assert told(retail(), contract=contracts("C1"), adjustment=rows) == [
        ("ADJUSTMENT_TAX_CODE_UNKNOWN", "catalog/adjustment:T2", {"adjustment": "T2", "code": "vioce"})
    ]
