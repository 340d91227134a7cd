import datetime as dt
import io
import os
import re
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pypdf
import pypdfium2
import pytest

from billing.core.findings import Refusal
from billing.documents.model import Bars, Column, Document, Field, Grid, Ladder, Meter, Meters, Notes, Step
from billing.documents.pdf import fonts, printer
from billing.documents.pdf.make_fonts import SIGNS
from billing.documents.pdf.printer import print_pdf, print_pdfs
from billing.documents.printed import printed
from tests.documents.sample_documents import BILL, CHARGES, STATEMENT, days, with_sections

MARKUP = '#panic("x") *b* _i_ $x$ `c` <l> @ref \\u{41} // /* = - + [z] {y} ~ -- "q" \'q\''
FORMULA = '=HYPERLINK("http://x.example","点我")'
RARE = "鱻㵪䶮𬭎"
ROOT = Path(__file__).resolve().parents[2]
MILLIMETRE = 72 / 25.4
SCALE = 2


def reader(document):
    return pypdf.PdfReader(io.BytesIO(print_pdf(document)))


def squeezed(text):
    return re.sub(r"\s+", "", text)


def pages_of(document):
    return [squeezed(page.extract_text()) for page in reader(document).pages]


def text_of(document):
    return "".join(pages_of(document))


def ink(page):
    """Whether a pixel is printed on, rows from the top."""
    return (page.render(scale=SCALE).to_numpy()[:, :, :3] < 250).any(axis=2)


# What is printed


@pytest.mark.parametrize("document", [BILL, STATEMENT], ids=["bill", "statement"])
def test_every_value_is_printed(document):
    text = text_of(document)
    lang = document.lang
    for one in (*document.seller[1:], *document.recipient, *document.particulars, document.capitals):
        assert squeezed(one.label + printed(one.value, one.kind, lang)) in text
    for figure in document.figures:
        assert squeezed(f"{figure.label}¥{printed(figure.value, 'money', lang)}") in text
    for section in document.sections:
        assert squeezed(section.title) in text
        for line in lines_of(section, lang):
            assert squeezed("".join(line)) in text
    assert squeezed(document.title + document.subtitle + document.seller[0].value) in text
    assert f"校验码{document.check_code}" in text


def lines_of(section, lang):
    """Texts that stand together, in the order in which they are read."""
    match section:
        case Grid():
            kinds = [column.kind for column in section.columns]
            yield [column.heading for column in section.columns]
            for row in (*section.rows, *([section.totals] if section.totals else ())):
                yield [printed(value, kind, lang) for value, kind in zip(row, kinds, strict=True)]
        case Bars():
            values = [printed(value, section.kind, lang) for _, value in section.bars]
            if section.lying:
                yield from zip((label for label, _ in section.bars), values, strict=True)
            else:
                yield values
                yield [label for label, _ in section.bars]
            yield [section.told]
        case Meters():
            for meter in section.meters:
                used, total = (printed(value, meter.kind, lang) for value in (meter.used, meter.total))
                yield [meter.label, used, "/", total, meter.told]
        case Ladder():
            for step in section.steps:
                sign = step.sign.replace("-", "\u2212")
                yield [sign, step.label, step.told, printed(step.value, "money", lang)]
        case Notes():
            yield from ([line] for line in section.lines)


def test_amounts_are_written_as_people_read_them():
    steps = (
        Column("金额", "money"),
        Column("单价", "price"),
        Column("税率", "percent"),
        Column("时长", "seconds"),
        Column("次数", "count"),
        Column("日期", "date"),
    )
    row = (-1_234_560_000, 145_000, 625, 3_661, 12_345, dt.date(2026, 10, 31))
    text = text_of(with_sections(BILL, Grid("值", steps, [row])))
    assert "\u22121,234.560.1456.25%61分1秒12,3452026-10-31" in text


