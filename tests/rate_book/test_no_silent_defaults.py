"""Where the paper contract decides money, the plan must say so: no field has a default that nobody chose."""

import copy

import pytest
import yaml
from pydantic import ValidationError

from billing.rate_book.call_price import Block, CallPrice, FreeSeconds, Rounding
from billing.rate_book.month_terms import (
    Allowance,
    AmountCap,
    CountCap,
    Discount,
    Fee,
    LateOpening,
    Metered,
    Minimum,
    ServiceCredits,
    Volume,
)
from billing.rate_book.plan_tests import PlanTest
from billing.rate_book.plans import (
    CommissionScheme,
    CommissionVersion,
    RetailPlan,
    RetailVersion,
    SettlementPlan,
    SettlementVersion,
    TaxCode,
    TaxTable,
)
from billing.rate_book.policy import Company, Policy, PrintedDocuments, Readings, TaxpayerFrom
from billing.rate_book.quantity_price import Band, Package, QuantityPrice
from billing.rate_book.windows import Window
from pipelines.books import shipped

QUANTITY_FORMS = {"divide_by", "round", "free", "price", "package", "graduated", "all_units", "edge", "fee_at_zero",
                  "minimum_charge", "maximum_charge", "minimum_at_zero"}  # fmt: skip
OPTIONAL = {
    Minimum: {"per_month", "per_year", "first_month", "prorate_day_rate", "counts", "suspended"},
    CallPrice: {"schedule", "price_per_minute", "blocks", "connect_fee", "minimum_charge", "maximum_charge",
                "free_seconds", "bill_from", "legs", "discount", "rounding"},
    Rounding: {"places"},
    Fee: {"amount", "price", "counted", "first_month", "last_month", "is_function_fee", "billed", "every_months",
          "suspended", "plan_change"},
    ServiceCredits: {"faults", "late_opening"},
    Window: {"call_class"},
    RetailVersion: {"windows", "straddle", "calendar", "minimum", "cap_amount", "cap_count", "fees", "allowances",
                    "volume", "discounts", "metered", "subsidy", "caller_pays", "at_edge", "service_credits"},
    Allowance: {"quantity", "roll_for", "first_month", "drawn", "per", "least_purchase"},
    QuantityPrice: QUANTITY_FORMS,
    Volume: QUANTITY_FORMS | {"every"},
    Band: {"price", "discount", "fee", "per"},
    Block: {"price", "price_per_minute"},
    AmountCap: {"crossing", "after"},
    CountCap: {"after"},
    Metered: {"free_records"},
    Package: {"single_price"},
    Discount: {"share", "amount", "on"},
    RetailPlan: {"illustrative", "monthly_range", "words", "tests"},
    PlanTest: {"start", "seconds", "call_class", "item", "quantity", "day"},
}  # fmt: skip
"""What may be left out: a term the plan does not have, or one of which leaving it out is the plain reading."""
MODELS = (PlanTest, Allowance, Band, Discount, Metered, Package, QuantityPrice, Volume, AmountCap, Block, CallPrice,
          FreeSeconds, Rounding, CommissionScheme, CommissionVersion, CountCap, Fee,
          Minimum, RetailPlan, RetailVersion, SettlementPlan, SettlementVersion, TaxCode, TaxTable, Readings,
          TaxpayerFrom, LateOpening, ServiceCredits, Window)  # fmt: skip

WHOLE = {
    "schedule": {"schedule": "60/60", "price_per_minute": "0.10"},
    Minimum: {"per_month": "40.00", "scope": "number", "first_month": "actual", "last_month": "actual"},
    AmountCap: {"amount": "300.00", "fee_base": "usage", "scope": "number"},
    CountCap: {"calls": 2000, "count": "attempts", "scope": "number"},
    Fee: {"item": "monthly_function_fee", "kind": "recurring", "amount": "50.00", "tax_code": "value_added",
          "first_month": "by_day", "last_month": "whole"},
}  # fmt: skip


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_fields_are_required_unless_listed(model):
    optional = {name for name, field in model.model_fields.items() if not field.is_required()}
    assert optional == OPTIONAL.get(model, set())


