"""The audit pack: one DuckDB file a period, with tables, views and words, that any DuckDB since 1.1 opens.

Written fresh under another name and renamed into place. Its bytes are not promised, its content is: the manifest
carries the digest of every table. Calls are read through `calls_at(root)`, which names its files one by one; a
pattern would also read files that no longer count.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import polars as pl

from billing.publishing.shapes import PublishedCall, published
from billing.publishing.tables import PACKED_TABLES
from billing.publishing.views import read_views
from billing.tables.schema import Table

STORAGE_VERSION = "v1.0.0"
"""Oldest file format: DuckDB 1.1, 1.4 and 2.0 open it."""
MAX_ROWS_INSIDE = 5_000_000
"""Up to so many calls are copied into the pack."""
_TYPES = {
    pl.String(): "VARCHAR",
    pl.Int64(): "BIGINT",
    pl.Date(): "DATE",
    pl.Boolean(): "BOOLEAN",
    pl.Datetime("ms"): "TIMESTAMP",
    pl.Decimal(18, 2): "DECIMAL(18, 2)",
    pl.Decimal(18, 6): "DECIMAL(18, 6)",
}
_MACRO_COMMENT = (
    "已发布话单，root 为本期发布目录下 calls 的路径；只读清单内的文件 / "
    "Published calls; root is the path of the period's calls folder; reads exactly the files listed"
)


def write_audit_pack(
    path: Path, tables: Mapping[type[Table], pl.DataFrame], calls: Sequence[Path], *, rows_inside: bool
) -> None:
    """Write the pack.

    Args:
        path: the file to write or replace.
        tables: rows as published, by the books' table class; tables of the pack that are missing stay empty.
        calls: the published call files, all in one folder.
        rows_inside: also copy the calls into table `calls`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.fresh")
    fresh.unlink(missing_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH {_text(str(fresh))} AS pack (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("USE pack")
        define(connection, [file.name for file in calls], rows_inside=rows_inside)
        for table, rows in tables.items():
            _fill(connection, table, rows)
        if rows_inside and calls:
            root = _text(str(calls[0].parent))
            connection.execute(f"INSERT INTO calls SELECT * FROM calls_at({root}) ORDER BY cdr_id")
        connection.execute("USE memory")
        connection.execute("DETACH pack")
    fresh.replace(path)


def define(connection: duckdb.DuckDBPyConnection, calls: Sequence[str], *, rows_inside: bool) -> None:
    """Create the tables, the macro and the views of a pack, each with its words, in the current database."""
    shapes = [published(table) for table in PACKED_TABLES] + ([PublishedCall] if rows_inside else [])
    for shape in shapes:
        _create_table(connection, shape)
    files = ", ".join(_text(name) for name in sorted(calls))
    source = (
        f"SELECT {', '.join(PublishedCall.columns)} FROM read_parquet([root || '/' || f for f in [{files}]])"
        if calls
        else f"SELECT {_no_call()} WHERE root IS NULL AND root IS NOT NULL"
    )
    connection.execute(f"CREATE MACRO calls_at(root) AS TABLE {source}")
    connection.execute(f"COMMENT ON MACRO TABLE calls_at IS {_text(_MACRO_COMMENT)}")
    for view in read_views(calls_inside=rows_inside):
        connection.execute(f"CREATE VIEW {view.name} AS {view.sql}")
        connection.execute(f"COMMENT ON VIEW {view.name} IS {_text(view.comment)}")


def _create_table(connection: duckdb.DuckDBPyConnection, shape: type[Table]) -> None:
    columns = ", ".join(f"{column} {_TYPES[column.dtype]}" for column in shape.columns)
    connection.execute(f"CREATE TABLE {shape.name} ({columns})")
    connection.execute(f"COMMENT ON TABLE {shape.name} IS {_text(f'{shape.zh} / {shape.en}')}")
    for column in shape.columns:
        unit = f" [{column.unit}]" if column.unit else ""
        comment = _text(f"{column.zh} / {column.en}{unit}")
        connection.execute(f"COMMENT ON COLUMN {shape.name}.{column} IS {comment}")


def _fill(connection: duckdb.DuckDBPyConnection, table: type[Table], rows: pl.DataFrame) -> None:
    connection.register("incoming", rows.to_arrow())
    connection.execute(f"INSERT INTO {table.name} BY NAME SELECT * FROM incoming")
    connection.unregister("incoming")


def _no_call() -> str:
    return ", ".join(f"CAST(NULL AS {_TYPES[column.dtype]}) AS {column}" for column in PublishedCall.columns)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
