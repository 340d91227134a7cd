import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.ingest import identity
from billing.ingest.identity import Copies, find_copies
from billing.tables.calls import LINES_PER_FILE, NOT_OURS, Cdr
from billing.tables.parquet import write_table
from tests.ingest.cdr_files import clock

NOBODY = pl.Series("cdr_id", [], pl.Int64)
CALL = {
    "source": "A", "call_id": "1", "caller": "13800138000", "service_number": "4001234567", "landing_number": None,
    "platform_answered_at": None, "answered_at": None, "ended_at": None, "talk_ms": 0, "outcome": "busy",
    "unreadable": None,
}  # fmt: skip


def call(line: int, start: str = "2026-10-03T10:00:00", file: int = 1, **fields: Any) -> dict[str, Any]:
    started = clock(start)
    return CALL | {"cdr_id": file * LINES_PER_FILE + line, "usage_date": started.date(), "started_at": started} | fields


def store(folder: Path, calls: Sequence[dict[str, Any]]) -> dict[dt.date, list[Path]]:
    """Parts as ingest stages them: one a file and day."""
    parts: dict[dt.date, list[Path]] = {}
    files = {(row["cdr_id"] // LINES_PER_FILE, row["usage_date"]) for row in calls}
    for number, day in sorted(files):
        rows = [row for row in calls if (row["cdr_id"] // LINES_PER_FILE, row["usage_date"]) == (number, day)]
        path = folder / str(day) / f"{number}.parquet"
        write_table(pl.DataFrame(rows, schema=Cdr.schema()).sort(Cdr.cdr_id), Cdr, path)
        parts.setdefault(day, []).append(path)
    return parts


def find(folder: Path, new: Sequence[dict[str, Any]], stored: Sequence[dict[str, Any]] = (), **options: Any) -> Copies:
    held = store(folder / "stored", stored)
    if options.pop("is_closed", False):
        options["closed"] = {path for paths in held.values() for path in paths}
    return find_copies(
        store(folder / "new", new), held, **({"known": NOBODY, "given_up": NOBODY, "closed": ()} | options)
    )


def ids(frame: pl.DataFrame) -> list[int]:
    return [value % LINES_PER_FILE for value in frame[Cdr.cdr_id]]


def told(copies: Copies) -> tuple[list[int], list[int]]:
    return ids(copies.duplicates), ids(copies.conflicts)


def test_a_copy_repeats_the_first_that_came(tmp_path):
    copies = find(tmp_path, [call(3), call(2), call(4, call_id="2"), call(5, file=2)])
    assert told(copies) == ([3, 5], [])
    assert copies.duplicates["repeats_cdr_id"].unique().to_list() == [LINES_PER_FILE + 2]
    assert copies.duplicates["usage_date"].unique().to_list() == [dt.date(2026, 10, 3)]


@pytest.mark.parametrize(
    ("field", "value"),
    [("caller", "13900139000"), ("service_number", "4007654321"), ("talk_ms", 1000), ("outcome", "failed"),
     ("landing_number", "10086"), ("ended_at", clock("2026-10-03T10:00:09"))],
)  # fmt: skip
def test_the_same_call_told_otherwise_holds_both(tmp_path, field, value):
    copies = find(tmp_path, [call(2), call(3, **{field: value}), call(4)])
    assert told(copies) == ([4], [2, 3])


@pytest.mark.parametrize(("start", "held"), [("2026-10-03T21:59:59", [2, 3]), ("2026-10-03T22:00:00", [])])
def test_an_id_is_another_call_once_the_window_has_passed(tmp_path, start, held):
    assert told(find(tmp_path, [call(2), call(3, start)])) == ([], held)


def test_the_window_is_the_sources_own(tmp_path):
    calls = [call(2), call(3, "2026-10-03T11:00:00")]
    assert told(find(tmp_path, calls, window_hours={"A": 1})) == ([], [])
    assert told(find(tmp_path, calls, window_hours={"A": 2})) == ([], [2, 3])
    assert told(find(tmp_path, calls, window_hours={"B": 1})) == ([], [2, 3])


def test_calls_across_midnight_are_compared(tmp_path):
    before, after = "2026-10-03T23:59:59", "2026-10-04T00:00:01"
    assert told(find(tmp_path / "a", [call(2, before), call(3, after)])) == ([], [2, 3])
    assert told(find(tmp_path / "b", [call(3, after, file=2)], [call(2, before)])) == ([], [2, 3])
    assert told(find(tmp_path / "c", [call(3, before, file=2)], [call(2, after)])) == ([], [2, 3])


def test_sources_do_not_share_ids(tmp_path):
    assert told(find(tmp_path, [call(2), call(3, source="B"), call(4, source="B", talk_ms=9)])) == ([], [3, 4])


def test_without_an_id_caller_number_start_and_talk_are_the_call(tmp_path):
    bare = {"call_id": None}
    calls = [
        call(2, **bare),
        call(3, **bare),
        call(4, **bare, landing_number="10086"),
        call(5, **bare, talk_ms=1000),
        call(6, "2026-10-03T10:00:01", **bare),
        call(7, **bare, caller=None),
        call(8, **bare, caller=None),
        call(9, **bare, service_number="4007654321"),
        call(10),
    ]
    assert told(find(tmp_path, calls)) == ([3, 8], [2, 4])


def test_what_cannot_be_read_or_is_not_ours_has_no_identity(tmp_path):
    calls = [call(2, unreadable="talk_ms"), call(3, unreadable="talk_ms"), call(4, outcome=NOT_OURS), call(5)]
    assert told(find(tmp_path, calls)) == ([], [])


def test_a_stored_call_is_found_again(tmp_path):
    copies = find(tmp_path, [call(2, file=2), call(3, file=2, call_id="2", talk_ms=5)], [call(7), call(8, call_id="2")])
    assert told(copies) == ([2], [8, 3])
    assert copies.duplicates["repeats_cdr_id"].to_list() == [LINES_PER_FILE + 7]


def test_against_a_closed_month_only_the_new_line_waits(tmp_path):
    copies = find(tmp_path, [call(2, file=2, talk_ms=5)], [call(7)], is_closed=True)
    assert told(copies) == ([], [2])


def test_what_was_decided_before_is_not_decided_again(tmp_path):
    stored = [call(7), call(8), call(9, talk_ms=5), call(10, call_id="3"), call(11, call_id="3", talk_ms=5)]
    copies = find(tmp_path, [call(2, file=2, call_id="9")], stored, known=pl.Series([LINES_PER_FILE + 8]))
    assert told(copies) == ([], [])
    third = find(tmp_path / "b", [call(2, file=2)], stored, known=pl.Series([LINES_PER_FILE + 8]))
    assert told(third) == ([2], [])


def test_equal_hashes_alone_are_no_copy(tmp_path, monkeypatch):
    monkeypatch.setattr(
        identity, "_key_hashes", lambda path: pl.Series([7] * pl.read_parquet(path).height, dtype=pl.UInt64)
    )
    calls = [call(2), call(3, call_id="2"), call(4, call_id=None), call(5, call_id="2")]
    assert told(find(tmp_path, calls)) == ([5], [])


def test_many_candidates_are_compared_in_portions(tmp_path, monkeypatch):
    calls = [call(line, call_id=str(line % 40)) for line in range(2, 122)]
    whole = find(tmp_path / "a", calls)
    monkeypatch.setattr(identity, "CANDIDATES_AT_ONCE", 7)
    assert find(tmp_path / "b", calls).duplicates.equals(whole.duplicates)
    assert whole.duplicates.height == 80


STARTS = [f"2026-10-{day:02d}T{hour:02d}:30:00" for day in (2, 3, 4, 5) for hour in (0, 6, 13, 23)]
CONTENTS = st.tuples(
    st.sampled_from(["1", "2", None]),
    st.sampled_from(STARTS),
    st.sampled_from([0, 1000]),
    st.sampled_from(["busy", "failed"]),
)


def content_of(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["call_id"], row["started_at"], row["talk_ms"], row["outcome"]


def by_definition(rows: Sequence[dict[str, Any]]) -> tuple[list[Any], set[Any]]:
    """Contents billed (each once) and held, by comparing every record with every other."""

    def is_same_call(one: dict[str, Any], other: dict[str, Any]) -> bool:
        if one["call_id"] is None or other["call_id"] is None:
            same = one["call_id"] == other["call_id"] and one["started_at"] == other["started_at"]
            return same and one["talk_ms"] == other["talk_ms"]
        near = abs(one["started_at"] - other["started_at"]) < dt.timedelta(hours=12)
        return one["call_id"] == other["call_id"] and near

    held = {
        content_of(one)
        for one in rows
        if any(is_same_call(one, other) and content_of(one) != content_of(other) for other in rows)
    }
    return sorted({content_of(row) for row in rows} - held, key=str), held


def outcome_of(copies: Copies, rows: Sequence[dict[str, Any]]) -> tuple[list[Any], set[Any]]:
    out = set(copies.duplicates[Cdr.cdr_id]) | set(copies.conflicts[Cdr.cdr_id])
    by_id = {row["cdr_id"]: content_of(row) for row in rows}
    held = {by_id[cdr_id] for cdr_id in copies.conflicts[Cdr.cdr_id]}
    return sorted((content for cdr_id, content in by_id.items() if cdr_id not in out), key=str), held


@settings(max_examples=60, deadline=None)
@given(st.lists(CONTENTS, min_size=1, max_size=9), st.data())
def test_order_and_files_change_nothing_that_is_billed(tmp_path_factory, contents, data):
    for attempt in range(2):
        order = data.draw(st.permutations(contents))
        files = data.draw(st.lists(st.integers(1, 3), min_size=len(order), max_size=len(order)))
        rows = [
            call(line, start, file=file, call_id=call_id, talk_ms=talk, outcome=outcome)
            for line, ((call_id, start, talk, outcome), file) in enumerate(zip(order, files, strict=True), 2)
        ]
        copies = find(tmp_path_factory.mktemp(f"calls{attempt}"), rows)
        assert outcome_of(copies, rows) == by_definition(rows)


@settings(max_examples=60, deadline=None)
@given(st.lists(CONTENTS, min_size=2, max_size=9), st.integers(1, 8))
def test_two_ingests_bill_what_one_would(tmp_path_factory, contents, cut):
    rows = [
        call(line, start, file=1 + (line - 2 >= cut), call_id=call_id, talk_ms=talk, outcome=outcome)
        for line, (call_id, start, talk, outcome) in enumerate(contents, 2)
    ]
    folder = tmp_path_factory.mktemp("calls")
    first = [row for row in rows if row["cdr_id"] < 2 * LINES_PER_FILE]
    second = [row for row in rows if row["cdr_id"] > 2 * LINES_PER_FILE]
    one = find(folder / "a", first)
    two = find(folder / "b", second, first, known=one.duplicates[Cdr.cdr_id])
    both = Copies(pl.concat([one.duplicates, two.duplicates]), pl.concat([one.conflicts, two.conflicts]))
    assert outcome_of(both, rows) == by_definition(rows)
    assert both.duplicates[Cdr.cdr_id].is_unique().all()
