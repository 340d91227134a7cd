"""What the commands of a month do to the books, and what they leave alone."""

import csv
import shutil

import polars as pl
import pytest

from pipelines import checkout
from tests.commands.corner_shop import (
    NUMBERS,
    PERIOD,
    bill400,
    copied,
    listing,
    one_call,
    published_rows,
    write_calls,
)
from tests.commands.same_books import books_of, live_files, other_content


def standing(books):
    """What the books are: their commits, what is published, and the files the commits name."""
    return listing(books, "commits", "published") | live_files(books)


def rated_files(books):
    return {path for path in live_files(books) if path.startswith("lake/rated_call/")}


def raise_price(books, plan="split_010", old='price_per_minute: "0.1000"', new='price_per_minute: "0.1100"'):
    path = books / "rate_plans" / "retail" / f"{plan}.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def append_row(books, table, row):
    with (books / "catalog" / f"{table}.csv").open("a", encoding="utf-8") as stream:
        stream.write(row + "\n")


def test_a_second_run_changes_no_byte(drafted):
    before = listing(drafted)
    ended = bill400("run", drafted, PERIOD, "--json")
    assert ended.json["is_new"] is False
    assert listing(drafted) == before


def test_the_same_file_again_under_another_name_changes_no_byte(drafted):
    shutil.copy(drafted / "inbox" / "a.csv", drafted / "inbox" / "z.csv")
    before = listing(drafted)
    bill400("run", drafted, PERIOD)
    assert listing(drafted) == before


def test_a_late_file_rates_only_its_own_parts(drafted):
    before = rated_files(drafted)
    late = [
        one_call("L-1", NUMBERS[0], "2026-10-02 09:00:00", 61),
        one_call("L-2", NUMBERS[1], "2026-10-05 09:00:00", 6),
    ]
    write_calls(drafted / "inbox" / "late.csv", late)
    ended = bill400("run", drafted, PERIOD, "--json")
    after = rated_files(drafted)
    assert before < after
    assert len(after - before) == len(late)
    assert ended.json["conservation"]["records_read"]["count"] == 102


def test_a_changed_price_rates_only_parts_with_numbers_of_that_plan(drafted):
    books = books_of(drafted)
    before = rated_files(drafted)
    of_plan = {
        path for path in before if "4006000001" in set(pl.read_parquet(drafted / path, glob=False)["service_number"])
    }
    assert of_plan and of_plan != before, "the test needs parts of both kinds"
    raise_price(drafted)
    ended = bill400("run", drafted, PERIOD, "--json")
    assert before - rated_files(drafted) == of_plan
    assert ended.json["rated_parts"] == len(of_plan)
    assert len(books_of(drafted).commits) == len(books.commits) + 1


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("receipts", "R9,HT2,2026-11-03,600.00,contract_year,"),
        ("subscriptions", "HT2,4006000001,split_010,2027-02-01,,,,"),
    ],
)
def test_what_starts_later_makes_no_commit(drafted, table, row):
    if table == "subscriptions":
        path = drafted / "catalog" / "subscriptions.csv"
        held = "HT1,4006000001,split_010,2026-01-10,"
        path.write_text(path.read_text("utf-8").replace(f"{held},", f"{held}2027-02-01,"), "utf-8")
    append_row(drafted, table, row)
    before = standing(drafted)
    ended = bill400("run", drafted, PERIOD, "--json")
    assert ended.json["is_new"] is False
    assert ended.json["rated_parts"] == 0
    assert standing(drafted) == before


def test_close_locks_the_reviewed_draft_only(drafted):
    raise_price(drafted)
    before = standing(drafted)
    ended = bill400("close", drafted, PERIOD, "--by", "me", "--json", code=3)
    reasons = {finding["reason"]: finding for finding in ended.json["findings"]}
    assert set(reasons) == {"STALE_DRAFT", "INPUT_CHANGED"}
    assert reasons["INPUT_CHANGED"]["where"] == "rate_plans/retail/split_010.yaml"
    assert standing(drafted) == before


def test_close_takes_the_digest_the_reviewer_saw(drafted):
    digest = bill400("run", drafted, PERIOD, "--json").json["draft_digest"]
    bill400("close", drafted, PERIOD, "--by", "me", "--draft", digest[:12])
    numbers = [row["invoice_number"] for row in published_rows(drafted, "invoice")]
    assert numbers == [f"2026-{index:06d}" for index in range(1, len(numbers) + 1)]


def test_taking_an_ingest_back_is_as_if_it_never_was(drafted, tmp_path):
    twin = copied(drafted, tmp_path / "twin")
    extra = write_calls(tmp_path / "extra.csv", [one_call("L-1", NUMBERS[0], "2026-10-02 09:00:00", 61)])
    bill400("ingest", twin, extra)
    bill400("run", twin, PERIOD)
    assert published_rows(twin, "invoice_line") != published_rows(drafted, "invoice_line")
    ingest = len(books_of(twin).commits) - 1
    bill400("take-back", twin, ingest, "--reason", "sent by mistake")
    bill400("run", twin, PERIOD)
    assert other_content(drafted, twin) == []


