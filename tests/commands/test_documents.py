"""Documents from the command line: made when asked for, final at close, and made again byte by byte."""

import io
import re
import subprocess
import sys
from decimal import Decimal

import duckdb
from pypdf import PdfReader

from tests.commands.corner_shop import PERIOD, bill400

KINDS = {"invoices": "bill", "statements": "statement", "settlement": "settlement"}


def _published(books):
    return books / "published" / PERIOD


def _documents(books, *suffixes):
    """Documents of the period, by their path below it."""
    top = _published(books)
    return {
        path.relative_to(top).as_posix(): path
        for kind in KINDS
        for path in (top / kind).rglob("*")
        if path.suffix in (suffixes or (".pdf", ".xlsx", ".csv"))
    }


def _text(content):
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def _rows(books, query):
    with duckdb.connect(str(_published(books) / "audit.duckdb"), read_only=True) as pack:
        return pack.sql(query).fetchall()


def test_a_run_makes_documents_when_asked_to_and_only_then(ingested):
    bill400("run", ingested, PERIOD)
    assert not _documents(ingested)
    commits = len(bill400("log", ingested, "--json").json["commits"])
    bill400("run", ingested, PERIOD, "--documents")
    drafts = _documents(ingested, ".pdf")
    assert {path.split("/")[0] for path in drafts} == set(KINDS)
    assert all("Draft" in _text(path.read_bytes()) for path in drafts.values())
    bill400("run", ingested, PERIOD, "--documents")
    bill400("run", ingested, PERIOD)
    assert len(bill400("log", ingested, "--json").json["commits"]) == commits + 1
    assert _documents(ingested, ".pdf").keys() == drafts.keys()


def test_a_command_that_makes_no_documents_does_not_load_what_prints_them(ingested):
    loaded = "import sys; from pipelines.cli import build; build('en')(sys.argv[1:], standalone_mode=False)"
    watched = f"import atexit, sys; atexit.register(lambda: print('typst' in sys.modules)); {loaded}"
    ended = subprocess.run(
        [sys.executable, "-c", watched, "run", str(ingested), PERIOD], capture_output=True, text=True, check=False
    )
    assert ended.stdout.splitlines()[-1] == "False", ended.stderr


def test_close_makes_one_folder_a_recipient(closed):
    paths = set(_documents(closed))
    for customer in ("C1", "C2", "C3", "C4"):
        for suffix in ("pdf", "xlsx"):
            assert f"invoices/{customer}/bill-{PERIOD}-{customer}.{suffix}" in paths
    assert f"statements/A1/statement-{PERIOD}-A1.pdf" in paths
    assert f"settlement/UNICOM/settlement-{PERIOD}-UNICOM.csv" in paths
    assert not any("Draft" in _text(path.read_bytes()) for path in _documents(closed, ".pdf").values())


def test_amounts_on_paper_are_the_ledgers(closed):
    query = "SELECT customer_id, gross, net, tax, invoice_number FROM invoice"
    for customer, gross, net, tax, number in _rows(closed, query):
        text = _text((_published(closed) / f"invoices/{customer}/bill-{PERIOD}-{customer}.pdf").read_bytes())
        told = set(_amounts(text))
        assert {gross, net, tax} <= told and number in text, customer
        lines = _rows(closed, f"SELECT gross FROM invoice_line WHERE invoice_key = '{customer}/{PERIOD}'")
        assert {line for (line,) in lines} <= told
    for agent, released in _rows(closed, "SELECT agent_id, sum(released) FROM commission_line GROUP BY ALL"):
        text = _text((_published(closed) / f"statements/{agent}/statement-{PERIOD}-{agent}.pdf").read_bytes())
        assert released in _amounts(text), agent
    for carrier, owed in _rows(closed, "SELECT carrier_id, sum(gross) FROM settlement_line GROUP BY ALL"):
        text = _text((_published(closed) / f"settlement/{carrier}/settlement-{PERIOD}-{carrier}.pdf").read_bytes())
        assert owed in _amounts(text), carrier


def _amounts(text):
    return [Decimal(found.replace(",", "").replace("−", "-")) for found in re.findall(r"−?[\d,]*\d\.\d\d\b", text)]


def test_documents_are_made_again_byte_by_byte(closed, tmp_path):
    again = bill400("documents", closed, PERIOD, "--to", tmp_path / "again", "--json").json["documents"]
    assert {document["file"] for document in again} == set(_documents(closed))
    assert all(document["is_published"] for document in again)
    for name, path in _documents(closed).items():
        assert (tmp_path / "again" / name).read_bytes() == path.read_bytes()


