"""Suspense as a work list: what waits, what it is worth, and the two ways out of it."""

import csv
import json

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from tests.commands.corner_shop import (
    NUMBERS,
    PERIOD,
    STRANGER,
    bill400,
    copied,
    listing,
    one_call,
    open_shop,
    published_rows,
    write_calls,
)
from tests.commands.test_month_commands import append_row

HOSTILE = "=cmd|' /C calc'!A0,\x1b[31m<b>,4006000001,,not a time,,,answered"
PRICED = one_call("P-1", NUMBERS[0], "2026-10-02 09:00:00", 600)


def figures(books, period=PERIOD):
    """Records of the certificate that a run of the month prints, by figure."""
    told = bill400("run", books, period, "--json").json["conservation"]
    return {name: row["count"] for name, row in told.items() if row["count"] is not None}


def waiting(books, *options):
    return bill400("suspense", books, "--json", *options).json


def shop(root, *files):
    """Books with files of calls that were read: each a list of lines."""
    open_shop(root)
    for number, lines in enumerate(files, 1):
        bill400("ingest", root, write_calls(root / "inbox" / f"{number}.csv", lines), code=None)
    return root


def own_layout(books, *, version, words="{up: answered}", form="%Y-%m-%d %H:%M:%S"):
    """A layout of the shop's own, as somebody corrects it."""
    text = (
        f"id: shop\nversion: {version}\ntitle: {{en: Shop, zh: 店}}\nencodings: [utf-8]\ndelimiter: ';'\n"
        "quoting: none\nzone: Asia/Shanghai\nheader: [id, from, to, start, seconds, how]\nidentity: {column: id}\n"
        "fields:\n  caller: {column: from, form: number}\n  service_number: {column: to, form: number}\n"
        f"  started_at: {{column: start, form: '{form}'}}\n  talk_ms: {{column: seconds, form: seconds}}\n"
        f"outcome:\n  column: how\n  words: {words}\n"
    )
    (books / "layouts").mkdir(exist_ok=True)
    (books / "layouts" / "shop.yaml").write_text(text, "utf-8")


def reason_of(books, **columns):
    return {row["key"]: row["reason"] for row in waiting(books)["records"]}


def test_the_list_sums_up_by_reason_and_values_what_waits_by_the_last_price(drafted):
    told = waiting(drafted)
    # X-2 of September is billed late; X-1 has an unknown number; cannot be read. 4001000006 has no contract
    # on the 1st, on which 4 calls reached it.
    assert {row["reason"]: row["count"] for row in told["by_reason"]} == {
        "NUMBER_UNKNOWN": 1, "START_UNREADABLE": 1, "LINE_BROKEN": 1, "NO_CONTRACT_AT_CALL": 4,
    }  # fmt: skip
    (unknown,) = [row for row in told["records"] if row["reason"] == "NUMBER_UNKNOWN"]
    # The number was never billed: one minute at the median of the numbers' prices. Of six numbers the lower middle one
    # counts; at 0.10 a minute each (180+60 makes long calls cheaper, 6 s blocks the same), it is 0.10.
    assert (unknown["file"], unknown["service_number"], unknown["valued_by"]) == ("b.csv", STRANGER, "median")
    assert unknown["value_estimated"] == "0.10"
    assert unknown["raw_text"].startswith("X-1,13900000000,4006999999")


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        (("NUMBER_UNKNOWN",), (1, "0.10", 0, "1 records were given up, worth about 0.10 yuan")),
        (("LINE_BROKEN",), (1, "-", 1, "1 records were given up, of a value that cannot be told")),
        (
            ("NUMBER_UNKNOWN", "LINE_BROKEN"),
            (2, "0.10", 1, "2 records were given up, worth at least 0.10 yuan (1 of them of unknown value)"),
        ),
    ],
)
def test_what_cannot_be_valued_is_not_given_up_as_nothing(drafted, codes, told):
    chosen = [argument for code in codes for argument in ("--code", code)]
    given_up = ("write-off", drafted, *chosen, "--by", "reviewer", "--reason", "too old")
    ended = bill400(*given_up, "--dry-run", "--json").json
    assert (ended["left"], ended["value_estimated"], ended["unvalued_count"]) == told[:3]
    assert told[3] in bill400(*given_up).out


