import hashlib

import polars as pl
import pytest

from billing.publishing import calls as published_calls
from billing.publishing.calls import publish_calls
from billing.tables.calls import RatedCall
from billing.tables.parquet import write_table
from tests.publishing import sample_month

KEY = "sample key of the tests"


@pytest.fixture
def part(tmp_path):
    return sample_month.write_parts(tmp_path, sample_month.book(), 200)[0]


def _published(part, folder):
    (path,) = publish_calls([part], KEY, folder)
    return pl.read_parquet(path, glob=False)


def test_columns_come_from_the_right_side(part, tmp_path):
    rows = _published(part, tmp_path / "calls")
    rated, received = pl.read_parquet(part.rated_call, glob=False), pl.read_parquet(part.cdr, glob=False)
    assert rows["cdr_id"].to_list() == rated["cdr_id"].to_list()
    assert rows["started_at"].to_list() == received["started_at"].to_list()
    assert (rows["amount"] * 1_000_000).cast(pl.Int64).to_list() == rated["amount_micro"].to_list()
    assert rows["usage_key"][0] == "2026-10|HT-1|4006000001|" + rated["rate_id"][0]
    assert rows.filter(pl.col("caller_masked").is_null())["caller_key"].null_count() == received["caller"].null_count()


@pytest.mark.parametrize("size", [1, 7, 64, 200])
def test_batches_join_without_seam(part, tmp_path, monkeypatch, size):
    whole = _published(part, tmp_path / "whole")
    monkeypatch.setattr(published_calls, "ROW_GROUP_SIZE", size)
    assert _published(part, tmp_path / "batches").equals(whole)
    files = [next((tmp_path / name).iterdir()).read_bytes() for name in ("whole", "batches")]
    assert hashlib.sha256(files[0]).digest() == hashlib.sha256(files[1]).digest()


def test_calls_left_out_and_calls_out_of_order(part, tmp_path, monkeypatch):
    rated = pl.read_parquet(part.rated_call, glob=False).sample(fraction=0.6, shuffle=True, seed=1)
    write_table(rated, RatedCall, part.rated_call)
    monkeypatch.setattr(published_calls, "ROW_GROUP_SIZE", 50)
    rows = _published(part, tmp_path / "calls")
    assert rows["cdr_id"].to_list() == rated["cdr_id"].to_list()
    received = pl.read_parquet(part.cdr, glob=False).select("cdr_id", "started_at")
    assert rows.join(received, on=["cdr_id", "started_at"]).height == rows.height


def test_a_rated_call_nobody_received_is_a_fault(part, tmp_path):
    rated = pl.read_parquet(part.rated_call, glob=False).with_columns(pl.col("cdr_id") + 3)
    write_table(rated, RatedCall, part.rated_call)
    with pytest.raises(AssertionError, match="not among those received"):
        _published(part, tmp_path / "calls")


def test_a_part_without_rated_calls(part, tmp_path):
    write_table(RatedCall.empty(), RatedCall, part.rated_call)
    assert _published(part, tmp_path / "calls").is_empty()


def test_another_key_gives_other_pseudonyms(part, tmp_path):
    first = _published(part, tmp_path / "first")["caller_key"].drop_nulls()
    (path,) = publish_calls([part], "another key, sixteen", tmp_path / "second")
    second = pl.read_parquet(path, glob=False)["caller_key"].drop_nulls()
    assert first.n_unique() == second.n_unique() == len([caller for caller in sample_month.CALLERS if caller])
    assert not set(first) & set(second)
