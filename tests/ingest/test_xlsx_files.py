"""Workbooks of calls: one sheet, only values; what a spreadsheet has made of a number is never guessed back."""

import contextlib
import datetime as dt
import io
import zipfile

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.core.findings import Refusal
from billing.ingest.forms import xlsx as xlsx_module
from billing.ingest.layout import parse_layout
from billing.ingest.raw_lines import read_raw_lines
from tests.ingest.cdr_files import LAYOUTS, PLAIN_HEADER, clock, read_bytes, rows_of
from tests.ingest.damage import DAMAGE, damaged
from tests.ingest.own_layouts import JSON

HEADER = PLAIN_HEADER.split(",")
CALL = [
    *("a", "13800138000", "4001234567", "075512345678"),
    *("2026-10-03 10:00:00", "2026-10-03 10:00:05", "2026-10-03 10:00:35", "answered"),
]
PLAIN_XLSX = next(layout for layout in LAYOUTS if layout.id == "plain_xlsx")


def call(**changed) -> list:
    """A row of the plain columns, some of them other."""
    return list((dict(zip(HEADER, CALL, strict=True)) | changed).values())


def workbook_of(*sheets, hidden=(), names=None, first=(0, 0)) -> bytes:
    """A workbook whose sheets are rows of cells; times get a format that shows them to the millisecond."""
    target = io.BytesIO()
    options = {"default_date_format": "yyyy-mm-dd hh:mm:ss.000", "strings_to_formulas": False}
    with xlsxwriter.Workbook(target, options) as workbook:
        for place, rows in enumerate(sheets):
            sheet = workbook.add_worksheet(names[place] if names else None)
            if place in hidden:
                sheet.hide()
            elif hidden:
                sheet.activate()
            for number, row in enumerate(rows):
                for column, cell in enumerate(row):
                    where = (first[0] + number, first[1] + column)
                    if isinstance(cell, tuple):
                        sheet.write_formula(*where, cell[0], None, cell[1])
                    else:
                        sheet.write(*where, cell)
    return target.getvalue()


def read(tmp_path, *rows, **options):
    return read_bytes(tmp_path, workbook_of([HEADER, *rows]), "calls.xlsx", **options)


def finding_of(tmp_path, content, **options):
    with pytest.raises(Refusal) as caught:
        read_bytes(tmp_path, content, "calls.xlsx", **options)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["inbox"]
    return caught.value.findings[0]


def test_rows_of_text_are_read_and_keep_their_numbers(tmp_path):
    reading = read(tmp_path, CALL, [], ["  ", ""], HEADER, call(call_id="b", outcome="?"))
    # Six rows: two headers and two blank ones are framing. 30 s of talk; the second has an outcome nobody knows.
    assert rows_of(reading).select("line", "call_id", "talk_ms", "unreadable").rows() == [
        (2, "a", 30_000, None), (6, "b", 30_000, "outcome"),
    ]  # fmt: skip
    assert (reading.layout, reading.encoding, reading.framing_count) == ("plain_xlsx@1", "xlsx/Sheet1", 4)


def test_a_table_may_begin_anywhere_in_its_sheet(tmp_path):
    content = workbook_of([HEADER, CALL, call(caller=("=1/0", "#DIV/0!"))], first=(3, 2))
    rows = rows_of(read_bytes(tmp_path, content))
    assert rows.select("line", "caller", "unreadable").rows() == [(5, "13800138000", None), (6, None, "line")]


def test_real_dates_are_times_and_text_beside_them_is_text(tmp_path):
    start, answer, end = (clock(text) for text in CALL[4:7])
    rows = rows_of(
        read(
            tmp_path,
            call(started_at=start, answered_at=answer, ended_at=end),
            call(started_at=start),
            call(started_at=start.replace(microsecond=500_000)),
        )
    )
    # The layout's form has no place for half a second, so it is not dropped.
    assert rows.select("started_at", "talk_ms", "unreadable").rows() == [
        (start, 30_000, None), (start, 30_000, None), (None, 30_000, "started_at"),
    ]  # fmt: skip


