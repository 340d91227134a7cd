"""Call details: every call of the customer's own numbers, nobody else's, and on record who gave them out and why."""

import csv
import datetime as dt
import json
import stat

import pytest
from python_calamine import CalamineWorkbook

from billing.core.told_numbers import tells_a_number
from pipelines import call_details
from tests.commands.corner_shop import (
    CATALOG,
    PERIOD,
    bill400,
    listing,
    one_call,
    open_shop,
    published_rows,
    write_calls,
)

MOBILE, LANDLINE, SHORT = "13912345678", "02155550123", "10086"
ASKED = ("--by", "Wang Fang", "--reason", "written request of 4 November")


def _call(call_id, number, start, talk, caller=MOBILE, outcome="answered"):
    return one_call(call_id, number, start, talk, outcome).replace("13900000000", caller)


CALLS = (
    _call("P-1", "4006000001", "2026-10-02 09:00:00", 61),
    _call("P-2", "4006000001", "2026-10-02 08:00:00", 60, LANDLINE),
    _call("P-3", "4001000006", "2026-10-02 08:30:00", 5, SHORT),
    _call("P-4", "4006000001", "2026-10-04 12:00:00", 30, ""),
    _call("P-5", "4006000001", "2026-10-05 00:00:00", 0, outcome="busy"),
    _call("P-6", "4006000002", "2026-10-02 08:00:00", 7, "13877776666"),
)


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """Books in which 4006000001 went from C1 (contract HT1) to C3 (HT3) on 4 October."""
    root = open_shop(tmp_path_factory.mktemp("moved") / "books")
    held = CATALOG["subscriptions"].lstrip()
    held = held.replace("HT1,4006000001,split_010,2026-01-10,,", "HT1,4006000001,split_010,2026-01-10,2026-10-04,")
    held += "HT3,4006000001,split_010,2026-10-04,,,,\n"
    (root / "catalog" / "subscriptions.csv").write_text(held, "utf-8")
    write_calls(root / "inbox" / "calls.csv", CALLS)
    bill400("run", root, PERIOD)
    return root


def _given(books, recipient, to, *options, code=0):
    return bill400("call-details", books, PERIOD, recipient, "--to", to, *ASKED, *options, code=code)


def _rows(path):
    with path.open(encoding="utf-8-sig") as lines:
        return list(csv.reader(lines))


def test_every_call_of_the_owner_in_order_with_its_caller(moved, tmp_path):
    _given(moved, "C1", tmp_path / "calls.csv")
    # 0.10 yuan a begun minute: 60 s 0.10, 61 s 0.20; the short call is charged by the same plan.
    assert _rows(tmp_path / "calls.csv")[1:] == [
        ["2026-10-02/1-3", "4006000001", LANDLINE, "上海", "", "2026-10-02 08:00:00", "2026-10-02 08:00:05",
         "2026-10-02 08:01:05", "answered", "60", "60", "0.100000", ""],
        ["2026-10-02/1-4", "4001000006", SHORT, "", "", "2026-10-02 08:30:00", "2026-10-02 08:30:05",
         "2026-10-02 08:30:10", "answered", "5", "60", "0.100000", ""],
        ["2026-10-02/1-2", "4006000001", MOBILE, "江苏", "", "2026-10-02 09:00:00",
         "2026-10-02 09:00:05", "2026-10-02 09:01:06", "answered", "61", "120", "0.200000", ""],
    ]  # fmt: skip
    assert (tmp_path / "calls.csv").read_bytes().startswith(b"\xef\xbb\xbfCall,400 number,Caller,")


def test_calls_after_a_transfer_are_those_of_the_new_owner(moved, tmp_path):
    _given(moved, "C3", tmp_path / "calls.csv")
    told = [(row[0], row[2], row[8], row[11], row[12]) for row in _rows(tmp_path / "calls.csv")[1:]]
    # The caller of the first withheld the number; the second was busy and costs nothing.
    assert told == [
        ("2026-10-04/1-5", "", "answered", "0.100000", ""),
        ("2026-10-05/1-6", MOBILE, "busy", "0.000000", "not answered"),
    ]
    refused = _given(moved, "4006000001", tmp_path / "both.csv", code=2)
    assert "CALLS_OF_SEVERAL" in refused.err and "C1, C3" in refused.err and not (tmp_path / "both.csv").exists()


def test_a_number_gives_its_own_calls(moved, tmp_path):
    _given(moved, "4001000006", tmp_path / "calls.csv")
    assert [row[2] for row in _rows(tmp_path / "calls.csv")[1:]] == [SHORT]
    assert "CALLS_OF_NOBODY" in _given(moved, "4009999999", tmp_path / "none.csv", code=2).err


def test_numbers_are_masked_when_asked(moved, tmp_path):
    _given(moved, "C1", tmp_path / "calls.csv", "--masked")
    text = (tmp_path / "calls.csv").read_text("utf-8")
    assert [row[2] for row in _rows(tmp_path / "calls.csv")[1:]] == ["021****0123", "****0086", "139****5678"]
    assert not any(number in text for number in (MOBILE, LANDLINE, SHORT))


def test_a_workbook_says_the_same(moved, tmp_path):
    _given(moved, "C1", tmp_path / "calls.csv")
    _given(moved, "C1", tmp_path / "calls.xlsx")
    (sheet,) = CalamineWorkbook.from_path(tmp_path / "calls.xlsx").sheet_names
    assert sheet == "Calls"
    rows = CalamineWorkbook.from_path(tmp_path / "calls.xlsx").get_sheet_by_name(sheet).to_python()
    told = [[_text(cell, column) for column, cell in enumerate(row)] for row in rows]
    assert told == _rows(tmp_path / "calls.csv")
    assert isinstance(rows[1][2], str), "a number of a telephone is text"


