"""Whole files: encodings, headers, rows, places, and refusals that name file and line or cell."""

import datetime as dt
import zipfile

import pytest
import xlsxwriter

from billing.catalog import reading
from billing.catalog.reading import read_catalog
from billing.core.findings import Finding
from billing.core.messages import catalogue
from billing.tables.catalog import CATALOG_TABLES, Agent, Contract, Customer, Subscription


def write_xlsx(path, rows, sheet="数据", extra=()):
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet(sheet)
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            if isinstance(cell, dt.date):
                page.write_datetime(row, column, dt.datetime.combine(cell, dt.time()), day)
            elif cell == "#N/A":
                page.write_formula(row, column, "=NA()", None, "#N/A")
            elif isinstance(cell, str):
                page.write_string(row, column, cell)
            elif cell is not None:
                page.write_number(row, column, cell)
    for name in extra:
        book.add_worksheet(name).write_string(0, 0, "x")
    book.close()


def test_sound_catalog_has_no_problem(folder, found):
    catalog = read_catalog(folder)
    assert found(catalog) == set()
    assert catalog.is_usable
    assert [catalog.frame(table).height for table in CATALOG_TABLES] == [1, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 1, 1]
    assert catalog.agents["share_bp"].to_list() == [None, 6000]
    assert catalog.contracts["total_micro"].to_list() == [2_400_000_000, None]
    assert catalog.contracts["ends_on"].to_list() == [dt.date(2028, 1, 5), dt.date(2027, 2, 5)]
    assert catalog.numbers["carrier_id"].to_list() == ["UNICOM", "UNICOM"]
    for table in CATALOG_TABLES:
        assert catalog.frame(table).schema == table.schema()


def test_places_name_file_and_line(folder):
    catalog = read_catalog(folder)
    assert catalog.where(Contract, {"contract_id": "H2"}) == "contracts.csv:3"


def test_nothing_at_all_is_an_empty_catalog(tmp_path):
    for place in (tmp_path, tmp_path / "missing"):
        catalog = read_catalog(place)
        assert catalog.findings == ()
        assert catalog.customers.schema == Customer.schema()


def test_missing_required_and_optional_files(folder, found):
    for name in ("customers.csv", "receipts.csv", "agents.csv"):
        (folder / name).unlink()
    problems = found(read_catalog(folder))
    assert ("CATALOG_FILE_MISSING", "customers.csv") in problems
    assert not any("receipts" in where or "agents" in where for reason, where in problems if "MISSING" in reason)


def test_both_forms_of_one_table_are_refused(folder, found):
    write_xlsx(folder / "customers.xlsx", [["客户编号", "客户名称"], ["C1", "甲公司"]])
    assert found(read_catalog(folder)) == {("CATALOG_TWO_FILES", "customers.xlsx")}


def test_file_of_another_name_is_told(folder, found):
    (folder / "客户.xlsx").write_bytes(b"")
    (folder / "~$customers.xlsx").write_bytes(b"")
    assert found(read_catalog(folder)) == {("CATALOG_FILE_UNKNOWN", "客户.xlsx")}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_give_the_same_rows(folder, encoding, line_end):
    expected = read_catalog(folder).customers
    text = line_end.join(["客户编号,客户名称", "C1,甲公司", "", "C2,乙公司"])
    (folder / "customers.csv").write_bytes(text.encode(encoding))
    assert read_catalog(folder).customers.equals(expected)


@pytest.mark.parametrize(
    ("raw", "reason", "where"),
    [
        ("客户编号,客户名称\n".encode("utf-16"), "CATALOG_UTF16", "customers.csv"),
        (b"\xef\xbb\xbf" + "客户".encode("gb18030"), "CATALOG_ENCODING", "customers.csv"),
        (b"customer_id,customer_name\nC1,\xff\xff\n", "CATALOG_ENCODING", "customers.csv"),
        (b"customer_id,customer_name\nC1,a\x00b\n", "CATALOG_NOT_TEXT", "customers.csv:2"),
        (b'customer_id,customer_name\nC1,a\nC2,"b\nC3,c\n', "CATALOG_CSV_BROKEN", "customers.csv:3"),
        (b'customer_id,customer_name\nC1,"a"b\n', "CATALOG_CSV_BROKEN", "customers.csv:2"),
        (b"", "CATALOG_NO_HEADER", "customers.csv:1"),
        (b"customer_id;customer_name\nC1;a\n", "CATALOG_SEPARATOR", "customers.csv:1"),
        (b"customer_id,customer_name\nC1\n", "CATALOG_FIELD_COUNT", "customers.csv:2"),
        (b"customer_id,customer_name\nC1,a,b\n", "CATALOG_FIELD_COUNT", "customers.csv:2"),
        ("客户编号,客户名称,客户号\nC1,a,b\n".encode(), "CATALOG_UNKNOWN_COLUMN", "customers.csv:1"),
        ("客户编号,customer_id,客户名称\nC1,C1,a\n".encode(), "CATALOG_COLUMN_TWICE", "customers.csv:1"),
        ("客户编号\nC1\n".encode(), "CATALOG_COLUMN_MISSING", "customers.csv:1"),
        ("客户编号,客户名称\nC1,\n".encode(), "CATALOG_CELL_EMPTY", "customers.csv:2"),
        ("客户编号,客户名称\n1.38E+10,a\n".encode(), "CATALOG_SCIENTIFIC_NOTATION", "customers.csv:2"),
    ],
)
def test_refused_csv_names_its_line(folder, found, raw, reason, where):
    (folder / "customers.csv").write_bytes(raw)
    catalog = read_catalog(folder)
    assert (reason, where) in found(catalog)
    assert not catalog.is_usable
    # The lost rows are not told a second time through the contracts that point at them.
    assert not any(other.startswith("CATALOG_UNKNOWN_CUSTOMER") for other, _ in found(catalog))


