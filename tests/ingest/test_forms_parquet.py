"""Parquet files: columns by name, typed or text; floats are refused, instants are instants."""

import contextlib
import gzip
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.core.findings import Refusal
from billing.ingest.forms import parquet as parquet_module
from billing.ingest.layout import parse_layout
from billing.ingest.raw_lines import read_raw_lines
from tests.ingest.cdr_files import LAYOUTS, clock, read_bytes, rows_of
from tests.ingest.damage import DAMAGE, damaged
from tests.ingest.own_layouts import JSON

NAMES = ("call_id", "caller", "service_number", "landing_number", "started_at", "answered_at", "ended_at", "outcome")
START, ANSWER, END = (clock(f"2026-10-03 10:00:{second}") for second in ("00", "05", "35"))
TEXTS = {
    "call_id": ["a", "b"],
    "caller": ["13800138000", None],
    "service_number": ["4001234567", "400-123-4567"],
    "landing_number": ["075512345678", ""],
    "started_at": ["2026-10-03 10:00:00", "2026-10-03 11:00:00"],
    "answered_at": ["2026-10-03 10:00:05", None],
    "ended_at": ["2026-10-03 10:00:35", "2026-10-03 11:00:09"],
    "outcome": ["answered", "busy"],
}


def file_of(columns, **options) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), sink, **options)
    return sink.getvalue().to_pybytes()


def read(tmp_path, columns, **options):
    content = columns if isinstance(columns, bytes) else file_of(columns)
    return read_bytes(tmp_path, content, "calls.csv", **options)


def finding_of(tmp_path, columns, **options):
    with pytest.raises(Refusal) as caught:
        read(tmp_path, columns, **options)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["inbox"]
    return caught.value.findings[0]


def test_columns_of_text_are_read_by_name_in_any_order(tmp_path):
    more = {"remark": [1.5, None]} | dict(reversed(TEXTS.items()))
    reading = read(tmp_path, more)
    rows = rows_of(reading)
    # The header is row 1. 30 s of talk; the second number is written with hyphens.
    assert rows.select("line", "call_id", "caller", "service_number", "talk_ms", "outcome", "unreadable").rows() == [
        (2, "a", "13800138000", "4001234567", 30_000, "answered", None),
        (3, "b", None, "4001234567", 0, "busy", None),
    ]
    assert (reading.layout, reading.encoding, reading.framing_count) == ("plain_parquet@1", "parquet", 1)


def test_whole_numbers_of_any_width_are_their_digits(tmp_path):
    numbers = {
        "call_id": pa.array([2**64 - 1, None], pa.uint64()),
        "caller": pa.array([13_800_138_000, 8_613_900_000_001], pa.int64()),
        "service_number": pa.array([4_001_234_567] * 2, pa.uint32()),
        "landing_number": pa.array([10_086, None], pa.int16()),
    }
    rows = rows_of(read(tmp_path, TEXTS | numbers))
    assert rows.select("call_id", "caller", "service_number", "landing_number").rows() == [
        ("18446744073709551615", "13800138000", "4001234567", "10086"),
        (None, "13900000001", "4001234567", None),
    ]


def timestamps(unit: str, zone: str | None) -> dict:
    """The three times of an answered call, as they are read in Beijing; in a zone, as instants."""
    there = [time.replace(tzinfo=ZoneInfo("Asia/Shanghai")) if zone else time for time in (START, ANSWER, END)]
    kind = pa.timestamp(unit, zone)
    names = ("started_at", "answered_at", "ended_at")
    return {name: pa.array([time, None], kind) for name, time in zip(names, there, strict=True)}


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York", "+05:30", "Asia/Shanghai"])
def test_timestamps_with_a_zone_are_instants_and_those_without_are_of_the_layout(tmp_path, unit, zone):
    rows = rows_of(read(tmp_path, TEXTS | timestamps(unit, zone)))
    assert rows.select("started_at", "answered_at", "ended_at", "talk_ms", "unreadable").row(0) == (
        START, ANSWER, END, 30_000, None,
    )  # fmt: skip
    # The other row has no start, and a start is what a part goes by.
    assert rows["started_at"].null_count() == 1


