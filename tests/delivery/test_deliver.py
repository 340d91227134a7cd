"""A delivery: what is packed is what was published, who got what is remembered, and a reprint says that it is one."""

import csv
import hashlib
import io
import json
import re
import shutil
import zipfile
from decimal import Decimal

import pytest
from pypdf import PdfReader

from pipelines import closed_month
from pipelines.books import Books
from tests.commands.corner_shop import PERIOD, bill400, listing, open_shop, published_rows
from tests.delivery.foreign_trade import ANTON, BERTA, CESAR, DORA, NORTH, UNICOM


def _deliver(books, to, *options, code=0):
    return bill400("deliver", books, PERIOD, "--to", to, *options, code=code)


def _files(archive):
    with zipfile.ZipFile(archive) as packed:
        return {entry.filename: packed.read(entry) for entry in packed.infolist()}


def _rows(path):
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def _text(content):
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def _last_commit(books):
    path = sorted((books / "commits").glob("*.json"))[-1]
    return json.loads(path.read_text("utf-8"))


def test_a_pack_holds_the_published_files_and_a_list_of_them(packs, traded):
    published = traded / "published" / PERIOD
    files = _files(packs / "customers" / f"{CESAR}-{PERIOD}.zip")
    names = [f"{kind}-{PERIOD}-{CESAR}.{ending}" for kind in ("bill", "credit_note") for ending in ("pdf", "xlsx")]
    assert sorted(files) == sorted([*names, "contents.txt"])
    told = files.pop("contents.txt").decode("utf-8-sig")
    for name, content in files.items():
        assert content == (published / "invoices" / CESAR / name).read_bytes()
        assert name in told and hashlib.sha256(content).hexdigest() in told
    (code,) = set(re.findall(r"校验码 ([0-9a-f]{12})", _text(files[names[0]])))
    assert f"校验码 {code}" in told
    carrier = _files(packs / "carriers" / f"{UNICOM}-{PERIOD}.zip")
    assert carrier[f"settlement-{PERIOD}-{UNICOM}.csv"].startswith(b"\xef\xbb\xbf")


def test_equal_books_give_equal_bytes_dated_by_the_period(packs, trade, tmp_path):
    _deliver(trade, tmp_path / "again")
    assert listing(tmp_path / "again") == listing(packs)
    with zipfile.ZipFile(packs / "customers" / f"{ANTON}-{PERIOD}.zip") as packed:
        assert {entry.date_time for entry in packed.infolist()} == {(2026, 11, 1, 0, 0, 0)}


def test_the_delivery_list_is_what_was_packed(packs):
    rows = _rows(packs / "delivery_list.csv")
    for row in rows:
        content = _files(packs / row["archive"])[row["document"]]
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
        assert row["id"] in row["archive"] and row["copy"] == "1"
    packed = {(path.relative_to(packs).as_posix(), name) for path in packs.rglob("*.zip") for name in _files(path)}
    assert {(row["archive"], row["document"]) for row in rows} == {p for p in packed if p[1] != "contents.txt"}


def test_the_mail_list_says_what_to_write_and_runs_nothing(packs, traded):
    rows = {row["id"]: row for row in _rows(packs / "mail_list.csv")}
    owed = {row["contract_id"]: row["payable"] for row in published_rows(traded, "account_balance")}
    assert rows[DORA]["amount"] == owed["HTD-6604"] == "5661.70" and rows[DORA]["due_date"] == "2026-11-15"
    assert rows[ANTON]["amount"] == "0.00", "10,000.20 were paid ahead"
    assert rows[ANTON]["due_date"] == "", "its bill names no day"
    assert not any(row["overdue"] for row in rows.values()), "it is the first month"
    assert (rows[NORTH]["amount"], rows[NORTH]["due_date"]) == ("2700.07", "")
    assert rows[BERTA]["address"] == "money@berta.example.cn;boss@berta.example.cn" and rows[DORA]["address"] == ""
    assert rows[ANTON]["name"] == '\'=1+1 安东 "精工" & <i>' and rows[NORTH]["name"].startswith("'=HYPERLINK")
    assert all((packs / row["attachment"]).is_file() for row in rows.values())
    assert all(PERIOD in row["subject"] and row["subject"].startswith("Corner Shop") for row in rows.values())


def test_addresses_are_those_of_today(trade, tmp_path):
    customers = trade / "catalog" / "customers.csv"
    customers.write_text(
        customers.read_text("utf-8").replace("朵拉弄4404号,", "朵拉弄4404号,new@dora.example.cn"), "utf-8"
    )
    _deliver(trade, tmp_path / "out")
    rows = {row["id"]: row for row in _rows(tmp_path / "out" / "mail_list.csv")}
    assert rows[DORA]["address"] == "new@dora.example.cn"


