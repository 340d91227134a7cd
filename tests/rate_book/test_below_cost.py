"""Below cost is judged by pricing calls of usual lengths under both schedules, never by comparing minute prices."""

import pytest

from billing.rate_book.check import USUAL_SECONDS, call_price
from billing.rate_book.plans import CallPrice
from tests.commands.corner_shop import bill400, open_shop

CARRIER = {"schedule": "60/60", "price_per_minute": "0.06"}


def blocks(**call):
    return CallPrice.model_validate(call).blocks


def below(retail, cost=CARRIER):
    price, paid = blocks(**retail), blocks(**cost)
    return [seconds for seconds in USUAL_SECONDS if call_price(price, seconds) < call_price(paid, seconds)]


def test_six_seconds_at_a_fen_against_minutes_at_six_fen():
    short = below({"schedule": "6/6", "price_per_minute": "0.10"})
    assert len(short) == 36
    assert 6 in short and 60 not in short
    assert call_price(blocks(schedule="6/6", price_per_minute="0.10"), 6) == 10_000
    assert call_price(blocks(**CARRIER), 6) == 60_000


@pytest.mark.parametrize(("price", "count"), [("0.06", 0), ("0.0599", 600), ("0.0601", 0), ("0.10", 0), ("0.00", 600)])
def test_minutes_against_minutes(price, count):
    assert len(below({"schedule": "60/60", "price_per_minute": price})) == count


def test_a_dear_minute_can_lie_below_cost_and_a_cheap_one_above():
    assert below({"schedule": "1/1", "price_per_minute": "0.12"}), "one second brings 0.002 and costs 0.06"
    assert not below({"blocks": [{"from_second": 0, "block_seconds": 600, "price": "0.60"}]})


def test_check_says_it_with_the_first_length_and_both_amounts(tmp_path):
    root = open_shop(tmp_path / "books")
    found = bill400("check", root, "--json").json["findings"]
    warnings = [finding for finding in found if finding["reason"] == "PRICE_BELOW_COST"]
    assert [finding["where"] for finding in warnings] == ["rate_plans/retail/split_6s_010.yaml"]
    assert warnings[0]["values"] == {
        "plan": "split_6s_010", "settlement": "unicom_400", "count": "36", "seconds": "1", "price": "0.01",
        "cost": "0.06",
    }  # fmt: skip
    bill400("check", root, "--fail-on", "warning", code=1)
