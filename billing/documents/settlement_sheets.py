"""Settlement sheets: one a carrier, number by number, as HTML to read and CSV to compare with the carrier's own."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from billing.core.money import yuan_exact
from billing.documents.file_names import file_stem
from billing.documents.invoices import rows_by
from billing.documents.rendering import Renderer
from billing.rate_book.book import RateBook
from billing.tables.catalog import Carrier
from billing.tables.documents import SettlementLine

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def render_settlement_sheets(
    tables: Mapping[str, pl.DataFrame], book: RateBook, period: str, status: str, renderer: Renderer
) -> Iterator[tuple[str, str]]:
    """File name and text of every carrier's sheet, first the HTML, then the CSV."""
    names = dict(book.table(Carrier.name).select(Carrier.carrier_id, Carrier.carrier_name).iter_rows())
    lines_by_carrier = rows_by(tables[SettlementLine.name].sort(SettlementLine.key), SettlementLine.carrier_id)
    for carrier_id, lines in sorted(lines_by_carrier.items()):
        html = renderer.render(
            "settlement",
            status=status,
            period=period,
            company=book.policy.company,
            carrier_id=carrier_id,
            carrier_name=names.get(carrier_id, ""),
            lines=lines,
            sums={name: sum(line[name] or 0 for line in lines) for name in _summed()},
            csv_name=f"{file_stem(carrier_id)}.csv",
        )
        yield sheet_name(carrier_id), html
        yield f"settlement/{file_stem(carrier_id)}.csv", _csv(lines)


def sheet_name(carrier_id: str) -> str:
    """Where a carrier's sheet lies in the published folder."""
    return f"settlement/{file_stem(carrier_id)}.html"


def _summed() -> tuple[str, ...]:
    money = (SettlementLine.gross_micro, SettlementLine.net_micro, SettlementLine.tax_micro)
    return (SettlementLine.call_count, SettlementLine.billed_seconds, *money)


def _csv(lines: Sequence[Mapping[str, Any]]) -> str:
    """CSV for spreadsheets: UTF-8 mark, amounts in yuan, no cell that runs as a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(str(column).removesuffix("_micro") for column in SettlementLine.columns)
    for line in lines:
        writer.writerow(
            yuan_exact(line[column]) if column.is_money else _safe(line[column]) for column in SettlementLine.columns
        )
    return "\ufeff" + text.getvalue()


def _safe(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell
