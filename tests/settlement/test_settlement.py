import datetime as dt

import polars as pl
import pytest

from billing.core.money import yuan_exact
from billing.rate_book.plans import SettlementVersion
from billing.settlement.stage import settle_carriers
from tests.charging.books import OCTOBER, contracts, rate_book, retail, usage

NUMBERS = """
service_number carrier_id grade
4006000001     unicom     A
4006000002     unicom     C
"""
SINCE = "contract_id service_number plan_id valid_from valid_to\n"
BOTH = SINCE + "C1 4006000001 plan 2026-01-01 -\nC1 4006000002 plan 2026-01-01 -"


def settled(text, subscription=BOTH, **more):
    book = rate_book(
        retail(), contract=contracts("C1", "C2"), subscription=subscription, service_number=NUMBERS, **more
    )
    return settle_carriers(OCTOBER, usage(text), book, {}).tables["settlement_line"]


def shown(lines, *columns):
    return [
        " ".join([row["service_number"], row["kind"], yuan_exact(row["gross_micro"]), *(str(row[c]) for c in columns)])
        for row in lines.iter_rows(named=True)
    ]


@pytest.mark.parametrize(("grade", "floor"), [("A", 30), ("B", 5), (None, 5)])
def test_grade_minimum(grade, floor):
    call = {"schedule": "60/60", "price_per_minute": "0.06"}
    both, one = ({"A": "30.00", "default": "5.00"}, {"A": "30.00"})
    versions = [SettlementVersion.model_validate({"call": call, "minimum_by_grade": floors}) for floors in (both, one)]
    assert versions[0].minimum_of(grade) == floor * 1_000_000
    assert versions[1].minimum_of(grade) == (30_000_000 if grade == "A" else 0)


def test_usage_is_rounded_a_line_and_filled_up_to_the_floor():
    """Grade A owes 30.00, grade C takes the default 5.00; 29.995 is rounded to 30.00 first."""
    lines = settled("day number contract cost\n3 4006000001 C1 29.995\n4 4006000002 C1 1.20")
    assert shown(lines) == ["4006000001 usage 30.00", "4006000002 true_up 3.80", "4006000002 usage 1.20"]
    assert lines["explanation"][1] == '{"counted":"1.20","floor":"5.00"}'


def test_input_vat_is_computed_once_a_carrier():
    """30.00 + 3.80 + 1.20 = 35.00 at 9 %: net 32.11 (32.1100...), VAT 2.89, allotted to the three lines."""
    lines = settled("day number contract cost\n3 4006000001 C1 30.00\n4 4006000002 C1 1.20")
    # exact nets 27.5229..., 3.4862..., 1.1009...: cut 27.52 + 3.48 + 1.10 = 32.10, the missing fen to the second
    assert [yuan_exact(net) for net in lines["net_micro"]] == ["27.52", "3.49", "1.10"]
    assert yuan_exact(int(lines["tax_micro"].sum())) == "2.89"


def test_a_small_scale_taxpayer_deducts_nothing():
    lines = settled("day number contract cost\n3 4006000001 C1 30.00", taxpayer="small_scale")
    assert lines["tax_micro"].sum() == 0 and lines["vat_rate_bp"].unique().to_list() == [0]
    assert lines["net_micro"].to_list() == lines["gross_micro"].to_list()


def test_late_calls_have_lines_of_their_month_and_do_not_fill_this_months_floor():
    calls = usage("day number contract cost\n3 4006000001 C1 10.00\n4 4006000001 C1 25.00").with_columns(
        pl.when(pl.col("usage_date").dt.day() == 4)
        .then(pl.lit(dt.date(2026, 9, 4)))
        .otherwise("usage_date")
        .alias("usage_date")
    )
    only = SINCE + "C1 4006000001 plan 2026-01-01 -"
    book = rate_book(retail(), contract=contracts("C1"), subscription=only, service_number=NUMBERS)
    lines = settle_carriers(OCTOBER, calls, book, {}).tables["settlement_line"]
    assert shown(lines, "usage_period") == [
        "4006000001 true_up 20.00 2026-10",
        "4006000001 usage 25.00 2026-09",
        "4006000001 usage 10.00 2026-10",
    ]


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ("C1 4006000001 plan 2026-09-30 -", "30.00"),
        ("C1 4006000001 plan 2026-10-02 -", None),  # a day without service before it opened
        ("C1 4006000001 plan 2026-10-01 -", "30.00"),  # opened on the 1st: every day of the month
        ("C1 4006000001 plan 2026-01-01 2026-11-01", "30.00"),  # closed with the month: every day of it
        ("C1 4006000001 plan 2026-10-01 2026-11-01", "30.00"),  # opened and closed at its edges
        ("C1 4006000001 plan 2026-01-01 2026-10-31", None),  # a day without service after it closed
        ("C1 4006000001 plan 2026-01-01 2026-10-20", None),
        ("C1 4006000001 plan 2026-01-01 2026-10-11\nC2 4006000001 plan 2026-10-11 -", "30.00"),  # another owner
        ("C1 4006000001 plan 2026-01-01 2026-10-11\nC2 4006000001 plan 2026-10-12 -", None),  # a day without service
    ],
)
def test_the_floor_is_owed_for_whole_months_of_service(ranges, expected):
    lines = settled("day number contract", SINCE + ranges)
    assert shown(lines) == ([] if expected is None else [f"4006000001 true_up {expected}"])


@pytest.mark.parametrize(
    ("before", "late", "expected"),
    [
        ("1.20", "0.60", ["true_up -0.60", "usage 0.60"]),  # still under the floor of 5.00
        ("4.80", "0.60", ["true_up -0.20", "usage 0.60"]),  # over it by 0.40
        ("6.00", "0.60", ["usage 0.60"]),
        ("1.234", "0.002", ["true_up -0.01", "usage 0.01"]),  # 1.23 and 1.24: rounded before they are compared
        ("0", "0", ["usage 0.00"]),  # a call that was not answered
    ],
)
def test_a_late_call_takes_off_the_true_up_of_its_month(before, late, expected):
    """November settles calls of October, which was billed: grade C has a floor of 5.00."""
    only = SINCE + "C1 4006000002 plan 2026-01-01 2026-11-01"
    book = rate_book(retail(), contract=contracts("C1"), subscription=only, service_number=NUMBERS)
    calls = [usage(f"day number contract cost\n3 4006000002 C1 {cost}") for cost in (before, late)]
    lines = settle_carriers(OCTOBER.shifted(1), calls[1], book, {OCTOBER: calls[0]}).tables["settlement_line"]
    assert shown(lines, "usage_period", "period") == [f"4006000002 {line} 2026-10 2026-11" for line in expected]
    usage_line = lines.row(-1, named=True)
    assert (usage_line["call_count"], usage_line["billed_seconds"]) == (1, 60)


def test_late_lines_say_what_was_billed():
    only = SINCE + "C1 4006000002 plan 2026-01-01 2026-11-01"
    book = rate_book(retail(), contract=contracts("C1"), subscription=only, service_number=NUMBERS)
    calls = [usage(f"day number contract cost\n3 4006000002 C1 {cost}") for cost in ("1.20", "0.60")]
    lines = settle_carriers(OCTOBER.shifted(1), calls[1], book, {OCTOBER: calls[0]}).tables["settlement_line"]
    assert lines["explanation"].to_list() == [
        '{"billed":"3.80","with_late":"3.20"}',
        '{"billed":"1.20","with_late":"1.80"}',
    ]
