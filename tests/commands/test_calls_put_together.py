"""Calls that are told by several records, from the files to the certificate, and back again."""

from decimal import Decimal

import polars as pl
import pytest

from billing.tables.calls import Cdr
from pipelines.parts import parts_of
from pipelines.weigh import comes_out_again
from tests.commands.corner_shop import (
    NUMBERS,
    PERIOD,
    bill400,
    copied,
    one_call,
    published_rows,
    write_calls,
)
from tests.commands.records_of_calls import open_switch_shop, piece, write_records
from tests.commands.same_books import books_of, live_files, other_content

FIRST = piece("L1", 1, "first", "2026-10-05 10:00:00", "2026-10-05 10:01:01", 61)
LAST = piece("L1", 2, "last", "2026-10-05 10:01:01", "2026-10-05 10:02:02", 61)
LONE = piece("W1", 1, "first", "2026-10-05 12:00:00", "2026-10-05 12:01:00", 60)


@pytest.fixture
def shop(tmp_path):
    return open_switch_shop(tmp_path / "books")


@pytest.fixture
def send(shop):
    """Ingest a file of records of a kind; what it says of the file."""

    def ingest(name, kind, *rows):
        ended = bill400("ingest", shop, write_records(shop / "sent" / name, kind, *rows), "--json")
        (told,) = ended.json["ingest"]["read"]
        return {fate: told[fate] for fate in FATES if told.get(fate)}

    return ingest


FATES = ("records", "duplicate", "suspense", "not_ours", "joined", "replaced", "waiting")


def run(shop, period=PERIOD):
    return bill400("run", shop, period, "--json").json


def counts(ended):
    """Records of a certificate by fate, and the rated calls, without zeros."""
    told = {figure: row["count"] for figure, row in ended["conservation"].items()}
    return {figure: count for figure, count in told.items() if count and figure.startswith(("records_", "calls_rated"))}


def usage(shop, period=PERIOD):
    """Seconds and money of the month's calls."""
    rows = [row for row in published_rows(shop, "charge", period) if row["kind"].endswith("usage")]
    return [(row["quantity"], f"{Decimal(row['amount']):.2f}") for row in rows]


def verified(shop):
    return bill400("verify", shop, "--json").json["differences"] == 0


def test_pieces_in_two_files_in_the_wrong_order_are_one_call(shop, send):
    """122 s under 60/60 are 180 s, 0.30; each piece by itself would have been 120 s, 0.40 together."""
    assert send("b.csv", "pieces", LAST, LONE) == {"records": 2, "waiting": 2}
    assert send("a.csv", "pieces", FIRST) == {"records": 1}
    ended = run(shop)
    assert counts(ended) == {"records_read": 3, "records_joined": 1, "records_waiting": 1, "calls_rated": 1}
    assert usage(shop) == [("180", "0.30")]
    (found,) = [finding for finding in ended["findings"] if finding["reason"] == "RECORDS_WAIT"]
    assert found["severity"] == "warning"
    assert found["values"] == {"count": "1", "period": PERIOD, "since": "2026-10-05 12:00:00"}
    files = {row["file_name"]: row for row in published_rows(shop, "source_file")}
    names = ("record_count", "joined_count", "waiting_count", "accepted_count")
    assert [files["b.csv"][name] for name in names] == ["2", "1", "1", "0"]
    assert [files["a.csv"][name] for name in names] == ["1", "0", "0", "1"]
    assert verified(shop)


def test_every_file_sums_up_in_words(shop):
    """A file whose records are calls says what it always said."""
    calls = write_calls(shop / "calls.csv", [one_call("C1", NUMBERS[0], "2026-10-05 09:00:00", 61)])
    told = bill400("ingest", shop, write_records(shop / "a.csv", "pieces", LAST, LONE), calls, "--lang", "en").out
    assert (
        "a.csv: 2 records = 0 duplicate + 0 replaced + 0 joined + 2 waiting + 0 suspense + 0 not ours + 0 calls" in told
    )
    assert "calls.csv: 1 records = 0 duplicate + 0 suspense + 0 not ours + 1 accepted" in told
    assert "2026-10: 2 records wait for the rest of their call" in bill400("status", shop, "--lang", "en").out


