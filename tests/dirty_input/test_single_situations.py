"""Situations of dirty input that no other test holds, each tried alone; `situations.yaml` says which is which."""

import datetime as dt
import gzip
import io
import json
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from billing.core.findings import Refusal
from billing.ingest.layout import parse_layout
from billing.ingest.times import time_problem
from billing.rate_book.call_price import CallPrice
from pipelines import read_files
from pipelines.books import open_books
from tests.commands.corner_shop import (
    HEADER,
    NUMBERS,
    PERIOD,
    bill400,
    one_call,
    open_shop,
    published_rows,
    write_calls,
)
from tests.dirty_input.good_calls import Call, cells_of, header, line
from tests.ingest.cdr_files import LAYOUTS, clock, read_bytes, read_lines, rows_of
from tests.ingest.test_layouts import changed
from tests.ingest.test_values import carrier_line, vos_call

MINUTE = one_call("M-1", NUMBERS[0], "2026-10-05 09:00:00", 60)
START = dt.datetime(2026, 10, 5, 9)  # noqa: DTZ001 - civil time of Beijing


@pytest.fixture
def books(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    return open_shop(tmp_path / "books")


def take_in(books: Path, **files: str | bytes) -> dict:
    """Put files (`name` is `name.csv`) into the inbox, read them, and say what came of them."""
    for name, content in files.items():
        path = books / "inbox" / f"{name}.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    told = bill400("ingest", books, books / "inbox", "--json", code=None).json
    return told["ingest"] | {"findings": told["findings"]}


def plain(*rows: str) -> str:
    return "\n".join([HEADER, *rows, ""])


def usage_of(books: Path) -> str:
    """What the calls of the first number cost on its bill, in yuan."""
    bill400("run", books, PERIOD, "--no-ingest")
    lines = [row for row in published_rows(books, "invoice_line") if row["service_number"] == NUMBERS[0]]
    (usage,) = [row["gross"] for row in lines if row["item"] == "usage"]
    return usage


def waiting(books: Path) -> dict[str, str]:
    records = bill400("suspense", books, "--json").json["records"]
    return {f"{row['file']}:{row['line']}": row["reason"] for row in records}


# Bytes and framing


def test_text_is_decoded_before_it_is_split(tmp_path):
    # The second byte of U+5104 in GB18030 is 7C, the delimiter; that of U+4E57 is 5C, a backslash.
    piped = changed('delimiter: ","', 'delimiter: "|"')
    text = carrier_line(id="億乗").replace(",", "|")
    names = "|".join(parse_layout(piped, "own.yaml").header)
    content = f"{names}\n{text}\n".encode("gb18030")
    assert b"\x83\x7c\x81\x5c" in content
    (row,) = rows_of(read_bytes(tmp_path, content, layouts=[parse_layout(piped, "own.yaml")])).to_dicts()
    assert (row["call_id"], row["talk_ms"], row["unreadable"]) == ("億乗", 60_000, None)


@pytest.mark.parametrize(
    "spoilt",
    [
        ' "C1"',  # a blank before the quote: not an id with quotes in it
        'C"1',
        'C1"',
        '"C1"x',
        '="C1"',  # a spreadsheet's guard is no part of an id
    ],
)
def test_quotes_that_stand_wrongly_make_no_other_id(tmp_path, spoilt):
    good, odd = read_lines(tmp_path, carrier_line(), carrier_line(id=spoilt)).to_dicts()
    assert good["unreadable"] is None
    assert odd["unreadable"] in ("line", "call_id")


def test_a_row_of_types_below_the_header_is_framing_where_the_layout_says_so(tmp_path):
    typed = changed("delimiter:", 'comment_prefix: "VARCHAR,"\ndelimiter:')
    rows = ["VARCHAR,VARCHAR,VARCHAR,VARCHAR,TIMESTAMP,TIMESTAMP,TIMESTAMP,INTEGER,VARCHAR", carrier_line()]
    reading = read_bytes(
        tmp_path, "\n".join([",".join(parse_layout(typed, "own.yaml").header), *rows, ""]).encode(),
        layouts=[parse_layout(typed, "own.yaml")],
    )  # fmt: skip
    assert (reading.record_count, reading.framing_count) == (1, 2)


def test_a_header_in_quotes_in_the_middle_is_the_header(tmp_path):
    quoted = ",".join(f'"{name}"' for name in HEADER.split(","))
    reading = read_bytes(tmp_path, plain(MINUTE, quoted, MINUTE.replace("M-1", "M-2")).encode())
    assert (reading.record_count, reading.framing_count) == (2, 2)


@pytest.mark.parametrize("order", [(0, 2, 1, 3, 4, 5, 6, 7), (0, 1, 2, 3, 4, 6, 5, 7)])
def test_another_order_of_columns_in_the_middle_refuses_the_file(tmp_path, order):
    names = HEADER.split(",")
    text = plain(MINUTE, ",".join(names[index] for index in order), MINUTE)
    with pytest.raises(Refusal, match="HEADER_CHANGES") as caught:
        read_bytes(tmp_path, text.encode())
    assert caught.value.findings[0].where == "calls.csv:3"
    assert not (tmp_path / "staging1").exists()


def test_the_same_file_twice_in_one_command_is_read_once(books):
    text = plain(MINUTE)
    told = take_in(books, a=text, b=text, c=gzip.compress(text.encode(), mtime=0))
    # The packed file has other bytes: its calls are copies.
    assert told["known"] == ["b.csv"]
    assert [(file["file"], file["duplicate"]) for file in told["read"]] == [("a.csv", 0), ("c.csv", 1)]
    assert usage_of(books) == "0.10"


# A file that is not at rest


def test_a_file_that_changes_while_it_is_read_is_refused_and_nothing_of_it_stays(books, monkeypatch):
    path = write_calls(books / "inbox" / "a.csv", [MINUTE])

    def reading(given, **options):
        found = read_files_reader(given, **options)
        # As long as before: only the time of the change tells.
        path.write_text(path.read_text("utf-8").replace("M-1", "M-2"), "utf-8")
        os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))
        return found

    read_files_reader = read_files.read_cdr_file
    monkeypatch.setattr(read_files, "read_cdr_file", reading)
    told = take_in(books)
    assert (told["read"], told["refused"]) == ([], ["a.csv"])
    assert [each["reason"] for each in told["findings"]] == ["FILE_CHANGED"]
    monkeypatch.setattr(read_files, "read_cdr_file", read_files_reader)
    assert [file["records"] for file in take_in(books)["read"]] == [1]


