"""Below cost is judged by pricing calls of usual lengths under both schedules, never by comparing minute prices."""

import pytest

from billing.rate_book.call_price import CallPrice
from billing.rate_book.check_prices import USUAL_SECONDS
from tests.commands.corner_shop import bill400, open_shop

CARRIER = {"schedule": "60/60", "price_per_minute": "0.06"}


def price(seconds, **call):
    return CallPrice.model_validate(call).price_of(seconds * 1000)


def below(retail, cost=CARRIER):
    return [seconds for seconds in USUAL_SECONDS if price(seconds, **retail) < price(seconds, **cost)]


def test_six_seconds_at_a_fen_against_minutes_at_six_fen():
    short = below({"schedule": "6/6", "price_per_minute": "0.10"})
    assert len(short) == 36
    assert 6 in short and 60 not in short
    assert price(6, schedule="6/6", price_per_minute="0.10") == 10_000
    assert price(6, **CARRIER) == 60_000


@pytest.mark.parametrize(("minute", "count"), [("0.06", 0), ("0.0599", 600), ("0.0601", 0), ("0.10", 0), ("0.00", 600)])
def test_minutes_against_minutes(minute, count):
    assert len(below({"schedule": "60/60", "price_per_minute": minute})) == count


def test_a_dear_minute_can_lie_below_cost_and_a_cheap_one_above():
    assert below({"schedule": "1/1", "price_per_minute": "0.12"}), "one second brings 0.002 and costs 0.06"
    assert not below({"blocks": [{"from_second": 0, "block_seconds": 600, "price": "0.60"}]})


def test_what_stands_beside_the_blocks_counts():
    # Up to a minute 0.06 or more against 0.06; eleven blocks of 6 s are 0.11 against two minutes at 0.06.
    assert below({"schedule": "6/6", "price_per_minute": "0.10", "minimum_charge": "0.06"}) == [61, 62, 63, 64, 65, 66]
    assert len(below({"schedule": "60/60", "price_per_minute": "0.06", "discount": "0.01"})) == 600


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