def test_all_pieces_sent_again_form_nothing(shop, send):
    send("a.csv", "pieces", FIRST, LAST)
    before = run(shop)
    assert send("again.csv", "pieces", LAST, FIRST) == {"records": 2, "duplicate": 2}
    after = run(shop)
    assert counts(after) == {"records_read": 4, "records_duplicate": 2, "records_joined": 1, "calls_rated": 1}
    assert usage(shop) == [("180", "0.30")]
    assert before["conservation"]["charges"] == after["conservation"]["charges"]


def test_a_copy_that_comes_before_the_rest_is_dropped_too(shop, send):
    send("a.csv", "pieces", FIRST)
    assert send("b.csv", "pieces", FIRST, LAST) == {"records": 2, "duplicate": 1}
    assert usage_of_run(shop) == [("180", "0.30")]


def usage_of_run(shop):
    run(shop)
    return usage(shop)


def test_a_piece_with_another_content_holds_the_call(shop, send):
    send("a.csv", "pieces", FIRST, LAST)
    run(shop)
    other = LAST.replace(",61,answered", ",60,answered")
    assert send("b.csv", "pieces", other) == {"records": 1, "suspense": 1}
    ended = run(shop)
    assert counts(ended) == {"records_read": 3, "records_joined": 1, "records_suspense_ingest": 2}
    assert usage(shop) == []
    reasons = [row["reason"] for row in published_rows(shop, "suspense")]
    assert reasons == ["IDENTITY_CONFLICT", "IDENTITY_CONFLICT"]
    assert verified(shop)
    send("c.csv", "pieces", LAST.replace(",61,answered", ",59,answered"))
    assert counts(run(shop))["records_suspense_ingest"] == 3


def test_taking_back_what_completed_a_call_frees_its_pieces(shop, send, tmp_path):
    send("b.csv", "pieces", LAST, LONE)
    run(shop)
    twin = copied(shop, tmp_path / "twin")
    send("a.csv", "pieces", FIRST)
    assert usage_of_run(shop) == [("180", "0.30")]
    bill400("take-back", shop, len(books_of(shop).commits) - 1, "--reason", "wrong export")
    assert counts(run(shop)) == {"records_read": 2, "records_waiting": 2}
    assert other_content(twin, shop) == []
    assert send("a2.csv", "pieces", FIRST, "") == {"records": 1}
    assert usage_of_run(shop) == [("180", "0.30")]


def test_pieces_of_a_call_that_another_file_completed_stay(shop, send):
    send("b.csv", "pieces", LAST, LONE)
    send("a.csv", "pieces", FIRST)
    ended = bill400("take-back", shop, 1, "--reason", "wrong export", code=3)
    assert "TAKE_BACK_RESTS" in ended.err
    assert "commit 2" in ended.err
    send("c.csv", "pieces", LONE)
    bill400("take-back", shop, 2, "--reason", "wrong export")
    assert "TAKE_BACK_RESTS" in bill400("take-back", shop, 1, "--reason", "its copy is in commit 3", code=3).err


def test_taking_back_what_contradicts_bills_the_call_again(shop, send, tmp_path):
    send("a.csv", "pieces", FIRST, LAST)
    run(shop)
    twin = copied(shop, tmp_path / "twin")
    send("b.csv", "pieces", LAST.replace(",61,answered", ",60,answered"))
    run(shop)
    bill400("take-back", shop, 3, "--reason", "wrong export")
    run(shop)
    assert other_content(twin, shop) == []