@pytest.mark.parametrize("hostile", [MARKUP, FORMULA, RARE], ids=["markup", "formula", "rare"])
def test_a_name_is_printed_as_it_is(hostile):
    document = replace(
        with_sections(
            BILL,
            Grid("表", (Column("名称"), Column("数", "count")), [(hostile, 1)], note=hostile),
            Notes(hostile, (hostile,)),
            Ladder("阶梯", (Step(hostile, 1_000_000, "+", hostile),)),
            Meters("量", (Meter(hostile, 1, 2, "count", hostile),)),
            Bars("图", hostile, [(hostile, 1)], lying=True),
        ),
        recipient_name=hostile,
        recipient=(Field("客户名称", hostile),),
    )
    assert text_of(document).count(squeezed(hostile)) == 11
    assert reader(document).metadata.title == f"客户账单 2026-10 {hostile}"


def test_marks_that_turn_the_direction_are_shown_not_obeyed():
    document = replace(BILL, recipient=(Field("客户名称", "甲\u202e001.00\u202c\u200b乙\x07\n丙"),))
    assert "甲[U+202E]001.00[U+202C][U+200B]乙[U+0007]丙" in text_of(document)


def test_a_column_under_another_stands_below_its_value_without_a_heading():
    columns = (Column("号码"), Column("用途", under=True), Column("金额", "money"))
    grid = Grid("号码表", columns, [("4008201688", "客服热线", 1_000_000), ("4008201689", "", 2_000_000)])
    assert "号码表号码金额4008201688客服热线1.0040082016892.00" in text_of(with_sections(BILL, grid))


def test_a_document_that_says_little_is_printed():
    bare = Document("bill", "C1", "甲", "2026-10", "zh", "final", dt.date(2026, 11, 1), "客户账单", "", (), (), (), ())
    empty = (Grid("表", (Column("名"),), ()), Bars("图", "", ()), Meters("量", []), Ladder("梯", ()), Notes("注", []))
    assert text_of(bare).startswith("客户账单")
    assert "表名无记录图无记录量无记录梯无记录注无记录" in text_of(replace(bare, sections=empty))


# Long tables


def test_a_long_table_is_cut_and_says_where_the_rest_is():
    text = text_of(with_sections(BILL, replace(days(45), limit=20)))
    assert "075526600019" in text
    assert "075526600020" not in text
    assert "此处列出45行中的前20行；全部明细见同名工作簿的“通话明细”表" in text


def test_a_table_within_its_limit_is_whole():
    text = text_of(with_sections(BILL, replace(days(20), limit=20)))
    assert "075526600019" in text
    assert "工作簿" not in text


def test_a_table_of_the_workbook_alone_is_pointed_to():
    text = text_of(with_sections(BILL, replace(days(20), limit=0)))
    assert "通话费用明细共20行，见同名工作簿的“通话明细”表" in text
    assert "落地号码" not in text


def test_an_empty_table_says_so():
    assert "金额(元)无记录" in text_of(with_sections(BILL, days(0)))


def test_the_heading_of_a_table_stands_on_every_page():
    pages = pages_of(with_sections(BILL, days(150)))
    assert len(pages) > 3
    for page in pages:
        assert page.count("序号日期400号码落地号码") == 1
    assert [page.count("金额(元)") for page in pages] == [1] * len(pages)


def test_pages_are_counted_and_later_ones_say_whose_they_are():
    pages = pages_of(with_sections(BILL, days(150)))
    for number, page in enumerate(pages, 1):
        assert f"账单编号INV-2026-000019校验码{BILL_OF_DAYS}第{number}/{len(pages)}页" in page
        assert page.startswith("客户账单深圳华锐医疗器械有限公司INV-2026-000019序号") == (number > 1)


BILL_OF_DAYS = with_sections(BILL, days(150)).check_code


def test_a_heading_stays_with_what_follows():
    """Wherever the page ends: a title is never the last of a page."""
    for count in range(20, 32):
        pages = pages_of(with_sections(BILL, replace(days(count), title="第一表"), replace(days(3), title="第二表")))
        page = next(page for page in pages if "第二表" in page)
        assert "075526600000" in page.split("第二表")[1]