def test_what_is_wrong_with_other_tables_of_today_is_no_matter(trade, tmp_path):
    with (trade / "catalog" / "receipts.csv").open("a", encoding="utf-8") as receipts:
        receipts.write("RCPT-9,HTA-7701,yesterday,much,contract_year,\n")
    _deliver(trade, tmp_path / "out")
    with (trade / "catalog" / "agents.csv").open("a", encoding="utf-8") as agents:
        agents.write(f"{NORTH},again,Nordhof,tier-1,,100%,standard,AGR-1,,\n")
    before = listing(trade)
    refused = _deliver(trade, tmp_path / "again", code=1)
    assert "agents.csv:5" in refused.err and "receipts" not in refused.err
    (trade / "catalog" / "agents.csv").unlink()
    (trade / "catalog" / "customers.csv").unlink()
    assert "CATALOG_FILE_MISSING" in _deliver(trade, tmp_path / "again", code=1).err
    assert listing(trade).keys() < before.keys() and not (tmp_path / "again").exists()


def test_a_folder_that_cannot_be_made_is_told_as_such(trade, tmp_path):
    (tmp_path / "file").write_text("mine")
    before = listing(trade)
    for to in ("/proc/x/y", tmp_path / "file" / "out"):
        ended = _deliver(trade, to, code=2)
        assert "FOLDER_NOT_MADE" in ended.err and str(to) in ended.err
    assert listing(trade) == before


