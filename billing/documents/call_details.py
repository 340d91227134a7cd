"""Call details for the enterprise that owns the number: every call in words, as CSV or as a workbook.

They are written as they come, so a month of millions of calls needs no more room than one of its days.
"""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

from billing.core.money import decimal_expr
from billing.core.spreadsheet_cells import csv_text, safe_cells
from billing.documents.words import Words
from billing.documents.worksheets import SAFE
from billing.tables.calls import LINES_PER_FILE, OUTCOMES, Cdr, RatedCall

COLUMNS = (
    "call",
    "service_number",
    "caller",
    "province",
    "landing_number",
    "started_at",
    "answered_at",
    "ended_at",
    "outcome",
    "talk_seconds",
    "billed_seconds",
    "amount",
    "free_reason",
)
"""The columns of the list, in their order."""
FREE = ("test_call", "not_answered", "zero_seconds", "free_seconds", "trial")
"""Why a call may be free."""
_MS_PER_SECOND = 1_000
_TIME, _AMOUNT = "yyyy-mm-dd hh:mm:ss", "#,##0.00####"
_WIDTHS = {"call": 22, "caller": 16, "landing_number": 16, "started_at": 19, "answered_at": 19, "ended_at": 19}
_WIDTH = 13


def told_calls(calls: pl.LazyFrame, words: Words) -> pl.DataFrame:
    """Calls as the list tells them, in the order of their start.

    Args:
        calls: rated calls with caller, landing number, start, answer and end as received, and the caller's province.
        words: of the language wanted.

    Returns:
        The columns of the list; seconds of talk are rounded up, amounts are before allowances and caps.
    """
    cdr_id = pl.col(RatedCall.cdr_id)
    name = pl.format("{}/{}-{}", RatedCall.usage_date, cdr_id // LINES_PER_FILE, cdr_id % LINES_PER_FILE)
    outcomes = {outcome: words(f"outcome.{outcome}") for outcome in OUTCOMES}
    reasons = {reason: words(f"free.{reason}") for reason in FREE}
    return (
        calls.sort(Cdr.started_at, RatedCall.service_number, RatedCall.cdr_id, nulls_last=True)
        .with_columns(
            name.alias("call"),
            pl.col("province").cast(pl.String),
            pl.col(RatedCall.outcome).replace_strict(outcomes, default=pl.col(RatedCall.outcome)),
            pl.col(RatedCall.free_reason).replace_strict(reasons, default=pl.col(RatedCall.free_reason)),
            ((pl.col(RatedCall.usage_ms) + (_MS_PER_SECOND - 1)) // _MS_PER_SECOND).alias("talk_seconds"),
            decimal_expr(pl.col(RatedCall.amount_micro), 6).alias("amount"),
        )
        .select(COLUMNS)
        .collect()
    )


def write_calls_csv(path: Path, pages: Iterable[pl.DataFrame], words: Words) -> int:
    """Write pages of calls as one CSV file; no text in it runs as a formula.

    Returns:
        How many calls.
    """
    count = 0
    with path.open("wb") as file:
        file.write(csv_text(_headings(words), ()).encode("utf-8"))
        for page in pages:
            texts = [pl.col(name) for name, kind in page.schema.items() if kind == pl.String]
            page.with_columns(map(safe_cells, texts)).write_csv(
                file, include_header=False, line_terminator="\n", datetime_format="%Y-%m-%d %H:%M:%S"
            )
            count += page.height
    return count


def write_calls_sheet(path: Path, pages: Iterable[pl.DataFrame], words: Words, on: dt.date) -> int:
    """Write pages of calls as a workbook of one sheet; numbers of telephones are text.

    Args:
        path: the workbook.
        pages: calls, not more than a sheet holds.
        words: of the language wanted.
        on: the day it is dated.

    Returns:
        How many calls.
    """
    count = 0
    with xlsxwriter.Workbook(str(path), {**SAFE, "in_memory": False, "constant_memory": True}) as book:
        book.set_properties({"created": dt.datetime.combine(on, dt.time())})
        formats = {"time": book.add_format({"num_format": _TIME}), "amount": book.add_format({"num_format": _AMOUNT})}
        sheet = book.add_worksheet(words("calls.sheet"))
        for column, (name, heading) in enumerate(zip(COLUMNS, _headings(words), strict=True)):
            sheet.set_column(column, column, _WIDTHS.get(name, _WIDTH))
            sheet.write_string(0, column, heading, book.add_format({"bold": True}))
        sheet.freeze_panes(1, 0)
        for page in pages:
            for row in page.iter_rows():
                count += 1
                _write_row(sheet, count, row, formats)
        sheet.autofilter(0, 0, max(count, 1), len(COLUMNS) - 1)
    return count


def _write_row(sheet: Any, line: int, row: tuple[Any, ...], formats: dict[str, Any]) -> None:  # noqa: ANN401
    for column, value in enumerate(row):
        if value is None:
            continue
        if isinstance(value, str):
            sheet.write_string(line, column, value)
        elif isinstance(value, dt.datetime):
            sheet.write_datetime(line, column, value, formats["time"])
        else:
            sheet.write_number(line, column, value, formats["amount"] if COLUMNS[column] == "amount" else None)


def _headings(words: Words) -> list[str]:
    return [words(f"calls.{name}") for name in COLUMNS]
