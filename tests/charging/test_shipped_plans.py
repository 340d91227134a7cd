"""The plan files the project ships: every one can be read, and says what its name says."""

import datetime as dt
from pathlib import Path

import pytest

from billing.rate_book.book import read_price_book, version_on

FOLDER = Path(__file__).parents[2] / "rate_plans"
BOOK = read_price_book(FOLDER)
DAY = dt.date(2026, 10, 1)
JUNE, JULY = dt.date(2026, 6, 30), dt.date(2026, 7, 1)


def test_every_file_is_read():
    stems = {
        kind: {path.stem for path in (FOLDER / kind).glob("*.yaml")} for kind in ("retail", "settlement", "commission")
    }
    assert set(BOOK.retail) == stems["retail"] and len(stems["retail"]) == 31
    assert set(BOOK.settlement) == stems["settlement"] == {"unicom_400", "telecom_400", "mobile_400"}
    assert set(BOOK.commission) == stems["commission"] == {"standard"}


@pytest.mark.parametrize(
    ("plan", "seconds", "yuan"),
    [
        ("split_010", {0: 0, 1: 10, 60: 10, 61: 20, 181: 40}, 100),
        ("split_6s_010", {0: 0, 1: 1, 60: 10, 61: 11, 181: 31}, 100),
        ("split_180_60", {1: 20, 180: 20, 181: 30, 240: 30, 241: 40}, 100),
        ("split_60_6_012", {1: 120, 60: 120, 61: 132}, 1000),
        ("split_008", {61: 16}, 100),
        ("split_030", {61: 60}, 100),
    ],
)
def test_first_prices(plan, seconds, yuan):
    """Expected prices are written in fen, or in tenths of a fen."""
    held = version_on(BOOK.retail[plan].versions, plan, DAY)
    assert held is not None
    for length, price in seconds.items():
        assert _price(held[1].call.blocks, length) == price * 1_000_000 // yuan


def _price(blocks, seconds):
    total = 0
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        inside = max(0, seconds - block.from_second)
        if following is not None:
            inside = min(inside, following.from_second - block.from_second)
        total += -(-inside // block.block_seconds) * block.price
    return total


def test_split_010_has_a_second_version():
    before, after = (version_on(BOOK.retail["split_010"].versions, "split_010", day) for day in (JUNE, JULY))
    assert (before[1].minimum.per_month, after[1].minimum.per_month) == (50_000_000, 40_000_000)
    assert after[0] == "split_010@2026-07-01"


@pytest.mark.parametrize("code", ["voice", "value_added"])
def test_a_rate_for_both_kinds_of_taxpayer(code):
    rates = BOOK.tax.codes[code]
    assert rates.general and rates.small_scale and rates.classification.startswith("3030")


def test_every_tax_code_of_a_plan_is_in_the_tax_table():
    used = {plan.tax_code for plan in (*BOOK.retail.values(), *BOOK.settlement.values())}
    fees = {fee.tax_code for plan in BOOK.retail.values() for version in plan.versions.values() for fee in version.fees}
    assert used | fees <= set(BOOK.tax.codes)
