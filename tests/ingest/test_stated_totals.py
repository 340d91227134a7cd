"""What a file says about itself: its totals are compared, its trailer shows that it is whole, its number is kept."""

import gzip

import pytest

from billing.core.findings import Refusal
from billing.ingest.layout import parse_layout
from tests.ingest.cdr_files import read_bytes, rows_of
from tests.ingest.own_layouts import FIXED, STATED, detail

LAYOUTS = [parse_layout(STATED, "stated.yaml"), parse_layout(FIXED, "fixed.yaml")]
NAMES = "id,caller,called,begin,seconds,result"
FIRST = "1,13800138000,4001234567,2026-10-03 10:00:00,61,OK"
SECOND = "2,13800138000,4001234567,2026-10-03 11:00:00,0,BUSY"


def read(tmp_path, *lines: str, name: str = "calls-0309.csv", **options):
    return read_bytes(tmp_path, "\n".join([*lines, ""]).encode(), name, layouts=LAYOUTS, **options)


def finding_of(tmp_path, *lines: str, **options):
    with pytest.raises(Refusal) as caught:
        read(tmp_path, *lines, **options)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["inbox"]
    finding = caught.value.findings[0]
    return finding.reason, finding.where, finding.values


def test_figures_that_agree_are_kept(tmp_path):
    # Two records with 61 + 0 seconds; the number 309 stands in the name and in the header record.
    reading = read(tmp_path, "#BEGIN,2,309", "# by hand", NAMES, FIRST, SECOND, "#END,2,61", "", "# seen")
    assert (reading.sequence, reading.stated_records, reading.stated_talk_seconds) == (309, 2, 61)
    assert (reading.record_count, reading.framing_count) == (2, 6)
    assert rows_of(reading)["line"].to_list() == [4, 5]


def test_a_header_record_may_be_missing_where_the_layout_says_so(tmp_path):
    reading = read(tmp_path, NAMES, FIRST, "#END,1,61", name="calls.csv")
    assert (reading.sequence, reading.stated_records) == (None, 1)


def test_a_file_without_its_trailer_is_not_complete(tmp_path):
    reason, where, values = finding_of(tmp_path, NAMES, FIRST, SECOND)
    assert (reason, where, values["prefix"]) == ("TRAILER_MISSING", "calls-0309.csv", "#END")


def test_a_packed_file_without_its_trailer_is_not_complete(tmp_path):
    with pytest.raises(Refusal, match="TRAILER_MISSING"):
        read_bytes(tmp_path, gzip.compress(f"{NAMES}\n{FIRST}\n".encode()), "calls-1.csv.gz", layouts=LAYOUTS)


def test_a_file_without_its_header_record_is_not_complete(tmp_path):
    found = finding_of(tmp_path, detail(), "TRL0000010000061")
    assert found[0] == "HEADER_RECORD_MISSING"


@pytest.mark.parametrize(
    ("trailer", "figure", "stated", "found"),
    [
        ("#END,3,61", "records", 3, 2),
        ("#END,2,62", "talk_seconds", 62, 61),
        ("#END,0002,00060", "talk_seconds", 60, 61),
    ],
)
def test_figures_that_differ_are_both_kept_for_the_gate(tmp_path, trailer, figure, stated, found):
    reading = read(tmp_path, NAMES, FIRST, SECOND, trailer)
    both = {
        "records": (reading.stated_records, reading.record_count),
        "talk_seconds": (reading.stated_talk_seconds, reading.found_talk_seconds),
    }
    assert both[figure] == (stated, found)


def test_a_header_record_that_differs_from_the_trailer_refuses_the_file(tmp_path):
    reason, where, values = finding_of(tmp_path, "#BEGIN,1,309", NAMES, FIRST, SECOND, "#END,2,61")
    assert (reason, where, values["figure"]) == ("STATEMENTS_DIFFER", "calls-0309.csv:5", "records")


def test_a_name_and_a_header_record_that_differ_refuse_the_file(tmp_path):
    reason, _, values = finding_of(tmp_path, "#BEGIN,1,310", NAMES, FIRST, "#END,1,61")
    assert (reason, values) == ("STATEMENTS_DIFFER", {"figure": "sequence", "stated": 310, "before": 309})


@pytest.mark.parametrize("trailer", ["#END", "#END,", "#END,two,61", "#END,-2,61", "#END,2.0,61", "#END,２,61"])
def test_a_figure_that_is_no_whole_number_refuses_the_file(tmp_path, trailer):
    assert finding_of(tmp_path, NAMES, FIRST, SECOND, trailer)[:2] == ("STATEMENT_UNREADABLE", "calls-0309.csv:4")


def test_files_that_were_joined_are_refused(tmp_path):
    whole = [NAMES, FIRST, "#END,1,61"]
    assert finding_of(tmp_path, *whole, *whole)[:2] == ("FRAMING_MISPLACED", "calls-0309.csv:6")
    assert finding_of(tmp_path, *whole, SECOND)[:2] == ("FRAMING_MISPLACED", "calls-0309.csv:3")
    late = [NAMES, "#BEGIN,1,309", *whole[1:]]
    assert finding_of(tmp_path, *late)[:2] == ("FRAMING_MISPLACED", "calls-0309.csv:2")


def test_a_record_that_cannot_be_read_counts_as_a_record_and_adds_no_talk(tmp_path):
    broken, lost = "3,no record", FIRST.replace("1,", "4,", 1).replace(",61,", ",6x,")
    reading = read(tmp_path, NAMES, FIRST, broken, lost, '"5"' + SECOND[1:], "#END,4,61")
    assert rows_of(reading)["unreadable"].to_list() == [None, "line", "talk_ms", None]


def test_a_part_of_a_file_states_nothing(tmp_path):
    reading = read(tmp_path, NAMES, FIRST, is_excerpt=True)
    assert (reading.sequence, reading.stated_records, reading.record_count) == (None, None, 1)


def test_a_name_is_searched_for_the_number_as_the_layout_says(tmp_path):
    for name, sequence in (("calls-0309.csv", 309), ("calls_0309.csv", None), ("a-1-22.csv", 22)):
        reading = read(tmp_path, NAMES, FIRST, "#END,1,61", name=name, staging=tmp_path / f"of {name}", raw_copy=None)
        assert reading.sequence == sequence


@pytest.mark.parametrize("pattern", ["-([0-9]+", "-[0-9]+", "(a)(b)"])
def test_a_pattern_without_one_pair_of_brackets_is_refused(pattern):
    with pytest.raises(Refusal, match="file_sequence"):
        parse_layout(STATED.replace("-([0-9]+)[.]csv$", pattern), "stated.yaml")
