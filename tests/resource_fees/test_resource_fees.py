"""Number resource fees: classes, twelfths, incomplete months, quarters; a cost without a table of fees is refused."""

import dataclasses

import pytest
import yaml

from billing.core.money import yuan
from billing.core.period import Period
from billing.rate_book.resource_fees import ResourceFees
from billing.resource_fees.stage import accrue_resource_fees
from pipelines.books import shipped
from tests.charging.books import rate_book, retail

FEES = ResourceFees.model_validate(
    yaml.load((shipped("rate_plans") / "resources" / "number_fees.yaml").read_text("utf-8"), yaml.BaseLoader)
)
HEAD = "resource occupied_from occupied_to\n"


def fees_of(period, rows, fees=FEES):
    book = rate_book(retail(), number_resource=HEAD + rows)
    book = dataclasses.replace(book, prices=dataclasses.replace(book.prices, resource_fees=fees))
    return accrue_resource_fees(Period.parse(period), book)


def shown(outcome):
    return [
        (row["resource"], yuan(row["accrued_micro"]), row["due_on"] and str(row["due_on"]), yuan(row["due_micro"]))
        for row in outcome.tables["resource_fee"].iter_rows(named=True)
    ]


@pytest.mark.parametrize(
    ("number", "a_month"),
    [
        ("95012", "20,000.00"),
        ("95199", "20,000.00"),
        ("952123", "2,000.00"),
        ("96123", "4,000.00"),
        ("961234", "400.00"),
    ],
)
def test_a_month_is_a_twelfth_of_its_class(number, a_month):
    assert shown(fees_of("2026-05", f"{number} 2025-01-01 -")) == [(number, a_month, None, "0.00")]


@pytest.mark.parametrize("number", ["12333", "110", "4006000001", "95555", "9512345"])
def test_numbers_of_no_class_owe_nothing(number):
    """955XX is no number resource of a reseller, 95 with seven digits does not exist."""
    assert shown(fees_of("2026-05", f"{number} 2025-01-01 -")) == []


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("2026-02", []),
        ("2026-03", [("952123", "2,000.00", None, "0.00")]),
        ("2026-04", [("952123", "2,000.00", "2026-04-10", "2,000.00")]),
        ("2026-07", [("952123", "2,000.00", "2026-07-10", "6,000.00")]),
    ],
)
def test_the_first_month_is_free_and_quarters_are_due_by_the_tenth(period, expected):
    """The golden vector: 952XXX held from 15 February 2026."""
    assert shown(fees_of(period, "952123 2026-02-15 -")) == expected


def test_an_incomplete_month_counts_whole_where_the_table_says_so():
    whole = FEES.model_copy(update={"first_month": "whole"})
    assert shown(fees_of("2026-02", "952123 2026-02-15 -", whole)) == [("952123", "2,000.00", None, "0.00")]


def test_the_last_month_is_incomplete_too():
    assert shown(fees_of("2026-05", "952123 2025-01-01 2026-05-31")) == []


def test_numbers_without_a_table_of_fees_are_refused():
    (finding,) = fees_of("2026-05", "952123 2025-01-01 -", None).findings
    assert (finding.reason, finding.severity) == ("RESOURCE_FEES_MISSING", "critical")
