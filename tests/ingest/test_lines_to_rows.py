import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.ingest import rows as rows_module
from billing.ingest.lines import LINE, LINE_INDEX, line_form
from billing.ingest.received import TextFacts
from billing.ingest.rows import careful_rows, plain_rows
from billing.tables import parquet as parquet_module
from billing.tables.calls import Cdr
from tests.ingest.cdr_files import (
    ANSWERED,
    CARRIER_HEADER,
    FREESWITCH_HEADER,
    LAYOUTS,
    MISSED,
    carrier_text,
    clock,
    read_bytes,
    read_lines,
    rows_of,
)

LAYOUT = {layout.id: layout for layout in LAYOUTS}


def fate_of(rows: pl.DataFrame) -> dict[int, str | None]:
    return dict(rows.select("line", "unreadable").iter_rows())


def test_lines_of_any_shape_keep_their_number_and_none_is_dropped(tmp_path):
    short, long = "C3,13800138000,4001234567", ANSWERED + ",more"
    quoted = '"C4",13800138000,4001234567,"075512345678",2026-10-03 10:00:00,,2026-10-03 10:00:05,0,"忙"'
    comma = quoted.replace('"C4"', '"C,4"')
    open_quote = '"C5,13800138000,4001234567,,2026-10-03 10:00:00,,2026-10-03 10:00:05,0,忙'
    inner = 'C"6,13800138000,4001234567,,2026-10-03 10:00:00,,2026-10-03 10:00:05,0,"忙"x'
    too_long = "C" * 70_000 + ANSWERED[2:]
    nul = ANSWERED.replace("C1", "C\0")
    lines = [ANSWERED, short, long, "", quoted, comma, open_quote, inner, too_long, nul, "   ", CARRIER_HEADER, MISSED]
    reading = read_bytes(tmp_path, carrier_text(*lines).encode())
    rows = rows_of(reading)
    assert fate_of(rows) == {
        2: None, 3: "line", 4: "line", 6: None, 7: None, 8: "line", 9: "line", 10: "line", 11: "line", 14: None,
    }  # fmt: skip
    assert (reading.record_count, reading.framing_count) == (10, 4)
    assert sum(part.rows for part in reading.parts.values()) == reading.record_count
    assert rows.filter(line=6)["call_id"].to_list() == ["C4"]
    assert rows.filter(line=7)["call_id"].to_list() == ["C,4"]


def test_a_line_without_structure_carries_its_place_and_nothing_else(tmp_path):
    (row,) = read_lines(tmp_path, "no call at all").to_dicts()
    del row["line"]
    filled = {"cdr_id": 2**32 + 2, "source": "carrier_400_zh", "unreadable": "line"}
    assert row == dict.fromkeys(Cdr.schema().names()) | filled


def test_trailing_empty_fields_count(tmp_path):
    rows = read_lines(tmp_path, MISSED + ",", MISSED.removesuffix(",无人接听"))
    assert rows["unreadable"].to_list() == ["line", "line"]


def test_a_byte_order_mark_in_the_middle_is_no_part_of_a_value(tmp_path):
    content = carrier_text(ANSWERED) + "\ufeff" + carrier_text(MISSED) + "\ufeff" + ANSWERED + "\n"
    reading = read_bytes(tmp_path, content.encode())
    assert fate_of(rows_of(reading)) == {2: None, 4: None, 5: "line"}
    assert reading.framing_count == 2


def freeswitch(*values: str) -> str:
    return ",".join(f'"{value}"' for value in values)


def test_quoted_files_read_plain_odd_and_bare_lines(tmp_path):
    tail = ["0", "0", "5", "0", "13800138000", "4001234567"]
    answered = ["u1", "2026-10-03 10:00:00", "2026-10-03 10:00:05", "2026-10-03 10:01:05", "60", *tail]
    missed = ["u2", "2026-10-03 10:00:00", "", "2026-10-03 10:00:05", "0", *tail]
    lines = [
        "# exported by hand",
        freeswitch(*FREESWITCH_HEADER.split(",")),
        freeswitch(*answered, "inbound", "NORMAL_CLEARING"),
        freeswitch(*missed, "inbound", "USER_BUSY"),
        freeswitch(*missed, "outbound", ""),
        ",".join([*missed, "inbound", "NO_ANSWER"]),
        freeswitch(*missed, "inbound", 'a "" b'),
        freeswitch(*missed, "inbound", 'a " b'),
        "# the end",
    ]
    reading = read_bytes(tmp_path, "\n".join(lines).encode())
    rows = rows_of(reading)
    assert rows["line"].to_list() == [3, 4, 5, 6, 7, 8]
    assert rows["outcome"].to_list() == ["answered", "busy", "not_ours", "no_answer", "failed", None]
    assert rows["unreadable"].to_list() == [None, None, None, None, None, "line"]
    assert rows["talk_ms"].to_list() == [60_000, 0, 0, 0, 0, None]
    assert (reading.framing_count, reading.not_ours_count) == (3, 1)


def test_of_each_batch_the_plain_rows_come_first_each_in_the_order_of_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(rows_module, "BATCH_ROWS", 6)
    lines = [ANSWERED.replace("C1", f"C{i}") if i % 3 else f'"C{i}",' + ANSWERED[3:] for i in range(12)]
    (part,) = read_bytes(tmp_path, carrier_text(*lines).encode()).parts.values()
    stored = pl.read_parquet(part.path)
    assert (stored[Cdr.cdr_id] % 2**32 - 2).to_list() == [1, 2, 4, 5, 0, 3, 7, 8, 10, 11, 6, 9]
    assert stored.sort(Cdr.cdr_id)["call_id"].to_list() == [f"C{i}" for i in range(12)]