def test_a_timestamp_without_a_zone_is_read_in_the_zone_of_the_layout(tmp_path):
    there = [layout.model_copy(update={"zone": "Etc/UTC"}) for layout in LAYOUTS]
    rows = rows_of(read(tmp_path, TEXTS | timestamps("ms", None), layouts=there))
    assert clock("2026-10-03 18:00:00") in rows["started_at"].to_list()


def test_milliseconds_are_kept(tmp_path):
    times = timestamps("us", "UTC")
    times["ended_at"] = pa.array(
        [END.replace(microsecond=67_999, tzinfo=ZoneInfo("Asia/Shanghai")), None], pa.timestamp("us", "UTC")
    )
    assert 30_067 in rows_of(read(tmp_path, TEXTS | times))["talk_ms"].to_list()


@pytest.mark.parametrize("column", ["caller", "call_id", "service_number", "outcome"])
def test_a_used_column_of_floats_refuses_the_file(tmp_path, column):
    finding = finding_of(tmp_path, TEXTS | {column: pa.array([1.38e10, None], pa.float64())})
    assert (finding.reason, finding.where) == ("PARQUET_FLOAT_COLUMN", "calls.csv:1")
    assert finding.values["column"] == column


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("caller", pa.array([[1], None])),
        ("caller", pa.array([START, None])),
        ("started_at", pa.array([START.date(), None])),
        ("call_id", pa.array([b"a", None])),
    ],
)
def test_a_column_of_another_type_refuses_the_file(tmp_path, column, values):
    assert finding_of(tmp_path, TEXTS | {column: values}).reason == "PARQUET_TYPE"


def test_dictionaries_truth_values_and_columns_of_nothing(tmp_path):
    columns = {
        "outcome": pa.array(["answered", "busy"]).dictionary_encode(),
        "call_id": pa.array([True, False]),
        "landing_number": pa.nulls(2),
    }
    rows = rows_of(read(tmp_path, TEXTS | columns))
    assert rows.select("call_id", "outcome", "landing_number").rows() == [
        ("true", "answered", None), ("false", "busy", None),
    ]  # fmt: skip


def test_odd_texts_stay_on_their_row(tmp_path):
    odd = ["a\nb", 'a"b', "a\x1fb", "\0", "", "x" * 70_000]
    columns = {name: [values[0]] * len(odd) for name, values in TEXTS.items()} | {"call_id": odd}
    rows = rows_of(read(tmp_path, columns))
    assert rows.select("line", "call_id", "unreadable").rows() == [
        (2, "a␤b", None), (3, 'a"b', None), (4, "a\x1fb", None), (5, None, "line"), (6, None, None), (7, None, "line"),
    ]  # fmt: skip


def test_an_empty_row_is_a_record_and_a_file_without_rows_has_none(tmp_path):
    empty = {name: pa.array([None], pa.string()) for name in NAMES}
    reading = read(tmp_path, empty)
    assert (reading.record_count, reading.framing_count) == (1, 1)
    none = {name: pa.array([], pa.string()) for name in NAMES}
    reading = read(tmp_path, none, number=2)
    assert (reading.record_count, reading.framing_count, reading.parts) == (0, 1, {})


def test_the_bytes_decide_and_not_the_name(tmp_path):
    assert read_bytes(tmp_path, gzip.compress(file_of(TEXTS)), "calls.csv.gz").layout == "plain_parquet@1"
    with pytest.raises(Refusal, match="UNKNOWN_LAYOUT"):
        read_bytes(tmp_path, b"call_id;caller\n", "calls.parquet", number=2)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_off_is_refused_whole(tmp_path, kept):
    content = file_of(TEXTS)
    assert finding_of(tmp_path, content[: int(len(content) * kept)]).reason == "PARQUET_DAMAGED"