def _text(cell, column):
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, float):
        return f"{cell:.6f}" if column == 11 else f"{cell:.0f}"
    return cell


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_the_same_calls_are_the_same_bytes(moved, tmp_path, ending):
    for name in ("one", "two"):
        _given(moved, "C1", tmp_path / f"{name}.{ending}")
    assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()


def test_who_gave_what_to_whom_is_on_record(moved, tmp_path):
    _given(moved, "C1", tmp_path / "calls.csv")
    text = sorted((moved / "commits").glob("*.json"))[-1].read_text("utf-8")
    commit = json.loads(text)
    assert (commit["kind"], commit["by"]) == ("call_details", "Wang Fang")
    facts = {"period": PERIOD, "customer": "C1", "call_count": 3, "is_masked": False, "reason": ASKED[3]}
    assert commit["facts"] == facts
    assert not any(told in text for told in (MOBILE, LANDLINE, "calls.csv", str(tmp_path)))
    assert "3 calls of C1: written request of 4 November" in bill400("log", moved, "--lang", "en").out


def test_a_draft_may_still_change_and_says_so(moved, closed, tmp_path):
    assert "not closed" in _given(moved, "C1", tmp_path / "draft.csv").out
    assert "not closed" not in _given(closed, "C1", tmp_path / "final.csv").out
    count = len(_rows(tmp_path / "final.csv")) - 1
    usage = published_rows(closed, "usage_total")
    own = {"HT1"}
    assert count == sum(int(row["call_count"]) for row in usage if row["contract_id"] in own) > 0


@pytest.mark.parametrize(
    ("options", "reason", "code"),
    [
        (("--by", " ", "--reason", "x"), "NAME_MISSING", 2),
        (("--by", "x", "--reason", " "), "REASON_MISSING", 2),
    ],
)
def test_nameless_or_without_a_reason_nothing_is_given(moved, tmp_path, options, reason, code):
    before = listing(moved)
    ended = bill400("call-details", moved, PERIOD, "C1", "--to", tmp_path / "x.csv", *options, code=code)
    assert reason in ended.err and listing(moved) == before and not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize(
    "reason",
    [
        "call of 13912345678",
        "来电02155550123的投诉",
        "１３９１２３４５６７８",
        "139-1234-5678",
        "139 1234 5678",
        "tel5550123",
    ],
)
def test_a_reason_with_a_number_is_refused(moved, tmp_path, reason):
    before = listing(moved)
    ended = _given(moved, "C1", tmp_path / "x.csv", "--reason", reason, code=2)
    assert "REASON_WITH_NUMBER" in ended.err and reason not in ended.err + ended.out
    assert listing(moved) == before and not list(tmp_path.glob("*x.csv*"))


@pytest.mark.parametrize(
    "reason", ["投诉4006000001被叫异常", "request of 2026-11-04, ticket 714263", "合同HT1，2026年11月4日来函"]
)
def test_a_reason_without_a_caller_is_kept(moved, tmp_path, reason):
    _given(moved, "C1", tmp_path / "x.csv", "--reason", reason)
    assert reason in bill400("log", moved).out


def test_ids_with_letters_may_stand_in_a_reason():
    assert not tells_a_number("合同HT20261234到期", ["HT20261234"])
    assert not tells_a_number("HT-20261234/2", ["HT-20261234"])
    assert tells_a_number("HT20261234", ["HT2026"]) and tells_a_number("HT20261234", [])
    # An id of digits alone may be a number as well.
    assert tells_a_number("13912345678", ["13912345678"]) and tells_a_number("021-55501234", ["021-55501234"])
    assert tells_a_number("40060000011", []) and not tells_a_number("4006000001、4001000006", [])


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_only_who_asked_may_read_the_file(moved, tmp_path, ending):
    to = tmp_path / f"calls.{ending}"
    left = tmp_path / f".calls.{ending}.part"
    left.write_text("of a killed command")
    left.chmod(0o644)
    _given(moved, "C1", to)
    assert stat.S_IMODE(to.stat().st_mode) == 0o600 and not left.exists()


def test_where_the_list_may_not_go(moved, tmp_path):
    (tmp_path / "there.csv").write_text("mine")
    assert "EXPORT_NOT_FREE" in _given(moved, "C1", tmp_path / "there.csv", code=2).err
    assert "EXPORT_FORM_UNKNOWN" in _given(moved, "C1", tmp_path / "calls.png", code=2).err
    assert "FOLDER_IN_BOOKS" in _given(moved, "C1", moved / "calls.csv", code=2).err
    assert (tmp_path / "there.csv").read_text() == "mine"


def test_more_calls_than_a_sheet_holds_are_refused(moved, tmp_path, monkeypatch):
    monkeypatch.setattr(call_details, "SHEET_ROWS", 2)
    ended = _given(moved, "C1", tmp_path / "calls.xlsx", code=2)
    assert "CALLS_TOO_LONG" in ended.err and ".csv" in ended.err and not list(tmp_path.glob("*calls*"))
    _given(moved, "C1", tmp_path / "calls.csv")


def test_a_dry_run_counts_and_writes_nothing(moved, tmp_path):
    before = listing(moved)
    ended = _given(moved, "C1", tmp_path / "calls.csv", "--dry-run", "--json")
    assert ended.json["calls"] == 3 and listing(moved) == before and not list(tmp_path.glob("*calls*"))


def test_a_month_without_a_draft_has_no_calls_to_give(ingested, tmp_path):
    assert "NO_DRAFT" in _given(ingested, "C1", tmp_path / "calls.csv", code=3).err
