"""JSON files: objects one a line, an array, objects over several lines; strict, and a record at a time."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.core.findings import Refusal
from billing.ingest.forms import json_scan
from billing.ingest.forms.json_scan import Fault, as_text, scan_records
from billing.ingest.layout import parse_layout
from billing.ingest.raw_lines import read_raw_lines
from tests.ingest.cdr_files import LAYOUTS, read_bytes, rows_of
from tests.ingest.own_layouts import JSON

SAMPLES = Path(__file__).parent / "layout_samples"
OWN = [parse_layout(JSON, "own.yaml")]


def call(call_id: str, **more) -> str:
    talk = {"answer": 1_791_248_405, "talk": 60} if more.pop("is_answered", True) else {"answer": 0, "talk": 0}
    values = {"id": call_id, "from": "13800138000", "to": "4001234567", "begin": 1_791_248_400, **talk}
    return json.dumps({"call": values | more, "result": "OK" if talk["talk"] else "BUSY"})


def read(tmp_path, text: str, encoding: str = "utf-8", **options):
    return read_bytes(tmp_path, text.encode(encoding), "calls.json", **({"layouts": OWN} | options))


def told(reading):
    return rows_of(reading).select("line", "call_id", "unreadable").rows()


def finding_of(tmp_path, text: str, **options):
    with pytest.raises(Refusal) as caught:
        read(tmp_path, text, **options)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["inbox"]
    return caught.value.findings[0]


def test_an_object_a_line_is_a_record_on_its_line(tmp_path):
    reading = read(tmp_path, f"{call('a')}\n\n  {call('b')}  \r\n{call('c', is_answered=False)}")
    assert told(reading) == [(1, "a", None), (3, "b", None), (4, "c", None)]
    assert (reading.record_count, reading.framing_count, reading.encoding) == (3, 1, "utf-8/json")
    # 1791248405 + 60 s = 1791248465 is 09:01:05 in Beijing.
    assert rows_of(reading).select("talk_ms", "outcome").rows() == [(60_000, "answered")] * 2 + [(0, "busy")]


def pretty(*calls: str) -> str:
    return json.dumps([json.loads(each) for each in calls], indent=1)


def test_an_array_over_lines_has_each_record_on_its_first_line(tmp_path):
    # Line 1 is the bracket; every record opens on a line of its own with one blank before it.
    text = pretty(call("a"), call("b"), call("c"))
    first_lines = [number for number, line in enumerate(text.splitlines(), 1) if line in (" {",)]
    reading = read(tmp_path, text)
    assert told(reading) == list(zip(first_lines, "abc", [None] * 3, strict=True))
    assert reading.record_count + reading.framing_count == len(text.splitlines())


def test_records_that_share_a_line_go_by_their_place_in_the_file(tmp_path):
    assert told(read(tmp_path, f"[{call('a')}, {call('b')},\n{call('c')}]")) == [
        (1, "a", None), (2, "b", None), (3, "c", None),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["one", "two"])
def test_an_object_may_be_a_file_or_several_follow_one_another(tmp_path, text):
    objects = [json.dumps(json.loads(call("a")), indent=2)] * (1 if text == "one" else 2)
    assert [row[1:] for row in told(read(tmp_path, "\n".join(objects)))] == [("a", None)] * len(objects)


def test_of_objects_a_line_the_broken_one_costs_itself(tmp_path):
    broken = [call("x")[:-5], call("x") + ",", '{"a": 1 "b": 2}', "[1]", '"text"', call("x") * 2, "no JSON"]
    text = "\n".join([call("a"), *broken, call("b")])
    assert told(read(tmp_path, text)) == [
        (1, "a", None), *((line, None, "line") for line in range(2, 9)), (9, "b", None),
    ]  # fmt: skip


def test_the_last_of_objects_a_line_is_broken_when_it_is_cut_off(tmp_path):
    assert told(read(tmp_path, f"{call('a')}\n{call('b')[:40]}")) == [(1, "a", None), (2, None, "line")]


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.97, 0.999])
def test_an_array_that_is_cut_off_is_not_complete(tmp_path, kept):
    text = pretty(*(call(f"c{number}") for number in range(20)))
    finding = finding_of(tmp_path, text[: int(len(text) * kept)].rsplit("\n", 1)[0])
    assert finding.reason == "JSON_CUT_OFF"


def test_an_object_that_is_cut_off_is_not_complete(tmp_path):
    text = json.dumps(json.loads(call("a")), indent=2)
    assert finding_of(tmp_path, text[:-1]).reason == "JSON_CUT_OFF"
    assert finding_of(tmp_path, text[: text.index("4001234") + 3]).reason == "JSON_CUT_OFF"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"[{call('a')}\n{call('b')}]", 2),
        (f"[{call('a')},\n{call('b')},]", 2),
        (f"[{call('a')}]\n{call('b')}", 2),
        (f"[{call('a')},\n1]", 2),
        ("{\n" + call("a")[1:] + "}\n{", 2),
    ],
)
def test_a_fault_in_an_array_refuses_the_file_at_its_line(tmp_path, text, line):
    finding = finding_of(tmp_path, text)
    assert (finding.reason, finding.where) == ("JSON_BROKEN", f"calls.json:{line}")


def test_a_key_twice_breaks_its_record_wherever_it_stands(tmp_path):
    outer = call("x").replace('"result"', '"call": 1, "result"')
    inner = call("x").replace('"from"', '"id": "y", "from"')
    far = call("x")[:-1] + ', "unused": [{"k": 1, "k": 1}]}'
    reading = read(tmp_path, "\n".join([call("a"), outer, inner, far, call("b")]))
    assert [line for line, _, bad in told(reading) if bad == "line"] == [2, 3, 4]


def test_numbers_are_taken_as_they_are_written(tmp_path):
    ids = {"12345678901234567890": "12345678901234567890", "1.50": "1.50", "1e3": "1e3", "-0": "-0"}
    lines = [call("@").replace('"@"', written) for written in ids]
    assert [row[1] for row in told(read(tmp_path, "\n".join(lines)))] == list(ids.values())
    talk = [call("t").replace('"talk": 60', f'"talk": {written}') for written in ("6e1", "60.0", "-60", "NaN")]
    reading = read(tmp_path, "\n".join(talk), number=2)
    assert rows_of(reading)["unreadable"].to_list() == ["talk_ms"] * 4


def test_true_false_null_and_inner_values(tmp_path):
    lines = [call("@").replace('"@"', written) for written in ("true", "false", "null", '{"k": 1}', "[1, 2]")]
    found = [row[1] for row in told(read(tmp_path, "\n".join(lines)))]
    assert found == ["true", "false", None, '{"k": 1}', "[1, 2]"]


def test_a_value_may_hold_anything_and_stays_on_its_line(tmp_path):
    odd = ["a\nb", 'a"b', "a\x1fb", "a\r\nb", " a", "钓鱼岛"]
    found = [row[1] for row in told(read(tmp_path, "\n".join(call(each) for each in odd)))]
    assert found == ["a␤b", 'a"b', "a\x1fb", "a␤b", "a", "钓鱼岛"]
    # Half of a character and NUL are no text.
    half = [call("x").replace('"x"', r'"\ud800"'), call("a\0b")]
    assert told(read(tmp_path, "\n".join(half), number=2)) == [(1, None, "line"), (2, None, "line")]


def test_what_is_nested_too_deeply_or_too_long_is_no_record(tmp_path):
    deep = call("x")[:-1] + ', "deep": ' + "[" * 40 + "]" * 40 + "}"
    deeper = call("x")[:-1] + ', "deep": ' + "[" * 100_000 + "}"
    long = call("x")[:-1] + ', "long": "' + "y" * (json_scan.RECORD_LIMIT + 1) + '"}'
    reading = read(tmp_path, "\n".join([call("a"), deep, deeper, long, call("b")]))
    assert told(reading) == [(1, "a", None), (2, None, "line"), (3, None, "line"), (4, None, "line"), (5, "b", None)]
    for text in (f"[{deep}]", f"[{deeper}]", f"[{long}]"):
        with pytest.raises(Refusal, match="JSON_BROKEN"):
            read(tmp_path, text, number=2)


def test_a_column_may_be_missing_from_a_record_but_not_from_all(tmp_path):
    without = call("a").replace('"answer": 1791248405, ', "")
    reading = read(tmp_path, f"{without}\n{call('b')}")
    assert told(reading) == [(1, "a", None), (2, "b", None)]
    with pytest.raises(Refusal) as caught:
        read(tmp_path, without, number=2)
    (finding,) = caught.value.findings
    assert (finding.reason, finding.values["missing"]) == ("UNKNOWN_LAYOUT", "call.answer")


def test_layouts_that_fit_equally_are_refused_and_named(tmp_path):
    twin = parse_layout(JSON.replace("id: own_json", "id: twin"), "twin.yaml")
    finding = finding_of(tmp_path, call("a"), layouts=[*OWN, twin])
    assert (finding.reason, finding.values["layouts"]) == ("LAYOUT_AMBIGUOUS", "own_json@1, twin@1")


def test_a_file_without_records_tells_no_layout(tmp_path):
    assert finding_of(tmp_path, "[]", layouts=LAYOUTS).reason == "JSON_WITHOUT_RECORDS"
    reading = read(tmp_path, "[]", layouts=LAYOUTS, layout_id="freeswitch_json")
    assert (reading.record_count, reading.framing_count) == (0, 1)


def test_json_is_tried_against_layouts_of_json_alone(tmp_path):
    finding = finding_of(tmp_path, call("a"), layouts=LAYOUTS, layout_id="plain_csv")
    assert (finding.reason, finding.values["kind"]) == ("FORM_WITHOUT_LAYOUT", "JSON")
    assert "`form: json_lines`" in finding.text("en")
    with pytest.raises(Refusal, match="FORM_WITHOUT_LAYOUT"):
        read_bytes(tmp_path, b"a,b\n1,2\n", layouts=OWN)


def test_gb18030_and_a_byte_order_mark_and_lone_carriage_returns(tmp_path):
    text = "\r".join([call("甲"), call("乙")]).replace(r"\u7532", "甲").replace(r"\u4e59", "乙")
    for number, encoding in enumerate(("gb18030", "utf-8-sig"), 1):
        assert told(read(tmp_path, text, encoding, number=number)) == [(1, "甲", None), (2, "乙", None)]


def scanned(text: str, size: int):
    try:
        chunks = (text[place : place + size] for place in range(0, len(text), size))
        return [(record.line, record.text, record.value) for record in scan_records(chunks)]
    except Fault as fault:
        return (fault.line, fault.problem, fault.is_cut_off)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='{}[]",:1a\\\n ', max_size=60), st.integers(1, 9))
def test_records_do_not_depend_on_where_chunks_are_cut(text, size):
    for start in ("[", "{", '{"a": 1}\n'):
        assert scanned(start + text, size) == scanned(start + text, 1000)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=4), max_size=5), st.sampled_from([None, 1]))
def test_any_array_is_read_as_what_was_written(objects, indent):
    text = json.dumps(objects, indent=indent, ensure_ascii=False)
    found = list(scan_records([text]))
    assert [json.loads(record.text) for record in found] == objects
    assert [json.loads(as_text(record.value)) for record in found] == objects


def shown(reading, *lines: int) -> list[str]:
    return list(read_raw_lines(reading.raw_copy, reading.encoding, lines).values())


def test_a_record_is_shown_on_one_line_as_it_was_written(tmp_path):
    reading = read(tmp_path, pretty(call("甲"), call("b")), "gb18030")
    numbers = [line for line, _, _ in told(reading)]
    first, second = shown(reading, *numbers)
    assert first.startswith('{"call": {"id": "甲", "from": "13800138000"')
    assert first.endswith('"answer": 1791248405, "talk": 60}, "result": "OK"}')
    assert json.loads(second) == json.loads(call("b"))
    assert shown(reading, 1, numbers[1] + 1) == []


def test_a_broken_record_is_shown_as_it_stands(tmp_path):
    reading = read(tmp_path, f'{call("a")}\n{{"call": 1\t"}}\n{call("b")}')
    assert shown(reading, 2) == [r'{"call": 1\x09"}']


def test_records_of_a_push_are_shown_one_by_one(tmp_path):
    pushes = (SAMPLES / "huawei_cloud_voice.json").read_text("utf-8")
    reading = read(tmp_path, pushes, layouts=LAYOUTS)
    assert reading.encoding == "utf-8/json/feeLst"
    # Two calls of the first push on line 1, so that of the second push has number 3; that of the fourth has its line.
    assert [row[:2] for row in told(reading)] == [(1, "h-1"), (2, "h-2"), (3, "h-1"), (4, "h-3")]
    assert [json.loads(text)["icid"] for text in shown(reading, 4, 2)] == ["h-2", "h-3"]


def test_a_push_without_its_list_and_calls_that_are_none_are_broken_records(tmp_path):
    good = {"icid": "1", "callerNum": "", "calleeNum": "4001234567", "callInTime": "", "callEndTime": ""}
    pushes = [{"feeLst": [good]}, {"eventType": "x"}, {"feeLst": {}}, {"feeLst": [1, good]}]
    reading = read(tmp_path, "\n".join(map(json.dumps, pushes)), layouts=LAYOUTS)
    assert [(line, bad == "line") for line, _, bad in told(reading)] == [
        (1, False), (2, True), (3, True), (4, True), (5, False),
    ]  # fmt: skip