def test_what_waits_too_long_is_suspense_and_still_completes(shop, send):
    """48 h after 12:00 on the 5th the source has told of nothing later; a second after that it has."""
    send("a.csv", "pieces", LONE)
    send("b.csv", "pieces", piece("S1", 1, "single", "2026-10-07 12:00:00", "2026-10-07 12:00:30", 30))
    assert counts(run(shop)) == {"records_read": 2, "records_waiting": 1, "calls_rated": 1}
    send("c.csv", "pieces", piece("S2", 1, "single", "2026-10-07 12:00:01", "2026-10-07 12:00:31", 30))
    ended = run(shop)
    assert counts(ended) == {"records_read": 3, "records_suspense_ingest": 1, "calls_rated": 2}
    assert {finding["reason"] for finding in ended["findings"]} >= {"SUSPENDED_CALLS"}
    (held,) = published_rows(shop, "suspense")
    assert (held["reason"], held["service_number"]) == ("INCOMPLETE_CALL", "4006000001")
    assert held["raw_text"].startswith("W*,*,first")
    told = bill400("explain", shop, "a.csv:2", "--json").json["explanations"][0]
    assert (told["fate"], told["reason"]) == ("suspense", "INCOMPLETE_CALL")
    late = piece("W1", 2, "last", "2026-10-05 12:01:00", "2026-10-05 12:02:00", 60)
    assert send("d.csv", "pieces", late) == {"records": 1}
    assert counts(run(shop)) == {"records_read": 4, "records_joined": 1, "calls_rated": 3}
    assert verified(shop)


def test_a_call_over_the_end_of_the_month_belongs_to_its_start(shop, send):
    """23:59 to 00:01 is a call of October, and so are its records; November has the one that waits for its own rest."""
    over = [piece("L9", 1, "first", "2026-10-31 23:59:00", "2026-11-01 00:00:00", 60),
            piece("L9", 2, "last", "2026-11-01 00:00:00", "2026-11-01 00:01:00", 60)]  # fmt: skip
    lone = piece("W9", 1, "first", "2026-11-01 08:00:00", "2026-11-01 08:01:00", 60)
    send("b.csv", "pieces", over[1], lone)
    send("a.csv", "pieces", over[0])
    assert counts(run(shop)) == {"records_read": 2, "records_joined": 1, "calls_rated": 1}
    assert counts(run(shop, "2026-11")) == {"records_read": 1, "records_waiting": 1}
    bill400("close", shop, PERIOD, "--by", "me")
    assert verified(shop)


def test_a_piece_that_waited_when_its_month_closed_is_billed_late(shop, send):
    """October closes with a warning; the rest comes in November and the call is late usage there: 120 s, 0.20."""
    send("a.csv", "pieces", LONE)
    run(shop)
    closed = bill400("close", shop, PERIOD, "--by", "me", "--json").json
    assert {finding["reason"] for finding in closed["findings"]} >= {"RECORDS_WAIT"}
    send("b.csv", "pieces", piece("W1", 2, "last", "2026-10-05 12:01:00", "2026-10-05 12:02:00", 60))
    assert counts(run(shop, "2026-11")) == {"records_read": 2, "records_joined": 1, "calls_rated": 1}
    assert usage(shop, "2026-11") == [("120", "0.20")]
    assert verified(shop)


def test_a_call_of_a_closed_month_stands(shop, send):
    """What contradicts it waits alone; what adds nothing to it joins it and is counted in its own month."""
    send("a.psv", "events", "INVITE|a|b|E1|486|2026-10-05 10:00:00|13900000001|4006000001")
    send("a.csv", "pieces", FIRST, LAST)
    run(shop)
    bill400("close", shop, PERIOD, "--by", "me")
    assert send("b.csv", "pieces", LAST.replace(",61,answered", ",60,answered")) == {"records": 1, "suspense": 1}
    assert send("b.psv", "events", "CANCEL|a|b|E1|200|2026-10-05 10:00:09||") == {"records": 1, "joined": 1}
    assert counts(run(shop, "2026-11")) == {"records_read": 2, "records_joined": 1, "records_suspense_ingest": 1}
    assert "TAKE_BACK_CLOSED" in bill400("take-back", shop, 1, "--reason", "no", code=3).err
    assert verified(shop)


def test_events_are_paired_across_files(shop, send):
    """BYE of 61 s in the earlier file: 120 s, 0.20; 486 is free; a BYE alone and an INVITE without an end wait."""
    assert send("a.psv", "events", "BYE|a|b|E1|400|2026-10-05 10:01:01||", "BYE|x|y|E9|200|2026-10-05 11:00:00||") == {
        "records": 2, "waiting": 2,
    }  # fmt: skip
    rows = ["INVITE|a|b|E1|200|2026-10-05 10:00:00|13900000001|4006000001", "ACK|a|b|E1|200|2026-10-05 10:00:00||",
            "INVITE|c|d|E2|486|2026-10-05 10:30:00|13900000002|4006000001",
            "INVITE|e|f|E3|200|2026-10-05 10:40:00|13900000003|4006000001"]  # fmt: skip
    assert send("b.psv", "events", *rows) == {"records": 4, "waiting": 1, "joined": 1}
    assert counts(run(shop)) == {"records_read": 6, "records_joined": 2, "records_waiting": 2, "calls_rated": 2}
    assert usage(shop) == [("120", "0.20")]
    assert verified(shop)