def test_line_numbers_count_quoted_line_breaks(folder, found):
    (folder / "customers.csv").write_text('客户编号,客户名称,税号\nC1,甲公司,"\n"\n\nC2,乙公司\n', "utf-8")
    assert ("CATALOG_FIELD_COUNT", "customers.csv:5") in found(read_catalog(folder))


def test_mixed_headers_in_any_order_width_and_case(folder):
    expected = read_catalog(folder).subscriptions
    text = (
        "失效日 (不含),PLAN_ID,４００号码, Valid_From,合同号\n"
        ",split_010,4006000001,2026-01-05,H1\n"
        "2026/10/11,split_012,4006000002,2026/2/5,H2\n"
    )
    (folder / "subscriptions.csv").write_text(text, "utf-8")
    assert read_catalog(folder).subscriptions.equals(expected)


@pytest.mark.parametrize(
    ("header", "end"), [("失效日", 11), ("valid_to", 11), ("最后有效日", 12), ("last_day", 12), ("失效日（含）", 12)]
)
def test_the_header_says_whether_the_day_is_inside(folder, header, end):
    path = folder / "subscriptions.csv"
    path.write_text(path.read_text("utf-8-sig").replace("失效日", header), "utf-8")
    assert read_catalog(folder).subscriptions["valid_to"].to_list() == [None, dt.date(2026, 10, end)]


def test_both_readings_of_one_day_are_a_column_twice(folder, found):
    (folder / "subscriptions.csv").write_text(
        "合同号,400号码,套餐,生效日,失效日,最后有效日\nH1,4006000001,split_010,2026-01-05,,\n", "utf-8"
    )
    assert ("CATALOG_COLUMN_TWICE", "subscriptions.csv:1") in found(read_catalog(folder))


def test_repeated_row_counts_once_and_conflict_names_both_places(folder, found):
    path = folder / "customers.csv"
    path.write_text("客户编号,客户名称\nC1,甲公司\nC2,乙公司\nC1,甲公司\nC2,丙公司\n", "utf-8")
    catalog = read_catalog(folder)
    assert found(catalog) == {("CATALOG_ROW_REPEATED", "customers.csv:4"), ("CATALOG_KEY_CONFLICT", "customers.csv:5")}
    conflict = next(f for f in catalog.findings if f.reason == "CATALOG_KEY_CONFLICT")
    assert "customers.csv:3" in conflict.text("zh")
    assert "customers.csv:3" in conflict.text("en")
    assert catalog.customers.height == 2


def test_problems_are_collected_and_capped(folder):
    rows = "".join(f"D{index},\n" for index in range(120))
    (folder / "customers.csv").write_text(f"客户编号,客户名称\n{rows}", "utf-8")
    mine = [
        f for f in read_catalog(folder).findings if f.where.startswith("customers.csv") and f.severity == "critical"
    ]
    assert len(mine) == reading.SHOWN_A_FILE + 1
    assert mine[-1] == Finding(
        "CATALOG_MORE_PROBLEMS", "critical", "customers.csv", {"more": 70, "shown": reading.SHOWN_A_FILE}
    )


def test_workbook_with_dates_numbers_and_notes(folder, found):
    expected = read_catalog(folder)
    (folder / "contracts.csv").unlink()
    (folder / "subscriptions.csv").unlink()
    day = dt.date
    write_xlsx(
        folder / "contracts.xlsx",
        [
            ["合同号", "客户编号", "代理商编号", "签订日", "开通日", "到期日", "付款方式", "合同年限", "合同总金额"],
            [],
            ["H1", "C1", "A02", day(2026, 1, 1), day(2026, 1, 5), day(2028, 1, 5), "全额预付", 2, 2400],
            ["H2", "C2", "", "2026-02-01", day(2026, 2, 5), day(2027, 2, 5), "按月付", 1, None],
        ],
    )
    write_xlsx(
        folder / "subscriptions.xlsx",
        [
            ["合同号", "400号码", "套餐", "生效日", "失效日"],
            ["H1", 4006000001, "split_010", day(2026, 1, 5), None],
            ["H2", 4006000002, "split_012", day(2026, 2, 5), day(2026, 10, 11)],
        ],
    )
    catalog = read_catalog(folder)
    assert found(catalog) == set()
    assert catalog.contracts.equals(expected.contracts)
    assert catalog.subscriptions.equals(expected.subscriptions)
    assert catalog.where(Contract, {"contract_id": "H2"}) == "contracts.xlsx:数据!A4"
    row = catalog.subscriptions.to_dicts()[1]
    assert catalog.where(Subscription, row) == "subscriptions.xlsx:数据!A3"


