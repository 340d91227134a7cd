import datetime as dt
from dataclasses import replace

import numpy as np
import pypdfium2
import pytest

from billing.core.findings import Refusal
from billing.documents.model import Bars, Column, Field, Figure, Grid, Ladder, Meter, Meters, Notes, Step
from billing.documents.pdf import fonts
from billing.documents.pdf.columns import PAGE_WIDTH, Texts, breakable, grid_layout, parts, text_width
from billing.documents.pdf.make_fonts import SIGNS
from billing.documents.pdf.pages import page_values
from billing.documents.pdf.printer import print_pdf
from tests.documents.reading_pdfs import reader, squeezed
from tests.documents.sample_documents import BILL, CHARGES, days, with_sections

MILLIMETRE = 72 / 25.4
SCALE = 2
RARE = "鱻㵪䶮𬭎"


def ink(page):
    """Whether a pixel is printed on, rows from the top."""
    return (page.render(scale=SCALE).to_numpy()[:, :, :3] < 250).any(axis=2)


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
    for word in ("C777", name, code_points):
        assert word in finding.text("en")


def test_columns_fill_the_page_and_numbers_have_their_room():
    numbers = Texts("金额(元)", ("1,234.56", "9.99"), (), True, 0)
    names = Texts("名称", ("深圳市华锐国际医疗器械进出口贸易集团有限公司广州分公司",), (), False, 3)
    remarks = Texts("说明", ("很长的说明" * 9,), (), False, 1)
    layout = grid_layout((numbers, names, remarks))
    assert sum(layout.widths) == PAGE_WIDTH
    assert layout.widths[0] >= text_width("1,234.56") * layout.size // 10
    assert layout.size == 85
    assert layout.widths[1] > layout.widths[2]


def test_the_unit_of_a_heading_goes_to_its_second_line():
    assert parts("不含税金额(元)") == ("不含税金额", "(元)")
    assert parts("费用项目") == ("费用项目", "")
    assert parts("Unit price (CNY)") == ("Unit price ", "(CNY)")


def test_only_long_words_are_broken():
    assert breakable("INV-2026-000019") == "INV-2026-000019"
    assert breakable("x" * 21 + " 中文") == "\u200b".join("x" * 21) + " 中文"


@pytest.mark.parametrize(
    ("amount", "count", "columns"),
    [(1_000_000, 5, 5), (123_456_789_010_000, 5, 3), (1_000_000, 6, 3), (1_000_000, 2, 2)],
)
def test_figures_stand_in_one_row_while_they_can_be_read(amount, count, columns):
    document = replace(BILL, figures=[Figure("本期", amount)] * count)
    assert page_values(document)["figure-columns"] == columns