# Standing


def test_a_draft_is_marked_on_every_page():
    pages = pages_of(replace(with_sections(BILL, days(150)), standing="draft"))
    assert len(pages) > 3
    assert [page.count("草稿") for page in pages] == [2] + [1] * (len(pages) - 1)
    assert pages[0].startswith("草稿，未关账，金额可能变动")


@pytest.mark.parametrize("standing", ["final", "reprint"])
def test_what_is_final_bears_no_draft(standing):
    assert "草稿" not in text_of(replace(with_sections(BILL, days(60)), standing=standing))


def test_a_reprint_says_so_and_keeps_its_check_code():
    final, again = text_of(BILL), text_of(replace(BILL, standing="reprint"))
    assert "补打" in again and "补打" not in final
    assert again.replace("补打", "") == final


def test_english_words_of_an_english_document():
    document = replace(with_sections(BILL, replace(days(45), limit=20)), lang="en", standing="draft")
    text = " ".join(page.extract_text() for page in reader(document).pages)
    assert "DRAFT" in text and "Page 1 of 1" in text and f"Check code {document.check_code}" in text
    assert "20 of 45 rows; all of them are in the workbook of the same name, sheet 通话明细" in text
    assert reader(document).trailer["/Root"]["/Lang"] == "en"


# Layout


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", ["深圳市华锐国际医疗器械进出口贸易集团" * 17, "A" * 300, "word " * 60])
def test_long_texts_stay_inside_the_page(name, lang):
    texts = Grid("八列", [Column(f"第{place}列 with a heading") for place in range(8)], [[name[:300]] * 8], note=name)
    money = Grid("钱", [Column(f"金额{place}(元)", "money") for place in range(8)], [[123_456_789_010_000] * 8] * 2)
    charts = [Bars("图", name, [(name[:60], 5), ("b", -3)], lying=lying) for lying in (True, False)]
    meters = Meters("量", [Meter(name[:90], 3_000_000, 2_000_000, "money", name)] * 3)
    ladder = Ladder("梯", [Step(name, 1_000_000, "+", name), Step(name, 0, "=")])
    document = replace(
        with_sections(BILL, texts, money, CHARGES, *charts, meters, ladder, Notes("注", (name,))),
        lang=lang,
        title=name[:60],
        subtitle=name,
        recipient_name=name,
        recipient=(Field("客户名称", name), Field("地址", name)),
        particulars=(Field("账单编号", name[:80]), *BILL.particulars[1:]),
        seller=(Field("销售方", name), Field("地址", name)),
        capitals=Field("大写", name),
        signatures=(name[:20], "乙方", "丙方", "丁方"),
    )
    pdf = pypdfium2.PdfDocument(print_pdf(document))
    side, top = int(17.5 * MILLIMETRE * SCALE), int(8 * MILLIMETRE * SCALE)
    for page in pdf:
        printed_on = ink(page)
        assert printed_on[:, side:-side].any()
        assert not printed_on[:, :side].any() and not printed_on[:, -side:].any()
        assert not printed_on[:top].any() and not printed_on[-top:].any()


def test_a_long_name_is_whole_and_copied_without_marks():
    name = "B" * 300
    page = reader(replace(BILL, recipient=(Field("客户名称", name),))).pages[0].extract_text()
    assert name in squeezed(page)
    assert "\u200b" not in page


def test_columns_of_money_are_aligned_on_the_right():
    """The last digits of a column stand under each other, whatever their number."""
    amounts = [1_000_000, 123_456_780_000, -99_990_000]
    page = pypdfium2.PdfDocument(
        print_pdf(with_sections(BILL, Grid("钱", (Column("名"), Column("元", "money")), [("a", it) for it in amounts])))
    )[0]
    text = page.get_textpage()
    ends = []
    for amount in ("1.00", "123,456.78", "\u221299.99"):
        found = text.search(f" {amount}" if amount == "1.00" else amount).get_next()
        assert found, amount
        ends.append(text.get_charbox(found[0] + found[1] - 1)[2])
    assert max(ends) - min(ends) < 0.7


