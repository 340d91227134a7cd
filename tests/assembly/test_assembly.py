"""Calls from pieces, events, legs and corrected records; every expected time is counted in the comment beside it."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.tables.calls import Cdr
from tests.assembly.records import (
    EVENTS,
    PIECES,
    TELLINGS,
    UNNUMBERED,
    at,
    legs,
    only_call,
    put_together,
    record,
    verdicts,
)

CONTENT = [name for name in Cdr.schema().names() if name != "cdr_id"]


def piece(cdr_id, number, role, start, talk, **fields):
    return record(cdr_id, start, talk, piece_number=number, role=role, **fields)


FIRST = piece(7, 1, "first", "10:00:00", 61)
LAST = piece(5, 2, "last", "10:01:01", 61)


def test_pieces_are_one_call_of_their_sum():
    """61 + 61 s in a row are 122 s, first start to last end: rounded once, 180 and not 240."""
    call = only_call(put_together(PIECES, [LAST, FIRST]))
    assert (call["started_at"], call["ended_at"], call["talk_ms"]) == (at("10:00:00"), at("10:02:02"), 122_000)
    assert (call["cdr_id"], call["usage_date"]) == (7, dt.date(2026, 10, 5))
    assert call["outcome"] == "answered"


def test_an_overlap_counts_once():
    """10:00:00 to 10:01:00 and 10:00:30 to 10:02:00: 120 s are covered, not 150."""
    records = [piece(1, 1, "first", "10:00:00", 60), piece(2, 2, "last", "10:00:30", 90)]
    assert only_call(put_together(PIECES, records))["talk_ms"] == 120_000


def test_a_piece_inside_another_adds_nothing():
    records = [piece(1, 1, "first", "10:00:00", 600), piece(2, 2, "middle", "10:01:00", 60),
               piece(3, 3, "last", "10:09:00", 120)]  # fmt: skip
    assert only_call(put_together(PIECES, records))["talk_ms"] == 660_000


@pytest.mark.parametrize(("start", "verdict"), [("10:01:03", "whole"), ("10:01:04", "waits")])
def test_two_seconds_are_a_seam_and_three_a_gap(start, verdict):
    """The first ends at 10:01:01. What lies between is nobody's talk: 122 s either way."""
    assembly = put_together(PIECES, [FIRST, piece(5, 2, "last", start, 61)])
    assert verdicts(assembly) == [verdict]
    assert assembly.calls["talk_ms"].to_list() == ([122_000] if verdict == "whole" else [])


@pytest.mark.parametrize(
    ("numbers", "roles"),
    [((1, 3), ("first", "last")), ((2, 3), ("middle", "last")), ((1, 2), ("first", "middle")), ((1,), ("first",))],
    ids=["one between is missing", "the first is missing", "the last is missing", "alone"],
)
def test_what_is_not_all_there_waits(numbers, roles):
    starts = ("10:00:00", "10:01:01")
    records = [piece(line, number, role, start, 61) for line, (number, role, start) in
               enumerate(zip(numbers, roles, starts, strict=False))]  # fmt: skip
    assembly = put_together(PIECES, records)
    assert verdicts(assembly) == ["waits"]
    assert assembly.calls.is_empty()


@pytest.mark.parametrize(
    "third",
    [
        piece(9, 2, "last", "10:01:01", 60),
        piece(9, 2, "middle", "10:01:01", 61),
        piece(9, 3, "middle", "10:02:02", 61),
        piece(9, 3, "last", "10:02:02", 61),
        piece(9, 0, "middle", "10:00:00", 61),
        piece(9, None, "single", "10:00:00", 61),
        piece(9, 3, "middle", "10:02:02", 61, caller="13900000002"),
        piece(9, 3, "middle", "10:02:02", 61, service_number="4007654321"),
    ],
    ids=["number twice", "word differs", "behind the last", "two lasts", "before the first", "whole and cut", "caller",
         "number dialled"],
)  # fmt: skip
def test_what_cannot_be_of_one_call_contradicts(third):
    assembly = put_together(PIECES, [FIRST, LAST, third])
    assert verdicts(assembly) == ["contradicts"]
    assert assembly.calls.is_empty()


def test_a_copy_of_a_piece_is_a_duplicate_of_the_first():
    copies = [LAST | {"cdr_id": 8}, FIRST | {"cdr_id": 9}]
    assembly = put_together(PIECES, [FIRST, LAST, *copies])
    assert assembly.duplicates.select("cdr_id", "repeats_cdr_id").rows() == [(8, 5), (9, 7)]
    assert only_call(assembly)["cdr_id"] == 7


def test_a_call_that_was_never_cut_needs_no_number():
    call = only_call(put_together(PIECES, [piece(1, None, "single", "10:00:00", 0, outcome="busy")]))
    assert (call["outcome"], call["talk_ms"]) == ("busy", 0)


