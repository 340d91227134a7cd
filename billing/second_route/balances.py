"""Balances worked out again in SQL, from the bills, the receipts and the commission of every month so far.

The second formulas: contracts by anniversaries of the first paid day, agents by a walk from month to month.
"""

import datetime as dt
from collections.abc import Mapping
from importlib import resources
from typing import Any

import duckdb
import polars as pl

from billing.second_route.documents import differences
from billing.tables.catalog import Contract, Receipt
from billing.tables.documents import AccountBalance, AgentBalance, CommissionLine, Invoice, InvoiceLine

_USED = (AccountBalance, AgentBalance, Invoice, InvoiceLine, CommissionLine, Contract, Receipt)


def recompute_balances(
    start: dt.date, end: dt.date, books_start: dt.date, tables: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """Work the balances of a period out again and compare.

    Args:
        start: first day of the period.
        end: first day after it.
        books_start: first day of the first period of the books.
        tables: account_balance and agent_balance of the period, contract and receipt by name; invoice, invoice_line
            and commission_line of the period and of the closed periods before it.

    Returns:
        One row for each difference, as `sum_invoices` gives them; empty when both routes agree.
    """
    period, days = f"{start:%Y-%m}", {"start": start, "end": end, "first": books_start}
    with duckdb.connect() as connection:
        for table in _USED:
            connection.register(table.name, table.conform(tables[table.name]).to_arrow())
        return pl.concat(
            [
                _again(connection, AccountBalance.name, {"period": period, **days}),
                _again(connection, AgentBalance.name, {"period": period}),
            ]
        ).sort(pl.all())


def _again(connection: duckdb.DuckDBPyConnection, table: str, params: Mapping[str, Any]) -> pl.DataFrame:
    query = resources.files("billing.second_route").joinpath(f"{table}s.sql").read_text("utf-8")
    rows = pl.from_arrow(connection.sql(query, params=dict(params)).to_arrow_table())
    assert isinstance(rows, pl.DataFrame)
    return differences(f"{table}s_again", rows)