@pytest.mark.parametrize("model", [Minimum, AmountCap, CountCap])
def test_every_reading_left_out_is_refused(model):
    model.model_validate(WHOLE[model])
    for name in WHOLE[model]:
        short = {key: value for key, value in WHOLE[model].items() if key != name}
        with pytest.raises(ValidationError, match=name):
            model.model_validate(short)


@pytest.mark.parametrize("name", ["first_month", "last_month"])
def test_a_recurring_fee_says_what_its_first_and_last_month_cost(name):
    short = {key: value for key, value in WHOLE[Fee].items() if key != name}
    with pytest.raises(ValidationError, match="first_month"):
        Fee.model_validate(short)


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [
        (Minimum, "per_month", 40.0),
        (Minimum, "per_month", 40),
        (Minimum, "per_month", "40.005"),
        (Minimum, "per_month", "-1.00"),
        (Minimum, "per_month", None),
        (Minimum, "scope", "company"),
        (Minimum, "scope", "Number"),
        (Minimum, "first_month", "whole"),
        (AmountCap, "fee_base", "everything"),
        (CountCap, "calls", 0),
        (CountCap, "calls", -1),
        (Fee, "amount", "1e2"),
        (Fee, "kind", "yearly"),
    ],
)
def test_a_value_that_means_nothing_is_refused(model, name, value):
    with pytest.raises(ValidationError, match=name):
        model.model_validate({**WHOLE[model], name: value})


@pytest.mark.parametrize(
    "call",
    [
        {},
        {"schedule": "60/60"},
        {"price_per_minute": "0.10"},
        {"schedule": "60/0", "price_per_minute": "0.10"},
        {"schedule": "60", "price_per_minute": "0.10"},
        {"schedule": "60/60", "price_per_minute": "0.10", "free_seconds": {"seconds": 5}},
        {"schedule": "60/60", "price_per_minute": "0.10", "free_seconds": {"seconds": 0, "reading": "deducted"}},
        {"schedule": "60/60", "price_per_minute": "0.10", "legs": 3},
        {"schedule": "60/60", "price_per_minute": "0.10", "discount": "1.01"},
        {"schedule": "60/60", "price_per_minute": "0.10", "minimum_charge": "0.20", "maximum_charge": "0.10"},
        {"schedule": "60/60", "price_per_minute": "0.10", "maximum_charge": "5000000.01"},
        {"schedule": "60/60", "price_per_minute": "0.10", "bill_from": "ringing"},
        {"schedule": "60/60", "price_per_minute": "0.10", "rounding": {"at": "call"}},
        {"schedule": "60/60", "price_per_minute": "0.10", "rounding": {"at": "line", "mode": "up", "places": 3}},
        {"schedule": "60/60", "price_per_minute": "0.10", "rounding": {"at": "call", "mode": "nearest"}},
        {"schedule": "60/60", "price_per_minute": 0.1},
        {
            "schedule": "60/60",
            "price_per_minute": "0.10",
            "blocks": [{"from_second": 0, "block_seconds": 60, "price": "1"}],
        },
        {"blocks": [{"from_second": 1, "block_seconds": 60, "price": "0.10"}]},
        {
            "blocks": [
                {"from_second": 0, "block_seconds": 60, "price": "0.10"},
                {"from_second": 90, "block_seconds": 6, "price": "0.01"},
            ]
        },
        {
            "blocks": [
                {"from_second": 0, "block_seconds": 60, "price": "0.10"},
                {"from_second": 0, "block_seconds": 6, "price": "0.01"},
            ]
        },
        {"blocks": [{"from_second": 0, "block_seconds": 0, "price": "0.10"}]},
        {"blocks": [{"from_second": 0, "block_seconds": 1, "price": "60.000000"}]},
    ],
)
def test_a_call_price_that_leaves_something_open_is_refused(call):
    with pytest.raises(ValidationError):
        RetailVersion.model_validate({"call": call})