def test_an_id_that_starts_again_is_another_call():
    """The second set begins 12 h after the last record of the first, the window; a second less, and all are one set."""
    again = [piece(11, 1, "first", "22:01:01", 61), piece(12, 2, "last", "22:02:02", 61)]
    assembly = put_together(PIECES, [FIRST, LAST, *again])
    assert verdicts(assembly) == ["whole", "whole"]
    assert assembly.calls["started_at"].to_list() == [at("10:00:00"), at("22:01:01")]
    assert verdicts(put_together(PIECES, [FIRST, LAST, again[0] | {"started_at": at("22:01:00")}])) == ["contradicts"]


def test_pieces_that_repeat_the_answer_of_the_call():
    """Talk is counted back from the end: 30 s to 10:01:00 after 30 s of ringing, then 60 s to 10:02:00."""
    answer = {"answered_at": at("10:00:30")}
    records = [piece(1, 1, "first", "10:00:00", 60, **answer) | {"talk_ms": 30_000},
               piece(2, 2, "last", "10:01:00", 60, **answer)]  # fmt: skip
    call = only_call(put_together(PIECES, records))
    assert (call["talk_ms"], call["answered_at"], call["ended_at"]) == (90_000, at("10:00:30"), at("10:02:00"))


def test_a_piece_without_a_length_makes_the_length_unknown():
    assert only_call(put_together(PIECES, [FIRST, LAST | {"talk_ms": None}]))["talk_ms"] is None


def test_pieces_without_numbers_go_by_time():
    records = [piece(1, None, "middle", "10:01:00", 60), piece(2, None, "last", "10:02:00", 30),
               piece(3, None, "first", "10:00:00", 60)]  # fmt: skip
    assert only_call(put_together(UNNUMBERED, records))["talk_ms"] == 150_000
    assert verdicts(put_together(UNNUMBERED, records[:2])) == ["waits"]
    assert verdicts(put_together(UNNUMBERED, records[::2])) == ["waits"]
    late = piece(4, None, "middle", "10:02:10", 60)
    assert verdicts(put_together(UNNUMBERED, [*records, late])) == ["contradicts"]
    assert verdicts(put_together(UNNUMBERED, [*records, late | {"role": "first"}])) == ["contradicts"]


def event(cdr_id, role, clock, outcome="answered", **fields):
    numbers = {} if role == "start" else {"caller": None, "service_number": None}
    return record(cdr_id, clock, None, role=role, outcome=outcome, **(numbers | fields))


def test_a_start_and_an_end_are_a_call():
    """Answered at 10:00:00, over at 10:01:01: 61 s; the end came first and was answered 400, and the call is over."""
    records = [event(1, "end", "10:01:01", "failed"), event(2, "none", "10:00:00"), event(3, "start", "10:00:00")]
    call = only_call(put_together(EVENTS, records))
    assert (call["started_at"], call["answered_at"], call["ended_at"]) == (
        at("10:00:00"), at("10:00:00"), at("10:01:01"),
    )  # fmt: skip
    assert (call["talk_ms"], call["outcome"], call["caller"], call["cdr_id"]) == (61_000, "answered", "13900000001", 3)


@pytest.mark.parametrize("outcome", ["busy", "failed", "abandoned"])
def test_a_start_that_was_not_answered_is_a_call_without_talk(outcome):
    for more in ([], [event(2, "cancel", "10:00:09")], [event(2, "end", "10:00:09")]):
        call = only_call(put_together(EVENTS, [event(1, "start", "10:00:00", outcome), *more]))
        assert (call["talk_ms"], call["outcome"], call["answered_at"]) == (0, outcome, None)


@pytest.mark.parametrize("roles", [("start",), ("end",), ("cancel",), ("none",), ("start", "cancel"), ("end", "none")])
def test_events_alone_are_no_call_of_no_or_endless_length(roles):
    records = [event(line, role, f"10:00:0{line}") for line, role in enumerate(roles)]
    assert verdicts(put_together(EVENTS, records)) == ["waits"]


def test_two_starts_or_two_ends_contradict():
    start, end = event(1, "start", "10:00:00"), event(2, "end", "10:01:01")
    assert verdicts(put_together(EVENTS, [start, end, event(3, "start", "10:00:01")])) == ["contradicts"]
    assert verdicts(put_together(EVENTS, [start, end, event(3, "end", "10:01:02")])) == ["contradicts"]
    assert verdicts(put_together(EVENTS, [start, end, event(3, "end", "10:01:01", "failed")])) == ["whole"]


LEGS = [
    record(1, "10:00:00", 15, call_id="a", service_number="101", outcome="no_answer", talk_ms=0),
    record(2, "10:00:00", 66, call_id="b", talk_ms=61_000, answered_at=at("10:00:05")),
    record(3, "10:00:05", 61, call_id="c", service_number="102"),
    record(4, "10:00:05", 80, call_id="d", service_number="103"),
    record(5, "10:01:06", 0, call_id="b", service_number=None),
]