def test_the_value_of_a_known_number_is_its_own_last_price_by_minutes_begun(tmp_path):
    # 90,000 s are 1500 minutes, at 0.10 yuan.
    long = one_call("P-2", NUMBERS[0], "2026-10-03 09:00:00", 90_000)
    books = shop(tmp_path / "books", [PRICED, long])
    (row,) = waiting(books)["records"]
    assert (row["reason"], row["value_estimated"], row["valued_by"]) == ("CALL_TOO_LONG", "150.00", "number")


def test_filters_choose_by_reason_file_and_period(drafted):
    assert waiting(drafted, "--code", "LINE_BROKEN")["count"] == 1
    assert waiting(drafted, "--file", "c.csv")["count"] == 0
    assert waiting(drafted, "--period", "2026-11")["count"] == 0
    assert waiting(drafted, "--period", PERIOD)["count"] == 7


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_hostile_text_reaches_no_sheet_and_no_terminal_as_it_is(tmp_path, form):
    books = shop(tmp_path / "books", [PRICED, HOSTILE])
    target = tmp_path / f"list.{form}"
    bill400("suspense", books, "--to", target)
    ended = bill400("suspense", books, "--list")
    assert "\x1b" not in ended.out and "\\x1b" in ended.out
    if form == "csv":
        (row,) = csv.DictReader(target.read_text("utf-8-sig").splitlines())
        assert row["raw_text"].startswith("'=cmd|")
    else:
        sheet = CalamineWorkbook.from_path(str(target)).get_sheet_by_index(0)
        headings, cells = sheet.to_python()
        assert dict(zip(headings, cells, strict=True))["raw_text"].startswith("=cmd|"), "text, never run"
        assert b"<f>" not in target.read_bytes()
    told = waiting(books)["records"][0]["raw_text"]
    assert "\x1b" not in told


def test_a_form_that_is_not_known_is_refused_before_anything_is_read(drafted):
    assert "EXPORT_FORM_UNKNOWN" in bill400("suspense", drafted, "--to", "list.pdf", code=2).err


def test_what_is_given_up_is_told_by_name_and_is_billed_no_more(drafted):
    before = figures(drafted)
    ended = bill400(
        "write-off", drafted, "--code", "LINE_BROKEN", "--by", "王芳", "--reason", "运营商无法重发", "--json"
    )
    assert (ended.json["left"], ended.json["stay"]) == (1, 0)
    after = figures(drafted)
    assert after["records_written_off"] == 1
    assert after["records_suspense_ingest"] == before["records_suspense_ingest"] - 1
    assert after["records_read"] == before["records_read"]
    assert waiting(drafted, "--code", "LINE_BROKEN")["count"] == 0
    (commit,) = [row for row in bill400("log", drafted, "--json").json["commits"] if row["kind"] == "write_off"]
    assert commit["by"] == "王芳" and "运营商无法重发" in commit["what"]
    assert bill400("verify", drafted).code == 0


def test_a_call_without_price_that_was_given_up_is_not_billed_when_it_gets_one(drafted):
    rated = figures(drafted)["calls_rated"]
    bill400("write-off", drafted, "--code", "NUMBER_UNKNOWN", "--by", "王芳", "--reason", "测试号码")
    append_row(drafted, "numbers", f"{STRANGER},,C,02155550009")
    append_row(drafted, "subscriptions", f"HT1,{STRANGER},split_010,2026-10-01,,,,")
    assert figures(drafted)["calls_rated"] == rated


def test_books_may_be_named_by_a_relative_path(drafted, monkeypatch):
    append_row(drafted, "numbers", f"{STRANGER},,C,02155550009")
    append_row(drafted, "subscriptions", f"HT1,{STRANGER},split_010,2026-10-01,,,,")
    monkeypatch.chdir(drafted.parent)
    assert bill400("recycle", drafted.name, "--code", "NUMBER_UNKNOWN", "--json").json["left"] == 1