def test_a_layout_with_fractions_keeps_those_of_real_dates(tmp_path):
    fields = {
        name: field.model_copy(update={"form": field.form + "%.3f"}) if "%" in field.form else field
        for name, field in PLAIN_XLSX.fields.items()
    }
    layout = PLAIN_XLSX.model_copy(update={"fields": fields})
    times = {name: clock(text) for name, text in zip(HEADER[4:7], CALL[4:7], strict=True)}
    times["ended_at"] = times["ended_at"].replace(microsecond=67_000)
    rows = rows_of(read(tmp_path, call(**times), layouts=[layout]))
    assert rows.select("talk_ms", "unreadable").rows() == [(30_067, None)]


def test_a_date_without_a_time_is_no_start(tmp_path):
    rows = rows_of(read(tmp_path, call(started_at=dt.date(2026, 10, 3)), call(started_at=clock("2026-10-03 00:00:00"))))
    assert rows["unreadable"].to_list() == ["started_at", "started_at"]


@pytest.mark.parametrize(
    ("number", "caller"),
    [
        (13_800_138_000, "13800138000"),
        (8_613_800_138_000, "13800138000"),
        (10_086, "10086"),
        (95_588, "95588"),
        (4_001_234_567, "4001234567"),
        # A landline kept as a number has lost its 0; 8.62139E+11 was longer once; a fraction is none.
        (2_155_550_001, None),
        (75_512_345_678, None),
        (862_139_000_000, None),
        (1.5, None),
        (1e20, None),
        (-13_800_138_000, None),
    ],
)
def test_a_number_cell_is_a_telephone_number_where_no_digit_can_be_lost(tmp_path, number, caller):
    (row,) = rows_of(read(tmp_path, call(caller=number))).to_dicts()
    assert (row["caller"], row["unreadable"]) == (caller, None if caller else "caller")


def test_what_is_text_in_scientific_notation_is_lost(tmp_path):
    rows = rows_of(read(tmp_path, call(caller="8.62139E+11"), call(call_id="1.5E+17")))
    assert rows["unreadable"].to_list() == ["caller", "call_id"]


def test_ids_are_whole_numbers_of_fifteen_digits_at_most(tmp_path):
    ids = [7001, 999_999_999_999_999, 10**15, 2**60, 12.5]
    rows = rows_of(read(tmp_path, *(call(call_id=each) for each in ids)))
    assert rows["call_id"].to_list()[:2] == ["7001", "999999999999999"]
    assert rows["unreadable"].to_list() == [None, None, "call_id", "call_id", None]


def test_truth_values_durations_and_times_of_day(tmp_path):
    cells = [True, dt.timedelta(hours=30), dt.time(6, 0)]
    rows = rows_of(read(tmp_path, *(call(call_id=each) for each in cells), *(call(ended_at=each) for each in cells)))
    assert rows["call_id"].to_list()[0] == "true"
    assert rows["unreadable"].to_list() == [None, None, None, *["ended_at"] * 3]


def test_the_value_of_a_formula_counts_and_an_error_breaks_its_row(tmp_path):
    error = ("=NA()", "#N/A")
    content = workbook_of(
        [
            [*HEADER, "remark"],
            [*call(caller=('="138"&"00138000"', "13800138000")), ""],
            [*call(outcome=error), ""],
            [*CALL, error],
        ]
    )
    rows = rows_of(read_bytes(tmp_path, content))
    assert rows.select("line", "caller", "unreadable").rows() == [
        (2, "13800138000", None), (3, None, "line"), (4, "13800138000", None),
    ]  # fmt: skip


def test_the_first_sheet_that_shows_is_read(tmp_path):
    hidden, other = [HEADER, call(call_id="hidden")], [["x"]]
    content = workbook_of(hidden, [HEADER, CALL], other, hidden={0}, names=["old", "话单", "more"])
    reading = read_bytes(tmp_path, content)
    assert (reading.encoding, rows_of(reading)["call_id"].to_list()) == ("xlsx/话单", ["a"])