def test_a_damaged_folder_comes_back_as_it_was(closed):
    before = {name: path.read_bytes() for name, path in _documents(closed).items()}
    (_published(closed) / "manifest.json").unlink()
    (_published(closed) / f"invoices/C1/bill-{PERIOD}-C1.pdf").write_bytes(b"torn")
    assert "CHECKOUT_DIFFERS" not in bill400("ingest", closed, closed / "inbox").err
    assert {name: path.read_bytes() for name, path in _documents(closed).items()} == before
    assert not bill400("verify", closed, "--json").json["findings"]


def test_one_recipient_in_english(closed, tmp_path):
    told = bill400("documents", closed, PERIOD, "--only", "C1", "--in", "zh", "--to", tmp_path / "zh")
    names = sorted(path.name for path in (tmp_path / "zh").rglob("*.*"))
    assert names == [f"bill-{PERIOD}-C1.pdf", f"bill-{PERIOD}-C1.xlsx"]
    assert "客户账单" in _text(next((tmp_path / "zh").rglob("*.pdf")).read_bytes())
    assert "not among what is published" in told.out


def test_who_gets_nothing_is_told(closed, ingested, tmp_path):
    assert "RECIPIENT_UNKNOWN" in bill400("documents", closed, PERIOD, "--only", "C9", code=2).err
    assert "NO_DRAFT" in bill400("documents", ingested, PERIOD, code=3).err
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    assert "FOLDER_NOT_FREE" in bill400("documents", closed, PERIOD, "--to", tmp_path / "full", code=2).err


def test_books_may_close_without_documents(drafted):
    settings = drafted / "books.toml"
    settings.write_text(settings.read_text("utf-8").replace("at_close = true", "at_close = false"), "utf-8")
    bill400("run", drafted, PERIOD)
    bill400("close", drafted, PERIOD, "--by", "reviewer")
    assert not _documents(drafted)
    made = bill400("documents", drafted, PERIOD, "--json").json["documents"]
    assert made and not any(document["is_published"] for document in made)


def test_a_name_that_cannot_be_printed_is_told_before_a_close_refuses_it(drafted):
    customers = drafted / "catalog" / "customers.csv"
    customers.write_text(customers.read_text("utf-8").replace("Tea house", "Tea 𠮷 house"), "utf-8")
    assert "catalog/customer:C1: NAME_NOT_PRINTABLE" in bill400("check", drafted).err
    bill400("run", drafted, PERIOD)
    assert "NAME_NOT_PRINTABLE" in bill400("close", drafted, PERIOD, "--by", "reviewer", "--dry-run").err
    before = sorted(path for path in drafted.rglob("*"))
    assert "GLYPH_MISSING" in bill400("close", drafted, PERIOD, "--by", "reviewer", code=1).err
    assert sorted(path for path in drafted.rglob("*")) == before


def test_documents_that_cannot_all_be_made_leave_no_file(drafted, tmp_path):
    customers = drafted / "catalog" / "customers.csv"
    customers.write_text(customers.read_text("utf-8").replace("Florist", "花店𠮷"), "utf-8")
    bill400("run", drafted, PERIOD)
    assert "GLYPH_MISSING" in bill400("documents", drafted, PERIOD, "--to", tmp_path / "out", code=1).err
    assert not list(tmp_path.glob("out*"))
    bill400("documents", drafted, PERIOD, "--only", "C1", "--to", tmp_path / "out")
    assert list((tmp_path / "out").rglob("draft-bill-*.pdf"))


def test_documents_are_never_written_into_the_books(closed):
    inside = closed / "published" / "2026-11"
    assert "FOLDER_IN_BOOKS" in bill400("documents", closed, PERIOD, "--to", inside, code=2).err


def test_settings_that_documents_print_make_a_new_draft(drafted):
    settings = drafted / "books.toml"
    settings.write_text(settings.read_text("utf-8").replace("paper_rows = 2000", "paper_rows = 5"), "utf-8")
    assert "STALE_DRAFT" in bill400("close", drafted, PERIOD, "--by", "reviewer", code=3).err


def test_who_paid_and_has_no_line_gets_a_statement_of_account(closed):
    # C4 paid 600.00 ahead for HT4; in November the contract is gone from the catalog's numbers and nothing is billed.
    subscriptions = closed / "catalog" / "subscriptions.csv"
    kept = [line for line in subscriptions.read_text("utf-8").splitlines() if not line.startswith("HT4")]
    subscriptions.write_text("\n".join(kept) + "\n", "utf-8")
    bill400("run", closed, "2026-11", "--documents")
    text = _text((closed / "published/2026-11/invoices/C4/draft-bill-2026-11-C4.pdf").read_bytes())
    assert "Statement of account" in text and "There is nothing to pay" in text