def test_giving_up_can_be_taken_back(drafted):
    before = figures(drafted)
    bill400("write-off", drafted, "--code", "LINE_BROKEN", "--by", "王芳", "--reason", "误操作")
    number = bill400("log", drafted, "--json").json["commits"][-1]["number"]
    bill400("take-back", drafted, number, "--reason", "误操作")
    assert figures(drafted) == before
    assert "TAKE_BACK_TWICE" in bill400("take-back", drafted, number, "--reason", "x", code=3).err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--code", "LINE_BROKEN", "--reason", "x"], "NAME_MISSING"),
        (["--code", "LINE_BROKEN", "--by", "x"], "REASON_MISSING"),
        (["--by", "x", "--reason", "x"], "NOTHING_CHOSEN"),
        (["2026-10-01/1-1", "--by", "x", "--reason", "x"], "NOT_IN_SUSPENSE"),
    ],
)
def test_nothing_is_given_up_without_name_reason_and_choice(drafted, options, reason):
    before = listing(drafted)
    assert reason in bill400("write-off", drafted, *options, code=2).err
    assert listing(drafted) == before


def test_without_a_fix_nothing_leaves(drafted):
    before = listing(drafted, "commits", "lake")
    told = bill400("recycle", drafted, "--json").json
    assert (told["tried"], told["left"], told["stay"]) == (7, 0, 7)
    assert listing(drafted, "commits", "lake") == before


def test_a_call_gets_its_price_when_the_number_is_known(drafted):
    append_row(drafted, "numbers", f"{STRANGER},,C,02155550009")
    append_row(drafted, "subscriptions", f"HT1,{STRANGER},split_010,2026-10-01,,,,")
    told = bill400("recycle", drafted, "--code", "NUMBER_UNKNOWN", "--json").json
    assert (told["tried"], told["left"]) == (1, 1)
    assert waiting(drafted)["count"] == 6
    assert figures(drafted)["records_suspense_rating"] == 4


def test_a_line_is_read_again_under_a_corrected_layout(tmp_path):
    # The carrier writes `picked up`, a word the layout does not know yet.
    books = open_shop(tmp_path / "books")
    own_layout(books, version=1)
    lines = ["id;from;to;start;seconds;how", "1;13900000000;4006000001;2026-10-02 09:00:00;61;up",
             "2;13900000000;4006000001;2026-10-02 10:00:00;61;picked up"]  # fmt: skip
    (books / "inbox").mkdir(exist_ok=True)
    (books / "inbox" / "shop.csv").write_text("\n".join([*lines, ""]), "utf-8")
    before = figures(books)
    assert reason_of(books) == {"2026-10-02/1-3": "VALUE_UNREADABLE"}
    words = "{up: answered, picked up: answered}"
    own_layout(books, version=2, words=words)
    assert bill400("recycle", books, "--json").json["left"] == 1
    after = figures(books)
    # One more record, since it came twice: as the line that waited, and as the one that is billed.
    assert after["records_read"] == before["records_read"] + 1
    assert (after["records_recycled"], after["records_suspense_ingest"]) == (1, 0)
    assert after["calls_rated"] == before["calls_rated"] + 1
    # 61 s are two minutes at 0.10; with the first call 0.40.
    (line,) = [row for row in published_rows(books, "invoice_line") if row["item"] == "usage"]
    assert line["gross"] == "0.40"
    (old,) = bill400("explain", books, "2026-10-02/1-3", "--json").json["explanations"]
    assert (old["fate"], old["billed_as"]) == ("recycled", "2026-10-02/2-1")
    (new,) = bill400("explain", books, "2026-10-02/2-1", "--json").json["explanations"]
    assert (new["fate"], new["waited_as"]) == ("rated", "2026-10-02/1-3")
    assert bill400("verify", books).code == 0
    assert bill400("recycle", books, "--json").json["tried"] == 0


def test_somebody_may_answer_for_a_call_that_breaks_a_rule(tmp_path):
    long = one_call("P-2", NUMBERS[0], "2026-10-03 09:00:00", 90_000)
    books = shop(tmp_path / "books", [PRICED, long])
    rated = figures(books)["calls_rated"]
    (key,) = reason_of(books)
    assert "OVERRIDE_UNKNOWN" in bill400("recycle", books, key, "--override", "R999", code=2).err
    assert "NAME_MISSING" in bill400("recycle", books, key, "--override", "R007", code=2).err
    answer = ("--override", "R007", "--by", "李雷", "--reason", "客户确认未挂机")
    assert bill400("recycle", books, key, *answer, "--json").json["left"] == 1
    assert figures(books)["calls_rated"] == rated + 1
    (commit,) = [row for row in bill400("log", books, "--json").json["commits"] if row["kind"] == "recycle"]
    assert commit["by"] == "李雷"


