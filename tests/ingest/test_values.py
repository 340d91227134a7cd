import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.ingest.layout import parse_layout
from billing.ingest.numbers import UNREADABLE, is_plain_number, normal_numbers
from tests.ingest.cdr_files import FREESWITCH_HEADER, LAYOUTS, clock, read_bytes, read_lines, rows_of
from tests.ingest.test_layouts import changed


def normal(text: str | None, is_service: bool = False) -> str | None:
    """Through both ways: the short test for plain numbers, and the rules."""
    numbers = pl.Series("number", [text], pl.String)
    (result,) = normal_numbers(numbers, is_service)
    if numbers.to_frame().select(is_plain_number(pl.col("number"), is_service)).item():
        assert result == text, "a plain number is in normal form"
    return result


MOBILE = ["13800138000", "013800138000", "+8613800138000", "008613800138000", "8613800138000", "08613800138000",
          "138-0013-8000", " 138 0013 8000 ", "１３８００１３８０００", '="13800138000"', "'13800138000",
          "+86 138 0013 8000", "13800138000,8001", "(+86)13800138000"]  # fmt: skip
LANDLINE = ["075512345678", "+8675512345678", "+86075512345678", "008675512345678", "8675512345678", "0755-12345678",
            "(0755)12345678", "０７５５－１２３４５６７８", "0755 1234 5678转801"]  # fmt: skip
SERVICE = ["4001234567", "400-123-4567", "+864001234567", "00864001234567", "864001234567", "400 123 4567",
           "４００１２３４５６７", "400-1234-567转8001", "4001234567,8001"]  # fmt: skip


@pytest.mark.parametrize(
    ("spellings", "number", "is_service"),
    [(MOBILE, "13800138000", False), (LANDLINE, "075512345678", False), (SERVICE, "4001234567", True)],
)
def test_every_spelling_is_one_number(spellings, number, is_service):
    assert {normal(spelling, is_service) for spelling in spellings} == {number}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("01012345678", "01012345678"),
        ("861012345678", "01012345678"),
        ("10086", "10086"),
        ("+8695588", "95588"),
        ("86123456", "86123456"),  # eight digits of a local number, not a country code
        ("8612345678901", "8612345678901"),
        ("+14155551234", "0014155551234"),
        ("0014155551234", "0014155551234"),
    ],
)
def test_a_prefix_is_taken_off_a_full_match_only(text, number):
    assert normal(text) == number


@pytest.mark.parametrize("text", ["", None, "anonymous", "Anonymous", "UNKNOWN", "匿名", "0", "&", "-", "n/a"])
def test_a_withheld_caller_is_null(text):
    assert normal(text) is None


@pytest.mark.parametrize(
    "text", ["1.38E+10", "1.38e10", "138E+8", "client1", "1380013800O", "²²²", "٠١٢٣", "1" * 21, "7"]
)
def test_what_makes_no_sense_is_never_guessed(text):
    assert normal(text) == UNREADABLE


@pytest.mark.parametrize("text", ["8101234567", "400123456", "40012345678", "4.00E+09", "075512345678"])
def test_a_service_number_is_a_400_number(text):
    assert normal(text, is_service=True) == UNREADABLE


@given(st.text(alphabet="0123456789+-(86)E. ", max_size=16))
def test_a_normal_form_is_normal(text):
    once = normal(text)
    if once not in (None, UNREADABLE):
        assert normal(once) == once


def carrier_line(**cells: str) -> str:
    values = {"id": "C1", "caller": "13800138000", "service": "4001234567", "landing": "075512345678",
              "start": "2026-10-03 10:00:00", "answer": "2026-10-03 10:00:05", "end": "2026-10-03 10:01:05",
              "talk": "60", "word": "接通"}  # fmt: skip
    return ",".join((values | cells).values())


@pytest.mark.parametrize(
    ("cells", "unreadable"),
    [
        ({"caller": "1.38E+10"}, "caller"),
        ({"service": "1.38E+10"}, "service_number"),
        ({"id": "2.02610E+14"}, "call_id"),
        ({"landing": "seat"}, "landing_number"),
        ({"start": "2026/10/03 10:00:00"}, "started_at"),
        ({"start": "2026-10-03 23:59:60"}, "started_at"),
        ({"end": "2026-10-03 24:00:00"}, "ended_at"),
        ({"end": "0000-00-00 00:00:00"}, "ended_at"),
        ({"answer": "soon"}, "answered_at"),
        ({"talk": "-5"}, "talk_ms"),
        ({"talk": "60.0"}, "talk_ms"),
        ({"talk": "00:01:00"}, "talk_ms"),
        ({"talk": "000126"}, "talk_ms"),
        ({"talk": "６０"}, "talk_ms"),
        ({"talk": "9" * 19}, "talk_ms"),
        ({"word": "已打通"}, "outcome"),
        ({"word": ""}, "outcome"),
        ({"talk": "x", "caller": "x", "word": "x"}, "caller"),
        ({}, None),
    ],
)
def test_the_first_value_that_cannot_be_read_is_named(tmp_path, cells, unreadable):
    (row,) = read_lines(tmp_path, carrier_line(**cells)).to_dicts()
    assert row["unreadable"] == unreadable
    if unreadable and unreadable != "call_id":
        assert row[unreadable] is None


def test_other_values_of_an_unreadable_row_are_kept(tmp_path):
    (row,) = read_lines(tmp_path, carrier_line(talk="x")).to_dicts()
    assert (row["call_id"], row["service_number"], row["started_at"]) == ("C1", "4001234567", clock("2026-10-03T10:00"))


