"""`explain` tells of a call and of an invoice line what was published of them, under every key they have."""

from decimal import Decimal

import polars as pl
import pytest

from tests.commands.corner_shop import PERIOD, STRANGER, bill400, published_rows

LINES = 2**32


def told(books, key, code=0):
    return bill400("explain", books, key, "--json", code=code).json


def published_calls(books):
    files = sorted((books / "published" / PERIOD / "calls").glob("*.parquet"))
    return pl.concat(pl.read_parquet(path, glob=False) for path in files)


def test_a_call_by_its_three_keys(closed):
    calls = published_calls(closed).filter(pl.col("amount") > 0).sort("amount", "cdr_id", descending=True)
    call = calls.row(0, named=True)
    file, line = divmod(call["cdr_id"], LINES)
    name = ("a.csv", "b.csv", "c.csv")[file - 1]
    keys = (
        f"{call['usage_date']}/{file}-{line}",
        f"{name}:{line}",
        f"{call['service_number']}@{call['started_at']:%Y-%m-%d %H:%M:%S}",
    )
    explained = [told(closed, key)["explanations"] for key in keys]
    assert explained[0] == explained[1] == explained[2]
    (one,) = explained[0]
    text = (closed / "inbox" / name).read_text("utf-8").splitlines()[line - 1]
    assert one["source"] == {**one["source"], "file": name, "line": line, "text": text}
    assert one["fate"] == "rated"
    assert Decimal(one["retail"]["amount"]) == call["amount"]
    assert Decimal(one["settlement"]["amount"]) == call["settlement_amount"]
    assert one["retail"]["billed_seconds"] == call["billed_seconds"]


def test_every_usage_line_is_the_sum_of_its_days(closed):
    lines = published_rows(closed, "invoice_line")
    usage = [line for line in lines if line["kind"] == "usage"]
    assert usage
    for line in usage[:3]:
        (one,) = told(closed, f"{line['invoice_key']}#{line['line_number']}")["explanations"]
        days = sum(Decimal(day["amount"]) for day in one["usage_by_day"])
        charges = sum(Decimal(charge["amount"]) for charge in one["charges"])
        assert charges == Decimal(line["gross"]) == Decimal(one["line"]["gross"])
        assert abs(days - charges) < Decimal("0.01")


def test_a_call_over_the_cap_names_the_rule(closed):
    over = [row for row in published_rows(closed, "call_adjustment") if row["started_after"]]
    assert over
    after = over[0]["started_after"]
    calls = published_calls(closed).filter(
        pl.col("service_number") == over[0]["service_number"],
        pl.col("started_at") > pl.lit(after).str.to_datetime(time_unit="ms", strict=True),
        pl.col("amount") > 0,
    )
    file, line = divmod(calls["cdr_id"][0], LINES)
    (one,) = told(closed, f"{calls['usage_date'][0]}/{file}-{line}")["explanations"]
    assert one["taken_by"][0]["rule"] == over[0]["rule_key"]


@pytest.mark.parametrize(
    ("key", "fate", "reason"),
    [
        ("c.csv:2", "duplicate", "DUPLICATE"),
        ("b.csv:55", "suspense", "START_UNREADABLE"),
        ("b.csv:56", "suspense", "LINE_BROKEN"),
        (f"{STRANGER}@2026-10-02 10:00:00", "suspense", "NUMBER_UNKNOWN"),
    ],
)
def test_what_became_of_a_line_that_is_not_billed(closed, key, fate, reason):
    (one,) = told(closed, key)["explanations"]
    assert (one["fate"], one["reason"]) == (fate, reason)


@pytest.mark.parametrize(
    "key", ["nonsense", "2026-10-03/99-2", "a.csv:9999", f"C1/{PERIOD}#99", "4006000001@2026-10-01 00:00:00"]
)
def test_a_key_that_nothing_bears(closed, key):
    found = told(closed, key, code=2)
    assert [finding["reason"] for finding in found["findings"]] == ["KEY_NOT_FOUND"]


def test_a_call_of_books_that_keep_no_raw_files(stocked):
    settings = stocked / "books.toml"
    settings.write_text(settings.read_text("utf-8").replace("keep_raw = true", "keep_raw = false"), "utf-8")
    bill400("ingest", stocked, stocked / "inbox")
    (one,) = told(stocked, "a.csv:2")["explanations"]
    assert one["fate"] == "rated"
    assert one["source"]["text"] is None