def test_of_two_records_that_contradict_one_is_billed_when_the_other_is_given_up(tmp_path):
    short, long = (one_call("P-9", NUMBERS[0], "2026-10-03 09:00:00", seconds) for seconds in (60, 600))
    books = shop(tmp_path / "books", [PRICED, short], [long])
    rated = figures(books)["calls_rated"]
    first, second = sorted(reason_of(books))
    assert set(reason_of(books).values()) == {"IDENTITY_CONFLICT"}
    assert bill400("recycle", books, "--json").json["left"] == 0, "both at once contradict as before"
    assert bill400("recycle", books, second, "--json").json["left"] == 0, "the other still waits"
    bill400("write-off", books, first, "--by", "王芳", "--reason", "运营商确认600秒为准")
    assert bill400("recycle", books, "--json").json["left"] == 1
    assert figures(books)["calls_rated"] == rated + 1
    (line,) = [row for row in published_rows(books, "invoice_line") if row["item"] == "usage"]
    assert line["gross"] == "2.00", "ten minutes and ten minutes at 0.10"


def test_a_call_of_a_closed_month_is_billed_in_the_next(closed):
    before = listing(closed, "published")
    append_row(closed, "numbers", f"{STRANGER},,C,02155550009")
    append_row(closed, "subscriptions", f"HT1,{STRANGER},split_010,2026-10-01,,,,")
    assert bill400("recycle", closed, "--code", "NUMBER_UNKNOWN", "--json").json["left"] == 1
    assert listing(closed, "published") == before, "what was closed stays"
    after = figures(closed, "2026-11")
    assert after["records_read"] == 1 and after["calls_rated"] == 1
    assert bill400("verify", closed).code == 0


def test_trying_again_can_be_taken_back_but_not_what_it_rests_on(closed):
    books = closed
    append_row(books, "numbers", f"{STRANGER},,C,02155550009")
    append_row(books, "subscriptions", f"HT1,{STRANGER},split_010,2026-10-01,,,,")
    bill400("recycle", books, "--code", "NUMBER_UNKNOWN")
    number = bill400("log", books, "--json").json["commits"][-1]["number"]
    assert waiting(books, "--code", "NUMBER_UNKNOWN")["count"] == 0
    bill400("take-back", books, number, "--reason", "too early")
    assert waiting(books, "--code", "NUMBER_UNKNOWN")["count"] == 1


def test_the_ingest_of_a_record_that_was_given_up_cannot_be_taken_back(ingested):
    bill400("write-off", ingested, "--code", "LINE_BROKEN", "--by", "x", "--reason", "x")
    assert "TAKE_BACK_RESTS" in bill400("take-back", ingested, 1, "--reason", "x", code=3).err


def test_every_run_says_what_waits_is_worth(stocked):
    ended = bill400("run", stocked, PERIOD)
    assert "NUMBER_UNKNOWN, worth about 0.10 yuan" in ended.err


def test_a_dry_run_keeps_nothing(drafted):
    append_row(drafted, "numbers", f"{STRANGER},,C,02155550009")
    append_row(drafted, "subscriptions", f"HT1,{STRANGER},split_010,2026-10-01,,,,")
    before = listing(drafted, "commits", "lake")
    assert bill400("recycle", drafted, "--dry-run", "--json").json["left"] == 1
    bill400("write-off", drafted, "--code", "LINE_BROKEN", "--by", "x", "--reason", "x", "--dry-run")
    assert listing(drafted, "commits", "lake") == before


def test_copies_of_what_left_suspense_are_copies_of_what_is_billed(tmp_path):
    long = one_call("P-2", NUMBERS[0], "2026-10-03 09:00:00", 90_000)
    books = shop(tmp_path / "books", [PRICED, long])
    bill400("recycle", books, "--override", "R007", "--by", "x", "--reason", "x")
    again = copied(books, tmp_path / "again")
    rated = figures(again)["calls_rated"]
    bill400("ingest", again, write_calls(again / "inbox" / "again.csv", [long, PRICED]))
    after = figures(again)
    assert (after["calls_rated"], after["records_duplicate"]) == (rated, 2)


