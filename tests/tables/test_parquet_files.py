"""A Parquet file of the books: same rows, same bytes, on however many threads; every field says what it is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from billing.tables.calls import RatedCall
from billing.tables.parquet import ROW_GROUP_SIZE, scan_tables
from tests.tables.writes_by_date import ROWS, calls

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The same rows written on 1, 2 and 4 threads: folder and what the process printed."""
    runs = {}
    for threads in (1, 2, 4):
        folder = tmp_path_factory.mktemp(f"threads-{threads}")
        environment = {**os.environ, "POLARS_MAX_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.tables.writes_by_date", str(folder)]
        out = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True).stdout
        runs[threads] = folder, json.loads(out)
    return runs


def test_bytes_do_not_depend_on_threads(written):
    assert [told["threads"] for _, told in written.values()] == [1, 2, 4]
    one, *others = [told["files"] for _, told in written.values()]
    assert all(other == one for other in others)


def test_one_file_a_day_by_its_name(written):
    _, told = written[2]
    names = {"days/2026-10-01.parquet", "days/2026-10-02.parquet", "days/undated.parquet", "one.parquet"}
    assert set(told["files"]) == names


def test_rows_keep_the_order_they_came_in(written):
    folder, _ = written[4]
    wanted = calls().filter(pl.col("usage_date") == pl.date(2026, 10, 1)).select("cdr_id").collect()
    found = scan_tables([folder / "days" / "2026-10-01.parquet"], RatedCall).select("cdr_id").collect()
    assert found.equals(wanted)
    total = sum(pq.read_metadata(path).num_rows for path in (folder / "days").iterdir())
    assert total == ROWS


def test_row_groups_have_a_fixed_size(written):
    folder, _ = written[4]
    metadata = pq.read_metadata(folder / "one.parquet")
    sizes = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
    assert sizes == [ROW_GROUP_SIZE, ROW_GROUP_SIZE, ROWS - 2 * ROW_GROUP_SIZE]


@pytest.mark.parametrize("name", ["one.parquet", "days/2026-10-02.parquet"])
def test_every_field_says_what_it_is(written, name):
    schema = pq.read_schema(written[1][0] / name)
    assert schema.names == [str(column) for column in RatedCall.columns]
    for column in RatedCall.columns:
        metadata = schema.field(str(column)).metadata
        assert metadata[b"description"].decode() == column.en
        assert metadata.get(b"unit", b"").decode() == column.unit


def test_no_files_are_no_rows():
    frame = scan_tables([], RatedCall).collect()
    assert frame.height == 0
    assert frame.schema == RatedCall.schema()


def test_a_column_that_older_files_lack_is_null(tmp_path):
    """Files of rated calls written before there were prices without six places have no rest."""
    old = RatedCall.empty().drop("rest_parts")
    old.write_parquet(tmp_path / "old.parquet")
    read = scan_tables([tmp_path / "old.parquet"], RatedCall).collect()
    assert read.schema == RatedCall.schema()