def test_a_flatstore_of_ends_alone_is_known_by_its_words(shop):
    """1791165600 is 10:00:00 on 5 October. Who was called hangs up after 61 s, its tag first: two minutes, 0.20."""
    ends, starts = shop / "sent" / "1.psv", shop / "sent" / "2.psv"
    ends.parent.mkdir()
    ends.write_text("BYE|b1|a1|E1@proxy|200|OK|1791165661||\n", "utf-8")
    starts.write_text("INVITE|a1|b1|E1@proxy|200|OK|1791165600|13900000001|4006000001\n", "utf-8")
    for path in (ends, starts):
        assert bill400("ingest", shop, path, "--json").json["ingest"]["read"][0]["layout"] == "opensips_flatstore@1"
    assert usage_of_run(shop) == [("120", "0.20")]


LEGS = [
    "a1,K1,13900000001,101,2026-10-05 10:00:00,,2026-10-05 10:00:15,NO ANSWER",
    "a2,K1,13900000001,102,2026-10-05 10:00:00,2026-10-05 10:00:05,2026-10-05 10:03:00,ANSWERED",
    "a3,K1,13900000001,4006000001,2026-10-05 10:00:00,2026-10-05 10:00:05,2026-10-05 10:01:06,ANSWERED",
]


@pytest.mark.parametrize("cut", [0, 2])
def test_legs_are_one_call_also_when_they_come_apart(shop, send, cut):
    """61 s to our number, 0.20, whatever the legs inside say; a leg that comes later is weighed again."""
    if cut:
        send("a.csv", "legs", *LEGS[:cut])
        run(shop)
    send("b.csv", "legs", *LEGS[cut:])
    ended = run(shop)
    assert counts(ended) == {"records_read": 3, "records_joined": 2, "calls_rated": 1}
    assert usage(shop) == [("120", "0.20")]
    assert verified(shop)


def test_a_leg_that_changes_nothing_leaves_the_call_as_it_is(shop, send):
    send("a.csv", "legs", LEGS[2])
    before = live_files(shop)
    assert send("b.csv", "legs", LEGS[0]) == {"records": 1, "joined": 1}
    assert {path for path in before if "/rated_call/" in path or "/cdr/" in path} <= live_files(shop).keys()
    bill400("take-back", shop, 2, "--reason", "not needed")
    assert counts(run(shop)) == {"records_read": 1, "calls_rated": 1}


def test_a_call_that_was_put_together_again_is_billed_once(shop, send):
    """The leg to our number comes last: the call of the first leg, to an extension, is no more."""
    send("a.csv", "legs", LEGS[1])
    assert counts(run(shop)) == {"records_read": 1, "records_suspense_ingest": 1}
    send("b.csv", "legs", LEGS[2])
    assert counts(run(shop)) == {"records_read": 2, "records_joined": 1, "calls_rated": 1}
    assert published_rows(shop, "suspense") == []
    bill400("take-back", shop, 3, "--reason", "wrong export")
    assert counts(run(shop)) == {"records_read": 1, "records_suspense_ingest": 1}
    assert verified(shop)


