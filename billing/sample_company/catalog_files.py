"""Rows of a catalog table as a CSV or XLSX file under the header words that the catalog reader knows."""

import csv
import datetime as dt
import io
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from billing.catalog.words import LANGUAGE_INDEX, ColumnWords, words_of
from billing.catalog.workbooks import TEXT_FORMAT, new_workbook
from billing.core.money import MICRO_PER_YUAN, yuan
from billing.tables.schema import Table


def write_csv(folder: Path, table: type[Table], rows: Sequence[dict[str, Any]], *, lang: str, encoding: str) -> None:
    """Write one table as CSV, with the line ends a spreadsheet writes."""
    words = words_of(table)
    columns = _kept(words.columns, rows)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(column.header(lang) for column in columns)
    for row in rows:
        writer.writerow(_shown(row[column.column], column, lang) for column in columns)
    (folder / f"{words.file}.csv").write_bytes(text.getvalue().encode(encoding))


def write_xlsx(folder: Path, table: type[Table], rows: Sequence[dict[str, Any]], *, lang: str) -> None:
    """Write one table as XLSX: days as real dates, amounts as numbers, everything else as text."""
    words = words_of(table)
    columns = _kept(words.columns, rows)
    with new_workbook(folder / f"{words.file}.xlsx") as workbook:
        day, money = workbook.add_format({"num_format": "yyyy-mm-dd"}), workbook.add_format({"num_format": "0.00"})
        text, bold = workbook.add_format({"num_format": TEXT_FORMAT}), workbook.add_format({"bold": True})
        sheet = workbook.add_worksheet(table.zh if lang == "zh" else words.file)
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(columns) - 1, 18)
        for index, column in enumerate(columns):
            sheet.write_string(0, index, column.header(lang), bold)
        for number, row in enumerate(rows, start=1):
            for index, column in enumerate(columns):
                value = row[column.column]
                if isinstance(value, dt.date):
                    sheet.write_datetime(number, index, dt.datetime.combine(value, dt.time()), day)
                elif value is not None and column.column.is_money:
                    sheet.write_number(number, index, Decimal(value) / MICRO_PER_YUAN, money)
                elif value is not None:
                    sheet.write_string(number, index, _shown(value, column, lang), text)


def _kept(columns: Sequence[ColumnWords], rows: Sequence[dict[str, Any]]) -> list[ColumnWords]:
    """The columns that the company keeps: all that are required, and of the others those its rows know."""
    return [column for column in columns if column.required or not rows or column.column in rows[0]]


def _shown(value: Any, column: ColumnWords, lang: str) -> str:  # noqa: ANN401 - any table value
    """A value as people write it under the template's header."""
    if value is None:
        return ""
    if column.choices:
        return column.choices[str(value)][LANGUAGE_INDEX[lang]]
    if column.readings[0].kind == "share":
        return f"{value // 100}%"
    if column.column.is_money:
        return yuan(value).replace(",", "")
    return str(value)
