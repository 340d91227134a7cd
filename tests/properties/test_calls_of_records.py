"""Records that tell a part of a call give the same bill in any order, in any files, in one ingest or many, again."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.commands.corner_shop import NUMBERS
from tests.commands.records_of_calls import HEADERS
from tests.properties.random_books import bill, without_reading_again

NOON = dt.datetime.combine(dt.date(2026, 10, 5), dt.time(12))


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    without_reading_again(monkeypatch)


@st.composite
def a_long_call(draw, name):
    """Pieces of a call, some of them away, some again, some told otherwise."""
    number, start = draw(st.sampled_from(NUMBERS)), NOON + dt.timedelta(hours=draw(st.sampled_from([0, 11, 12])))
    count, rows = draw(st.integers(1, 4)), []
    for place in range(count):
        talk = draw(st.sampled_from([61, 61, 600, 3600]))
        seam = draw(st.sampled_from([0, 0, 0, 1, 2, 3, -30]))
        begin = start if place == 0 else start + dt.timedelta(seconds=seam)
        start = begin + dt.timedelta(seconds=talk)
        word = "single" if count == 1 else {0: "first", count - 1: "last"}.get(place, "middle")
        rows.append(f"{name},{place + 1},{word},13900000001,{number},,{begin},,{start},{talk},answered")
    return rows


@st.composite
def a_call_in_events(draw, name):
    start = NOON + dt.timedelta(minutes=draw(st.integers(0, 3)))
    code = draw(st.sampled_from(["200", "200", "200", "486"]))
    end = start + dt.timedelta(seconds=draw(st.sampled_from([0, 61, 3600])))
    return [
        f"INVITE|{name}|t|{name}|{code}|{start}|13900000001|{draw(st.sampled_from(NUMBERS))}",
        *([f"BYE|{name}|t|{name}|{draw(st.sampled_from(['200', '400']))}|{end}||"] if code == "200" else []),
        *draw(st.lists(st.sampled_from([f"ACK|{name}|t|{name}|200|{start}||", f"CANCEL|{name}||{name}|200|{end}||"]),
                       max_size=2, unique=True)),
    ]  # fmt: skip


@st.composite
def a_call_in_legs(draw, name):
    rows = []
    for leg in range(draw(st.integers(1, 5))):
        dialled = draw(st.sampled_from(["101", "102", "", NUMBERS[0], NUMBERS[0], NUMBERS[1]]))
        start = NOON + dt.timedelta(seconds=draw(st.integers(0, 2)))
        word = draw(st.sampled_from(["ANSWERED", "ANSWERED", "NO ANSWER", "BUSY"]))
        answer = start + dt.timedelta(seconds=5) if word == "ANSWERED" else ""
        end = start + dt.timedelta(seconds=5 + draw(st.sampled_from([0, 61, 600])))
        rows.append(f"{name}-{leg},{name},13900000001,{dialled},{start},{answer},{end},{word}")
    return rows


@st.composite
def a_corrected_call(draw, name):
    number = draw(st.sampled_from(NUMBERS))
    tellings = draw(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0, 61, 600])), min_size=1, max_size=4))
    return [f"{name},{push},13900000001,{number},{NOON},{seconds}" for push, seconds in tellings]


KINDS = {"pieces": a_long_call, "events": a_call_in_events, "legs": a_call_in_legs, "tellings": a_corrected_call}


@st.composite
def some_rows(draw, kind):
    """Records of a few calls: some are lost, some come twice."""
    rows = [row for name in ("K1", "K2", "K3") for row in draw(KINDS[kind](name))]
    lost = draw(st.sets(st.integers(0, len(rows) - 1), max_size=2))
    kept = [row for index, row in enumerate(rows) if index not in lost] or rows
    return kept + draw(st.lists(st.sampled_from(kept), max_size=2))


def billed_content(billed):
    """Everything that is billed; in the certificate the records of a contradiction are counted as they came."""
    assert [finding for finding in billed.month.findings if finding.severity == "critical"] == []
    content = billed.content()
    del content["conservation"]
    return content


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=3)
@given(st.data())
def test_order_and_cut_of_files_and_ingests(kind, data):
    rows = data.draw(some_rows(kind))
    whole = billed_content(bill([[("a.csv", rows)]], HEADERS[kind]))
    pieces = [[], [], []]
    for row in data.draw(st.permutations(rows)):
        pieces[data.draw(st.integers(0, 2))].append(row)
    files = [(f"{index}.csv", piece) for index, piece in enumerate(pieces) if piece]
    cut = data.draw(st.integers(0, len(files)))
    batches = [batch for batch in (files[:cut], files[cut:]) if batch]
    assert billed_content(bill(batches, HEADERS[kind])) == whole


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=2)
@given(st.data())
def test_all_records_again_bill_nothing_more(kind, data):
    rows = data.draw(some_rows(kind))
    once = bill([[("a.csv", rows)]], HEADERS[kind])
    again = bill([[("a.csv", rows)], [("b.csv", sorted(rows, reverse=True))]], HEADERS[kind])
    assert billed_content(again) == billed_content(once)
    figures = [dict(billed.month.tables["conservation"].select("figure", "record_count").iter_rows())
               for billed in (once, again)]  # fmt: skip
    more = figures[1].get("records_duplicate", 0) - figures[0].get("records_duplicate", 0)
    assert more == len(rows), "each record of the second file is a copy"