def test_a_corrected_record_replaces_the_earlier_one(shop, send):
    """61 s, corrected to 181 s: 0.40; a telling with a lower number that comes late changes nothing."""
    told = [f"P1,{push},13900000001,4006000001,2026-10-05 10:00:00,{seconds}" for push, seconds in ((0, 61), (2, 181))]
    send("a.csv", "tellings", told[0])
    assert usage_of_run(shop) == [("120", "0.20")]
    assert send("b.csv", "tellings", told[1]) == {"records": 1}
    ended = run(shop)
    assert counts(ended) == {"records_read": 2, "records_replaced": 1, "calls_rated": 1}
    assert usage(shop) == [("240", "0.40")]
    late = "P1,1,13900000001,4006000001,2026-10-05 10:00:00,121"
    assert send("c.csv", "tellings", late) == {"records": 1, "replaced": 1}
    assert counts(run(shop)) == {"records_read": 3, "records_replaced": 2, "calls_rated": 1}
    assert usage(shop) == [("240", "0.40")]
    explained = bill400("explain", shop, "b.csv:2", "--json").json["explanations"][0]
    assert explained["made_of"] == ["2026-10-05/1-2", "2026-10-05/2-2", "2026-10-05/3-2"]
    assert bill400("explain", shop, "c.csv:2", "--json").json["explanations"][0]["into"] == "2026-10-05/2-2"
    assert verified(shop)


def test_two_tellings_equally_new_are_settled_by_a_newer_one(shop, send):
    told = [f"P1,{push},13900000001,4006000001,2026-10-05 10:00:00,{seconds}" for push, seconds in
            ((1, 61), (1, 62), (2, 181))]  # fmt: skip
    send("a.csv", "tellings", told[0])
    send("b.csv", "tellings", told[1])
    assert counts(run(shop)) == {"records_read": 2, "records_suspense_ingest": 2}
    send("c.csv", "tellings", told[2])
    assert counts(run(shop)) == {"records_read": 3, "records_replaced": 2, "calls_rated": 1}
    assert usage(shop) == [("240", "0.40")]
    bill400("take-back", shop, 4, "--reason", "wrong export")
    assert counts(run(shop)) == {"records_read": 2, "records_suspense_ingest": 2}


def test_a_record_that_cannot_be_read_is_held_and_its_call_waits(shop, send):
    rows = [LAST, FIRST.replace("2026-10-05 10:00:00,", "yesterday,"), LONE, LONE.replace("W1", "W2")]
    assert send("a.csv", "pieces", *rows) == {"records": 4, "suspense": 1, "waiting": 3}
    assert counts(run(shop)) == {"records_read": 4, "records_suspense_ingest": 1, "records_waiting": 3}
    (held,) = published_rows(shop, "suspense")
    assert (held["reason"], held["usage_date"]) == ("START_UNREADABLE", "")
    told = bill400("explain", shop, "a.csv:3", "--json").json["explanations"][0]
    assert (told["fate"], told["reason"]) == ("suspense", "START_UNREADABLE")
    told = bill400("explain", shop, "2026-10-05/1-2", "--json").json["explanations"][0]
    assert told["fate"] == "waiting"


def test_a_call_that_breaks_a_rule_is_judged_as_a_whole(shop, send):
    """An end before its start: neither event is odd by itself, the call is."""
    rows = ["INVITE|a|b|E1|200|2026-10-05 10:00:00|13900000001|4006000001", "BYE|a|b|E1|200|2026-10-05 09:59:00||"]
    assert send("a.psv", "events", *rows) == {"records": 2, "joined": 1, "suspense": 1}
    run(shop)
    (held,) = published_rows(shop, "suspense")
    assert held["reason"] == "TALK_NEGATIVE"


def test_without_a_file_that_the_gate_refuses_other_calls_come_about(shop):
    """20 calls that nobody answered and that all have talk are ringing; its piece is gone, too."""
    ringing = [f"R{line},,single,13900000001,4006000001,,2026-10-05 09:{line}:00,,2026-10-05 09:{line}:30,30,no_answer"
               for line in range(10, 30)]  # fmt: skip
    write_records(shop / "sent" / "a.csv", "pieces", LAST, *ringing)
    write_records(shop / "sent" / "b.csv", "pieces", FIRST, piece("S1", 1, "single", "2026-10-05 11:00:00",
                                                                  "2026-10-05 11:01:00", 60))  # fmt: skip
    ended = bill400("ingest", shop, shop / "sent", "--json", code=1).json
    assert ended["ingest"]["refused"] == ["a.csv"]
    assert [finding["reason"] for finding in ended["findings"]].count("RINGING_COUNTED_AS_TALK") == 1
    (told,) = ended["ingest"]["read"]
    assert (told["records"], told["joined"], told["waiting"]) == (2, 0, 1)
    assert counts(run(shop)) == {"records_read": 2, "records_waiting": 1, "calls_rated": 1}
    assert verified(shop)