def test_a_layout_may_name_its_sheet(tmp_path):
    named = PLAIN_XLSX.model_copy(update={"id": "named", "sheet": "话单"})
    content = workbook_of([["x"]], [HEADER, CALL], names=["cover", "话单"])
    reading = read_bytes(tmp_path, content, layouts=[*LAYOUTS, named])
    assert (reading.layout, reading.record_count) == ("named@1", 1)
    finding = finding_of_missing_sheet(tmp_path, named)
    assert (finding.reason, finding.values["found"]) == ("SHEET_MISSING", "Sheet1")


def finding_of_missing_sheet(tmp_path, named):
    with pytest.raises(Refusal) as caught:
        read_bytes(tmp_path, workbook_of([HEADER, CALL]), number=2, layouts=[named])
    return caught.value.findings[0]


def test_a_sheet_without_a_header_or_without_anything(tmp_path):
    finding = finding_of(tmp_path, workbook_of([CALL, call(call_id="b")]))
    assert (finding.reason, finding.where) == ("UNKNOWN_LAYOUT", "calls.xlsx:1")
    assert finding_of(tmp_path, workbook_of([])).reason == "FILE_WITHOUT_HEADER"
    assert finding_of(tmp_path, workbook_of([["title"], HEADER])).reason == "UNKNOWN_LAYOUT"


def test_a_header_alone_has_no_records(tmp_path):
    reading = read(tmp_path)
    assert (reading.record_count, reading.framing_count, reading.parts) == (0, 1, {})


def test_a_column_that_stands_twice_is_refused(tmp_path):
    finding = finding_of(tmp_path, workbook_of([[*HEADER, "caller"], [*CALL, "x"]]))
    assert (finding.reason, finding.values["columns"]) == ("COLUMN_TWICE", "caller")


def test_layouts_that_fit_equally_are_refused(tmp_path):
    twin = PLAIN_XLSX.model_copy(update={"id": "twin"})
    finding = finding_of(tmp_path, workbook_of([HEADER, CALL]), layouts=[PLAIN_XLSX, twin])
    assert (finding.reason, finding.values["layouts"]) == ("LAYOUT_AMBIGUOUS", "plain_xlsx@1, twin@1")
    finding = finding_of(tmp_path, workbook_of([HEADER, CALL]), layouts=[parse_layout(JSON, "own.yaml")])
    assert (finding.reason, finding.values["kind"]) == ("FORM_WITHOUT_LAYOUT", "XLSX")


def zip_of(**members: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "/"), content)
    return target.getvalue()


def test_a_zip_that_is_no_workbook_is_refused(tmp_path):
    assert finding_of(tmp_path, zip_of(calls="a,b\n")).reason == "ZIP_NOT_WORKBOOK"
    assert finding_of(tmp_path, zip_of()).reason == "ZIP_NOT_WORKBOOK"
    broken = {"xl_workbook.xml": "no XML at all"}
    assert finding_of(tmp_path, zip_of(**broken)).reason == "WORKBOOK_UNREADABLE"


@pytest.mark.parametrize("kept", [0.2, 0.6, 0.99])
def test_a_workbook_that_is_cut_off_is_refused(tmp_path, kept):
    content = workbook_of([HEADER, CALL])
    assert finding_of(tmp_path, content[: int(len(content) * kept)]).reason == "WORKBOOK_UNREADABLE"


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    bomb = zip_of(**{"xl_workbook.xml": "x", "xl_worksheets_sheet1.xml": " " * 3_000_000})
    monkeypatch.setattr("billing.core.workbook_check.MAX_UNPACKED_BYTES", 2 * 2**20)
    finding = finding_of(tmp_path, bomb)
    assert (finding.reason, finding.where) == ("WORKBOOK_TOO_LARGE", "calls.xlsx")
    monkeypatch.setattr(xlsx_module, "MAX_FILE_BYTES", 1_000)
    assert finding_of(tmp_path, workbook_of([HEADER, CALL])).reason == "WORKBOOK_TOO_LARGE"


