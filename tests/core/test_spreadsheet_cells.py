"""Cells of CSV files: no text runs as a formula, numbers stay numbers."""

import csv
import io
from decimal import Decimal

import polars as pl
import pytest

from billing.core.spreadsheet_cells import csv_text, safe_cell, safe_cells

RUN = ("=1+1", "+86", "-1.00", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠a")
STAY = ("", "a=1", "4006000001", "'=1", " =1", "甲公司", "1-2")


@pytest.mark.parametrize("text", RUN)
def test_a_text_that_would_run_gets_an_apostrophe(text):
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", STAY)
def test_any_other_text_stays(text):
    assert safe_cell(text) == text


def test_a_column_is_made_safe_by_the_same_rule():
    frame = pl.DataFrame({"name": [*RUN, *STAY, None]})
    safe = frame.select(safe_cells(pl.col("name")))
    assert safe["name"].to_list() == [*map(safe_cell, [*RUN, *STAY]), None]


def test_numbers_stay_numbers_and_the_file_bears_its_mark():
    text = csv_text(["name", "amount"], [["=a", Decimal("-3.00")], ['b,"c"', 7], [None, None]])
    assert text.startswith("\ufeff") and "\r" not in text
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert rows == [["name", "amount"], ["'=a", "-3.00"], ['b,"c"', "7"], ["", ""]]