def test_longer_bars_are_of_larger_values():
    chart = Bars("图", "说明", [("a", 50), ("b", 100), ("c", 0)], lying=True)
    page = pypdfium2.PdfDocument(print_pdf(with_sections(BILL, chart)))[0]
    colours = page.render(scale=SCALE).to_numpy()[:, :, :3].astype(int)
    bar = np.abs(colours - (0xDC, 0xC1, 0xA9)).max(axis=2) < 6
    lengths = [int(row.sum()) for row in bar if row.sum() > 40]
    longest, shortest = max(lengths), min(lengths)
    assert abs(longest - 2 * shortest) <= 12
    assert all(min(abs(length - longest), abs(length - shortest)) <= 8 for length in lengths), "no third bar"


# Archive and access


def test_it_says_it_is_archival_and_accessible():
    pdf = reader(BILL)
    root = pdf.trailer["/Root"]
    told = root["/Metadata"].get_data().decode()
    for mark in ("pdfaid:part>2<", "pdfaid:conformance>A<", "pdfuaid:part>1<"):
        assert mark in told
    assert root["/MarkInfo"]["/Marked"] is True or root["/MarkInfo"]["/Marked"] == True  # noqa: E712 - a PDF boolean
    assert root["/Lang"] == "zh"
    assert pdf.metadata.title == "客户账单 2026-10 深圳华锐医疗器械有限公司"
    assert pdf.metadata.author == "北京聚信通信技术有限公司"
    assert pdf.metadata.creation_date == dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def structure(node):
    """Every element of the structure tree."""
    node = node.get_object()
    if isinstance(node, list):
        for child in node:
            yield from structure(child)
    elif isinstance(node, dict):
        yield node
        if "/K" in node:
            yield from structure(node["/K"])


def test_charts_are_told_in_words_and_tables_have_headings():
    elements = list(structure(reader(BILL).trailer["/Root"]["/StructTreeRoot"]))
    told = [str(element["/Alt"]) for element in elements if "/Alt" in element]
    assert len(told) == 4, "two meters, two charts"
    assert told[0] == "畅享3000分钟（4008201688）: 3,000分 / 3,000分 已用完，超出部分按单价计费"
    assert told[2].startswith("全月 6,893 次来话中，10 时最多，为 811 次；2 时和 3 时没有来话。 0 3; 1 1; 2 0; 3 0;")
    kinds = [element.get("/S") for element in elements]
    assert kinds.count("/TH") == len(CHARGES.columns)
    assert kinds.count("/H1") == 1 and kinds.count("/H2") == len(BILL.sections)


def test_every_font_is_embedded_and_ours_or_the_fallback():
    document = replace(with_sections(BILL, days(60)), recipient=(Field("客户名称", f"华{RARE}"),))
    names = set()
    for page in reader(document).pages:
        for font in page["/Resources"]["/Font"].values():
            for descendant in font.get_object()["/DescendantFonts"]:
                described = descendant.get_object()["/FontDescriptor"].get_object()
                assert "/FontFile2" in described or "/FontFile3" in described
                names.add(str(described["/FontName"]).partition("+")[2])
    assert names == {"BillSansSC-Regular", "BillSansSC-Bold", "NotoSansSC-Regular"}


# Fonts


def test_our_fonts_are_those_that_were_made():
    assert fonts.found_digests() == fonts.stated_digests()
    assert set(fonts.stated_digests()) == {"BillSansSC-Regular.ttf", "BillSansSC-Bold.ttf"}
    assert "SIL OPEN FONT LICENSE" in (fonts.FOLDER / "OFL.txt").read_text("utf-8").upper()


