"""The one way a Parquet file of the books is written and read.

Same rows, same bytes: row groups of a fixed size (a sorted streaming sink cuts them differently on every run when the
size is left open), fixed compression and statistics, order kept, description and unit on every field.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from billing.tables.schema import Table

ROW_GROUP_SIZE = 262_144
COMPRESSION_LEVEL = 1


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


def write_by_date(frame: pl.LazyFrame, table: type[Table], folder: Path, key: str) -> None:
    """Write rows to one file a day: `folder/<day>.parquet`, `folder/undated.parquet` for rows without one.

    `PartitionBy` is marked unstable in Polars 2.1; this is its only use, pinned and tested for order, names and bytes.
    """

    def name(args: pl.io.partition.FileProviderArgs) -> str:
        day = args.partition_keys.item(0, 0)
        return f"{day or 'undated'}.parquet"

    table.conform_lazy(frame).sink_parquet(
        pl.PartitionBy(folder, key=key, include_key=True, file_path_provider=name, approximate_bytes_per_file=None),
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        statistics=True,
        row_group_size=ROW_GROUP_SIZE,
        maintain_order=True,
        arrow_schema=table.arrow_schema(),
        mkdir=True,
    )


def scan_tables(paths: Sequence[Path], table: type[Table]) -> pl.LazyFrame:
    """The rows of several files of a table, in the order the files are named; no files are no rows."""
    if not paths:
        return table.empty().lazy()
    return pl.scan_parquet(list(paths), glob=False)