def test_a_month_without_a_document_has_nothing_to_deliver(tmp_path):
    books = open_shop(tmp_path / "books")
    for name in ("contracts", "subscriptions", "receipts", "adjustments", "number_fees"):
        path = books / "catalog" / f"{name}.csv"
        if path.exists():
            path.write_text(path.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
    bill400("run", books, PERIOD)
    bill400("close", books, PERIOD, "--by", "reviewer")
    ended = _deliver(books, tmp_path / "out", code=3)
    assert "NOTHING_TO_DELIVER" in ended.err and "RECIPIENT_UNKNOWN" not in ended.err
    assert not (tmp_path / "out").exists()


def test_who_got_a_document_before_gets_a_reprint(trade, tmp_path):
    _deliver(trade, tmp_path / "one", "--only", ANTON)
    told = _deliver(trade, tmp_path / "two", "--json").json
    assert (told["recipients"], told["documents"], told["reprints"], told["without_address"]) == (9, 10, 1, 1)
    _deliver(trade, tmp_path / "three", "--only", ANTON)
    pdfs = [
        _files(tmp_path / folder / "customers" / f"{ANTON}-{PERIOD}.zip")[f"bill-{PERIOD}-{ANTON}.pdf"]
        for folder in ("one", "two", "three")
    ]
    assert ["补打" in _text(pdf) for pdf in pdfs] == [False, True, True]
    assert len({code for pdf in pdfs for code in re.findall(r"校验码 ([0-9a-f]{12})", _text(pdf))}) == 1
    copies = [_rows(tmp_path / folder / "delivery_list.csv") for folder in ("one", "two", "three")]
    assert [{row["copy"] for row in rows if row["id"] == ANTON} for rows in copies] == [{"1"}, {"2"}, {"3"}]
    assert {row["copy"] for row in copies[1] if row["id"] != ANTON} == {"1"}
    contents = _files(tmp_path / "three" / "customers" / f"{ANTON}-{PERIOD}.zip")["contents.txt"].decode("utf-8-sig")
    assert "补打 第3份" in contents
    listed = bill400("deliver", trade, PERIOD, "--list", "--only", ANTON, "--json").json["deliveries"]
    assert [(row["file"], row["copy"]) for row in listed] == [
        (f"bill-{PERIOD}-{ANTON}.{ending}", copy) for copy in (1, 2, 3) for ending in ("pdf", "xlsx")
    ]
    assert listed[0]["sha256"] == hashlib.sha256(pdfs[0]).hexdigest()
    assert bill400("verify", trade, "--json").json["findings"] == []


def test_books_that_printed_nothing_deliver_the_same(drafted, closed, tmp_path):
    settings = drafted / "books.toml"
    settings.write_text(settings.read_text("utf-8").replace("at_close = true", "at_close = false"), "utf-8")
    bill400("run", drafted, PERIOD)
    bill400("close", drafted, PERIOD, "--by", "reviewer")
    assert not (drafted / "published" / PERIOD / "invoices").exists()
    _deliver(drafted, tmp_path / "made")
    _deliver(closed, tmp_path / "taken")
    assert listing(tmp_path / "made") == listing(tmp_path / "taken")


def test_the_log_remembers_and_nothing_is_taken_back(trade, tmp_path):
    before = len(bill400("log", trade, "--json").json["commits"])
    _deliver(trade, tmp_path / "out", "--by", "Li Lei", "--only", ANTON)
    commit = _last_commit(trade)
    facts = {"period": PERIOD, "recipient_count": 1, "document_count": 1, "reprint_count": 0, "encrypted_count": 0,
             "printed_pages": 0}  # fmt: skip
    assert re.fullmatch("[0-9a-f]{32}", commit["facts"].pop("mark"))
    assert (commit["kind"], commit["by"], commit["facts"]) == ("deliver", "Li Lei", facts)
    assert str(tmp_path) not in json.dumps(commit)
    refused = bill400("take-back", trade, before + 1, "--reason", "wrong", code=3)
    assert "TAKE_BACK_DELIVERED" in refused.err
    told = bill400("log", trade).out.splitlines()[-1]
    assert "deliver" in told and "1 份" in told and "Li Lei" in told
    assert "已分发 1 次" in bill400("status", trade).out


@pytest.mark.parametrize(
    ("options", "reason", "code"),
    [
        ((), "FOLDER_NOT_FREE", 2),
        (("--only", "CUST-NOBODY"), "RECIPIENT_UNKNOWN", 2),
    ],
)
def test_what_cannot_be_delivered_is_refused(trade, tmp_path, options, reason, code):
    to = tmp_path / "out"
    if not options:
        to.mkdir()
        (to / "mine.txt").write_text("mine")
    before = listing(trade)
    assert reason in _deliver(trade, to, *options, code=code).err
    assert listing(trade) == before
    assert not to.exists() or [path.name for path in to.iterdir()] == ["mine.txt"]


def test_a_draft_is_not_delivered(drafted, tmp_path):
    assert "PERIOD_NOT_CLOSED" in _deliver(drafted, tmp_path / "out", code=3).err
    assert "DELIVER_WITHOUT_FOLDER" in bill400("deliver", drafted, PERIOD, code=2).err
    assert "nothing of" in bill400("deliver", drafted, PERIOD, "--list").out


def test_a_folder_within_the_books_is_refused(closed):
    assert "FOLDER_IN_BOOKS" in _deliver(closed, closed / "published" / "out", code=2).err
    assert "FOLDER_IN_BOOKS" in _deliver(closed, closed / "x" / ".." / "out", code=2).err


@pytest.mark.parametrize("change", [b"torn", None])
def test_a_file_that_is_not_the_published_one_goes_to_nobody(trade, tmp_path, change):
    path = trade / "published" / PERIOD / "invoices" / BERTA / f"bill-{PERIOD}-{BERTA}.pdf"
    path.unlink() if change is None else path.write_bytes(change)
    before = listing(trade)
    assert "PUBLISHED_CHANGED" in _deliver(trade, tmp_path / "out", code=3).err
    assert listing(trade) == before and not (tmp_path / "out").exists()
    # The remedy of the message: remove the folder, the next command that writes makes it again.
    shutil.rmtree(trade / "published" / PERIOD)
    _deliver(trade, tmp_path / "out")


def test_a_dry_run_writes_nothing_and_tells_the_same(trade, tmp_path):
    before = listing(trade)
    told = _deliver(trade, tmp_path / "out", "--dry-run", "--json").json
    assert listing(trade) == before and not (tmp_path / "out").exists()
    assert told == _deliver(trade, tmp_path / "out", "--json").json


def test_a_reprint_that_would_say_something_else_is_refused(trade, tmp_path, monkeypatch):
    monkeypatch.setattr(closed_month, "check_code_of", lambda workbook: "0123456789ab")
    _deliver(trade, tmp_path / "one", "--only", ANTON)
    assert {row["check_code"] for row in _rows(tmp_path / "one" / "delivery_list.csv")} == {"0123456789ab"}
    assert "REPRINT_DIFFERS" in _deliver(trade, tmp_path / "two", "--only", ANTON, code=3).err
    assert not (tmp_path / "two").exists()


def test_what_was_interrupted_is_begun_again(trade, tmp_path, monkeypatch):
    to = tmp_path / "out"

    def full(*arguments, **named):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(Books, "append", full)
        before = listing(trade)
        _deliver(trade, to, code=70)
        assert listing(trade) == before and not to.exists()
    # A killed process leaves its hidden folder.
    (to / ".part" / "customers").mkdir(parents=True)
    (to / ".part" / "customers" / "half.zip").write_bytes(b"half")
    _deliver(trade, to)
    assert not (to / ".part").exists() and not list(to.rglob("half.zip"))
    assert len(list(to.rglob("*.zip"))) == 9


def test_amounts_of_the_mail_list_are_those_on_paper(packs):
    for row in _rows(packs / "mail_list.csv"):
        (pdf,) = [c for n, c in _files(packs / row["attachment"]).items() if n.endswith(".pdf") and "credit" not in n]
        assert f"¥ {Decimal(row['amount']):,}" in _text(pdf)
