"""What layouts say of records that are not calls by themselves, and of ids that come in two forms."""

from pathlib import Path

import polars as pl
import pytest

from billing.core.findings import Refusal
from billing.ingest.layout import load_layouts, parse_layout
from billing.ingest.stage import read_cdr_file
from billing.tables.calls import LINES_PER_FILE, Waiting

SAMPLES = Path(__file__).parent / "layout_samples"
TOLD = ["line", "call_id", "call_key", "piece_number", "role", "correction_number", "unreadable"]

EVENTS = """
id: flat_events
version: 1
title: {en: Events, zh: 事件}
encodings: [utf-8]
delimiter: "|"
quoting: none
zone: Asia/Shanghai
header: [method, from_tag, callid, code, time, src, dst]
identity: {column: callid, window_hours: 24, normalise: [remove_blanks, upper]}
fields:
  caller: {column: src, form: number}
  service_number: {column: dst, form: number}
  started_at: {column: time, form: epoch_s}
outcome: {column: code, other: failed, words: {"200": answered, "486": busy}}
assemble:
  kind: events
  by: [callid, from_tag]
  role: {column: method, words: {INVITE: start, BYE: end, CANCEL: cancel, ACK: none}}
"""
CORRECTED = """
id: pushed
version: 1
title: {en: Pushed again, zh: 重推}
encodings: [utf-8]
delimiter: ","
quoting: none
zone: Asia/Shanghai
header: [id, push, src, dst, begin, seconds]
identity: {column: id}
fields:
  caller: {column: src, form: number}
  service_number: {column: dst, form: number}
  started_at: {column: begin, form: "%Y-%m-%d %H:%M:%S"}
  talk_ms: {column: seconds, form: seconds}
outcome: {column: seconds, answered_by: talk, words: {"0": no_answer}, other: no_answer}
corrections: {column: push, newest: highest}
"""


def records(folder: Path, layouts, content: str) -> pl.DataFrame:
    """All records of a file, in order of line."""
    path = folder / "calls.csv"
    path.write_text(content, "utf-8")
    reading = read_cdr_file(path, file_number=3, layouts=layouts, staging=folder / "staging", raw_copy=None)
    assert reading.is_assembled
    frames = [pl.read_parquet(part.path) for part in reading.parts.values()]
    assert all(frame.columns == Waiting.schema().names() for frame in frames)
    rows = pl.concat(frames).sort("cdr_id").with_columns(line=pl.col("cdr_id") - 3 * LINES_PER_FILE)
    return rows.with_columns(pl.col("call_key").str.replace_all("\x1f", "+", literal=True))


def told(rows: pl.DataFrame, *names: str) -> list[tuple]:
    return rows.select(names or TOLD).rows()


def test_pieces_of_the_shipped_layout(tmp_path):
    """A piece of a cut call has its number, a word that is not in the table and a call without an id are named."""
    rows = records(tmp_path, load_layouts(), (SAMPLES / "long_calls_csv.csv").read_text("utf-8"))
    assert told(rows) == [
        (2, "L1", "L1", 1, "first", None, None),
        (3, "L1", "L1", 2, "last", None, None),
        (4, "L2", "L2", None, "single", None, None),
        (5, "L3", "L3", None, "middle", None, "piece_number"),
        (6, "L4", "L4", 1, None, None, "role"),
        (7, None, None, 1, "first", None, "call_key"),
    ]
    assert rows["talk_ms"].to_list()[:3] == [1_792_000, 930_000, 0]


def test_legs_of_the_shipped_layout(tmp_path):
    """A leg to an extension or to nowhere is readable: it only has no number."""
    rows = records(tmp_path, load_layouts(), (SAMPLES / "asterisk_cdr_csv_linked.csv").read_text("utf-8"))
    assert told(rows, "call_key", "service_number", "outcome", "talk_ms", "unreadable") == [
        ("1791162000.1", None, "no_answer", 0, None),
        ("1791162000.1", "4001000001", "answered", 61_000, None),
        ("1791162000.1", None, "answered", 0, None),
    ]


def test_events_need_numbers_only_where_the_call_begins(tmp_path):
    lines = [
        "method|from_tag|callid|code|time|src|dst",
        "INVITE|a1|ba55 719e|200|1791162000|13900000001|4001000001",
        "BYE|a1|BA55719E|400|1791162061|sip:x|sip:y",
        "INVITE|a2|C2|486|1791162100|sip:x|4001000001",
        "OPTIONS|a3|C3|200|1791162100||",
    ]
    rows = records(tmp_path, [parse_layout(EVENTS, "events.yaml")], "\n".join([*lines, ""]))
    assert told(rows, "call_id", "call_key", "role", "outcome", "unreadable") == [
        ("BA55719E", "BA55719E+a1", "start", "answered", None),
        ("BA55719E", "BA55719E+a1", "end", "failed", None),
        ("C2", "C2+a2", "start", "busy", "caller"),
        ("C3", "C3+a3", None, "answered", "role"),
    ]