@pytest.mark.parametrize(("charged", "line"), [("ours", 2), ("answered", 4), ("earliest", 2)])
def test_one_leg_is_charged(charged, line):
    """Ours is the leg to 4001234567; the longest of all answered talks 80 s; of the earliest two one is answered."""
    call = only_call(put_together(legs(charged), LEGS))
    chosen = LEGS[line - 1]
    assert {name: call[name] for name in CONTENT} == {name: chosen[name] for name in CONTENT}
    assert call["cdr_id"] == line, "it is called by the leg that is charged"


def test_of_legs_that_nobody_answered_the_earliest_is_charged():
    """Asterisk writes a length for legs that only rang; that is no reason to choose one."""
    rang = [record(1, "10:00:01", 60, outcome="no_answer"), record(2, "10:00:00", 30, outcome="busy")]
    assert only_call(put_together(legs("answered"), rang))["cdr_id"] == 2


def test_two_numbers_of_ours_are_two_payers():
    other = record(6, "10:00:07", 30, call_id="e", service_number="4007654321")
    assert verdicts(put_together(legs("ours"), [*LEGS, other])) == ["contradicts"]
    assert verdicts(put_together(legs("answered"), [*LEGS, other])) == ["whole"]


def telling(cdr_id, number, **fields):
    return record(cdr_id, "10:00:00", 60, correction_number=number, **fields)


def test_the_newest_telling_holds_whatever_came_last():
    records = [telling(1, 0), telling(2, 2, talk_ms=62_000), telling(3, 1, talk_ms=61_000)]
    assembly = put_together(TELLINGS, records)
    assert only_call(assembly)["talk_ms"] == 62_000
    fates = dict(assembly.records.select("cdr_id", "fate").iter_rows())
    assert fates == {1: "replaced", 2: "joined", 3: "replaced"}


def test_tellings_equally_new_contradict_each_other():
    assert verdicts(put_together(TELLINGS, [telling(1, 1), telling(2, 1, outcome="failed")])) == ["contradicts"]
    older = [telling(1, 0), telling(2, 0, outcome="failed"), telling(3, 1)]
    assert verdicts(put_together(TELLINGS, older)) == ["whole"]


def test_a_corrected_piece_takes_the_place_of_its_first_telling():
    """61 s, then 61 s that are corrected to 59: 120 s."""
    rule = PIECES.__class__("pieces", window_hours=12, first_number=1, is_corrected=True)
    records = [FIRST | {"correction_number": 0}, LAST | {"correction_number": 0},
               piece(9, 2, "last", "10:01:01", 59, correction_number=1)]  # fmt: skip
    assembly = put_together(rule, records)
    assert only_call(assembly)["talk_ms"] == 120_000
    assert dict(assembly.records.select("cdr_id", "fate").iter_rows()) == {5: "replaced", 7: "joined", 9: "joined"}


RULES = {"pieces": PIECES, "unnumbered": UNNUMBERED, "events": EVENTS, "legs": legs("ours"), "tellings": TELLINGS}
ROLES = {"events": ["start", "end", "cancel", "none"], "pieces": ["first", "middle", "last", "single"]}


@st.composite
def some_records(draw, kind):
    roles = ROLES.get("pieces" if kind == "unnumbered" else kind, [None])
    count = draw(st.integers(1, 7))
    return [
        record(
            line,
            f"{draw(st.sampled_from([0, 10, 23])):02d}:0{draw(st.integers(0, 2))}:00",
            draw(st.sampled_from([0, 60, 120])),
            call_key=draw(st.sampled_from(["1", "2"])),
            role=draw(st.sampled_from(roles)),
            piece_number=draw(st.integers(1, 3)),
            correction_number=draw(st.integers(0, 2)),
            service_number=draw(st.sampled_from(["4001234567", "4001234567", "101"])),
            outcome=draw(st.sampled_from(["answered", "answered", "busy"])),
        )
        for line in range(count)
    ]


@pytest.mark.parametrize("kind", RULES)
@settings(max_examples=25)
@given(st.data())
def test_the_order_of_records_changes_nothing(kind, data):
    """Nor do copies: what is billed hangs on what is told, not on when or how often."""
    told = data.draw(some_records(kind))
    again = data.draw(st.lists(st.sampled_from(told), max_size=3))
    order = data.draw(st.permutations([*told, *again]))
    one = put_together(RULES[kind], told)
    other = put_together(RULES[kind], [row | {"cdr_id": line} for line, row in enumerate(order)])
    for frame in (one, other):
        assert frame.duplicates.height + frame.records.height == (len(told) if frame is one else len(order))
    same = [frame.calls.select(CONTENT).sort(pl.all()) for frame in (one, other)]
    assert same[0].equals(same[1])
    counted = [frame.records.group_by("verdict").len().sort("verdict") for frame in (one, other)]
    assert counted[0].equals(counted[1])
