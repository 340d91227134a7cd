import polars as pl
import pytest

from billing.rate_book.rating_rows import rating_rows
from billing.rating.stage import rate_calls, total_usage
from billing.second_route.usage import compare_usage, recompute_day
from billing.tables.calls import Cdr
from billing.tables.parquet import write_table
from tests.publishing import sample_month

DAY = sample_month.DAYS[0]
NONE_LEFT_OUT = pl.Series("cdr_id", [], pl.Int64)
NUMBERS = pl.Series(list(sample_month.PLANS))


@pytest.fixture(scope="module")
def rates():
    return rating_rows(sample_month.book(), DAY)


def _both(calls, rates, folder, left_out=NONE_LEFT_OUT):
    write_table(calls, Cdr, folder / "cdr.parquet")
    kept = calls.filter(~pl.col("cdr_id").is_in(left_out.implode()))
    first = total_usage(rate_calls(kept.lazy(), rates, NUMBERS).rated).collect()
    return first, recompute_day([folder / "cdr.parquet"], left_out, rates)


def test_two_routes_agree(rates, tmp_path):
    first, second = _both(sample_month.calls(DAY, 17, 500), rates, tmp_path)
    assert second["call_count"].sum() == 500
    assert second["amount_micro"].sum() > 0
    assert compare_usage(second, first).is_empty()


def test_left_out_calls_are_not_rated(rates, tmp_path):
    calls = sample_month.calls(DAY, 17, 40)
    first, second = _both(calls, rates, tmp_path, calls["cdr_id"].head(7))
    assert second["call_count"].sum() == 33
    assert compare_usage(second, first).is_empty()


@pytest.mark.parametrize(
    ("number", "talk_ms", "amount"),
    [
        ("4006000001", 1, 10_000),
        ("4006000001", 6_000, 10_000),
        ("4006000001", 6_001, 20_000),
        ("4006000002", 180_000, 200_000),
        ("4006000002", 180_001, 300_000),
        ("4008000004", 61_000, 200_000),
        ("4006000003", 181_000, 0),  # on trial that day
    ],
)
def test_amounts_by_hand(rates, tmp_path, number, talk_ms, amount):
    call = sample_month.calls(DAY, 17, 1).with_columns(
        pl.lit(number).alias("service_number"), pl.lit(talk_ms).alias("talk_ms")
    )
    _, second = _both(call, rates, tmp_path)
    assert second["amount_micro"].to_list() == [amount]


def test_one_micro_is_found(rates, tmp_path):
    first, second = _both(sample_month.calls(DAY, 17), rates, tmp_path)
    wrong = first.with_columns(pl.col("amount_micro") + pl.when(pl.int_range(pl.len()) == 3).then(1).otherwise(0))
    found = compare_usage(second, wrong)
    assert found["measure"].to_list() == ["amount_micro"]
    assert (found["first"] - found["second"]).to_list() == [1]


def test_a_day_nobody_rated_is_found(rates, tmp_path):
    first, second = _both(sample_month.calls(DAY, 17), rates, tmp_path)
    assert set(compare_usage(second, first.clear())["first"]) == {0}
    assert set(compare_usage(second.clear(), first)["second"]) == {0}


def test_a_day_without_files_has_no_rows(rates):
    assert recompute_day([], NONE_LEFT_OUT, rates).is_empty()