def test_corrections_are_numbered(tmp_path):
    lines = ["id,push,src,dst,begin,seconds", "A,0,13900000001,4001000001,2026-10-05 09:00:00,61",
             "A,1,13900000001,4001000001,2026-10-05 09:00:00,62", "B,,13900000001,4001000001,2026-10-05 10:00:00,9",
             "C, 2 ,13900000001,4001000001,2026-10-05 10:00:00,9"]  # fmt: skip
    rows = records(tmp_path, [parse_layout(CORRECTED, "pushed.yaml")], "\n".join([*lines, ""]))
    assert told(rows, "call_key", "correction_number", "unreadable") == [
        ("A", 0, None), ("A", 1, None), ("B", None, "correction_number"), ("C", 2, None),
    ]  # fmt: skip


def test_an_id_in_two_forms_becomes_one(tmp_path):
    """Also where records are calls: blanks and case are gone before ids are compared."""
    plain = CORRECTED.replace("corrections: {column: push, newest: highest}", "")
    plain = plain.replace("{column: id}", "{column: id, normalise: [remove_blanks, upper]}")
    path = tmp_path / "calls.csv"
    lines = ["id,push,src,dst,begin,seconds",
             "BA55719E F8C10015 0 1b1e08,0,13900000001,4001000001,2026-10-05 09:00:00,61",
             "  ,0,13900000001,4001000001,2026-10-05 10:00:00,61"]  # fmt: skip
    path.write_text("\n".join([*lines, ""]), "utf-8")
    layouts = [parse_layout(plain, "plain.yaml")]
    reading = read_cdr_file(path, file_number=1, layouts=layouts, staging=tmp_path / "staging", raw_copy=None)
    (part,) = reading.parts.values()
    assert pl.read_parquet(part.path).sort("cdr_id")["call_id"].to_list() == ["BA55719EF8C1001501B1E08", None]


@pytest.mark.parametrize(
    ("text", "old", "new", "problem"),
    [
        (EVENTS, "INVITE: start, ", "", "role.words has no word for start"),
        (EVENTS, "by: [callid, from_tag]", "by: [callid, to_tag]", "columns that are not in the header: to_tag"),
        (EVENTS, "by: [callid, from_tag]", "by: []", "assemble.events.by: List should have at least 1 item"),
        (EVENTS, "kind: events", "kind: halves", "does not match any of the expected tags"),
        (EVENTS, "normalise: [remove_blanks, upper]", "normalise: [lower]", "identity.normalise.0"),
        (CORRECTED, "newest: highest", "newest: lowest", "corrections.newest"),
        (CORRECTED, "identity: {column: id}", "identity: {}", "corrections without assemble need identity.column"),
    ],
)
def test_a_wrong_rule_is_refused(text, old, new, problem):
    assert old in text
    with pytest.raises(Refusal) as caught:
        parse_layout(text.replace(old, new), "own.yaml")
    finding = caught.value.findings[0]
    assert problem in f"{finding.values['field']}: {finding.values['problem']}"


def test_pieces_need_words_for_their_ends():
    long_calls = next(layout for layout in load_layouts() if layout.id == "long_calls_csv")
    pieces = type(long_calls.assemble)
    words = {"middle": "middle"}
    with pytest.raises(ValueError, match="no word for the last piece"):
        pieces(kind="pieces", by=["a"], place={"column": "p", "words": words})
    with pytest.raises(ValueError, match="needs a word for the first piece"):
        pieces(kind="pieces", by=["a"], place={"column": "p", "words": words | {"last": "last"}})


def test_two_layouts_of_a_source_put_calls_together_alike(tmp_path):
    """Else the bill would hang on which file comes last."""
    (tmp_path / "a.yaml").write_text(CORRECTED, "utf-8")
    other = CORRECTED.replace("id: pushed", "id: other\nsource: pushed").replace(
        "corrections: {column: push, newest: highest}", ""
    )
    (tmp_path / "b.yaml").write_text(other, "utf-8")
    with pytest.raises(Refusal, match="of the same source puts calls together otherwise"):
        load_layouts(tmp_path)


def test_the_layout_chooses_the_originating_side(tmp_path):
    """O-CDR and T-CDR of one call: the layout names the side that is not counted, so the call is there once."""
    sided = CORRECTED.replace("corrections: {column: push, newest: highest}", "not_ours: {column: push, values: [T]}")
    path = tmp_path / "calls.csv"
    lines = ["id,push,src,dst,begin,seconds", "A1,O,13900000001,4001000001,2026-10-05 09:00:00,13",
             "A2,T,13900000001,4001000001,2026-10-05 09:00:00,14"]  # fmt: skip
    path.write_text("\n".join([*lines, ""]), "utf-8")
    layouts = [parse_layout(sided, "sided.yaml")]
    reading = read_cdr_file(path, file_number=1, layouts=layouts, staging=tmp_path / "staging", raw_copy=None)
    assert (reading.record_count, reading.not_ours_count) == (2, 1)
    (part,) = reading.parts.values()
    assert pl.read_parquet(part.path).sort("cdr_id")["outcome"].to_list() == ["answered", "not_ours"]
