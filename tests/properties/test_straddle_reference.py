"""Calls over the edges of windows, of midnight and of a new version, against a walk from block to block.

Three routes again: the columns of the rating stage, the SQL of the second route, and this walk.
"""

import datetime as dt
import tempfile
from fractions import Fraction
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.core.money import PARTS
from billing.rate_book.rating_rows import rating_rows
from billing.rating.stage import rate_calls, total_usage
from billing.second_route.usage import compare_usage, recompute_day
from billing.tables.calls import Cdr, RatedCall
from billing.tables.parquet import write_table
from tests.charging.books import contracts, rate_book, retail

DAY = dt.date(2026, 10, 5)
NEXT = DAY + dt.timedelta(days=1)
NUMBER = "4006000001"
SUBSCRIPTION = f"contract_id service_number plan_id valid_from\nC1 {NUMBER} plan 2026-01-01"
SCHEDULES = st.sampled_from(["60/60", "6/6", "60/7", "30/30", "180/60"])
PRICE = st.integers(0, 4000).map(lambda micro: f"0.{micro:04d}")
FEE = st.sampled_from(["0", "0.0300", "0.5000"])


@st.composite
def plans(draw):
    """A plan of two versions with two windows, its rounding at the edge, and terms that all its prices share."""
    at_edge = draw(st.sampled_from(["restart", "carry_on", "end"]))
    straddle = {"straddle": "end"} if at_edge == "end" else {"straddle": "split", "at_edge": at_edge}
    one = draw(SCHEDULES)
    shared = {}
    if draw(st.booleans()):
        shared["free_seconds"] = {"seconds": draw(st.sampled_from([5, 90])), "reading": "deducted"}
    if draw(st.booleans()):
        shared["legs"] = 2
    if draw(st.booleans()):
        shared["maximum_charge"] = "2.0000"

    def price():
        schedule = one if at_edge == "carry_on" else draw(SCHEDULES)
        return {"schedule": schedule, "price_per_minute": draw(PRICE), "connect_fee": draw(FEE)} | shared

    def version():
        windows = [
            {"name": "night", "days": ["mon", "tue"], "since": "22:00", "until": "06:00", "call": price()},
            {"name": "noon", "days": ["mon"], "since": "12:00", "until": "12:01", "call": price()},
        ]
        return {"call": price(), "windows": windows} | straddle

    versions = {"2026-01-01": version()}
    if draw(st.booleans()):
        versions[str(NEXT)] = version()
    return versions


CALL = st.tuples(
    st.sampled_from(["05:59:50", "11:59:30.500", "12:00:30", "21:58:00", "23:59:30", "23:00:00", "10:00:00"]),
    st.sampled_from([0, 1, 29_499, 29_500, 30_000, 60_000, 61_000, 150_000, 7_400_000]),
    st.sampled_from([0, 5_000, 40_000]),
)


def price_at(versions, when):
    """What holds at an instant."""
    start = max(day for day in versions if day <= str(when.date()))
    version = versions[start]
    clock, day = when.strftime("%H:%M:%S.%f"), ("mon", "tue", "wed")[(when.date() - DAY).days]
    for window in version["windows"]:
        since, until = f"{window['since']}:00.000000", f"{window['until']}:00.000000"
        holds = since <= clock < until if since < until else clock >= since or clock < until
        if day in window["days"] and holds:
            return window["call"]
    return version["call"]


def next_edge(versions, when):
    """The next instant at which something else may hold."""
    clocks = ["00:00", "06:00", "12:00", "12:01", "22:00"]
    edges = [dt.datetime.fromisoformat(f"{when.date() + dt.timedelta(days=d)} {c}") for d in (0, 1) for c in clocks]
    return min(edge for edge in edges if edge > when)


def blocks_of(price):
    first, following = (int(part) for part in price["schedule"].split("/"))
    minute = Fraction(price["price_per_minute"])
    return [(0, first, minute * first / 60), (first, following, minute * following / 60)]


