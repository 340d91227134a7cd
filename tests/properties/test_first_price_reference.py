"""First prices with every term mixed, against a reference in exact fractions that walks block by block.

Three routes see the same calls: the columns of the rating stage, the SQL of the second route, and this walk, which
shares no line with either.
"""

import datetime as dt
import tempfile
from fractions import Fraction
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.rate_book.call_price import CallPrice
from billing.rate_book.rating_rows import blocks_row, rating_schema, terms_row
from billing.rating.stage import rate_calls, total_usage
from billing.second_route.usage import compare_usage, recompute_day
from billing.tables.calls import Cdr
from billing.tables.parquet import write_table

DAY = dt.datetime.fromisoformat("2026-10-05 09:00:00")
NUMBERS = ("4006000001", "4006000002", "4006000003")
WIDTH = 3
MICRO = 1_000_000


def yuan(micro):
    return f"{micro // MICRO}.{micro % MICRO:06d}"


@st.composite
def prices(draw):
    """A call price as a plan file says it, any terms beside its blocks."""
    price = {}
    if draw(st.booleans()):
        first, following = draw(st.sampled_from([(1, 1), (6, 6), (60, 60), (60, 6), (180, 60), (7, 7), (30, 7)]))
        price |= {"schedule": f"{first}/{following}", "price_per_minute": yuan(draw(st.integers(0, 400_000)))}
    else:
        blocks, start = [], 0
        for _ in range(draw(st.integers(1, WIDTH))):
            length = draw(st.sampled_from([1, 6, 7, 30, 60, 180]))
            cost = yuan(draw(st.integers(0, 300_000)))
            blocks.append({"from_second": start, "block_seconds": length, "price": cost})
            start += length * draw(st.integers(1, 4))
        price["blocks"] = blocks
    terms = {
        "connect_fee": st.integers(0, 100_000).map(yuan),
        "minimum_charge": st.integers(0, 200_000).map(yuan),
        "maximum_charge": st.integers(200_000, 900_000).map(yuan),
        "free_seconds": st.fixed_dictionaries(
            {"seconds": st.sampled_from([1, 6, 59, 60, 200]), "reading": st.sampled_from(["deducted", "if_shorter"])}
        ),
        "bill_from": st.sampled_from(["landing_answer", "platform_answer"]),
        "legs": st.sampled_from([1, 2]),
        "discount": st.sampled_from(["0", "0.05", "0.3333", "1"]),
        "rounding": st.fixed_dictionaries(
            {"at": st.just("call"), "mode": st.sampled_from(["up", "down", "half_up", "half_even"]),
             "places": st.integers(0, 6)}
        )
        | st.fixed_dictionaries({"at": st.just("line"), "mode": st.sampled_from(["up", "half_even"])}),
    }  # fmt: skip
    for name in draw(st.lists(st.sampled_from(sorted(terms)), unique=True)):
        price[name] = draw(terms[name])
    return price


EDGES = [0, 1, 999, 1000, 6000, 6001, 59_999, 60_000, 60_001, 180_000, 180_001]
TALKS = st.sampled_from(EDGES) | st.integers(0, 700_000)
OUTCOMES = ("answered", "answered", "ivr_only", "busy", "no_answer")
CALLS = st.lists(
    st.tuples(st.sampled_from(NUMBERS), st.sampled_from(OUTCOMES), TALKS, st.sampled_from([None, 0, 1, 4500, 30_000])),
    min_size=1,
    max_size=20,
)


def walked(price, talk_ms):
    """Blocks begun, seconds and price, block after block."""
    if "schedule" in price:
        first, following = (int(part) for part in price["schedule"].split("/"))
        minute = Fraction(price["price_per_minute"])
        steps = [(0, first, minute * first / 60), (first, following, minute * following / 60)]
    else:
        steps = [(b["from_second"], b["block_seconds"], Fraction(b["price"])) for b in price["blocks"]]
    at_ms, seconds, blocks, cost = 0, 0, 0, Fraction(0)
    while at_ms < talk_ms:
        _, length, block_price = [step for step in steps if step[0] * 1000 <= at_ms][-1]
        at_ms, seconds, blocks, cost = at_ms + length * 1000, seconds + length, blocks + 1, cost + block_price
    return seconds, blocks, cost


def rounded(amount, mode, places):
    scaled = amount * 10**places
    whole = scaled.numerator // scaled.denominator
    rest = scaled - whole
    up = {
        "up": rest > 0,
        "down": False,
        "half_up": rest >= Fraction(1, 2),
        "half_even": rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1),
    }[mode]
    return Fraction(whole + up, 10**places)


