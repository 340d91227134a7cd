"""A field in quotes may hold line ends; a quote that never closes costs its own line and no other."""

import pytest

from billing.ingest.forms import delimited
from billing.ingest.raw_lines import read_raw_lines
from tests.ingest.cdr_files import FREESWITCH_HEADER, read_bytes, rows_of


def quoted(call_id: str, cause: str = "USER_BUSY", *, ring: str = "5") -> str:
    values = [call_id, "2026-10-03 10:00:00", "", "2026-10-03 10:00:05", "0", "0", "0", ring, "0"]
    return ",".join(f'"{value}"' for value in [*values, "13800138000", "4001234567", "inbound", cause])


def file_of(*lines: str, end: str = "\n") -> bytes:
    return end.join([quoted_header(), *lines, ""]).encode()


def quoted_header() -> str:
    return ",".join(f'"{name}"' for name in FREESWITCH_HEADER.split(","))


def told(reading) -> list[tuple[int, str | None, str | None]]:
    return list(rows_of(reading).select("line", "call_id", "unreadable").iter_rows())


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_record_over_three_lines_stands_on_its_first(tmp_path, end):
    # Line 3 opens a quote that line 5 closes; line 4 looks like a comment and line 5 holds a doubled quote.
    spread = quoted("u2", ring=f'5{end}# no comment{end}""7""')
    reading = read_bytes(tmp_path, file_of(quoted("u1"), spread, quoted("u3"), end=end))
    assert told(reading) == [(2, "u1", None), (3, "u2", None), (6, "u3", None)]
    # Six lines: the header, three records, and two that line 3 goes on over.
    assert (reading.record_count, reading.framing_count) == (3, 3)


def test_a_line_end_in_a_value_stays_in_it_as_a_sign(tmp_path):
    reading = read_bytes(tmp_path, file_of(quoted("u\n1")))
    assert told(reading) == [(2, "u␤1", None)]


def test_a_quote_that_never_closes_costs_only_its_line(tmp_path):
    # u2 lacks the closing quote of its last field; what follows are whole records.
    lines = [quoted("u1"), quoted("u2")[:-1], *(quoted(f"u{number}") for number in range(3, 40))]
    reading = read_bytes(tmp_path, file_of(*lines))
    fates = told(reading)
    assert [line for line, _, unreadable in fates if unreadable] == [3]
    assert len(fates) == 39
    assert (reading.record_count, reading.framing_count) == (39, 1)


def test_two_quotes_that_never_close_do_not_swallow_what_lies_between(tmp_path):
    lines = [quoted("u1")[:-1], quoted("u2"), quoted("u3")[:-1], quoted("u4")]
    assert [line for line, _, bad in told(read_bytes(tmp_path, file_of(*lines))) if bad] == [2, 4]


def test_a_file_that_ends_inside_a_quote_has_its_last_line_broken(tmp_path):
    content = file_of(quoted("u1"), quoted("u2"))[:-4]
    assert told(read_bytes(tmp_path, content)) == [(2, "u1", None), (3, None, "line")]


@pytest.mark.parametrize(("line_ends", "is_read"), [(19, True), (20, False)])
def test_a_record_may_span_twenty_lines(tmp_path, line_ends, is_read):
    reading = read_bytes(tmp_path, file_of(quoted("u1", ring="\n" * line_ends), quoted("u2")))
    if is_read:
        assert told(reading) == [(2, "u1", None), (22, "u2", None)]
    else:
        # Its first line, its last with the rest of the fields, and blank lines between: two that cannot be read.
        assert told(reading) == [(2, None, "line"), (22, None, "line"), (23, "u2", None)]


def test_a_record_may_span_64_kib(tmp_path):
    small, large = quoted("u1", ring="x\n" + "y" * 65_000), quoted("u2", ring="x\n" + "y" * 66_000)
    assert told(read_bytes(tmp_path, file_of(small, large))) == [(2, "u1", None), (4, None, "line"), (5, None, "line")]


def test_an_odd_quote_in_a_comment_or_behind_a_plain_value_opens_nothing(tmp_path):
    reading = read_bytes(tmp_path, file_of('# it is 5" wide', quoted("u1"), quoted("u2").replace('"0"', '0"', 1)))
    assert told(reading) == [(3, "u1", None), (4, None, "line")]


def test_a_file_whose_quotes_close_on_their_lines_is_never_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "joined_text", lambda *_: 1 / 0)
    monkeypatch.setattr("billing.ingest.stage.joined_text", lambda *_: 1 / 0)
    reading = read_bytes(tmp_path, file_of(quoted("u1"), quoted("u2", ring='a ""b""'), "no record"))
    assert told(reading) == [(2, "u1", None), (3, "u2", None), (4, None, "line")]


def test_of_a_record_over_lines_its_first_is_shown(tmp_path):
    reading = read_bytes(tmp_path, file_of(quoted("u1", ring="5\n6")))
    assert read_raw_lines(reading.raw_copy, reading.encoding, [2])[2] == quoted("u1", ring="5\n6").split("\n")[0]
