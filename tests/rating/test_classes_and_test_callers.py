"""Prices by class of call, and calls of test callers: by the closed columns, by SQL and by the plain walk."""

import datetime as dt

import polars as pl
import pytest
from pydantic import ValidationError

from billing.rate_book.rating_rows import rating_rows
from billing.rating.stage import rate_calls, rating_fingerprint, total_usage
from billing.second_route.usage import compare_usage, recompute_day
from billing.tables.calls import Cdr
from billing.tables.parquet import write_table
from tests.charging.books import contracts, rate_book, retail

DAY = dt.date(2026, 10, 12)
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ONE, TWO = "4006000001", "4006000002"
SUBSCRIPTIONS = f"""
contract_id service_number plan_id valid_from
C1          {ONE}          classed 2026-01-01
C1          {TWO}          plan    2026-01-01
"""
NUMBERS = f"service_number carrier_id\n{ONE} unicom\n{TWO} unicom"
TESTERS = """
caller      valid_from valid_to
02160000000 2026-01-01 -
02160000001 2026-01-01 2026-10-12
02160000002 2026-10-12 2026-10-13
"""


def window(name, call_class, price, since="00:00", until="24:00"):
    of_class = {"call_class": call_class} if call_class else {}
    call = {"schedule": "60/60", "price_per_minute": price}
    return of_class | {"name": name, "days": WEEK, "since": since, "until": until, "call": call}


TOLL = (window("toll_day", "toll", "0.30", "07:00", "21:00"), window("toll_night", "toll", "0.20", "21:00", "07:00"))
# number, caller, class, start, seconds; then the window that holds, minutes and price in fen
CALLS = [
    (ONE, "13900000001", "toll", "12:00:00", 61, "toll_day", 60),
    (ONE, "13900000001", "toll", "21:00:00", 61, "toll_night", 40),
    (ONE, "13900000001", "toll", "20:59:00", 60, "toll_day", 30),
    (ONE, "13900000001", "outbound", "12:00:00", 60, "outbound", 5),
    (ONE, "13900000001", "local", "12:00:00", 60, "", 10),
    (ONE, "13900000001", None, "12:00:00", 60, "", 10),
    (ONE, None, "toll", "12:00:00", 60, "toll_day", 30),
    (TWO, "13900000001", "toll", "12:00:00", 60, "", 10),
    (TWO, "13900000001", None, "23:00:00", 60, "", 10),
    (ONE, "02160000000", "toll", "12:00:00", 60, "toll_day", 0),
    (TWO, "02160000002", None, "12:00:00", 60, "", 0),
    (TWO, "02160000001", None, "12:00:00", 60, "", 10),
]


def cdr_of(calls):
    rows = []
    for index, (number, caller, call_class, clock, seconds, *_) in enumerate(calls, start=1):
        start = dt.datetime.fromisoformat(f"{DAY} {clock}")
        end = start + dt.timedelta(seconds=seconds)
        rows.append(
            {str(column): None for column in Cdr.columns}
            | {"cdr_id": index, "usage_date": DAY, "source": "t", "service_number": number, "caller": caller,
               "call_class": call_class, "started_at": start, "answered_at": start, "ended_at": end,
               "talk_ms": seconds * 1000, "outcome": "answered"}
        )  # fmt: skip
    return Cdr.of_rows(rows)


def books(straddle=None, test_caller=TESTERS):
    straddles = straddle or {"straddle": "start"}
    windows = [*TOLL, window("outbound", "outbound", "0.05")]
    plans = retail("classed", start="2026-01-01", windows=windows, **straddles), retail(start="2026-01-01")
    return rate_book(
        *plans, contract=contracts("C1"), subscription=SUBSCRIPTIONS, service_number=NUMBERS, test_caller=test_caller
    )


