"""The one way a Parquet file of the books is written and read.

Same rows, same bytes: row groups of a fixed size (a sorted streaming sink cuts them differently on every run when the
size is left open), fixed compression and statistics, order kept, description and unit on every field.
"""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from billing.tables.schema import Table

ROW_GROUP_SIZE = 262_144
COMPRESSION_LEVEL = 1
HELD_ROWS = 2_000_000
"""Calls held in memory by one writer: about 240 MB. What a file has more waits on disk, for a quarter more CPU."""


def write_table(frame: pl.LazyFrame | pl.DataFrame, table: type[Table], path: Path) -> None:
    """Write rows of a table, in the order they come, to one file.

    Raises:
        ValueError: a column of the table is missing.
    """
    table.conform_lazy(frame.lazy()).sink_parquet(
        path,
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        statistics=True,
        row_group_size=ROW_GROUP_SIZE,
        maintain_order=True,
        arrow_schema=table.arrow_schema(),
        mkdir=True,
    )


def write_by_date(batches: Iterable[pl.DataFrame], table: type[Table], folder: Path, key: str) -> None:
    """Write rows, in the order they come, to one file a day: `folder/<day>.parquet`, `undated.parquet` without one.

    Rows are held until all have come, since a Parquet file is written in one go; what would be too many to hold waits
    in uncompressed files. `PartitionBy` would need neither, but cost two fifths more on batches (measured).

    Args:
        batches: rows of the table.
        table: what they are rows of.
        folder: where the files go, made when missing.
        key: the column that holds the day.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="held-", dir=folder) as spill:
        parts: dict[object, list[pl.LazyFrame]] = {}
        held: dict[object, list[pl.DataFrame]] = {}
        held_rows = 0
        for batch in batches:
            for day, rows in _by_day(table.conform(batch), key):
                held.setdefault(day, []).append(rows)
            held_rows += batch.height
            if held_rows > HELD_ROWS:
                for day, frames in held.items():
                    path = Path(spill, f"{day}-{len(parts.setdefault(day, []))}.arrow")
                    pl.concat(frames).write_ipc(path)
                    parts[day].append(pl.scan_ipc(path, glob=False))
                held, held_rows = {}, 0
        for day in [*parts, *(day for day in held if day not in parts)]:
            rest = [frame.lazy() for frame in held.get(day, ())]
            write_table(pl.concat([*parts.get(day, ()), *rest]), table, folder / f"{day or 'undated'}.parquet")


def _by_day(batch: pl.DataFrame, key: str) -> list[tuple[object, pl.DataFrame]]:
    """The rows of each day; a batch of one day, as most are, is not taken apart."""
    days = batch[key]
    if batch.height and not days.null_count() and days.min() == days.max():
        return [(days[0], batch)]
    return [(day, rows) for (day,), rows in batch.partition_by(key, as_dict=True, maintain_order=True).items()]


def scan_tables(paths: Sequence[Path], table: type[Table]) -> pl.LazyFrame:
    """The rows of several files of a table, in the order the files are named; no files are no rows.

    A column that files of an older version lack is null there.
    """
    if not paths:
        return table.empty().lazy()
    return pl.scan_parquet(list(paths), glob=False, schema=table.schema(), missing_columns="insert")