def walked(versions, begin, talk_ms, at_edge):
    """Seconds and price from block to block."""
    ms = dt.timedelta(milliseconds=1)
    if not talk_ms:
        return 0, Fraction(0)
    if at_edge == "end":
        # An end exactly on an edge belongs to what held until then.
        price, seconds, cost = price_at(versions, begin + (talk_ms - 1) * ms), 0, Fraction(0)
        while seconds * 1000 < talk_ms:
            _, length, block = [step for step in blocks_of(price) if step[0] <= seconds][-1]
            seconds, cost = seconds + length, cost + block
        return seconds, cost + Fraction(price["connect_fee"])
    seconds, cost, end = 0, Fraction(price_at(versions, begin)["connect_fee"]), begin + talk_ms * ms
    now, since = begin, begin
    while now < end:
        price = price_at(versions, now)
        _, length, block = [step for step in blocks_of(price) if step[0] * 1000 * ms <= now - since][-1]
        seconds, cost = seconds + length, cost + block
        following = now + length * 1000 * ms
        edge = next_edge(versions, now)
        while edge < following and not is_new(versions, edge):
            edge = next_edge(versions, edge)
        if at_edge == "restart" and edge <= following and is_new(versions, edge):
            following = since = edge
        now = following
    return seconds, cost


def is_new(versions, edge):
    """Whether another piece begins: another window or version; midnight alone is no edge."""
    before = edge - dt.timedelta(milliseconds=1)
    return named(versions, edge) != named(versions, before)


def named(versions, when):
    price = price_at(versions, when)
    start = max(day for day in versions if day <= str(when.date()))
    return start, next((w["name"] for w in versions[start]["windows"] if w["call"] is price), None)


@settings(max_examples=100, deadline=None)
@given(plans(), st.lists(CALL, min_size=1, max_size=8))
def test_pieces_are_what_the_walk_says(versions, picks):
    plan = retail()
    plan = type(plan).model_validate(plan.model_dump(include={"plan", "product"}) | HEAD | {"versions": versions})
    book = rate_book(plan, contract=contracts("C1"), subscription=SUBSCRIPTION, service_number=NUMBERS)
    rows = rating_rows(book, DAY)
    calls = []
    for index, (clock, talk_ms, ring_ms) in enumerate(picks, start=1):
        start = dt.datetime.fromisoformat(f"{DAY} {clock}")
        answered = start + dt.timedelta(milliseconds=ring_ms)
        calls.append(
            {str(column): None for column in Cdr.columns}
            | {"cdr_id": index, "usage_date": DAY, "source": "t", "service_number": NUMBER, "started_at": start,
               "answered_at": answered, "ended_at": answered + dt.timedelta(milliseconds=talk_ms), "talk_ms": talk_ms,
               "outcome": "answered"}
        )  # fmt: skip
    table = Cdr.of_rows(calls)
    rated = rate_calls(table.lazy(), rows, pl.Series([NUMBER])).rated.collect()
    version = versions["2026-01-01"]
    free_ms = version["call"].get("free_seconds", {"seconds": 0})["seconds"] * 1000
    for row, (_, talk_ms, _), call in zip(rated.iter_rows(named=True), picks, calls, strict=True):
        charged = max(0, talk_ms - free_ms)
        begin = call["answered_at"] + dt.timedelta(milliseconds=talk_ms - charged)
        seconds, cost = walked(versions, begin, charged, version.get("at_edge", "end"))
        if "maximum_charge" in version["call"]:
            cost = min(cost, Fraction(version["call"]["maximum_charge"]))
        cost *= version["call"].get("legs", 1)
        found = Fraction(row[RatedCall.amount_micro] * PARTS + row[RatedCall.rest_parts], PARTS * 10**6)
        assert (row[RatedCall.billed_seconds], found) == (seconds, cost)
    with tempfile.TemporaryDirectory() as folder:
        write_table(table, Cdr, Path(folder) / "cdr.parquet")
        again = recompute_day([Path(folder) / "cdr.parquet"], pl.Series([], dtype=pl.Int64), rows)
    assert compare_usage(again, total_usage(rated.lazy()).collect()).is_empty()


HEAD = {
    "description": {"zh": "p", "en": "p"},
    "tax": "included",
    "tax_code": "voice",
    "currency": "CNY",
    "reference": {"title": "test"},
}
NUMBERS = f"service_number carrier_id\n{NUMBER} unicom"