def test_damage_between_the_ends_is_found(tmp_path):
    content = bytearray(file_of({name: values * 500 for name, values in TEXTS.items()}, compression="zstd"))
    content[40:80] = b"\xff" * 40
    assert finding_of(tmp_path, bytes(content)).reason == "PARQUET_DAMAGED"


def test_bytes_that_are_no_text_are_found(tmp_path):
    wrong = pa.array([b"\xff\xfe", None], pa.binary()).view(pa.string())
    assert finding_of(tmp_path, TEXTS | {"call_id": wrong}).reason == "PARQUET_DAMAGED"


def test_what_is_said_about_columns_beside_their_values_is_passed_over(tmp_path):
    fields = [pa.field(name, pa.string(), metadata={b"\xff": b"\xfe"}) for name in TEXTS]
    reading = read(tmp_path, pa.table(TEXTS, schema=pa.schema(fields, metadata={b"\xff": b"\xfe"})))
    assert reading.record_count == 2


@settings(max_examples=80, deadline=None)
@given(DAMAGE, st.booleans())
def test_damage_anywhere_refuses_the_file_or_leaves_rows(tmp_path_factory, damage, is_typed):
    content = damaged(file_of(TEXTS | (timestamps("ms", "UTC") if is_typed else {})), damage)
    folder = tmp_path_factory.mktemp("damaged")
    with contextlib.suppress(Refusal):
        reading = read(folder, content or b"PAR1")
        assert rows_of(reading).height == reading.record_count


def test_a_row_group_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_module, "GROUP_LIMIT_BYTES", 1_000)
    finding = finding_of(tmp_path, {name: values * 5_000 for name, values in TEXTS.items()})
    assert (finding.reason, finding.values["limit"]) == ("PARQUET_TOO_LARGE", 1_000)


def test_columns_that_are_missing_or_stand_twice(tmp_path):
    without = {name: values for name, values in TEXTS.items() if name != "outcome"}
    finding = finding_of(tmp_path, without | {"result": ["x", "y"]})
    assert (finding.reason, finding.values["missing"], finding.values["unknown"]) == (
        "UNKNOWN_LAYOUT",
        "outcome",
        "result",
    )
    twice = pa.Table.from_arrays([pa.array(values) for values in [*TEXTS.values(), ["x", "y"]]], [*TEXTS, "caller"])
    finding = finding_of(tmp_path, twice)
    assert (finding.reason, finding.values["columns"]) == ("COLUMN_TWICE", "caller")


def test_layouts_that_fit_equally_are_refused(tmp_path):
    (plain,) = (layout for layout in LAYOUTS if layout.id == "plain_parquet")
    finding = finding_of(tmp_path, TEXTS, layouts=[*LAYOUTS, plain.model_copy(update={"id": "twin"})])
    assert (finding.reason, finding.values["layouts"]) == ("LAYOUT_AMBIGUOUS", "plain_parquet@1, twin@1")


def test_without_a_layout_of_the_form_nothing_is_tried(tmp_path):
    finding = finding_of(tmp_path, TEXTS, layouts=[parse_layout(JSON, "own.yaml")])
    assert (finding.reason, finding.values["kind"]) == ("FORM_WITHOUT_LAYOUT", "Parquet")


def test_many_batches_and_row_groups_keep_their_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_module, "BATCH_ROWS", 7)
    many = {name: [values[0]] * 50 for name, values in TEXTS.items()} | {"call_id": [f"c{row}" for row in range(50)]}
    reading = read(tmp_path, file_of(many, row_group_size=11))
    assert rows_of(reading).select("line", "call_id").rows() == [(row + 2, f"c{row}") for row in range(50)]
    shown = read_raw_lines(reading.raw_copy, reading.encoding, [1, 2, 30, 51, 52])
    assert sorted(shown) == [2, 30, 51]
    assert shown[30].startswith("call_id=c28; caller=13800138000; service_number=4001234567")


def test_of_an_excerpt_only_the_first_rows_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_module, "EXCERPT_ROWS", 10)
    many = {name: [values[0]] * 50 for name, values in TEXTS.items()}
    assert read(tmp_path, many, is_excerpt=True).record_count == 10