def test_taking_back_what_held_an_older_call_bills_it_again(drafted, tmp_path):
    row = (drafted / "inbox" / "a.csv").read_text("utf-8").splitlines()[2]
    cells = row.split(",")
    cells[1] = "13911111111"
    twin = copied(drafted, tmp_path / "twin")
    bill400("ingest", twin, write_calls(tmp_path / "other.csv", [",".join(cells)]))
    ended = bill400("run", twin, PERIOD, "--json")
    assert ended.json["conservation"]["records_suspense_ingest"]["count"] == 4, "both sides of the conflict wait"
    bill400("take-back", twin, len(books_of(twin).commits) - 1, "--reason", "wrong export")
    bill400("run", twin, PERIOD)
    assert other_content(drafted, twin) == []


def test_of_three_that_contradict_each_other_none_is_freed_by_undoing_the_second(drafted, tmp_path):
    row = (drafted / "inbox" / "a.csv").read_text("utf-8").splitlines()[2]
    for caller in ("13911111111", "13922222222"):
        cells = row.split(",")
        cells[1] = caller
        bill400("ingest", drafted, write_calls(tmp_path / f"{caller}.csv", [",".join(cells)]))
    second = len(books_of(drafted).commits) - 1
    ended = bill400("take-back", drafted, second, "--reason", "wrong export", code=3)
    assert "TAKE_BACK_RESTS" in ended.err
    ended = bill400("run", drafted, PERIOD, "--json")
    assert ended.json["conservation"]["records_suspense_ingest"]["count"] == 5, "two lines and three that contradict"
    bill400("take-back", drafted, second + 1, "--reason", "wrong export")
    ended = bill400("run", drafted, PERIOD, "--json")
    assert ended.json["conservation"]["records_suspense_ingest"]["count"] == 4


def test_a_clock_that_runs_years_ahead_opens_no_month(drafted, tmp_path):
    calls = [one_call(f"F{year}", NUMBERS[0], f"{year}-10-05 10:00:00", 60) for year in (2027, 2028)]
    ended = bill400("ingest", drafted, write_calls(tmp_path / "ahead.csv", calls), "--json")
    assert ended.json["ingest"]["read"][0]["suspense"] == 1
    assert "START_AHEAD" in str(ended.json["findings"])


@pytest.mark.parametrize(
    ("stage", "arguments"),
    [
        ("stocked", ("ingest", "BOOKS", "INBOX")),
        ("stocked", ("run", "BOOKS", PERIOD)),
        ("ingested", ("run", "BOOKS", PERIOD)),
        ("drafted", ("close", "BOOKS", PERIOD, "--by", "me")),
        ("ingested", ("take-back", "BOOKS", "1", "--reason", "no")),
    ],
)
def test_a_dry_run_writes_nothing(request, stage, arguments):
    books = request.getfixturevalue(stage)
    places = {"BOOKS": books, "INBOX": books / "inbox"}
    before = listing(books)
    bill400(*(places.get(argument, argument) for argument in arguments), "--dry-run")
    assert listing(books) == before


def test_a_dry_run_of_every_step_leaves_the_books_as_they_stand(stocked):
    before = listing(stocked, "commits", "published")
    bill400("ingest", stocked, stocked / "inbox", "--dry-run")
    bill400("run", stocked, PERIOD, "--dry-run")
    assert listing(stocked, "commits", "published") == before


def test_a_refused_close_leaves_no_file_behind(drafted):
    raise_price(drafted)
    before = listing(drafted)
    bill400("close", drafted, PERIOD, "--by", "me", code=3)
    assert listing(drafted) == before


def test_log_and_status_tell_the_life_of_the_books(closed):
    steps = [commit["kind"] for commit in bill400("log", closed, "--json").json["commits"]]
    assert steps == ["ingest", "run", "close"]
    (period,) = bill400("status", closed, "--json").json["periods"]
    assert (period["period"], period["status"], period["records"]) == (PERIOD, "closed", 100)


def test_calls_that_rating_holds_back_show_their_line_too(drafted):
    with (drafted / "published" / PERIOD / "tables" / "suspense.csv").open(encoding="utf-8-sig") as stream:
        texts = {row["reason"]: row["raw_text"] for row in csv.DictReader(stream)}
    assert set(texts) == {"NUMBER_UNKNOWN", "NO_CONTRACT_AT_CALL", "START_UNREADABLE", "LINE_BROKEN"}
    # Published text shows no digit of a number.
    assert texts["NUMBER_UNKNOWN"].startswith("X-*,***********,**********,,")
    assert all(texts.values())


def test_a_published_folder_that_cannot_come_out_the_same_is_left_alone(closed, tmp_path, monkeypatch):
    folder = closed / "published" / PERIOD
    (folder / "manifest.json").unlink()
    before = listing(folder)
    late = write_calls(tmp_path / "late.csv", [one_call("L-1", NUMBERS[0], "2026-11-02 10:00:00", 60)])
    with monkeypatch.context() as patch:
        patch.setattr(checkout, "library_versions", lambda: {"bill400": "another"})
        ended = bill400("ingest", closed, late)
    assert "CHECKOUT_DIFFERS" in ended.err
    assert listing(folder) == before
    assert "CHECKOUT_DIFFERS" not in bill400("ingest", closed, late).err
    assert (folder / "manifest.json").exists()