@pytest.mark.parametrize(
    "call", [{"schedule": "60/60", "price_per_minute": "0.07"}, {"schedule": "60/60", "price_per_minute": "0.06"}]
)
@pytest.mark.parametrize("more", [{"connect_fee": "0.01"}, {"legs": 2}, {"discount": "0.1"}, {"schedule": "7/7"}])
def test_a_carrier_is_paid_by_blocks_alone(call, more):
    grades = {"default": "5.00"}
    SettlementVersion.model_validate({"call": call, "minimum_by_grade": grades})
    if more == {"schedule": "7/7"} and call["price_per_minute"] == "0.06":
        more = {"schedule": "7/7", "price_per_minute": "0.0601"}
    with pytest.raises(ValidationError, match="nothing else"):
        SettlementVersion.model_validate({"call": {**call, **more}, "minimum_by_grade": grades})


def test_shipped_plans_are_whole_and_refuse_a_key_more():
    for folder, model in (("retail", RetailPlan), ("settlement", SettlementPlan), ("commission", CommissionScheme)):
        for path in sorted((shipped("rate_plans") / folder).glob("*.yaml")):
            values = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)
            values.pop("illustrative", None)
            for version in values["versions"].values():
                for fee in version.get("fees", ()):
                    fee.pop("is_function_fee", None)
            model.model_validate(values)
            more = copy.deepcopy(values)
            next(iter(more["versions"].values()))["surprise"] = "1"
            with pytest.raises(ValidationError, match="surprise"):
                model.model_validate(more)


def test_books_state_their_readings_and_what_taxpayer_they_are():
    whole = {
        "first_period": "2026-10",
        "pseudonym_key": "0123456789abcdef",
        "company": {"name": "n", "tax_number": "t", "taxpayer": [{"start": "2020-01-01", "kind": "general"}]},
        "readings": {"revenue_mode": "gross", "fapiao_at": "bill", "collects": "house"},
    }
    Policy.model_validate(whole)
    for name in whole:
        with pytest.raises(ValidationError, match=name):
            Policy.model_validate({key: value for key, value in whole.items() if key != name})
    for name in whole["readings"]:
        readings = {key: value for key, value in whole["readings"].items() if key != name}
        with pytest.raises(ValidationError, match=name):
            Policy.model_validate({**whole, "readings": readings})
    for change in (
        {"first_period": "2026-13"},
        {"due_day": 0},
        {"due_day": 29},
        {"lang": "fr"},
        {"surprise": 1},
        {"company": {**whole["company"], "taxpayer": []}},
        {"company": {**whole["company"], "hotline": ""}},
        {"company": {**whole["company"], "address": "one\ntwo"}},
        {"company": {**whole["company"], "email": "a@b.cn;c@d.cn"}},
        {"company": {**whole["company"], "email": "a"}},
        {"documents": {"paper_rows": 0}},
        {"documents": {"paper_rows": 10_001}},
        {"documents": {"pages": 1}},
        {"readings": {**whole["readings"], "revenue_mode": "net"}},
    ):
        with pytest.raises(ValidationError):
            Policy.model_validate({**whole, **change})


def test_what_documents_print_of_us_may_be_left_out():
    company = {"name": "n", "tax_number": "t", "taxpayer": [{"start": "2020-01-01", "kind": "general"}]}
    bare = Company.model_validate(company)
    assert (bare.address, bare.hotline, bare.email, bare.bank_name, bare.bank_account) == (None,) * 5
    told = Company.model_validate({**company, "email": "a@b.cn", "hotline": " 400-000-0400 "})
    assert (told.email, told.hotline) == ("a@b.cn", "400-000-0400")
    assert PrintedDocuments() == PrintedDocuments(at_close=True, paper_rows=2_000)
