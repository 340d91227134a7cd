"""The documents added up again in SQL: bills from lines, lines from charges, VAT, postings, margin.

Integer arithmetic over millionths of a yuan, from this package's own formulas. Every difference is one row; no rows
means that both routes agree.
"""

from collections.abc import Mapping
from importlib import resources

import duckdb
import polars as pl

from billing.tables.documents import (
    Charge,
    CommissionLine,
    Conservation,
    Invoice,
    InvoiceLine,
    LateFee,
    Posting,
    ResourceFee,
    SettlementLine,
    TaxLine,
)

_USED = (
    Charge,
    CommissionLine,
    Conservation,
    Invoice,
    InvoiceLine,
    LateFee,
    Posting,
    ResourceFee,
    SettlementLine,
    TaxLine,
)


def sum_invoices(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Recompute the documents and compare.

    Args:
        tables: charge, invoice, invoice_line, tax_line, late_fee, settlement_line, commission_line, resource_fee,
            posting and conservation by name; a table that is missing counts as empty.

    Returns:
        One row for each difference: check, document, measure, first (as stored), second (recomputed), in millionths
        of a yuan; ordered, empty when all agree.
    """
    found: list[pl.DataFrame] = []
    with duckdb.connect() as connection:
        for table in _USED:
            connection.register(table.name, table.conform(tables.get(table.name, table.empty())).to_arrow())
        for name, query in _checks():
            rows = pl.from_arrow(connection.sql(query).to_arrow_table())
            assert isinstance(rows, pl.DataFrame)
            found.append(differences(name, rows))
    return pl.concat(found).sort(pl.all())


def _checks() -> list[tuple[str, str]]:
    folder = resources.files("billing.second_route").joinpath("checks")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(name.removesuffix(".sql"), folder.joinpath(name).read_text("utf-8")) for name in names]


def differences(check: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of a check whose two figures differ."""
    return rows.select(
        pl.lit(check).alias("check"),
        pl.col("document").cast(pl.String),
        pl.col("measure").cast(pl.String),
        pl.col("first").cast(pl.Int64),
        pl.col("second").cast(pl.Int64),
    ).filter(pl.col("first").ne_missing(pl.col("second")))