def test_tables_of_the_list_hold_the_talk_time(drafted):
    frame = pl.read_parquet(drafted / "published" / PERIOD / "tables" / "suspense.parquet")
    assert frame.filter(reason="NUMBER_UNKNOWN")["talk_ms"].to_list() == [60_000]


def test_what_a_closed_month_rests_on_cannot_be_taken_back(drafted):
    bill400("write-off", drafted, "--code", "NUMBER_UNKNOWN", "--by", "x", "--reason", "x")
    number = bill400("log", drafted, "--json").json["commits"][-1]["number"]
    bill400("run", drafted, PERIOD)
    bill400("close", drafted, PERIOD, "--by", "x")
    assert "TAKE_BACK_CLOSED" in bill400("take-back", drafted, number, "--reason", "x", code=3).err


def test_a_record_that_contradicted_a_call_of_a_closed_month_cannot_be_taken_back(tmp_path):
    # The good call starts ten seconds before November, the record that contradicts it ten seconds after.
    good = one_call("E-1", NUMBERS[0], "2026-10-31 23:59:50", 60)
    other = one_call("E-1", NUMBERS[0], "2026-11-01 00:00:10", 60)
    books = shop(tmp_path / "books", [PRICED, good], [other])
    assert set(reason_of(books).values()) == {"IDENTITY_CONFLICT"}
    bill400("run", books, PERIOD)
    bill400("close", books, PERIOD, "--by", "x")
    assert "TAKE_BACK_CLOSED" in bill400("take-back", books, 2, "--reason", "x", code=3).err
    assert len(reason_of(books)) == 2, "both wait as before"


def test_a_record_that_is_read_again_on_another_day_leaves_the_day_it_waited_under(tmp_path):
    books = open_shop(tmp_path / "books")
    own_layout(books, version=1, form="%d/%m/%Y %H:%M:%S")
    # Month first: 10/02 was read as 10 February, 10/14 as no day at all.
    rows = [f"{n};13900000000;{NUMBERS[0]};10/14/2026 09:00:{n:02d};61;up" for n in range(2)]
    rows += [f"{n};13900000000;{NUMBERS[0]};10/10/2026 09:00:{n:02d};61;up" for n in range(2, 8)]
    (books / "inbox").mkdir(exist_ok=True)
    (books / "inbox" / "shop.csv").write_text("\n".join(["id;from;to;start;seconds;how", *rows, ""]), "utf-8")
    assert figures(books)["records_suspense_ingest"] == 2
    own_layout(books, version=2, form="%m/%d/%Y %H:%M:%S")
    assert bill400("recycle", books, "--json").json["left"] == 2
    after = figures(books)
    assert (after["records_recycled"], after["calls_rated"]) == (2, 8)
    assert bill400("verify", books).code == 0


def test_nothing_that_cannot_be_rated_is_billed_whoever_answers_for_it(drafted):
    answer = ("--override", "R001", "--override", "R002", "--override", "R004", "--by", "x", "--reason", "x")
    told = bill400("recycle", drafted, "--code", "START_UNREADABLE", "--code", "LINE_BROKEN", *answer, "--json").json
    assert (told["left"], told["stay"]) == (0, 2)
    bill400("run", drafted, PERIOD)


def test_a_copy_of_what_was_given_up_is_a_copy_and_is_not_billed(drafted):
    stranger = one_call("X-1", STRANGER, "2026-10-02 10:00:00", 60)
    bill400("write-off", drafted, "--code", "NUMBER_UNKNOWN", "--by", "王芳", "--reason", "测试号码")
    append_row(drafted, "numbers", f"{STRANGER},,C,02155550009")
    append_row(drafted, "subscriptions", f"HT1,{STRANGER},split_010,2026-10-01,,,,")
    before = figures(drafted)
    bill400("ingest", drafted, write_calls(drafted / "inbox" / "again.csv", [stranger, PRICED]))
    after = figures(drafted)
    # Two records came, one of them a copy of what was given up.
    assert after["records_duplicate"] == before["records_duplicate"] + 1
    assert after["calls_rated"] == before["calls_rated"] + 1
    assert bill400("verify", drafted).code == 0


