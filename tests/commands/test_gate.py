"""The quality gate as people meet it: files refused and answered for, results kept, pages published."""

import json
import re
import shutil

import polars as pl
import pytest

from billing.validation import rules as catalogue
from tests.commands.corner_shop import (
    NUMBERS,
    PERIOD,
    bill400,
    call_rows,
    listing,
    one_call,
    open_shop,
    write_calls,
)


@pytest.fixture
def rung(tmp_path):
    """Books, and a file in which ringing counts as talk: 20 unanswered calls with 9 s each."""
    books = open_shop(tmp_path / "books")
    layout = (
        "id: shop\nversion: 1\ntitle: {en: Shop, zh: 店}\nencodings: [utf-8]\ndelimiter: ','\nquoting: none\n"
        "zone: Asia/Shanghai\nheader: [id, from, to, start, seconds, how]\nidentity: {column: id}\n"
        "fields:\n  caller: {column: from, form: number}\n  service_number: {column: to, form: number}\n"
        "  started_at: {column: start, form: '%Y-%m-%d %H:%M:%S'}\n  talk_ms: {column: seconds, form: seconds}\n"
        "outcome:\n  column: how\n  words: {up: answered, rang: no_answer}\n"
    )
    (books / "layouts").mkdir(exist_ok=True)
    (books / "layouts" / "shop.yaml").write_text(layout, "utf-8")
    rows = [f"{n},13900000000,{NUMBERS[0]},2026-10-02 10:00:{n:02d},9,rang" for n in range(20)]
    rows += [f"{n},13900000000,{NUMBERS[0]},2026-10-02 11:00:{n:02d},60,up" for n in range(20, 60)]
    (books / "inbox" / "rung.csv").parent.mkdir(exist_ok=True)
    (books / "inbox" / "rung.csv").write_text("\n".join(["id,from,to,start,seconds,how", *rows, ""]), "utf-8")
    return books


def live(books, table):
    """Files of a table that the commits name."""
    commits = [json.loads(path.read_text("utf-8")) for path in sorted((books / "commits").glob("*.json"))]
    return [books / entry["path"] for commit in commits for entry in commit["files"] if entry["table"] == table]


def test_a_refused_file_leaves_nothing_and_the_others_go_in(rung):
    write_calls(rung / "inbox" / "good.csv", call_rows()[:10])
    ended = bill400("ingest", rung, rung / "inbox", code=1)
    assert "rung.csv: RINGING_COUNTED_AS_TALK: rule F003: 20 of 20 unanswered calls have talk time" in ended.err
    assert "1 files read, 10 records; 0 had been read before, 1 refused" in ended.out
    assert len(live(rung, "gate")) == 1
    assert {path.parent.name for path in (rung / "lake" / "cdr").rglob("*.parquet")} == {
        row.split(",")[4][:10] for row in call_rows()[:10]
    }
    told = json.loads(live(rung, "gate_batch")[0].read_text("utf-8"))
    assert told["refused"] == {"rung.csv": ["F003"]}


def test_a_refused_file_alone_changes_nothing(rung):
    before = listing(rung)
    bill400("ingest", rung, rung / "inbox", code=1)
    assert listing(rung) == before


def test_somebody_may_answer_for_a_refused_file_by_name_and_reason(rung):
    assert "NAME_MISSING" in bill400("ingest", rung, rung / "inbox", "--override", "F003", code=2).err
    answer = ("--override", "F003", "--by", "王芳")
    assert "REASON_MISSING" in bill400("ingest", rung, rung / "inbox", *answer, code=2).err
    ended = bill400("ingest", rung, rung / "inbox", *answer, "--reason", "彩铃计入通话")
    assert "warning: rung.csv: RINGING_COUNTED_AS_TALK" in ended.err
    (result,) = [json.loads(path.read_text("utf-8")) for path in live(rung, "gate")]
    assert result["overrides"] == [{"rule_id": "F003", "by": "王芳", "reason": "彩铃计入通话"}]
    assert bill400("suspense", rung, "--json").json["by_reason"][0]["count"] == 20, "its calls with ringing still wait"
    bill400("run", rung, PERIOD)
    closed = bill400("close", rung, PERIOD, "--by", "李雷")
    assert (
        "GATE_AT_CLOSE: 1 files of the month break rule F003 (RINGING_COUNTED_AS_TALK), among them rung.csv"
        in closed.err
    )


def test_a_file_that_was_taken_back_and_is_refused_keeps_its_copy(rung):
    answer = ("--override", "F003", "--by", "王芳", "--reason", "彩铃计入通话")
    bill400("ingest", rung, rung / "inbox", *answer)
    (kept,) = (rung / "lake" / "raw").iterdir()
    content = kept.read_bytes()
    bill400("take-back", rung, 1, "--reason", "x")
    bill400("ingest", rung, rung / "inbox", code=1)
    assert kept.read_bytes() == content, "the log names it"


def test_every_file_has_its_result_named_by_the_commit(ingested):
    results = [json.loads(path.read_text("utf-8")) for path in live(ingested, "gate")]
    # a.csv has 40 calls; b.csv 50 and five oddities; c.csv four copies and one call.
    facts = [
        (result["facts"]["file_name"], result["facts"]["record_count"], result["facts"]["duplicate_count"])
        for result in results
    ]
    assert facts == [("a.csv", 40, 0), ("b.csv", 55, 0), ("c.csv", 5, 4)]
    (batch,) = [json.loads(path.read_text("utf-8")) for path in live(ingested, "gate_batch")]
    judged = {
        row["expectation_config"]["meta"]["rule_id"]: row["result"] for row in batch["results"]["calls"]["results"]
    }
    # b.csv: one line without its columns, one without a start that can be read.
    assert judged["R001"]["unexpected_count"] == 1
    assert batch["calls_that_break"]["R002"] == judged["R002"]["unexpected_count"] == 2
    assert judged["R001"]["element_count"] == 100