def test_blanks_around_cells_are_no_part_of_them(tmp_path):
    spaced = ",".join(f" {cell}\t" for cell in carrier_line().split(","))
    plain, padded = read_lines(tmp_path, carrier_line(), spaced).to_dicts()
    assert {**padded, "cdr_id": 0, "line": 0} == {**plain, "cdr_id": 0, "line": 0}


def test_a_call_without_answer_has_no_talk_and_no_answer_time(tmp_path):
    missed = {"word": "无人接听", "talk": "", "answer": "2026-10-03 10:00:05"}
    (row,) = read_lines(tmp_path, carrier_line(**missed)).to_dicts()
    assert (row["talk_ms"], row["answered_at"], row["unreadable"]) == (0, None, None)


def test_a_contradiction_is_kept_for_the_rules_to_judge(tmp_path):
    (row,) = read_lines(tmp_path, carrier_line(word="无人接听")).to_dicts()
    assert (row["outcome"], row["talk_ms"]) == ("no_answer", 60_000)


@pytest.mark.parametrize(
    ("cells", "talk_ms"),
    [
        ({}, 60_000),
        ({"end": "2026-10-03 10:01:06"}, 61_000),  # two clocks: the times count
        ({"end": "2026-10-03 10:01:03"}, 58_000),
        ({"end": "2026-10-03 10:01:08"}, 60_000),  # no clocks explain that: a rule will hold the call
        ({"end": ""}, 60_000),
        ({"answer": ""}, 60_000),
        ({"talk": ""}, 60_000),
        ({"talk": "", "end": ""}, None),
        ({"talk": "0", "end": "2026-10-03 10:00:06"}, 1_000),
        ({"talk": "0"}, 0),
    ],
)
def test_talk_is_from_answer_to_end_where_both_stand(tmp_path, cells, talk_ms):
    assert read_lines(tmp_path, carrier_line(**cells))["talk_ms"].to_list() == [talk_ms]


def vos_row(**cells: str) -> bytes:
    (layout,) = [layout for layout in LAYOUTS if layout.id == "vos3000"]
    values = {"callere164": "013800138000", "calleee164": "4001234567", "calleetogatewaye164": "075512345678",
              "flowno": "77", "starttime": "1790992800000", "stoptime": "1790992865500", "holdtime": "60",
              "endreason": "16"}  # fmt: skip
    row = [(values | cells).get(column, "") for column in layout.header]
    return f"{','.join(layout.header)}\n{','.join(row)}\n".encode()


def vos_call(folder, **cells: str) -> dict:
    (row,) = rows_of(read_bytes(folder, vos_row(**cells))).to_dicts()
    return row


def test_vos3000_instants_become_civil_time(tmp_path):
    row = vos_call(tmp_path)
    utc = dt.datetime.fromtimestamp(1790992800, dt.UTC).replace(tzinfo=None)
    assert row["started_at"] == utc + dt.timedelta(hours=8) == clock("2026-10-03T10:00:00")
    assert row["ended_at"] == clock("2026-10-03T10:01:05.500")
    assert row["answered_at"] == clock("2026-10-03T10:00:05.500")
    assert (row["caller"], row["call_id"], row["talk_ms"]) == ("13800138000", "77", 60_000)
    assert (row["outcome"], row["unreadable"]) == ("answered", None)


@pytest.mark.parametrize(
    ("reason", "hold", "outcome"),
    [
        ("16", "1", "answered"),
        ("17", "0", "busy"),
        ("487", "0", "abandoned"),
        ("999", "0", "failed"),
        ("", "0", "failed"),
    ],
)
def test_vos3000_outcome_is_talk_first_and_then_the_reason(tmp_path, reason, hold, outcome):
    row = vos_call(tmp_path, endreason=reason, holdtime=hold)
    assert (row["outcome"], row["talk_ms"]) == (outcome, int(hold) * 1000)
    assert (row["answered_at"] is None) == (outcome != "answered")


@pytest.mark.parametrize(
    ("cells", "unreadable"),
    [
        ({"starttime": "1790992800"}, "started_at"),  # seconds where milliseconds are declared: January 1970
        ({"starttime": "1790992800000000"}, "started_at"),
        ({"starttime": "0"}, None),  # never
        ({"stoptime": "+1790992865500"}, "ended_at"),
    ],
)
def test_vos3000_clocks_in_another_unit_are_unreadable(tmp_path, cells, unreadable):
    row = vos_call(tmp_path, **cells)
    assert row["unreadable"] == unreadable
    assert row[next(iter({"starttime": "started_at", "stoptime": "ended_at"}[name] for name in cells))] is None


def test_an_outbound_leg_is_no_call_of_ours_whatever_else_it_says(tmp_path):
    leg = ["u1", "2026-10-03 10:00:00", "", "x", "x", "0", "0", "5", "0", "x", "x", "outbound", ""]
    quoted = ",".join(f'"{cell}"' for cell in leg)
    reading = read_bytes(tmp_path, f"{FREESWITCH_HEADER}\n{quoted}\n".encode())
    (row,) = rows_of(reading).to_dicts()
    assert (row["outcome"], row["unreadable"], reading.not_ours_count) == ("not_ours", None, 1)


def test_a_layout_of_another_zone_is_read_in_ours(tmp_path):
    layout = parse_layout(changed("Asia/Shanghai", "Europe/Berlin"), "own.yaml")
    times = {"start": "2026-10-24 20:00:00", "answer": "2026-10-24 20:00:05", "end": "2026-10-25 02:30:00"}
    (row,) = read_lines(tmp_path, carrier_line(**times), layouts=[layout]).to_dicts()
    assert row["started_at"] == clock("2026-10-25T02:00:00")
    assert str(row["usage_date"]) == "2026-10-25"
    assert row["unreadable"] == "ended_at", "half past two happens twice that night"
