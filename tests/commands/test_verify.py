"""`verify` proves the books or says what is wrong; working files may change as they like."""

import json
import random
from decimal import Decimal

import duckdb
import pytest

from billing.documents.places import place
from tests.commands.corner_shop import PERIOD, bill400, copied, published_rows
from tests.commands.same_books import books_of

PUBLISHED = f"published/{PERIOD}"


def flip(path, at=None):
    """Change one bit of one byte."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 if at is None else at] ^= 1
    path.write_bytes(raw)


def reasons(ended):
    return {(finding["reason"], finding["where"]) for finding in ended.json["findings"]}


def test_closed_books_are_proved(closed):
    ended = bill400("verify", closed, "--json")
    assert ended.json["findings"] == []
    assert (ended.json["commits"], ended.json["periods"]) == (3, [PERIOD])


@pytest.mark.parametrize("table", ["cdr", "rated_call", "usage_total", "suspense", "duplicate", "raw", "invoice_line"])
def test_one_byte_in_the_lake(closed, table):
    place = books_of(closed).state.of_table(table)[0].path
    flip(closed / place)
    assert reasons(bill400("verify", closed, "--json", code=1)) == {("VERIFY_FILE_CHANGED", place)}


def test_one_byte_in_each_kind_of_published_file(closed):
    calls = sorted((closed / PUBLISHED / "calls").iterdir())[0].relative_to(closed / PUBLISHED)
    names = ["tables/invoice.parquet", "tables/invoice_line.csv", "close_report.html", calls.as_posix(),
             place("bill", "C1", PERIOD, ".pdf", "final"), place("statement", "A1", PERIOD, ".xlsx", "final"),
             place("settlement", "UNICOM", PERIOD, ".csv", "final")]  # fmt: skip
    for name in names:
        flip(closed / PUBLISHED / name)
    found = {
        where for reason, where in reasons(bill400("verify", closed, "--json", code=1)) if reason == "VERIFY_PUBLISHED"
    }
    assert found >= {f"{PUBLISHED}/{name}" for name in names}


def test_one_amount_in_the_audit_pack(closed):
    pack = closed / PUBLISHED / "audit.duckdb"
    with duckdb.connect(str(pack)) as connection:
        connection.execute("UPDATE invoice SET gross = gross + 0.01 WHERE invoice_key = ?", [f"C1/{PERIOD}"])
    assert reasons(bill400("verify", closed, "--json", code=1)) == {("VERIFY_PUBLISHED", f"{PUBLISHED}/audit.duckdb")}


def test_one_byte_in_the_manifest(closed):
    flip(closed / PUBLISHED / "manifest.json")
    assert ("VERIFY_PUBLISHED", f"{PUBLISHED}/manifest.json") in reasons(bill400("verify", closed, "--json", code=1))


def test_a_file_that_was_taken_away_or_slipped_in(closed):
    gone = place("bill", "C2", PERIOD, ".pdf", "final")
    (closed / PUBLISHED / gone).unlink()
    (closed / PUBLISHED / "invoices" / "C9.html").write_text("<p>0.00</p>", "utf-8")
    assert reasons(bill400("verify", closed, "--json", code=1)) == {
        ("VERIFY_PUBLISHED", f"{PUBLISHED}/{gone}"),
        ("VERIFY_PUBLISHED", f"{PUBLISHED}/invoices/C9.html"),
    }


def test_one_price_in_a_snapshot(closed):
    (place,) = [
        entry.path for entry in books_of(closed).state.of_table("snapshot") if entry.path.endswith("split_010.yaml")
    ]
    text = (closed / place).read_text("utf-8")
    (closed / place).write_text(text.replace('price_per_minute: "0.1000"', 'price_per_minute: "0.1001"'), "utf-8")
    assert reasons(bill400("verify", closed, "--json", code=1)) == {("VERIFY_FILE_CHANGED", place)}


def test_any_byte_of_an_earlier_commit(closed):
    chance = random.Random(400)
    for number in (1, 2):
        path = closed / "commits" / f"{number:06d}.json"
        raw = path.read_bytes()
        for at in chance.sample(range(len(raw)), 12):
            flip(path, at)
            found = {reason for reason, _ in reasons(bill400("verify", closed, "--json", code=1))}
            assert found <= {"COMMIT_CHAIN_BROKEN", "COMMIT_UNREADABLE"}, f"byte {at} of commit {number}"
            path.write_bytes(raw)


def test_who_made_the_last_commit(closed):
    path = closed / "commits" / "000003.json"
    text = path.read_text("utf-8")
    assert json.loads(text)["by"] == "reviewer"
    path.write_text(text.replace('"by":"reviewer"', '"by":"nobody"'), "utf-8")
    bill400("verify", closed, code=1)


def test_a_commit_that_was_taken_away(closed):
    (closed / "commits" / "000002.json").unlink()
    assert reasons(bill400("verify", closed, "--json", code=1)) == {("COMMIT_UNREADABLE", "commits/000002.json")}


def test_a_lake_file_replaced_by_another_of_the_books(closed):
    one, other = (entry.path for entry in books_of(closed).state.of_table("rated_call")[:2])
    (closed / one).write_bytes((closed / other).read_bytes())
    assert reasons(bill400("verify", closed, "--json", code=1)) == {("VERIFY_FILE_CHANGED", one)}


def test_working_files_may_change(closed):
    plan = closed / "rate_plans" / "retail" / "split_010.yaml"
    plan.write_text(plan.read_text("utf-8").replace('"0.1000"', '"0.1300"'), "utf-8")
    with (closed / "catalog" / "customers.csv").open("a", encoding="utf-8") as stream:
        stream.write("C5,Tailor,,East\n")
    bill400("verify", closed)
    moved = bill400("status", closed, "--json").json["findings"]
    assert [(finding["reason"], finding["where"]) for finding in moved] == [
        ("INPUT_CHANGED", "catalog/customers.csv"),
        ("INPUT_CHANGED", "rate_plans/retail/split_010.yaml"),
    ]


def test_verify_writes_nothing_into_the_books(closed, tmp_path):
    kept = copied(closed, tmp_path / "kept")
    bill400("verify", closed)
    names = {path.relative_to(closed) for path in closed.rglob("*")}
    assert names == {path.relative_to(kept) for path in kept.rglob("*")}


def test_published_calls_sum_to_the_usage_lines_by_plain_sql(closed):
    lines = {
        row["usage_key"]: Decimal(row["gross"]) for row in published_rows(closed, "invoice_line") if row["usage_key"]
    }
    files = [str(path) for path in (closed / PUBLISHED / "calls").glob("*.parquet")]
    with duckdb.connect() as connection:
        sums = connection.execute(
            "SELECT usage_key, round(sum(amount), 2), count(*) FROM read_parquet(?) GROUP BY usage_key", [files]
        ).fetchall()
    summed = {key: total for key, total, _ in sums if key in lines}
    assert summed == lines
    assert sum(lines.values()) > 0


@pytest.mark.parametrize("fate", ["duplicate", "suspense"])
def test_a_record_of_a_file_that_has_no_fate_is_told(closed, monkeypatch, fate):
    from pipelines import file_certificates

    real = file_certificates.left_out

    def one_lost(books):
        frame = real(books)
        first = frame.filter(fate=fate)["cdr_id"][0]
        return frame.filter(frame["cdr_id"] != first)

    monkeypatch.setattr(file_certificates, "left_out", one_lost)
    ended = bill400("verify", closed, "--json", code=1)
    (finding,) = [finding for finding in ended.json["findings"] if finding["reason"] == "VERIFY_RECORDS"]
    # c.csv has five records, four of them copies; b.csv has 55, two of which cannot be read.
    read = {"duplicate": ("c.csv", 5), "suspense": ("b.csv", 55)}[fate]
    assert (finding["where"], finding["values"]["records"], finding["values"]["found"]) == (
        read[0],
        str(read[1]),
        str(read[1] - 1),
    )