@pytest.mark.parametrize(
    ("row", "reason", "cell"),
    [
        ([13800138000123456.0, "甲"], "CATALOG_DIGITS_LOST", "A2"),
        (["1.38E+10", "甲"], "CATALOG_SCIENTIFIC_NOTATION", "A2"),
        ([dt.date(2026, 10, 1), "甲"], "CATALOG_NOT_TEXT_VALUE", "A2"),
        (["C1", "#N/A"], "CATALOG_ERROR_CELL", "B2"),
        (["C1", None], "CATALOG_CELL_EMPTY", "B2"),
        (["C1", "甲", "备注"], "CATALOG_CELL_OUTSIDE", "C2"),
    ],
)
def test_refused_cell_is_named(folder, found, row, reason, cell):
    (folder / "customers.csv").unlink()
    write_xlsx(folder / "customers.xlsx", [["客户编号", "客户名称"], row], sheet="客户")
    assert (reason, f"customers.xlsx:客户!{cell}") in found(read_catalog(folder))


def test_ambiguous_day_is_named_by_sheet_and_cell(folder, found):
    (folder / "subscriptions.csv").unlink()
    write_xlsx(
        folder / "subscriptions.xlsx",
        [["合同号", "400号码", "套餐", "生效日"], ["H1", "4006000001", "split_010", "03/04/2026"]],
        sheet="订购",
    )
    catalog = read_catalog(folder)
    assert ("CATALOG_DAY_AMBIGUOUS", "subscriptions.xlsx:订购!D2") in found(catalog)
    finding = next(f for f in catalog.findings if f.reason == "CATALOG_DAY_AMBIGUOUS")
    assert "03/04/2026" in finding.text("zh")


def test_notes_sheet_is_passed_over_and_further_sheets_are_told(folder, found):
    (folder / "customers.csv").unlink()
    path = folder / "customers.xlsx"
    book = xlsxwriter.Workbook(str(path))
    book.add_worksheet("说明").write_string(0, 0, "怎么填")
    page = book.add_worksheet("客户")
    for row, cells in enumerate([["客户编号", "客户名称"], ["C1", "甲公司"], ["C2", "乙公司"]]):
        for column, cell in enumerate(cells):
            page.write_string(row, column, cell)
    book.add_worksheet("旧").write_string(0, 0, "x")
    book.close()
    catalog = read_catalog(folder)
    assert catalog.customers.height == 2
    assert found(catalog) == {("CATALOG_SHEETS_NOT_READ", "customers.xlsx")}


def test_cell_in_the_far_corner_does_not_end_the_process(folder, found):
    (folder / "customers.csv").unlink()
    path = folder / "customers.xlsx"
    write_xlsx(path, [["客户编号", "客户名称"], ["C1", "甲公司"]])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    corner = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    members[sheet] = members[sheet].replace(b"</sheetData>", corner)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert ("SHEET_TOO_WIDE", "customers.xlsx") in found(read_catalog(folder))


def test_what_is_no_workbook_is_refused(folder, found):
    (folder / "customers.csv").unlink()
    (folder / "customers.xlsx").write_bytes(b"PK no archive")
    assert ("WORKBOOK_UNREADABLE", "customers.xlsx") in found(read_catalog(folder))


def test_archive_without_a_workbook_is_refused(folder, found):
    (folder / "customers.csv").unlink()
    with zipfile.ZipFile(folder / "customers.xlsx", "w") as archive:
        archive.writestr("hello.txt", "x")
    assert ("WORKBOOK_UNREADABLE", "customers.xlsx") in found(read_catalog(folder))


def test_every_reason_has_words_in_both_languages():
    for code, words in catalogue().items():
        assert set(words) == {"en", "zh"}, code


def test_where_documents_go_may_be_given_or_not(folder, found):
    before = read_catalog(folder)
    assert before.customers[Customer.email].to_list() == [None, None]
    assert before.agents[Agent.payee_account].to_list() == [None, None]
    rows = "C1,甲公司,示例路1号,\nC2,乙公司,,a@b.cn；c@d.cn\n"
    (folder / "customers.csv").write_text("客户编号,客户名称,通讯地址,电子邮箱\n" + rows, "utf-8")
    assert not found(read_catalog(folder))
    after = read_catalog(folder).customers
    assert after.select(Customer.postal_address, Customer.email).rows() == [
        ("示例路1号", None),
        (None, "a@b.cn;c@d.cn"),
    ]
