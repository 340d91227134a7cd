"""Tables are types: a missing column is refused, no integer is narrow, and every column has its words."""

import polars as pl
import pytest

from billing.tables.calls import CallAdjustment, Cdr, Duplicate, Joined, RatedCall, Suspense, UsageTotal, Waiting
from billing.tables.catalog import CATALOG_TABLES
from billing.tables.deliveries import Delivery
from billing.tables.documents import DOCUMENT_TABLES, Conservation, SourceFile

TABLES = (Cdr, Waiting, Joined, Duplicate, Suspense, RatedCall, UsageTotal, CallAdjustment, Conservation, SourceFile,
          Delivery, *DOCUMENT_TABLES, *CATALOG_TABLES)  # fmt: skip


def row_of(table, **values):
    return pl.DataFrame({str(column): [values.get(column)] for column in table.columns})


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_conform_refuses_a_table_without_one_of_its_columns(table):
    for column in table.columns:
        with pytest.raises(ValueError, match=f"table {table.name} lacks {column}"):
            table.conform(table.empty().drop(str(column)))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_columns_are_wide_exact_and_described(table):
    for column in table.columns:
        assert not column.dtype.is_float(), f"{table.name}.{column}"
        assert not column.dtype.is_integer() or column.dtype == pl.Int64
        assert column.en and column.zh and column.en != column.zh
        assert not str(column).endswith("_micro") or column.is_money
    assert set(table.key) <= {str(column) for column in table.columns}
    assert len({str(column) for column in table.columns}) == len(table.columns)


def test_conform_puts_columns_in_order_and_drops_others():
    frame = row_of(Duplicate, cdr_id=1, repeats_cdr_id=2).with_columns(extra=pl.lit("x"))
    found = Duplicate.conform(frame.select(reversed(frame.columns)))
    assert found.schema == Duplicate.schema()
    assert found.row(0) == (1, None, 2)


def test_conform_widens_what_is_narrow():
    frame = row_of(UsageTotal).with_columns(pl.lit(2_000_000_000, pl.Int32).alias("amount_micro"))
    both = UsageTotal.conform(pl.concat([frame, frame]))
    assert both["amount_micro"].dtype == pl.Int64
    assert both["amount_micro"].sum() == 4_000_000_000


def test_conform_refuses_money_in_a_float():
    with pytest.raises((ValueError, pl.exceptions.PolarsError)):
        UsageTotal.conform(row_of(UsageTotal, amount_micro=1.7))


def test_rows_with_a_wrong_column_are_refused():
    with pytest.raises((ValueError, TypeError, pl.exceptions.PolarsError)):
        Duplicate.of_rows([{"cdr_id": "not a number", "usage_date": None, "repeats_cdr_id": 1}])