def test_what_the_library_counts_is_what_sql_counts(ingested):
    (batch,) = [json.loads(path.read_text("utf-8")) for path in live(ingested, "gate_batch")]
    calls = pl.concat([pl.read_parquet(path, glob=False) for path in live(ingested, "cdr")]).filter(
        pl.col("outcome").ne_missing("not_ours")
    )
    plain = [
        rule
        for rule in catalogue.load_rules()
        if rule.scope == "call" and "_billable" not in rule.sql and "late_day" not in rule.sql
    ]
    assert len(plain) >= 10
    import duckdb

    with duckdb.connect() as connection:
        connection.register("calls", calls.to_arrow())
        for rule in plain:
            query = f"select count(*) from calls where not coalesce(({rule.sql})::boolean, false)"
            assert connection.sql(query).fetchall()[0][0] == batch["calls_that_break"][rule.id], rule.id


def test_without_a_result_nothing_is_rated(ingested):
    commit = ingested / "commits" / "000001.json"
    assert commit.exists()
    from billing.core.findings import Refusal
    from pipelines.books import open_books, workbench
    from pipelines.gate import require_results
    from pipelines.parts import parts_of

    with open_books(ingested, write=True) as books, workbench(books) as bench:
        require_results(books, bench, parts_of(books.state))
        for entry in books.state.of_table("gate"):
            del books.state.files[entry.path]
        with pytest.raises(Refusal, match="GATE_RESULT_MISSING"):
            require_results(books, bench, parts_of(books.state))


def test_a_rule_that_cannot_run_stops_the_batch_before_a_yuan_is_rated(stocked, monkeypatch):
    shipped = catalogue.load_rules()
    broken = [
        *shipped,
        catalogue.Rule(
            "R999", "call", "info", "note", "CALL_VERY_LONG", {"en": "x", "zh": "x"}, "x", "call_id::int > 0"
        ),
    ]
    monkeypatch.setattr("pipelines.ingest_files.load_rules", lambda: broken)
    before = listing(stocked)
    assert "RULE_BROKEN" in bill400("ingest", stocked, stocked / "inbox", code=1).err
    assert listing(stocked) == before


def test_without_a_rule_its_calls_are_billed(stocked, monkeypatch, tmp_path):
    long = one_call("Z-1", NUMBERS[0], "2026-10-02 00:00:00", 90_000)
    write_calls(stocked / "inbox" / "long.csv", [long])
    other = tmp_path / "other"
    shutil.copytree(stocked, other)
    with_rule = bill400("run", stocked, PERIOD, "--json").json["conservation"]["calls_rated"]["count"]
    rules = [rule for rule in catalogue.load_rules() if rule.id != "R007"]
    monkeypatch.setattr("pipelines.ingest_files.load_rules", lambda: rules)
    without = bill400("run", other, PERIOD, "--json").json["conservation"]["calls_rated"]["count"]
    assert without == with_rule + 1, "the rule is what holds the call"


def test_the_page_of_a_batch_stands_alone_and_names_no_caller(closed):
    (page,) = (closed / "published" / PERIOD / "gate").glob("*.html")
    text = page.read_text("utf-8")
    assert not re.search(r"<script|<link|<img|https?://|url\(|\son\w+=", text)
    assert not re.search(r"1[3-9]\d{9}", text), "callers' numbers stay in the lake"
    for rule in catalogue.load_rules():
        assert f"{rule.id} {rule.reason}" in text
    assert text.count("<tr><td>a.csv</td><td>40</td>") == 1
    manifest = json.loads((closed / "published" / PERIOD / "manifest.json").read_text("utf-8"))
    assert f"gate/{page.name}" in manifest["files"]


def test_hostile_file_names_are_text_on_the_page(tmp_path):
    books = open_shop(tmp_path / "books")
    write_calls(books / "inbox" / "<b onclick=x>&.csv", call_rows()[:5])
    bill400("run", books, PERIOD)
    (page,) = (books / "published" / PERIOD / "gate").glob("*.html")
    assert "&lt;b onclick=x&gt;&amp;.csv" in page.read_text("utf-8")


def test_equal_batches_give_equal_results(stocked, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(stocked, other)
    for books in (stocked, other):
        bill400("run", books, PERIOD)
    for table in ("gate", "gate_batch", "gate_page", "source_hour"):
        assert [path.read_bytes() for path in live(stocked, table)] == [
            path.read_bytes() for path in live(other, table)
        ]


def test_later_files_are_compared_with_the_hours_of_earlier_weeks(tmp_path):
    books = open_shop(tmp_path / "books")
    week = [one_call(f"W-{n}", NUMBERS[0], f"2026-10-05 10:{n % 60:02d}:30", 60) for n in range(40)]
    few = [one_call("V-1", NUMBERS[0], "2026-10-12 10:00:30", 60)]
    bill400("ingest", books, write_calls(books / "inbox" / "1.csv", week))
    ended = bill400("ingest", books, write_calls(books / "inbox" / "2.csv", few))
    assert "VOLUME_UNUSUAL: rule F007: 1 hours have less than a quarter" in ended.err
    assert "compared with 1 of the last 4 same weekdays" in ended.err


def test_the_cost_of_the_gate_is_told(stocked):
    told = bill400("ingest", stocked, stocked / "inbox", "--json").json["ingest"]["gate"]
    assert set(told["cpu_ms"]) == {"loaded", "judged", "told"}
