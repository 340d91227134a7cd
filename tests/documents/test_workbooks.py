"""Workbooks say what the documents say, cell by cell, and nothing in a cell is ever run or followed."""

import datetime as dt
import io
import re
import zipfile
from decimal import Decimal

import pytest
from python_calamine import CalamineWorkbook

from billing.documents.model import Column, Document, Field, Figure, Grid, Ladder, Notes, Step
from billing.documents.words import Words
from billing.documents.workbook import write_workbook

WORDS = Words("zh")
HOSTILE = (
    '=HYPERLINK("http://x","y")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "http://example.cn/",
    "=1+1" * 75,
    "\u202eabc",
    "𬭎𠮷<b>&",
)


def _document(rows=(("C-1", 1_234_500_000, 1_500, 61, dt.date(2026, 10, 3)),), lines=("一",), name="甲公司"):
    columns = (
        Column("客户", share=3),
        Column("金额", "money"),
        Column("税率", "percent"),
        Column("时长", "seconds"),
        Column("日期", "date"),
    )
    totals = ("合计", sum(row[1] for row in rows), None, sum(row[3] for row in rows), None)
    return Document(
        kind="bill",
        recipient_id="C-1",
        recipient_name=name,
        period="2026-10",
        lang="zh",
        standing="draft",
        issued_on=dt.date(2026, 11, 1),
        title="客户账单",
        subtitle="非发票",
        seller=[Field("销售方", "示例通信")],
        recipient=[Field("客户", name)],
        particulars=[Field("账期", "2026-10")],
        figures=[Figure("本期应缴", 1_234_500_000, strong=True), Figure("上期", -70_000)],
        sections=[
            Grid("明细", columns, rows, totals, sheet="费用明细", limit=1),
            Ladder("计算", [Step("一", 10_000, "+"), Step("二", -20_000, "-")]),
            Notes("说明", lines),
        ],
    )


def _sheets(document):
    book = CalamineWorkbook.from_filelike(io.BytesIO(write_workbook(document, WORDS)))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def _numbers(rows):
    return [cell for row in rows for cell in row if isinstance(cell, float)]


def test_amounts_are_numbers_in_yuan_and_dates_are_dates():
    sheets = _sheets(_document())
    assert list(sheets) == ["账单汇总", "费用明细", "说明"]
    mark, headings, row, totals = sheets["费用明细"]
    assert mark[0] == "草稿，未关账，金额可能变动"
    assert headings == ["客户", "金额（元）", "税率", "时长（秒）", "日期"]
    assert row == ["C-1", 1234.5, 0.15, 61.0, dt.date(2026, 10, 3)]
    assert totals[:2] == ["合计", 1234.5]


def test_page_one_is_the_first_sheet():
    first = _sheets(_document())["账单汇总"]
    assert {1234.5, -0.07, 0.01, -0.02} <= set(_numbers(first))
    told = [cell for row in first for cell in row if isinstance(cell, str)]
    assert "草稿，未关账，金额可能变动" in told and "甲公司" in told
    assert "共 1 行，见工作表“费用明细”" in told


def test_a_workbook_has_all_rows_however_few_paper_shows():
    rows = [(f"C-{number}", number * 10_000, 0, 1, None) for number in range(1, 3_001)]
    sheet = _sheets(_document(rows))["费用明细"]
    assert len(sheet) == 3_003  # the mark of a draft, headings, totals
    assert Decimal(repr(sheet[-1][1])) == Decimal("45015.00")  # 1 + ... + 3000 fen


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_stays_text(name):
    document = _document([(name, 10_000, 0, 0, None)], lines=(name,), name=name)
    content = write_workbook(document, WORDS)
    parts = zipfile.ZipFile(io.BytesIO(content))
    sheets = "".join(parts.read(part).decode() for part in parts.namelist() if "worksheets/" in part)
    assert not re.search(r"<f>|<hyperlink", sheets)
    assert _sheets(document)["费用明细"][2][0] == name


def test_equal_documents_give_equal_bytes_and_no_clock_is_in_them():
    content = write_workbook(_document(), WORDS)
    assert content == write_workbook(_document(), WORDS)
    core = zipfile.ZipFile(io.BytesIO(content)).read("docProps/core.xml").decode()
    assert set(re.findall(r"\d{4}-\d{2}-\d{2}", core)) == {"2026-11-01"}


def test_the_check_code_is_the_papers():
    document = _document()
    assert document.check_code in [cell for row in _sheets(document)["说明"] for cell in row]