def test_the_record_that_lost_a_conflict_contradicts_the_other_no_more(tmp_path):
    short, long = (one_call("P-9", NUMBERS[0], "2026-10-03 09:00:00", seconds) for seconds in (60, 600))
    books = shop(tmp_path / "books", [PRICED, short], [long])
    first, _ = sorted(reason_of(books))
    bill400("write-off", books, first, "--by", "王芳", "--reason", "运营商确认600秒为准")
    assert bill400("recycle", books, "--json").json["left"] == 1
    rated = figures(books)["calls_rated"]
    bill400("ingest", books, write_calls(books / "inbox" / "again.csv", [short]))
    assert figures(books)["calls_rated"] == rated
    assert waiting(books)["count"] == 0


def test_who_answered_for_a_call_is_told_wherever_the_call_is(tmp_path):
    long = one_call("P-2", NUMBERS[0], "2026-10-03 09:00:00", 90_000)
    books = shop(tmp_path / "books", [PRICED, long])
    bill400("recycle", books, "--override", "R007", "--by", "李雷", "--reason", "客户确认未挂机")
    result = json.loads((books / "lake" / "gate" / "000002.json").read_text("utf-8"))
    assert result["broken"] == ["R007"]
    assert result["overrides"] == [{"rule_id": "R007", "by": "李雷", "reason": "客户确认未挂机"}]
    (told,) = bill400("explain", books, "2026-10-03/2-1", "--json").json["explanations"]
    assert told["answered_for"] == ["R007, 李雷: 客户确认未挂机"]
    assert "R007: 客户确认未挂机" in bill400("log", books, "--json").json["commits"][-1]["what"]
    bill400("run", books, PERIOD)
    closed = bill400("close", books, PERIOD, "--by", "x")
    assert (
        "GATE_AT_CLOSE: 1 files of the month break rule R007 (CALL_TOO_LONG), among them recycled-000002" in closed.err
    )


def test_a_list_is_never_written_over_a_file(drafted):
    catalog = drafted / "catalog" / "numbers.csv"
    before = catalog.read_bytes()
    assert "EXPORT_NOT_FREE" in bill400("suspense", drafted, "--to", catalog, code=2).err
    assert "EXPORT_NOT_FREE" in bill400("suspense", drafted, "--to", drafted / "nowhere" / "list.csv", code=2).err
    assert catalog.read_bytes() == before and not (drafted / "nowhere").exists()


@pytest.mark.parametrize(
    "command", [["suspense"], ["recycle"], ["write-off", "--by", "x", "--reason", "x"]], ids=lambda words: words[0]
)
def test_a_reason_that_does_not_exist_is_told(drafted, command):
    assert "CODE_UNKNOWN" in bill400(command[0], drafted, *command[1:], "--code", "LINE_BROKNE", code=2).err


def test_a_file_that_was_never_read_is_told(drafted):
    assert "FILE_UNKNOWN" in bill400("suspense", drafted, "--file", "never.csv", code=2).err


def test_a_layout_under_which_the_kept_file_can_no_more_be_read_is_told(tmp_path):
    books = open_shop(tmp_path / "books")
    own_layout(books, version=1)
    rows = [
        f"{n};13900000000;{NUMBERS[0]};2026-10-02 09:00:{n:02d};61;{how}" for n, how in enumerate(("up", "up", "?"))
    ]
    (books / "inbox").mkdir(exist_ok=True)
    (books / "inbox" / "shop.csv").write_text("\n".join(["id;from;to;start;seconds;how", *rows, ""]), "utf-8")
    bill400("ingest", books, books / "inbox")
    path = books / "layouts" / "shop.yaml"
    path.write_text(path.read_text("utf-8").replace("seconds, how]", "seconds, how, more]"), "utf-8")
    ended = bill400("recycle", books)
    assert "warning: shop.csv:1: UNKNOWN_LAYOUT" in ended.err
    assert "0 of 1 records left suspense" in ended.out