def test_a_file_that_vanishes_or_breaks_while_it_is_read_is_told_as_changed(books, monkeypatch):
    path = write_calls(books / "inbox" / "a.csv", [MINUTE])

    def reading(given, **options):
        path.unlink()
        raise OSError("gone")

    monkeypatch.setattr(read_files, "read_cdr_file", reading)
    assert [each["reason"] for each in take_in(books)["findings"]] == ["FILE_CHANGED"]


@pytest.mark.parametrize(
    ("content", "age", "reasons"),
    [
        (plain(MINUTE).rstrip("\n"), 59, ["FILE_STILL_WRITTEN"]),
        (plain(MINUTE).rstrip("\n"), 61, []),
        (plain(MINUTE), 0, []),
        (plain(MINUTE).replace("\n", "\r"), 0, []),
        (gzip.compress(plain(MINUTE).rstrip("\n").encode()), 0, []),
    ],
)
def test_a_last_line_without_an_end_must_have_been_at_rest_for_a_minute(books, monkeypatch, content, age, reasons):
    path = books / "inbox" / "a.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    now = path.stat().st_mtime + age
    monkeypatch.setattr(read_files.time, "time", lambda: now)
    told = take_in(books)
    assert [each["reason"] for each in told["findings"]] == reasons
    assert len(told["read"]) == (not reasons)


# Values


@pytest.mark.parametrize("call_id", ["2.0261E+14", "2.0261e+14", "2E+14", "2,0261E+14"])
def test_an_id_in_scientific_notation_is_no_id(tmp_path, call_id):
    (row,) = read_lines(tmp_path, carrier_line(id=f'"{call_id}"')).to_dicts()
    assert row["unreadable"] == "call_id"


@pytest.mark.parametrize("call_id", ["abE+9f", "E+12", "1e14", "3e+0x", "2026E10+03"])
def test_an_id_that_only_looks_a_little_like_it_is_one(tmp_path, call_id):
    (row,) = read_lines(tmp_path, carrier_line(id=call_id)).to_dicts()
    assert (row["call_id"], row["unreadable"]) == (call_id, None)


def test_an_empty_talk_time_is_no_call_that_nobody_answered(tmp_path):
    assert vos_call(tmp_path, holdtime="")["unreadable"] == "outcome"
    row = cells_of("mobile_400_zh", Call("", "13900000000", NUMBERS[0], START, 0, 60)) | {"时长": ""}
    text = f"{header('mobile_400_zh')}\n{line('mobile_400_zh', row)}\n"
    (found,) = rows_of(read_bytes(tmp_path, text.encode(), number=2)).to_dicts()
    assert (found["unreadable"], found["outcome"]) == ("outcome", None)