def expected(price, outcome, talk_ms, platform_ms):
    """Seconds, blocks, exact price and whether the call was rounded itself, as the rules say it in words."""
    from_platform = price.get("bill_from") == "platform_answer"
    if outcome == "answered":
        # The platform may have answered before the landing number did.
        counted = talk_ms + (platform_ms or 0) if from_platform else talk_ms
    elif outcome == "ivr_only" and from_platform:
        counted = talk_ms
    else:
        counted = 0
    charged = counted
    if "free_seconds" in price:
        free = price["free_seconds"]["seconds"] * 1000
        if price["free_seconds"]["reading"] == "deducted":
            charged = max(0, counted - free)
        elif counted <= free:
            charged = 0
    seconds, blocks, cost = walked(price, charged)
    if charged == 0:
        return seconds, blocks, Fraction(0)
    cost = max(cost + Fraction(price.get("connect_fee", "0")), Fraction(price.get("minimum_charge", "0")))
    if "maximum_charge" in price:
        cost = min(cost, Fraction(price["maximum_charge"]))
    cost = cost * (1 - Fraction(price.get("discount", "0"))) * price.get("legs", 1)
    rounding = price.get("rounding")
    if rounding and rounding["at"] == "call":
        cost = rounded(cost, rounding["mode"], rounding.get("places", 2))
    return seconds, blocks, cost


def rows_of(plans):
    rows = []
    for number, price in plans.items():
        model = CallPrice.model_validate(price)
        rows.append(
            {
                "service_number": number,
                "since_ms": 0,
                "until_ms": 86_400_000,
                "contract_id": f"K{number[-1]}",
                "rate_id": "r@2026-01-01",
                "settlement_rate_id": "s@2026-01-01",
                "is_trial": False,
                **terms_row(model),
                **blocks_row("retail", model.blocks, WIDTH),
                **blocks_row("carrier", CARRIER.blocks, 1),
            }
        )
    return pl.DataFrame(rows, schema=rating_schema(WIDTH, 1), orient="row")


CARRIER = CallPrice.model_validate({"schedule": "60/60", "price_per_minute": "0.06"})


def calls_of(calls):
    rows = []
    for line, (number, outcome, talk_ms, platform_ms) in enumerate(calls, start=2):
        row = dict.fromkeys(str(column) for column in Cdr.columns)
        row |= {"cdr_id": line, "usage_date": DAY.date(), "source": "s", "service_number": number, "started_at": DAY,
                "talk_ms": talk_ms, "outcome": outcome}  # fmt: skip
        talk = dt.timedelta(milliseconds=talk_ms)
        if outcome == "answered":
            row["answered_at"] = DAY + dt.timedelta(seconds=40)
            row["ended_at"] = row["answered_at"] + talk
            if platform_ms is not None:
                row["platform_answered_at"] = row["answered_at"] - dt.timedelta(milliseconds=platform_ms)
        elif outcome == "ivr_only":
            row["platform_answered_at"] = DAY
            row["ended_at"] = DAY + talk
        rows.append(row)
    return Cdr.of_rows(rows)


@settings(max_examples=150, deadline=None)
@given(st.tuples(prices(), prices()), CALLS)
def test_three_routes_agree_on_every_call_and_sum(two, calls):
    plans = dict(zip(NUMBERS, two, strict=False))
    rows, cdr = rows_of(plans), calls_of(calls)
    rated = rate_calls(cdr.lazy(), rows, pl.Series(NUMBERS)).rated.collect()
    assert rated.height == sum(call[0] in plans for call in calls)
    for row in rated.iter_rows(named=True):
        number, outcome, talk_ms, platform_ms = calls[row["cdr_id"] - 2]
        seconds, blocks, cost = expected(plans[number], outcome, talk_ms, platform_ms)
        assert (row["billed_seconds"], row["block_count"]) == (seconds, blocks)
        assert row["amount_micro"] + Fraction(row["rest_parts"], 600_000) == cost * MICRO
        assert abs(row["rest_parts"]) <= 300_000, "a call is rounded to its nearest millionth"
        at_call = plans[number].get("rounding", {}).get("at") == "call"
        assert not (at_call and row["rest_parts"])
        assert (row["free_reason"] is None) == (seconds > 0)
        plain = CallPrice.model_validate(plans[number])
        if plans[number].get("bill_from") != "platform_answer" and outcome == "answered":
            assert plain.price_of(talk_ms) == cost * MICRO
    with tempfile.TemporaryDirectory() as folder:
        write_table(cdr, Cdr, Path(folder) / "cdr.parquet")
        second = recompute_day([Path(folder) / "cdr.parquet"], pl.Series([], dtype=pl.Int64), rows)
    assert compare_usage(second, total_usage(rated.lazy()).collect()).is_empty()
