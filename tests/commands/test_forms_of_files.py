"""Calls that come as JSON, Parquet or a workbook go the whole way: shown, read, held back with what the file said."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from tests.commands.corner_shop import HEADER, PERIOD, bill400, one_call, published_rows
from tests.commands.shop_fixtures import stocked  # noqa: F401
from tests.ingest.own_layouts import STATED

NAMES = HEADER.split(",")
# Two calls of 61 s and one whose caller a spreadsheet has shortened; so many good ones that the file is taken.
ROWS = [one_call(f"P{hour}", "4006000001", f"2026-10-02 {hour:02}:00:00", 61).split(",") for hour in (9, 10, 11)]
ROWS[1][1] = "8.62139E+11"


def as_json(path) -> None:
    """Three calls and a line that was cut off, in UTC."""
    calls = [
        {"icid": row[0], "callerNum": row[1], "calleeNum": "+86" + row[2], "callInTime": f"2026-10-02 0{hour}:00:00",
         "fwdAnswerTime": f"2026-10-02 0{hour}:00:05", "callEndTime": f"2026-10-02 0{hour}:01:06", "fwdUnaswRsn": 0}
        for hour, row in zip((1, 2, 3), ROWS, strict=True)
    ]  # fmt: skip
    lines = [json.dumps({"feeLst": [call]}) for call in calls]
    path.write_text("\n".join(lines), "utf-8")


def as_parquet(path) -> None:
    """The rows, all of them text."""
    pq.write_table(pa.table(dict(zip(NAMES, map(pa.array, zip(*ROWS, strict=True)), strict=True))), path)


def as_workbook(path) -> None:
    """The rows, all of them text."""
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet("calls")
        for number, row in enumerate([NAMES, *ROWS]):
            sheet.write_row(number, 0, row)


FILES = {
    "calls.json": (as_json, "huawei_cloud_voice@1", "utf-8/json/feeLst", 2),
    "calls.parquet": (as_parquet, "plain_parquet@1", "parquet", 3),
    "calls.xlsx": (as_workbook, "plain_xlsx@1", "xlsx/calls", 3),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_shown_as_it_would_be_read(tmp_path, name):
    write, layout, encoding, line = FILES[name]
    write(tmp_path / name)
    tried = bill400("layouts", "try", tmp_path / name, "--json").json
    assert (tried["layout"], tried["encoding"], tried["records"]) == (layout, encoding, 3)
    assert [(row["line"], row["unreadable"]) for row in tried["rows"]][1] == (line, "caller")
    assert [row["talk_ms"] for row in tried["rows"]] == [61_000] * 3


@pytest.mark.parametrize("name", FILES)
def test_what_is_held_back_is_told_as_the_file_has_it(stocked, name):  # noqa: F811
    write, layout, _, line = FILES[name]
    write(stocked / "inbox" / name)
    bill400("ingest", stocked, stocked / "inbox")
    bill400("run", stocked, PERIOD)
    (told,) = bill400("explain", stocked, f"{name}:{line}", "--json").json["explanations"]
    text = told["source"]["text"]
    if name == "calls.json":
        assert json.loads(text)["callerNum"] == "8.62139E+11"
    else:
        assert text.startswith("call_id=P10; caller=8.62139E+11; service_number=4006000001; started_at=")
    assert (told["reason"], told["source"]["layout"]) == ("VALUE_UNREADABLE", layout)
    # What is published shows no digit of it.
    held = [row["raw_text"] for row in published_rows(stocked, "suspense") if row["reason"] == "VALUE_UNREADABLE"]
    assert held == [re.sub("[0-9]", "*", text)]
    assert bill400("verify", stocked).code == 0


def test_the_head_of_a_long_array_on_one_line_is_read(tmp_path):
    as_json(tmp_path / "calls.json")
    call = json.loads((tmp_path / "calls.json").read_text("utf-8").splitlines()[0])
    (tmp_path / "long.json").write_text(json.dumps([call] * 5_000), "utf-8")
    tried = bill400("layouts", "try", tmp_path / "long.json", "--json").json
    assert 500 < tried["records"] < 5_000
    assert [row["line"] for row in tried["rows"]] == list(range(1, 11))


def test_a_file_that_is_missing_in_the_row_of_a_source_is_told(stocked):  # noqa: F811
    (stocked / "layouts" / "stated_csv.yaml").write_text(STATED, "utf-8")
    inbox = stocked / "inbox"
    for old in inbox.iterdir():
        old.unlink()
    # 308 and 309 follow one another, 310 is missing.
    assert gaps_told(stocked, inbox, 308, 309, 311) == ["311, due 310"]
    # It comes late, out of its row; 312 then follows 311 all the same.
    assert gaps_told(stocked, inbox, 310) == ["310, due 312"]
    assert gaps_told(stocked, inbox, 312) == []


def gaps_told(books, inbox, *sequences):
    """Read files with these numbers; those that follow where another was due."""
    for sequence in sequences:
        call = f"S{sequence},13900000000,4006000001,2026-10-02 {sequence % 24:02}:00:00,61,OK"
        lines = ["id,caller,called,begin,seconds,result", call, "#END,1,61", ""]
        (inbox / f"calls-{sequence}.csv").write_text("\n".join(lines), "utf-8")
    findings = bill400("ingest", books, inbox, "--json").json["findings"]
    told = [finding["values"] for finding in findings if finding["reason"] == "SEQUENCE_GAP"]
    return [f"{values['sequence']}, due {values['expected_sequence']}" for values in told]