def test_a_workbook_that_says_less_than_it_unpacks_to_is_refused(tmp_path):
    members = {"xl_workbook.xml": "x", "xl_sharedStrings.xml": " " * 3_000_000}
    stated, said = (size.to_bytes(4, "little") for size in (3_000_000, 1_000))
    content = zip_of(**members)
    assert content.count(stated) == 2
    assert finding_of(tmp_path, content.replace(stated, said)).reason == "WORKBOOK_UNREADABLE"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_workbook_with_a_part_that_stands_twice_is_refused(tmp_path):
    target = io.BytesIO(workbook_of([HEADER, CALL]))
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "x")
    assert finding_of(tmp_path, target.getvalue()).reason == "WORKBOOK_UNREADABLE"


def test_a_row_is_shown_by_its_columns(tmp_path):
    reading = read(tmp_path, CALL, call(caller=862_139_000_000, landing_number=None, answered_at=clock(CALL[5])))
    shown = read_raw_lines(reading.raw_copy, reading.encoding, [1, 3, 4])
    assert shown == {
        3: "call_id=a; caller=862139000000; service_number=4001234567; started_at=2026-10-03 10:00:00; "
        "answered_at=2026-10-03 10:00:05; ended_at=2026-10-03 10:00:35; outcome=answered"
    }


def test_of_an_excerpt_only_the_first_rows_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(xlsx_module, "EXCERPT_ROWS", 10)
    # The header is one of them.
    assert read(tmp_path, *[CALL] * 30, is_excerpt=True).record_count == 9


def test_an_old_workbook_or_one_with_a_password_is_told_as_such(tmp_path):
    finding = finding_of(tmp_path, bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600))
    assert (finding.reason, finding.where) == ("WORKBOOK_UNREADABLE", "calls.xlsx")
    assert "without a password" in finding.text("en")


@settings(max_examples=80, deadline=None)
@given(DAMAGE, st.booleans(), st.integers(0, 20))
def test_damage_anywhere_refuses_the_file_or_leaves_rows(tmp_path_factory, damage, is_inside, member):
    content = workbook_of([HEADER, CALL, CALL])
    if is_inside:
        # The archive is whole, and one of its parts is not.
        archive = zipfile.ZipFile(io.BytesIO(content))
        names = archive.namelist()
        parts = {name: archive.read(name) for name in names}
        parts[names[member % len(names)]] = damaged(parts[names[member % len(names)]], damage)
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as made:
            for name, part in parts.items():
                made.writestr(name, part)
        content = target.getvalue()
    else:
        content = damaged(content, damage)
    folder = tmp_path_factory.mktemp("damaged")
    with contextlib.suppress(Refusal):
        reading = read_bytes(folder, content or b"PK", "calls.xlsx")
        assert rows_of(reading).height == reading.record_count


@pytest.mark.parametrize(
    ("row", "cell"), [("99999999999999", "A99999999999999"), ("9" * 5_000, "A" + "9" * 5_000), ("2", "ZZZZZZZZZZ2")]
)
def test_a_cell_that_no_sheet_can_have_refuses_the_workbook_before_it_is_opened(tmp_path, row, cell):
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook_of([HEADER, CALL]))) as whole, zipfile.ZipFile(target, "w") as changed:
        for member in whole.namelist():
            content = whole.read(member)
            if member == "xl/worksheets/sheet1.xml":
                assert b'<row r="2"' in content and b'r="A2"' in content
                content = content.replace(b'<row r="2"', f'<row r="{row}"'.encode())
                content = content.replace(b'r="A2"', f'r="{cell}"'.encode())
            changed.writestr(member, content)
    assert finding_of(tmp_path, target.getvalue()).reason == "SHEET_TOO_WIDE"
