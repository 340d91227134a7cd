"""`price` gives the amounts that were computed by hand, for every block schedule in use."""

import pytest

from pipelines.books import shipped
from tests.commands.corner_shop import bill400

PLAN = """\
plan: trial
description: {{zh: 试算, en: Trial}}
product: split_charge_400
tax: included
tax_code: voice
currency: CNY
reference: {{title: Golden vectors}}
versions:
  2026-01-01:
    call: {call}
  2026-11-01:
    call: {{schedule: 60/60, price_per_minute: "0.5000"}}
"""
CALLER_FEE = (
    '{blocks: [{from_second: 0, block_seconds: 180, price: "0.20"},'
    ' {from_second: 180, block_seconds: 60, price: "0.10"}]}'
)
GOLDEN = {
    "60/60": ('{schedule: 60/60, price_per_minute: "0.10"}',
              {0: "0.00", 1: "0.10", 60: "0.10", 61: "0.20", 181: "0.40"}),
    "6/6": ('{schedule: 6/6, price_per_minute: "0.10"}',
            {0: "0.00", 1: "0.01", 60: "0.10", 61: "0.11", 181: "0.31"}),
    "60/6": ('{schedule: 60/6, price_per_minute: "0.10"}',
             {0: "0.00", 1: "0.10", 60: "0.10", 61: "0.11", 181: "0.31"}),
    "180+60": (CALLER_FEE, {1: "0.20", 60: "0.20", 180: "0.20", 181: "0.30", 240: "0.30", 241: "0.40"}),
    "1/1": ('{schedule: 1/1, price_per_minute: "0.12"}', {1: "0.002", 59: "0.118", 60: "0.12", 61: "0.122"}),
}  # fmt: skip


def priced(tmp_path, call, lines, code=0):
    plan, calls = tmp_path / "trial.yaml", tmp_path / "calls.csv"
    plan.write_text(PLAN.format(call=call), "utf-8")
    calls.write_text("\n".join(["start,duration_s", *lines, ""]), "utf-8")
    return bill400("price", plan, calls, "--json", code=code).json


@pytest.mark.parametrize("schedule", GOLDEN)
def test_golden_vectors(tmp_path, schedule):
    call, expected = GOLDEN[schedule]
    found = priced(tmp_path, call, [f"2026-10-05 09:00:00,{seconds}" for seconds in expected])
    assert {call["duration_s"]: call["amount"] for call in found["calls"]} == expected


def test_the_version_goes_by_the_start(tmp_path):
    lines = ["2026-11-01 00:00:00,60", "2026-10-31 23:59:59,60"]
    found = priced(tmp_path, GOLDEN["60/60"][0], lines)
    assert [(call["rate"], call["amount"]) for call in found["calls"]] == [
        ("trial@2026-11-01", "0.50"),
        ("trial@2026-01-01", "0.10"),
    ]
    assert found["total"] == "0.60"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2025-12-31 23:59:59,60", "NO_PRICE"),
        ("2026-10-05 09:00:00,1.5005", "CALLS_LINE_WRONG"),
        ("2026-10-05 09:00:00,-1", "CALLS_LINE_WRONG"),
        ("2026-10-05 09:00:00,1e3", "CALLS_LINE_WRONG"),
        ("2026-10-05 09:00:00,６０", "CALLS_LINE_WRONG"),
        ("05/10/2026 09:00,60", "CALLS_LINE_WRONG"),
        (",60", "CALLS_LINE_WRONG"),
        ("2026-10-05 09:00:00", "CALLS_LINE_WRONG"),
        ("2026-10-05 09:00:00,99999999999999999999", "CALLS_LINE_WRONG"),
    ],
)
def test_a_line_that_cannot_be_priced_is_named(tmp_path, line, reason):
    found = priced(tmp_path, GOLDEN["60/60"][0], ["2026-10-05 09:00:00,1", line], code=1)
    assert [(finding["reason"], finding["where"]) for finding in found["findings"]] == [(reason, "calls.csv:3")]


def test_a_file_in_another_encoding_is_refused(tmp_path):
    plan, calls = tmp_path / "trial.yaml", tmp_path / "calls.csv"
    plan.write_text(PLAN.format(call=GOLDEN["60/60"][0]), "utf-8")
    calls.write_bytes("start,duration_s,备注\n2026-10-05 09:00:00,60,测试\n".encode("gb18030"))
    bill400("price", plan, calls, code=1)


