import datetime as dt
from dataclasses import replace

import pytest

from billing.documents.model import Bars, Column, Document, Field, Grid, Ladder, Meter, Meters, Notes, Step
from billing.documents.printed import printed
from tests.documents.reading_pdfs import pages_of, reader, squeezed, text_of
from tests.documents.sample_documents import BILL, STATEMENT, days, with_sections

MARKUP = '#panic("x") *b* _i_ $x$ `c` <l> @ref \\u{41} // /* = - + [z] {y} ~ -- "q" \'q\''
FORMULA = '=HYPERLINK("http://x.example","点我")'
RARE = "鱻㵪䶮𬭎"


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
                shown = -step.value if step.sign == "-" else step.value
                yield [sign, step.label, step.told, printed(shown, "money", lang)]
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
