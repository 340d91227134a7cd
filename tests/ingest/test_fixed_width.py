"""Fixed-width files: columns by position in characters or bytes, record kinds by how a line begins."""

import pytest

from billing.core.findings import Refusal
from billing.ingest.layout import parse_layout
from tests.ingest.cdr_files import read_bytes, rows_of
from tests.ingest.own_layouts import FIXED, detail, fixed_file

HEAD, TRAILER = "HDR000308", "TRL0000020000061"


def layout_of(text: str = FIXED):
    return [parse_layout(text, "fixed.yaml")]


def read(tmp_path, *lines: str, text: str = FIXED, encoding: str = "utf-8", **options):
    content = "\n".join([*lines, ""]).encode(encoding)
    return read_bytes(tmp_path, content, "calls.dat", layouts=layout_of(text), **options)


def told(reading):
    return list(rows_of(reading).select("line", "caller", "talk_ms", "outcome", "unreadable").iter_rows())


def test_columns_are_cut_by_position_and_padding_goes(tmp_path):
    # 61 s written 000061; the second caller has ten digits and three blanks.
    reading = read(tmp_path, *fixed_file(detail(), detail(caller="0101234567", talk="000000", result="BUSY")))
    assert told(reading) == [(2, "13800138000", 61_000, "answered", None), (3, "0101234567", 0, "busy", None)]
    assert (reading.layout, reading.encoding) == ("fixed_cdr@1", "utf-8")
    # Four lines: header record and trailer are framing.
    assert (reading.record_count, reading.framing_count) == (2, 2)
    assert (reading.sequence, reading.stated_records, reading.stated_talk_seconds) == (308, 2, 61)


@pytest.mark.parametrize("line", [detail() + " ", detail()[:-1], "XYZ" + detail()[3:], "no record", HEAD + "1"])
def test_a_line_of_another_length_or_kind_is_broken(tmp_path, line):
    # Three records are stated: a broken line is one.
    lines = [HEAD, detail(), line, "", detail(talk="000000"), "TRL0000030000061"]
    reading = read(tmp_path, *lines)
    assert [(number, unreadable) for number, _, _, _, unreadable in told(reading)] == [
        (2, None),
        (3, "line"),
        (5, None),
    ]
    assert (reading.record_count, reading.framing_count) == (3, 3)


def wide(unit: str) -> str:
    return FIXED.replace("unit: characters", f"unit: {unit}")


def test_widths_in_characters_count_a_chinese_name_once(tmp_path):
    lines = fixed_file(detail(name="上海天成商贸"))
    for encoding in ("utf-8", "gb18030"):
        reading = read(tmp_path, *lines, encoding=encoding, staging=tmp_path / encoding, text=wide("characters"))
        assert told(reading)[0][1:] == ("13800138000", 61_000, "answered", None)
        assert reading.encoding == encoding


def test_widths_in_bytes_count_it_in_the_encoding_of_the_file(tmp_path):
    # Twelve positions for the name: in GB18030 six characters of two bytes, in UTF-8 four of three.
    for number, (encoding, name) in enumerate([("gb18030", "上海天成商贸"), ("utf-8", "上海天成")], 1):
        lines = [line.replace("@" * 12, name) for line in fixed_file(detail(name="@" * 12))]
        reading = read(tmp_path, *lines, encoding=encoding, text=wide("bytes"), number=number)
        assert told(reading)[0][1:] == ("13800138000", 61_000, "answered", None)


def test_a_line_one_byte_short_for_a_character_of_two_is_broken(tmp_path):
    # Six characters where twelve bytes are due, written by a program that counted characters: six bytes too many.
    short = detail(name="上海天成商贸")
    lines = [HEAD, detail(), short, "TRL0000020000061"]
    reading = read(tmp_path, *lines, encoding="gb18030", text=wide("bytes"))
    assert [unreadable for *_, unreadable in told(reading)] == [None, "line"]


def test_a_column_that_would_begin_inside_a_character_is_none(tmp_path):
    # The line has the right length, but a character of two bytes lies over the end of the name: its second byte, 7C,
    # is a stroke in ASCII and would be read as the first of the next column.
    name = "a" * 11 + "億"
    line = detail(name="@" * 12).replace("@" * 12 + "13800138000 ", name + "13800138000")
    assert len(line.encode("gb18030")) == len(detail())
    reading = read(tmp_path, HEAD, detail(), line, "TRL0000020000061", encoding="gb18030", text=wide("bytes"))
    assert [unreadable for *_, unreadable in told(reading)] == [None, "line"]


def test_a_day_without_calls_is_a_file_without_records(tmp_path):
    reading = read(tmp_path, HEAD, "TRL0000000000000")
    assert (reading.record_count, reading.framing_count, reading.sequence, reading.stated_records) == (0, 2, 308, 0)
    with pytest.raises(Refusal, match="TRAILER_MISSING"):
        read(tmp_path, HEAD, number=2)


def test_another_length_is_another_file(tmp_path):
    with pytest.raises(Refusal, match="UNKNOWN_LAYOUT"):
        read(tmp_path, *(line + "  " for line in fixed_file(detail())))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  length: 65\n", "  length: 60\n", "columns.result ends behind position 60"),
        ("unit: characters", "unit: letters", "Input should be 'characters' or 'bytes'"),
        ("form: fixed_width\n", "form: fixed_width\ndelimiter: ','\n", "delimiter does not belong to form fixed_width"),
        ("records: {start: 4, length: 6}", "records: {field: 2}", "trailer: a figure needs start and length"),
        ("{start: 10, length: 7}", "{start: 11, length: 7}", "trailer: a figure ends behind position 16"),
        ("form: seconds}", "form: milliseconds}", "field talk_ms of form seconds"),
    ],
)
def test_a_layout_that_does_not_hang_together_is_refused(old, new, problem):
    assert old in FIXED
    with pytest.raises(Refusal) as caught:
        parse_layout(FIXED.replace(old, new), "fixed.yaml")
    assert problem in str(caught.value)
