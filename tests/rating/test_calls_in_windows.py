"""Calls are priced by the hour in which they start, to the millisecond, by both routes."""

import datetime as dt

import polars as pl

from billing.rate_book.call_price import CallPrice
from billing.rate_book.rating_rows import blocks_row, rating_schema, terms_row
from billing.rating.stage import rate_calls, total_usage
from billing.second_route.usage import compare_usage, recompute_day
from billing.tables.calls import Cdr
from billing.tables.parquet import write_table

DAY = dt.date(2026, 10, 12)
HOUR = 3_600_000
PRICES = {"day": "0.10", "night": "0.05", "lunch": "0.08"}
WINDOWS = {
    "4006000001": [(0, 7 * HOUR, "night"), (7 * HOUR, 21 * HOUR, "day"), (21 * HOUR, 24 * HOUR, "night")],
    "4006000002": [(0, 12 * HOUR, "day"), (12 * HOUR, 13 * HOUR, "lunch"), (13 * HOUR, 24 * HOUR, "day")],
    "4006000003": [(0, 24 * HOUR, "day")],
}
CARRIER = CallPrice.model_validate({"schedule": "60/60", "price_per_minute": "0.06"})


def rows():
    found = []
    for number, spans in WINDOWS.items():
        for since, until, name in spans:
            price = CallPrice.model_validate({"schedule": "60/60", "price_per_minute": PRICES[name]})
            found.append(
                {"service_number": number, "since_ms": since, "until_ms": until, "contract_id": "K",
                 "rate_id": f"plan@2026-01-01:{name}", "settlement_rate_id": "s@2026-01-01", "is_trial": False,
                 **terms_row(price), **blocks_row("retail", price.blocks, 1),
                 **blocks_row("carrier", CARRIER.blocks, 1)}
            )  # fmt: skip
    return pl.DataFrame(found, schema=rating_schema(1, 1), orient="row")


CALLS = [
    ("4006000001", "00:00:00.000", "night"),
    ("4006000001", "06:59:59.999", "night"),
    ("4006000001", "07:00:00.000", "day"),
    ("4006000001", "20:59:59.999", "day"),
    ("4006000001", "21:00:00.000", "night"),
    ("4006000001", "23:59:59.999", "night"),
    ("4006000002", "06:00:00.000", "day"),
    ("4006000002", "12:00:00.000", "lunch"),
    ("4006000002", "12:59:59.999", "lunch"),
    ("4006000002", "13:00:00.000", "day"),
    ("4006000003", "00:00:00.000", "day"),
    ("4006000003", "12:30:00.000", "day"),
    ("4006000009", "12:30:00.000", None),
]


def test_both_routes_price_by_the_start(tmp_path):
    made = []
    for line, (number, clock, _) in enumerate(CALLS, start=2):
        row = dict.fromkeys(str(column) for column in Cdr.columns)
        start = dt.datetime.fromisoformat(f"{DAY} {clock}")
        row |= {"cdr_id": line, "usage_date": DAY, "source": "s", "service_number": number, "started_at": start,
                "answered_at": start, "talk_ms": 61_000, "outcome": "answered"}  # fmt: skip
        made.append(row)
    cdr = Cdr.of_rows(made)
    part = rate_calls(cdr.lazy(), rows(), pl.Series(list(WINDOWS)))
    rated = part.rated.collect()
    # 61 seconds are two minutes.
    wanted = [(line, f"plan@2026-01-01:{name}", 2 * {"day": 100_000, "night": 50_000, "lunch": 80_000}[name])
              for line, (_, _, name) in enumerate(CALLS, start=2) if name]  # fmt: skip
    assert rated.select("cdr_id", "rate_id", "amount_micro").rows() == wanted
    assert part.unrated.collect()["reason"].to_list() == ["NUMBER_UNKNOWN"]
    totals = total_usage(rated.lazy()).collect()
    assert dict(totals.filter(service_number="4006000001").select("rate_id", "call_count").iter_rows()) == {
        "plan@2026-01-01:night": 4, "plan@2026-01-01:day": 2}  # fmt: skip
    write_table(cdr, Cdr, tmp_path / "cdr.parquet")
    second = recompute_day([tmp_path / "cdr.parquet"], pl.Series([], dtype=pl.Int64), rows())
    assert second["call_count"].sum() == len(wanted)
    assert compare_usage(second, totals).is_empty()
