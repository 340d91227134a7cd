"""One table of calls written in every form a file may have comes to the same rows, but for where each stands."""

import csv
import io
import json

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.ingest.layout import parse_layout
from billing.tables.calls import Cdr
from tests.ingest.cdr_files import read_bytes, rows_of

FIELDS = """\
version: 1
title: {en: Any, zh: 任意}
source: any
zone: Asia/Shanghai
identity: {column: id, window_hours: 12}
fields:
  caller: {column: caller, form: number}
  service_number: {column: called, form: number}
  landing_number: {column: line, form: number}
  started_at: {column: begin, form: "%Y-%m-%d %H:%M:%S"}
  answered_at: {column: answer, form: "%Y-%m-%d %H:%M:%S"}
  talk_ms: {column: seconds, form: seconds}
outcome:
  column: result
  words: {OK: answered, BUSY: busy}
"""
COLUMNS = ("id", "caller", "called", "line", "begin", "answer", "seconds", "result")
WIDTH = 24
HEADER = f"header: [{', '.join(COLUMNS)}]\n"
FORMS = {
    "csv": f'delimiter: ","\nquoting: none\nencodings: [utf-8]\n{HEADER}',
    "quoted": f'delimiter: ";"\nquoting: always\nencodings: [utf-8, gb18030]\n{HEADER}',
    "bare": f'delimiter: "|"\nquoting: none\nhas_header: false\nencodings: [utf-8]\n{HEADER}',
    "json_lines": f"form: json_lines\nencodings: [utf-8]\n{HEADER}",
    "json_array": f"form: json_lines\nencodings: [utf-8]\n{HEADER}",
    "fixed": "form: fixed_width\nencodings: [utf-8, gb18030]\nfixed_width:\n  unit: characters\n  prefix: C\n"
    f"  length: {1 + WIDTH * len(COLUMNS)}\n  columns:\n"
    + "".join(f"    {name}: {{start: {2 + WIDTH * place}, length: {WIDTH}}}\n" for place, name in enumerate(COLUMNS)),
    "parquet": f"form: parquet\n{HEADER}",
    "xlsx": f"form: xlsx\n{HEADER}",
}
LAYOUTS = {form: parse_layout(f"id: any_{form}\n{keys}{FIELDS}", f"{form}.yaml") for form, keys in FORMS.items()}

WHOLE = ("first", "13800138000", "4001234567", "", "2026-10-03 09:59:59", "", "0", "BUSY")
"""A record that can be read in every form, so that a file without a header is known by it."""
VALUES = {
    "id": ["a", "b-1", "客户", "1.2E+15", ""],
    "caller": ["13800138000", "+8613800138000", "匿名", "", "1.38E+10", "021-5555 0001", "x"],
    "called": ["4001234567", "400-123-4567", "12", ""],
    "line": ["075512345678", "", "seat"],
    "begin": ["2026-10-03 10:00:00", "2026-10-03 23:59:60", "2026/10/03", "", "2026-10-04 00:00:00"],
    "answer": ["2026-10-03 10:00:05", "", "soon"],
    "seconds": ["60", "0", "061", "-1", "6e1", "", "60.0"],
    "result": ["OK", "BUSY", "?", ""],
}


def delimited(rows, delimiter: str, *, quoting: int, header: bool = True, encoding: str = "utf-8") -> bytes:
    target = io.StringIO()
    writer = csv.writer(target, delimiter=delimiter, quoting=quoting, lineterminator="\r\n")
    writer.writerows([COLUMNS, *rows] if header else rows)
    return target.getvalue().encode(encoding)


def as_parquet(rows) -> bytes:
    target = pa.BufferOutputStream()
    columns = zip(*rows, strict=True)
    pq.write_table(pa.table(dict(zip(COLUMNS, map(pa.array, columns), strict=True))), target)
    return target.getvalue().to_pybytes()


def as_sheet(rows) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"strings_to_numbers": False}) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate([COLUMNS, *rows]):
            for column, cell in enumerate(row):
                sheet.write_string(number, column, cell)
    return target.getvalue()


def files_of(rows) -> dict[str, bytes]:
    objects = [{name: value or None for name, value in zip(COLUMNS, row, strict=True)} for row in rows]
    return {
        "csv": delimited(rows, ",", quoting=csv.QUOTE_MINIMAL),
        "quoted": delimited(rows, ";", quoting=csv.QUOTE_ALL, encoding="gb18030"),
        "bare": delimited(rows, "|", quoting=csv.QUOTE_MINIMAL, header=False),
        "json_lines": "\n".join(json.dumps(each) for each in objects).encode(),
        "json_array": json.dumps(objects, indent=2, ensure_ascii=False).encode(),
        "fixed": "\n".join("C" + "".join(f"{cell:{WIDTH}}" for cell in row) for row in rows).encode("gb18030"),
        "parquet": as_parquet(rows),
        "xlsx": as_sheet(rows),
    }


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(*(st.sampled_from(VALUES[name]) for name in COLUMNS)), max_size=8))
def test_every_form_gives_the_same_rows(tmp_path_factory, calls):
    folder = tmp_path_factory.mktemp("forms")
    rows = [WHOLE, *calls]
    frames = {}
    for number, (form, content) in enumerate(files_of(rows).items(), 1):
        reading = read_bytes(folder, content, number=number, layouts=list(LAYOUTS.values()), layout_id=f"any_{form}")
        assert reading.record_count == len(rows)
        frames[form] = rows_of(reading).drop("line", Cdr.cdr_id)
    for form, frame in frames.items():
        assert frame.rows() == frames["csv"].rows(), form


def test_the_rows_are_those_of_the_rules(tmp_path):
    # Worked out by hand: 61 s is written with a 0 in front and waits; a start at a 60th second is none.
    calls = [
        ("a", "+8613800138000", "400-123-4567", "", "2026-10-03 10:00:00", "2026-10-03 10:00:05", "60", "OK"),
        ("b", "匿名", "4001234567", "", "2026-10-03 23:59:60", "", "0", "BUSY"),
        ("c", "1.38E+10", "4001234567", "", "2026-10-03 10:00:00", "", "061", "BUSY"),
    ]
    expected = [
        ("first", "13800138000", "4001234567", 0, "busy", None),
        ("a", "13800138000", "4001234567", 60_000, "answered", None),
        ("b", None, "4001234567", 0, "busy", "started_at"),
        ("c", None, "4001234567", 0, "busy", "caller"),
    ]
    for number, (form, content) in enumerate(files_of([WHOLE, *calls]).items(), 1):
        reading = read_bytes(tmp_path, content, number=number, layouts=list(LAYOUTS.values()), layout_id=f"any_{form}")
        found: pl.DataFrame = rows_of(reading)
        shown = found.select("call_id", "caller", "service_number", "talk_ms", "outcome", "unreadable").rows()
        assert shown == expected, form