def test_calls_are_priced_by_the_window_in_which_they_start(tmp_path):
    plan = tmp_path / "windows.yaml"
    plan.write_text(
        """
plan: windows
description: {zh: 时段, en: windows}
product: split_charge_400
tax: included
tax_code: voice
currency: CNY
reference: {title: Annex}
versions:
  2026-01-01:
    call: {schedule: 60/60, price_per_minute: "0.10"}
    straddle: start
    calendar: cn
    windows:
      - {name: rest, days: [rest_day], since: "00:00", until: "24:00",
         call: {schedule: 1/1, price_per_minute: "0.08"}}
""",
        "utf-8",
    )
    calls = tmp_path / "calls.csv"
    starts = ("2026-10-07 23:59:59", "2026-10-08 00:00:00", "2026-10-10 12:00:00", "2026-10-11 12:00:00")
    calls.write_text("\n".join(["start,duration_s", *(f"{start},61" for start in starts)]), "utf-8")
    priced = bill400("price", plan, calls, "--json").json
    assert [(call["rate"], call["amount"]) for call in priced["calls"]] == [
        ("windows@2026-01-01:rest", "0.081333"),  # the last holiday of the week; 61 x 0.08 / 60
        ("windows@2026-01-01", "0.20"),
        ("windows@2026-01-01", "0.20"),  # a Saturday worked for a holiday
        ("windows@2026-01-01:rest", "0.081333"),
    ]
    calls.write_text("start,duration_s\n2031-01-01 10:00:00,61", "utf-8")
    assert "CALENDAR_YEAR_MISSING" in bill400("price", plan, calls, code=1).err


def test_metered_items_of_a_switchboard(tmp_path):
    """7 seats are two packs (1000.00), 7,500 s of recording three hours begun (150.00), opening fee 100.00."""
    items = tmp_path / "items.csv"
    items.write_text("start,quantity\n2026-10-05 09:00:00,3600\n2026-10-06 09:00:00,3900\n", "utf-8")
    plan = shipped("rate_plans") / "retail" / "switchboard_168_bundle.yaml"
    found = bill400("price", plan, items, "--held", "seats=7", "--opened", "2026-10-02", "--json").json
    (month,) = found["months"]
    charges = {charge["item"]: charge["amount"] for charge in month["charges"]}
    assert charges == {"opening_fee": "100.00", "seats": "1000.00", "recording": "150.00"}
    assert (month["total"], month["net"], month["tax"]) == ("1250.00", "1179.25", "70.75")  # 6 %: 1250 / 1.06


MONTH = """\
plan: month
description: {zh: 月, en: Month}
product: split_charge_400
tax: included
tax_code: voice
currency: CNY
reference: {title: Annex}
versions:
  2026-01-01:
    call: {schedule: 60/60, price_per_minute: "0.1200", connect_fee: "0.0500", bill_from: platform_answer}
    allowances:
      - {name: bought, of: minute, every: purchase, scope: number, last_call: split, unused: lapse}
    minimum: {per_month: "50.00", scope: number, first_month: prorate, last_month: actual, prorate_day_rate: "1.65"}
"""


def test_a_month_of_calls_with_times_pieces_and_an_allowance(tmp_path):
    """Two records of one call: 60 + 61 s and 4 s from the platform on are 125 s, 3 minutes and one connect fee:
    0.41. Platform only, 30 s: 0.17. Two bought minutes pay 0.29 of the first (2 x 0.12 and the connect fee). Opened on
    11 October: 21 x 1.65 = 34.65 are the floor, 0.29 of calls are left.
    """
    plan, usage = tmp_path / "month.yaml", tmp_path / "calls.csv"
    plan.write_text(MONTH, "utf-8")
    usage.write_text(
        "start,duration_s,answered_s,platform_s,outcome,continued\n"
        "2026-10-12 09:00:00,60,5,1,answered,\n"
        "2026-10-12 09:01:10,61,,,answered,1\n"
        "2026-10-12 10:00:00,30,,2,ivr_only,\n",
        "utf-8",
    )
    found = bill400("price", plan, usage, "--opened", "2026-10-11", "--bought", "bought=2@2026-10-11", "--json").json
    assert [(call["amount"], call["taken"], call["left"]) for call in found["calls"]] == [
        ("0.41", {"allowance:bought": "0.29"}, "0.12"),
        ("0.17", {}, "0.17"),
    ]
    (month,) = found["months"]
    kinds = {charge["kind"]: charge["amount"] for charge in month["charges"]}
    assert kinds == {"usage": "0.58", "allowance_credit": "-0.29", "true_up": "34.36"}
    assert month["total"] == found["total"] == "34.65"
