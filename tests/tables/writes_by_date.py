"""Write calls of three days, drawn from a fixed rule, and print what the files are; run as a process of its own."""

import hashlib
import json
import sys
from pathlib import Path

import polars as pl

from billing.tables.calls import RatedCall
from billing.tables.parquet import ROW_GROUP_SIZE, write_by_date, write_table

ROWS = 2 * ROW_GROUP_SIZE + 1000


def calls() -> pl.LazyFrame:
    """More than two row groups of one day, and a few of others, out of order, with a join and some text."""
    index = pl.int_range(ROWS, dtype=pl.Int64)
    day = (
        pl.when(index % 97 == 0)
        .then(None)
        .when(index % 10 == 0)
        .then(pl.date(2026, 10, 2))
        .otherwise(pl.date(2026, 10, 1))
    )
    rated = pl.select(
        cdr_id=index * 7919 % ROWS, usage_date=day, service_number=pl.lit("40060") + (index % 50).cast(pl.String),
        amount_micro=index % 11 * 10_000,
    )  # fmt: skip
    owners = pl.select(number=pl.int_range(50)).select(
        service_number=pl.lit("40060") + pl.col("number").cast(pl.String), contract_id=pl.col("number").cast(pl.String)
    )
    joined = rated.lazy().join(owners.lazy(), on="service_number", how="left", maintain_order="left")
    missing = [column for column in RatedCall.columns if column not in joined.collect_schema()]
    return joined.with_columns(pl.lit(None, column.dtype).alias(column) for column in missing)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    rows = calls().collect()
    batches = [rows.slice(first, 100_000) for first in range(0, ROWS, 100_000)]
    write_by_date(batches, RatedCall, folder / "days", RatedCall.usage_date)
    write_table(calls().sort(RatedCall.cdr_id), RatedCall, folder / "one.parquet")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digests = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    print(json.dumps({"threads": pl.thread_pool_size(), "files": digests}))