@pytest.mark.parametrize("straddle", [None, {"straddle": "split", "at_edge": "restart"}])
def test_three_routes_agree_on_every_class(straddle, tmp_path):
    book, calls = books(straddle), cdr_of(CALLS)
    rows = rating_rows(book, DAY)
    rated = rate_calls(calls.lazy(), rows, pl.Series([ONE, TWO])).rated.collect()
    found = [(row["rate_id"].partition(":")[2], row["amount_micro"] // 10_000) for row in rated.iter_rows(named=True)]
    assert found == [(name, fen) for *_, name, fen in CALLS]
    assert [row["cdr_id"] for row in rated.iter_rows(named=True) if row["free_reason"] == "test_call"] == [10, 11]
    assert rated["settlement_micro"].sum() == 60_000 * (rated.height + 2), "what tests cost us is kept"
    for number, caller, call_class, clock, seconds, _, fen in CALLS:
        plan, start = "classed" if number == ONE else "plan", dt.datetime.fromisoformat(f"{DAY} {clock}")
        if caller not in ("02160000000", "02160000002"):
            assert book.first_price(plan, start, seconds * 1000, call_class) == fen * 10_000
    write_table(calls, Cdr, tmp_path / "cdr.parquet")
    again = recompute_day([tmp_path / "cdr.parquet"], pl.Series([], dtype=pl.Int64), rows)
    assert again["call_count"].sum() == len(CALLS)
    assert compare_usage(again, total_usage(rated.lazy()).collect()).is_empty()


def test_a_split_call_goes_by_the_prices_of_its_class():
    book = books({"straddle": "split", "at_edge": "restart"})
    # One minute before nine in the evening at 0.30, one after it at 0.20.
    calls = cdr_of([(ONE, "13900000001", "toll", "20:59:00", 120), (ONE, "13900000001", "local", "20:59:00", 120)])
    rated = rate_calls(calls.lazy(), rating_rows(book, DAY), pl.Series([ONE])).rated.collect()
    assert rated["amount_micro"].to_list() == [500_000, 200_000]
    assert book.first_price("classed", dt.datetime.fromisoformat("2026-10-12 20:59:00"), 120_000, "toll") == 500_000


def test_calls_of_an_older_file_have_no_class(tmp_path):
    book, rows = books(test_caller=""), rating_rows(books(test_caller=""), DAY)
    calls = cdr_of(CALLS[:1])
    calls.drop("call_class").write_parquet(tmp_path / "cdr.parquet")
    again = recompute_day([tmp_path / "cdr.parquet"], pl.Series([], dtype=pl.Int64), rows)
    assert again["amount_micro"].to_list() == [200_000], "two minutes at the plan's own price"
    assert book.first_price("classed", dt.datetime.fromisoformat("2026-10-12 12:00:00"), 61_000) == 200_000


def test_what_is_not_used_leaves_no_trace():
    """Books without classes and test callers have the rating rows, and so the fingerprints, they had."""
    plain = rate_book(retail(start="2026-01-01"), contract=contracts("C1"),
                      subscription=SUBSCRIPTIONS.replace("classed", "plan   "), service_number=NUMBERS)  # fmt: skip
    assert not {"call_class", "test_callers"} & set(rating_rows(plain, DAY).columns)
    first, other = (rating_rows(books(test_caller=text), DAY) for text in (TESTERS, ""))
    none = pl.Series([], dtype=pl.Int64)
    assert rating_fingerprint("0", none, first) != rating_fingerprint("0", none, other)


def test_windows_that_could_hold_at_once_are_refused():
    clash = [window("night", None, "0.05", "21:00", "07:00"), *TOLL]
    with pytest.raises(ValidationError, match="night and toll_night could hold at the same time"):
        retail(start="2026-01-01", windows=clash, straddle="start")
    apart = [window("toll", "toll", "0.30"), window("mobile", "mobile", "0.20")]
    assert retail(start="2026-01-01", windows=apart, straddle="start").call_classes == [None, "mobile", "toll"]