def test_an_answered_call_of_no_length_is_kept_and_costs_nothing(books):
    take_in(books, a=plain(MINUTE, one_call("Z-1", NUMBERS[0], "2026-10-05 10:00:00", 0)))
    # One minute at 0.10; of the other call not even a connect fee.
    assert usage_of(books) == "0.10"
    assert waiting(books) == {}


def test_what_a_carrier_charged_is_never_our_price(books):
    cells = cells_of("vos3000", Call("V-1", "13900000000", NUMBERS[0], START, 5, 60))
    lines = [line("vos3000", cells | {"fee": fee, "flowno": f"V-{fee}"}) for fee in ("0.014560", "999.99")]
    take_in(books, a="\n".join([header("vos3000"), *lines, ""]))
    assert usage_of(books) == "0.20"


# Identity


def test_calls_that_differ_by_their_id_alone_are_two_calls(books):
    take_in(books, a=plain(MINUTE, MINUTE.replace("M-1", "M-2")))
    assert usage_of(books) == "0.20"


def test_without_ids_the_second_of_two_equal_lines_is_counted_as_a_copy(books):
    row = line("mobile_400_zh", cells_of("mobile_400_zh", Call("", "13900000000", NUMBERS[0], START, 0, 60)))
    (file,) = take_in(books, a="\n".join([header("mobile_400_zh"), row, row, ""]))["read"]
    assert (file["records"], file["duplicate"]) == (2, 1)
    assert usage_of(books) == "0.10"


def test_calls_of_one_caller_may_overlap(books):
    inside = one_call("M-2", NUMBERS[0], "2026-10-05 09:00:30", 60)
    take_in(books, a=plain(MINUTE, inside))
    assert usage_of(books) == "0.20"


def test_an_id_written_in_two_ways_is_one_where_the_layout_says_how(tmp_path):
    blanks = changed("window_hours: 12", "window_hours: 12, normalise: [remove_blanks, upper]")
    ids = ["BA55719E F8C10015 0 1B1E08", "ba55719e F8C10015 0 1b1e08", " BA55719EF8C1001501B1E08"]
    rows = [carrier_line(id=each) for each in ids]
    found = read_lines(tmp_path, *rows, layouts=[parse_layout(blanks, "own.yaml")])["call_id"].to_list()
    assert found == ["BA55719EF8C1001501B1E08"] * 3
    assert len(set(read_lines(tmp_path, *rows, number=2)["call_id"])) == 3


# Time


def own_times(form: str, zone: str = "Asia/Shanghai"):
    text = changed("Asia/Shanghai", zone).replace("%Y-%m-%d %H:%M:%S", form)
    return [parse_layout(text, "own.yaml")]


def test_across_a_change_of_clocks_a_call_lasts_from_instant_to_instant(tmp_path):
    # New York, 1 November 2026: at 2:00 daylight time it is 1:00 again. From 0:59:30 to 2:00:30 standard time passes
    # one hour more than the clock shows: 2 h 1 min; in March the clock jumps from 2:00 to 3:00, so 1:59:30 to 3:00:30
    # is one minute.
    autumn = carrier_line(start="2026-11-01 00:59:25", answer="2026-11-01 00:59:30", end="2026-11-01 02:00:30", talk="")
    spring = carrier_line(start="2026-03-08 01:59:25", answer="2026-03-08 01:59:30", end="2026-03-08 03:00:30", talk="")
    layouts = own_times("%Y-%m-%d %H:%M:%S", "America/New_York")
    rows = read_lines(tmp_path, autumn, spring, layouts=layouts)
    assert rows["talk_ms"].to_list() == [7_260_000, 60_000]
    assert rows["unreadable"].to_list() == [None, None]
    assert rows["started_at"].to_list() == [clock("2026-11-01T12:59:25"), clock("2026-03-08T14:59:25")]


def test_a_clock_time_that_comes_twice_or_never_is_not_guessed(tmp_path):
    twice = carrier_line(start="2026-11-01 01:30:00")
    never = carrier_line(start="2026-03-08 02:30:00")
    rows = read_lines(tmp_path, twice, never, layouts=own_times("%Y-%m-%d %H:%M:%S", "America/New_York"))
    assert rows["unreadable"].to_list() == ["started_at", "started_at"]