def test_a_record_that_was_given_up_completes_nothing_any_more(shop, send):
    send("a.csv", "pieces", LONE)
    send("b.csv", "pieces", piece("S2", 1, "single", "2026-10-09 12:00:01", "2026-10-09 12:00:31", 30))
    waits = bill400("suspense", shop, "--json").json
    assert [row["reason"] for row in waits["records"]] == ["INCOMPLETE_CALL"]
    assert waits["records"][0]["key"] == "2026-10-05/1-2"
    bill400("write-off", shop, "2026-10-05/1-2", "--by", "me", "--reason", "the rest is lost")
    assert counts(run(shop)) == {"records_read": 2, "records_written_off": 1, "calls_rated": 1}
    assert bill400("suspense", shop, "--json").json["records"] == []
    assert send("c.csv", "pieces", piece("W1", 2, "last", "2026-10-05 12:01:00", "2026-10-05 12:02:00", 60)) == {
        "records": 1, "suspense": 1,
    }  # fmt: skip
    assert "TAKE_BACK_RESTS" in bill400("take-back", shop, 1, "--reason", "no", code=3).err
    bill400("take-back", shop, 3, "--reason", "it was found")
    assert bill400("suspense", shop, "--json").json["count"] == 2
    assert verified(shop)


def test_a_call_in_suspense_is_tried_again_as_it_was_put_together(shop, send):
    """27 hours are too long until somebody answers for them: 1620 minutes, 162.00. A piece is never billed alone."""
    ends = ["2026-10-05 00:00:00", "2026-10-05 09:00:00", "2026-10-05 18:00:00", "2026-10-06 03:00:00"]
    places = ("first", "middle", "last")
    send("a.csv", "pieces", *(piece("L7", number + 1, place, ends[number], ends[number + 1], 32_400)
                              for number, place in enumerate(places)), LONE)  # fmt: skip
    before = len(books_of(shop).commits)
    bill400("recycle", shop)
    assert len(books_of(shop).commits) == before
    bill400("recycle", shop, "2026-10-05/1-4", "--override", "R007", "--by", "me", "--reason", "a night of music")
    assert counts(run(shop)) == {
        "records_read": 5, "records_joined": 2, "records_recycled": 1, "records_waiting": 1, "calls_rated": 1,
    }  # fmt: skip
    assert usage(shop) == [("97200", "162.00")]
    # What would change a call that is billed under another id waits alone.
    assert send("b.csv", "pieces", piece("L7", 4, "last", ends[3], "2026-10-06 04:00:00", 3600)) == {
        "records": 1, "suspense": 1,
    }  # fmt: skip
    assert verified(shop)


def test_a_file_with_a_header_alone_is_read(shop):
    told = bill400("ingest", shop, write_calls(shop / "calls.csv", []), "--json").json
    assert [(read["records"], read["framing"]) for read in told["ingest"]["read"]] == [(0, 1)]


def test_calls_that_were_altered_do_not_come_out_again(shop, send):
    send("a.csv", "pieces", FIRST, LAST)
    books = books_of(shop)
    (part,) = parts_of(books.state)
    assert comes_out_again(books, part)
    path = books.path(part.cdr.path)
    pl.read_parquet(path, glob=False).with_columns(pl.col(Cdr.talk_ms) + 1).write_parquet(path)
    assert not comes_out_again(books, part)


def test_files_whose_records_are_calls_are_stored_as_before(shop):
    bill400("ingest", shop, write_calls(shop / "calls.csv", [one_call("C1", NUMBERS[0], "2026-10-05 09:00:00", 61)]))
    (entry,) = books_of(shop).state.of_table("cdr")
    assert pl.read_parquet(shop / entry.path, glob=False).columns == Cdr.schema().names()
    assert set(entry.key) == {"day", "file", "billing_period", "not_ours"}
    assert {path.split("/")[1] for path in live_files(shop)} == {
        "cdr", "gate", "raw", "rated_call", "source_hour", "usage_total",
    }  # fmt: skip