def test_our_fonts_hold_gb2312_and_our_signs():
    rows = (bytes((row, cell)).decode("gb2312", "ignore") for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
    every = "".join(sign for sign in (*rows, *SIGNS) if sign.isprintable() and not sign.isspace())
    assert len(every) > 7_400
    document = with_sections(BILL, Notes("GB2312", [every[start : start + 500] for start in range(0, len(every), 500)]))
    found = set()
    for page in reader(document).pages:
        for font in page["/Resources"]["/Font"].values():
            found.add(str(font.get_object()["/BaseFont"]).partition("+")[2].removesuffix("-Identity-H"))
    assert found == {"BillSansSC-Regular", "BillSansSC-Bold"}


@pytest.mark.parametrize(("name", "code_points"), [("华𠮷电子", "U+20BB7"), ("가나", "U+AC00"), ("א", "U+05D0")])
def test_a_character_that_no_font_has_is_refused(name, code_points):
    document = replace(BILL, recipient_id="C777", recipient_name=name, recipient=(Field("客户名称", name),))
    with pytest.raises(Refusal) as refused:
        print_pdf(document)
    finding = refused.value.findings[0]
    assert finding.reason == "GLYPH_MISSING"
    assert finding.values["code_points"] == code_points
    assert finding.values["character"] == "".join(chr(int(code[2:], 16)) for code in code_points.split())
    for word in ("bill", "C777", name, code_points):
        assert word in finding.text("en")


# Same bytes, many documents

PRINT = """
import hashlib
from billing.documents.pdf.printer import print_pdf, print_pdfs
from tests.documents.sample_documents import BILL, STATEMENT
print(hashlib.sha256(b"".join(pdf for _, pdf in print_pdfs([STATEMENT, BILL, STATEMENT]))).hexdigest())
"""


def test_another_process_prints_the_same_bytes(tmp_path):
    there = {**os.environ, "PYTHONPATH": str(ROOT)}
    told = [
        subprocess.run(
            [sys.executable, "-c", PRINT], env=there | settings, cwd=cwd, capture_output=True, text=True, check=True
        ).stdout.strip()
        for settings, cwd in (
            ({"TZ": "Asia/Shanghai", "PYTHONHASHSEED": "1", "LANG": "zh_CN.UTF-8"}, ROOT),
            ({"TZ": "America/New_York", "PYTHONHASHSEED": "2", "LANG": "C", "SOURCE_DATE_EPOCH": "1"}, tmp_path),
        )
    ]
    here = b"".join(map(print_pdf, [STATEMENT, BILL, STATEMENT]))
    assert told == [sha256(here).hexdigest()] * 2


def test_typst_is_loaded_by_the_first_document_only():
    asked = "import sys, billing.documents.pdf.printer; print('typst' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False"


def test_many_documents_come_in_order_and_few_at_a_time():
    taken = []

    def documents():
        for place in range(40):
            taken.append(place)
            sections = (days(120),) if place % 3 == 0 else ()
            yield replace(
                with_sections(BILL, *sections), recipient_id=f"C{place}", recipient=(Field("客户", f"C{place}"),)
            )

    printing = print_pdfs(documents())
    first, _ = next(printing)
    assert first.recipient_id == "C0"
    assert len(taken) <= 2 + 2 * (os.cpu_count() or 1)
    for place, (document, pdf) in enumerate(printing, 1):
        assert document.recipient_id == f"C{place}"
        assert f"客户C{place}" in squeezed(pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text())
    assert place == 39


def test_one_refused_document_stops_the_printing_by_name():
    bad = replace(BILL, recipient_id="C777", recipient=(Field("客户名称", "𠮷"),))
    with pytest.raises(Refusal) as refused:
        list(print_pdfs([BILL, bad, BILL]))
    assert refused.value.findings[0].values["recipient_id"] == "C777"


def test_a_fault_of_ours_names_the_document(monkeypatch):
    monkeypatch.setattr(printer, "page_values", lambda document: {"lang": "zh"})
    with pytest.raises(RuntimeError) as raised:
        print_pdf(BILL)
    assert raised.value.__notes__ == ["bill of C000019 深圳华锐医疗器械有限公司"]