def test_a_long_file_is_spilled_and_nothing_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(rows_module, "BATCH_ROWS", 7)
    days = ("2026-10-03", "2026-10-04", "2026-10-05")
    lines = [ANSWERED.replace("C1", f"C{i}").replace("2026-10-03", days[i % 3]) for i in range(200)]
    content = carrier_text(*lines, "broken").encode()
    held = read_bytes(tmp_path, content)
    monkeypatch.setattr(parquet_module, "HELD_ROWS", 50)
    spilled = read_bytes(tmp_path, content, number=1, staging=tmp_path / "spilled", raw_copy=None)
    assert len(held.parts) == 4
    for day, part in held.parts.items():
        assert spilled.parts[day].path.read_bytes() == part.path.read_bytes()


def test_same_file_same_bytes(tmp_path):
    content = carrier_text(*[ANSWERED.replace("C1", f"C{i}") for i in range(500)], "broken").encode()
    first, again = (read_bytes(tmp_path, content, number=7, staging=tmp_path / name) for name in ("a", "b"))
    for day, part in first.parts.items():
        assert part.path.read_bytes() == again.parts[day].path.read_bytes()


def test_parts_are_by_day_and_the_last_day_is_first_seen(tmp_path):
    other_day = MISSED.replace("2026-10-03", "2026-10-05")
    reading = read_bytes(tmp_path, carrier_text(ANSWERED, other_day, "broken").encode())
    assert {str(day): (part.path.name, part.rows) for day, part in reading.parts.items()} == {
        "2026-10-03": ("2026-10-03.parquet", 1),
        "2026-10-05": ("2026-10-05.parquet", 1),
        "None": ("undated.parquet", 1),
    }
    assert reading.first_seen == clock("2026-10-05").date()


CELLS = {
    0: ["C1", "", " C1", "C1 ", "1.2E+15", "C\t1"],
    1: ["13800138000", "", "匿名", "+8613800138000", "013800138000", "１３８００", "1.38E+10", "x", " 10086 "],
    2: ["4001234567", "400-123-4567", "864001234567", "8001234567", "", "4.0E+09"],
    3: ["075512345678", "", "0755-12345678", "seat"],
    4: ["2026-10-03 10:00:00", "", "2026-10-03 23:59:60", "2026/10/03 10:00:00", " 2026-10-03 10:00:00",
        "1926-10-03 10:00:00"],
    5: ["2026-10-03 10:00:05", "", "soon", "2026-10-03 10:00:05 "],
    6: ["2026-10-03 10:01:05", "", "2026-10-03 24:00:00"],
    7: ["60", "", "0", "060", "+60", "-1", "6e1", "60.0", " 60", "６０", "99999999999999999999"],
    8: ["接通", "无人接听", "忙 ", "", "?", "语音导航"],
}  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(*(st.sampled_from(values) for values in CELLS.values())), min_size=1, max_size=8))
def test_the_short_way_gives_what_the_careful_way_gives(calls):
    layout = LAYOUT["carrier_400_zh"]
    form = line_form(layout, tuple(layout.header), TextFacts())
    records = pl.DataFrame({LINE_INDEX: range(1, len(calls) + 1), LINE: [",".join(call) for call in calls]})
    records = records.cast({LINE_INDEX: pl.get_index_type()})
    short, careful = plain_rows(records, form, layout, 3), careful_rows(records, form, layout, 3)
    ids = short[Cdr.cdr_id].to_list()
    assert short.to_dicts() == [row for row in careful.to_dicts() if row[Cdr.cdr_id] in ids]
    assert short.schema == careful.schema == Cdr.schema()


def test_most_lines_go_the_short_way():
    layout = LAYOUT["carrier_400_zh"]
    form = line_form(layout, tuple(layout.header), TextFacts())
    lines = [ANSWERED, MISSED, ANSWERED.replace("13800138000", "+8613800138000"), ANSWERED + ","]
    records = pl.DataFrame({LINE_INDEX: range(1, 5), LINE: lines}).cast({LINE_INDEX: pl.get_index_type()})
    assert (plain_rows(records, form, layout, 1)[Cdr.cdr_id] % 2**32).to_list() == [2, 3]


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet='C1,"\n\r\0 接\ufeff', max_size=120))
def test_every_physical_line_is_a_record_or_framing(tmp_path_factory, text):
    content = carrier_text() + text
    normal = content.replace("\r\n", "\n").replace("\r", "\n")
    lines = normal.split("\n")[: -1 if normal.endswith("\n") else None]
    reading = read_bytes(tmp_path_factory.mktemp("any"), content.encode())
    assert reading.record_count + reading.framing_count == len(lines)
    blank = sum(not line.strip() for line in lines)
    assert reading.framing_count == 1 + blank
    numbers = rows_of(reading)["line"].to_list()
    assert numbers == [number for number, line in enumerate(lines, 1) if number > 1 and line.strip()]


HEADED = sorted(name for name, layout in LAYOUT.items() if layout.form == "delimited" and layout.has_header)


@pytest.mark.parametrize("layout_id", HEADED)
def test_a_file_with_a_header_alone_has_no_records(tmp_path, layout_id):
    layout = LAYOUT[layout_id]
    reading = read_bytes(tmp_path, ",".join(layout.header).encode())
    assert (reading.layout, reading.record_count, reading.framing_count) == (layout.tag, 0, 1)
    assert (reading.parts, reading.first_seen) == ({}, None)