def test_with_its_offset_a_clock_time_that_comes_twice_is_certain(tmp_path):
    times = {
        "start": "2026-11-01 01:30:00-0400",
        "answer": "2026-11-01 01:59:59-0400",
        "end": "2026-11-01 01:00:09-0500",
    }
    rows = read_lines(
        tmp_path, carrier_line(**times, talk=""), carrier_line(start="2026-11-01 01:30:00"),
        layouts=own_times("%Y-%m-%d %H:%M:%S%z", "America/New_York"),
    )  # fmt: skip
    assert rows["talk_ms"][0] == 10_000
    assert rows["started_at"].to_list() == [clock("2026-11-01T13:30:00"), None]


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("%Y%m%d%H%M%S", "20261003100000", ["2026100310000", "2026103100000", "202610031000000", "20261003100060"]),
        ("%Y%m%d%H%M%S%.f", "20261003100000.000", ["20261003100060.5", "20261003235960", "2026100310000.5"]),
        ("%Y-%m-%d %H:%M:%S%.3f", "2026-10-03 10:00:00.000", ["2026-10-03 09:59:60.500", "2026-10-03 10:00:00"]),
        ("%Y-%m-%d %H:%M:%S", "2026-10-3 10:00:00", ["2026-10-03 10:00:0", "2026-10-0310:00:00", "+2026-10-03 10:00:00",
                                                      "2026-10-03 9:59:60", "26-10-03 10:00:00"]),
        ("%d/%m/%Y %H:%M:%S", "03/10/2026 10:00:00", ["10/13/2026 10:00:00", "03.10.2026 10:00:00"]),
        ("%m/%d/%y %I:%M:%S %p", "10/03/26 10:00:00 AM", ["10/03/26 10:00:00", "13/03/26 10:00:00 AM"]),
    ],
)  # fmt: skip
def test_a_time_fits_its_form_digit_by_digit(tmp_path, form, good, bad):
    rows = read_lines(tmp_path, *(carrier_line(start=cell) for cell in [good, *bad]), layouts=own_times(form))
    assert rows["started_at"].to_list() == [clock("2026-10-03T10:00:00"), *[None] * len(bad)]
    assert rows["unreadable"][1:].to_list() == ["started_at"] * len(bad)


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ("%Y-%m-%d %H:%M:%S %Z", "%Z cannot be read for certain"),
        ("%s%Y", "%s cannot be read for certain"),
        ("%Y-%m-%d %H:%M:%S.%f", "%f cannot be read for certain"),
        ("%c", "%c cannot be read for certain"),
        ("%H:%M:%S", "lacks one year, one month, day"),
        ("%Y-%m-%d", "lacks hours, of 24 or with AM and PM, minutes"),
        ("%Y-%m-%d %I:%M:%S", "lacks hours, of 24 or with AM and PM"),
        ("%Y-%m-%d %m:%H:%M", "names one part twice"),
        ("%Y-%m-%d %H:%M:%S", ""),
        ("%F %T", ""),
        ("%d.%m.%y %R", ""),
    ],
)
def test_a_form_that_leaves_a_time_open_is_refused(form, problem):
    assert problem in time_problem(form)
    assert bool(time_problem(form)) == bool(problem)
    if problem:
        with pytest.raises(Refusal, match="LAYOUT_INVALID"):
            own_times(form)


# Terminals, sheets, archives, long fields, long lists


def test_a_hostile_id_is_shown_as_an_escape_in_text_and_in_json(books):
    hostile = "\x9b31m\u202eevil"
    take_in(books, a=plain(one_call(hostile, NUMBERS[0], "2026-10-05 09:00:00", 60)))
    ended = bill400("explain", books, "2026-10-05/1-2", "--json")
    assert all(char.isprintable() or char == "\n" for char in ended.out)
    assert json.loads(ended.out)["explanations"], "JSON all the same"
    assert hostile in json.dumps(json.loads(ended.out), ensure_ascii=False), "and its text is the id"


def test_the_name_inside_a_packed_file_is_never_a_path(books, tmp_path):
    packed = io.BytesIO()
    with gzip.GzipFile("escaped.csv", "wb", fileobj=packed, mtime=0) as stream:
        stream.write(plain(MINUTE).encode())
    # The library writes no folders; somebody else may.
    named = packed.getvalue().replace(b"escaped.csv\0", b"../../escaped.csv\0", 1)
    assert gzip.decompress(named) == plain(MINUTE).encode()
    (books / "inbox" / "a.csv.gz").write_bytes(named)
    assert [file["file"] for file in take_in(books)["read"]] == ["a.csv.gz"]
    assert not list(tmp_path.rglob("escaped*"))


