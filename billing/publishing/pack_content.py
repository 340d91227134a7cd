"""What an audit pack says, whatever its bytes are: digests of its tables, definitions and calls.

Read back from the finished file, so the manifest vouches for what an auditor will really see.
"""

from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from billing.core.digests import json_sha256, table_digest
from billing.publishing.shapes import PublishedCall

_DEFINITIONS = """
    SELECT view_name AS name, sql AS text, comment FROM duckdb_views() WHERE NOT internal
    UNION ALL
    SELECT function_name, macro_definition, comment FROM duckdb_functions() WHERE NOT internal
    UNION ALL
    SELECT table_name || '.' || column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal
    ORDER BY ALL
"""
_CALLS_SUM = "SELECT count(*), sum(hash(c)) FROM {source} AS c"
"""Order-free; compared within one run of one DuckDB and never stored."""


class PackDiffers(Exception):
    """A pack contradicts the files beside it."""


def pack_content(path: Path, calls: Path) -> dict[str, Any]:
    """Digests of everything in a pack.

    Args:
        path: the pack.
        calls: the folder of the published call files it names.

    Returns:
        `tables` (name to digest) and `definitions` (one digest of views, macro, types and words).

    Raises:
        PackDiffers: the calls inside are not exactly the rows of the call files.
    """
    with duckdb.connect(str(path), read_only=True) as connection:
        names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()]
        content: dict[str, Any] = {
            "tables": {name: _digest(connection, name) for name in names if name != PublishedCall.name},
            "definitions": json_sha256(connection.execute(_DEFINITIONS).fetchall()),
        }
        if PublishedCall.name in names:
            inside = connection.execute(_CALLS_SUM.format(source=PublishedCall.name)).fetchall()
            files = connection.execute(_CALLS_SUM.format(source="calls_at($root)"), {"root": str(calls)}).fetchall()
            if inside != files:
                raise PackDiffers("the pack's calls are not the published call files")
    return content


def _digest(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    rows = pl.from_arrow(connection.sql(f"FROM {table}").to_arrow_table())
    assert isinstance(rows, pl.DataFrame)
    return table_digest(rows)
