"""Rows of tables as dictionaries, grouped for the documents that tell them."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from billing.tables.schema import Table

Row = dict[str, Any]


def rows_by(frame: pl.DataFrame, column: str) -> dict[Any, list[Row]]:
    """Rows as dictionaries, grouped by one column, in the order they come."""
    grouped: dict[Any, list[Row]] = {}
    for row in frame.iter_rows(named=True):
        grouped.setdefault(row[column], []).append(row)
    return grouped


def sorted_table(tables: Mapping[str, pl.DataFrame], table: type[Table]) -> pl.DataFrame:
    """A table in the order of its key; empty where the month has none."""
    return tables.get(table.name, table.empty()).sort(table.key, nulls_last=False)


def total(rows: list[Row], column: str) -> int:
    """Sum of a column of whole numbers, nulls left out."""
    return sum(row[column] or 0 for row in rows)