def test_a_packed_file_that_is_cut_off_is_refused_when_a_layout_is_tried(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(plain(*[MINUTE] * 50).encode())[:-20])
    assert "GZIP_DAMAGED" in bill400("layouts", "try", path, code=1).err


def test_xml_is_no_form_of_ours_and_is_not_parsed(books):
    bomb = '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY x SYSTEM "file:///dev/zero">]>\n<a>&x;</a>\n'
    told = take_in(books, a=bomb)
    assert [each["reason"] for each in told["findings"]] == ["UNKNOWN_LAYOUT"]


@pytest.mark.parametrize("filling", ["1", "1-", '"', "E+", ":", " ", "(", "转1", "２", "0" * 3 + "x"])
def test_a_crafted_field_costs_no_more_than_its_length(tmp_path, filling):
    # Patterns are tried without ways back; a field of 60,000 characters in every column is one broken row, no more.
    cell = (filling * 60_000)[:7_000]
    (row,) = read_lines(tmp_path, ",".join([cell] * 9)).to_dicts()
    assert row["unreadable"] is not None


def test_a_list_of_findings_does_not_grow_with_the_rows(books):
    def sizes(name: str, count: int) -> tuple[int, int]:
        bad = [one_call(f"{name}-{index}", NUMBERS[0], "2026-10-05 09:00:00", -9) for index in range(count)]
        findings = take_in(books, **{name: plain(*bad, MINUTE.replace("M-1", name))})["findings"]
        with open_books(books, write=False) as opened:
            kept = list(opened.state.of_table("gate_batch"))[-1]
            return len(findings), opened.path(kept.path).stat().st_size

    few, many = sizes("few", 100), sizes("many", 3_000)
    # Figures have more digits; a row of its own would take a hundred bytes.
    assert few[0] == many[0]
    assert many[1] < few[1] + 1_000


# Tariffs that would never end


@pytest.mark.parametrize(
    "call",
    [
        {"blocks": [{"from_second": 0, "block_seconds": 0.000001, "price": "0.10"}]},
        {"blocks": [{"from_second": 0, "block_seconds": -60, "price": "0.10"}]},
        {"blocks": [{"from_second": 0, "block_seconds": 60, "price": "-0.10"}]},
        {"blocks": [{"from_second": 0, "block_seconds": 60, "price": "1e-30"}]},
        {"blocks": [{"from_second": 0, "block_seconds": 60, "price": None}]},
        {"blocks": [{"from_second": 0, "block_seconds": 60}]},
        {"schedule": "60/60", "price_per_minute": "0.0000001"},
        {"schedule": "0/6", "price_per_minute": "0.10"},
    ],
)
def test_a_price_that_means_nothing_is_refused_when_it_is_loaded(call):
    with pytest.raises(ValidationError):
        CallPrice.model_validate(call)


@pytest.mark.parametrize("currency", ["USD", "", "cny"])
def test_a_plan_in_another_currency_is_refused(books, currency):
    plan = books / "rate_plans" / "retail" / "split_010.yaml"
    text = plan.read_text("utf-8")
    assert "currency: CNY" in text
    plan.write_text(text.replace("currency: CNY", f"currency: {currency}"), "utf-8")
    assert "PLAN_FIELD_WRONG" in bill400("check", books, code=1).err
    plan.write_text(text.replace("currency: CNY\n", ""), "utf-8")
    assert "PLAN_FIELD_MISSING" in bill400("check", books, code=1).err


def test_a_price_of_zero_is_a_price():
    free = CallPrice.model_validate({"schedule": "60/60", "price_per_minute": "0.00"})
    assert free.price_of(61_000) == 0


def test_a_call_of_the_longest_length_is_priced_without_walking_it():
    # 10^12 s under 1 s blocks at 0.01: 10^10 yuan, at once.
    price = CallPrice.model_validate({"blocks": [{"from_second": 0, "block_seconds": 1, "price": "0.01"}]})
    assert price.price_of(10**15) == 10**12 * 10_000


def test_a_layout_has_no_zone_but_the_one_it_names():
    assert all(layout.zone for layout in LAYOUTS)
    with pytest.raises(Refusal, match="LAYOUT_INVALID"):
        parse_layout(changed("zone: Asia/Shanghai\n", ""), "own.yaml")
