"""Published tables: from the books' rows to yuan, masked text, a fixed order, one Parquet and one CSV file each.

The same rows give the same bytes. A text cell that a spreadsheet would run as a formula gets a leading apostrophe in
the CSV file; the Parquet file keeps the text as it is.
"""

from pathlib import Path

import polars as pl

from billing.core.money import decimal_expr
from billing.core.spreadsheet_cells import safe_cells
from billing.publishing.masking import mask_digits, mask_number, mask_numbers
from billing.publishing.shapes import published, published_name
from billing.tables.calls import CallAdjustment, Suspense, UsageTotal
from billing.tables.catalog import CATALOG_TABLES, Agent, CallerOfTests, ServiceNumber
from billing.tables.documents import DOCUMENT_TABLES, Conservation, SourceFile
from billing.tables.parquet import write_table
from billing.tables.schema import Table

PERIOD_TABLES: tuple[type[Table], ...] = (
    *DOCUMENT_TABLES,
    CallAdjustment,
    UsageTotal,
    Suspense,
    SourceFile,
    Conservation,
)
"""What a period's `tables/` folder holds."""
PACKED_TABLES: tuple[type[Table], ...] = (*PERIOD_TABLES, *CATALOG_TABLES)
"""What the audit pack holds: the period's tables and the catalog they rest on."""

_MASKED = {
    (Agent, Agent.payee_account): mask_digits,
    (Suspense, Suspense.raw_text): mask_digits,
    (ServiceNumber, ServiceNumber.landing_number): mask_number,
    (CallerOfTests, CallerOfTests.caller): mask_number,
    (ServiceNumber, ServiceNumber.forward_numbers): mask_numbers,
}


def publish_table(frame: pl.DataFrame, table: type[Table]) -> pl.DataFrame:
    """Rows of one of the books' tables as they are published: yuan, masked, ordered by key.

    Ties in the key (there should be none) are broken by the other columns, so the order never depends on the run.
    """
    columns = []
    for source in table.columns:
        cells = pl.col(source)
        if source.is_money:
            cells = decimal_expr(cells, 2 if source.is_fen else 6)
        mask = _MASKED.get((table, source))
        columns.append((mask(cells) if mask else cells).alias(published_name(source)))
    shape = published(table)
    order = [*shape.key, *(str(name) for name in shape.columns if name not in shape.key)]
    return shape.conform(table.conform(frame).select(columns)).sort(order, nulls_last=True)


def write_document_table(frame: pl.DataFrame, table: type[Table], folder: Path) -> pl.DataFrame:
    """Write `<name>.parquet` and `<name>.csv` of one of the books' tables.

    Args:
        frame: rows of `table`, money in millionths of a yuan.
        table: its shape.
        folder: where the two files go.

    Returns:
        The rows as published.
    """
    rows = publish_table(frame, table)
    write_table(rows, published(table), folder / f"{table.name}.parquet")
    write_csv(rows, folder / f"{table.name}.csv")
    return rows


def write_csv(rows: pl.DataFrame, path: Path) -> None:
    """Write rows as a CSV file that spreadsheets open as it is: UTF-8 with mark, no cell that runs as a formula."""
    texts = [pl.col(name) for name, dtype in rows.schema.items() if dtype == pl.String]
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.with_columns(map(safe_cells, texts)).write_csv(
        path, include_bom=True, line_terminator="\n", datetime_format="%Y-%m-%d %H:%M:%S%.3f"
    )
