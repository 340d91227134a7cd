"""Copies under passwords, and one PDF of all bills; both need the extra `secure`."""

import csv
import io
import re
import shutil
import sys

import pikepdf
import pytest
from pypdf import PdfReader

from billing.documents.delivery.cover import PrintedBill, cover
from billing.documents.delivery.passwords import is_weak
from billing.documents.delivery.pdf_files import Section, joined
from billing.documents.model import Grid
from billing.documents.words import Words
from tests.commands.corner_shop import PERIOD, bill400, listing
from tests.delivery.foreign_trade import ANTON, BERTA, CESAR, DORA, NORTH
from tests.publishing import sample_month

SECRET, OTHER = "tide-Pool-47", "k9!Lemon7q"


def _deliver(books, to, *options, code=0):
    return bill400("deliver", books, PERIOD, "--to", to, *options, code=code)


def _passwords(folder, *lines):
    path = folder / "passwords.csv"
    path.write_text("\n".join(["recipient,password", *lines, ""]), "utf-8-sig")
    return path


def _text(reader):
    return "\n".join(page.extract_text() for page in reader.pages)


def test_a_locked_copy_opens_with_its_password_alone(trade, tmp_path):
    file = _passwords(tmp_path, f"{CESAR},{SECRET}", f"{NORTH},{OTHER}")
    ended = _deliver(trade, tmp_path / "out", "--passwords", file, "--json")
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.pdf"))
    assert found == [
        f"encrypted/agents/statement-{PERIOD}-{NORTH}.pdf",
        f"encrypted/customers/bill-{PERIOD}-{CESAR}.pdf",
        f"encrypted/customers/credit_note-{PERIOD}-{CESAR}.pdf",
    ]
    assert ended.json["encrypted"] == 3
    plain = trade / "published" / PERIOD / "invoices" / CESAR / f"bill-{PERIOD}-{CESAR}.pdf"
    locked = PdfReader(tmp_path / "out" / found[1])
    assert locked.is_encrypted and not locked.decrypt(OTHER) and not locked.decrypt("")
    assert locked.decrypt(SECRET) and _text(locked) == _text(PdfReader(plain))
    with pikepdf.open(tmp_path / "out" / found[1], password=SECRET) as document:
        assert (document.encryption.R, document.encryption.bits) == (6, 256)
        assert document.encryption.stream_method.name == "aesv3"
    with (tmp_path / "out" / "mail_list.csv").open(encoding="utf-8-sig") as lines:
        attached = {row["id"]: row["attachment"] for row in csv.DictReader(lines)}
    assert attached[CESAR] == f"{found[1]};{found[2]}" and attached[NORTH] == found[0]
    assert attached[ANTON] == f"customers/{ANTON}-{PERIOD}.zip"


def test_a_password_is_nowhere_but_in_the_lock(trade, tmp_path):
    file = _passwords(tmp_path, f"{CESAR},{SECRET}")
    ended = _deliver(trade, tmp_path / "out", "--passwords", file)
    written = [path.read_bytes() for top in (trade, tmp_path / "out") for path in top.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in content for content in written)
    assert SECRET not in ended.out + ended.err


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((f"{CESAR},",), "PASSWORD_WEAK"),
        ((f"{CESAR},{SECRET}", "CUST-NOBODY,another-Pool-48"), "PASSWORD_RECIPIENT_UNKNOWN"),
        ((f"{CESAR},{SECRET}", f"{CESAR},another-Pool-48"), "PASSWORD_TWICE"),
        ((f"{CESAR};{SECRET}",), "PASSWORDS_UNREADABLE"),
        ((f'{CESAR},"{SECRET}',), "PASSWORDS_UNREADABLE"),
    ],
)
def test_a_list_that_will_not_do_is_refused_without_a_word_of_it(trade, tmp_path, lines, reason):
    before = listing(trade)
    ended = _deliver(trade, tmp_path / "out", "--passwords", _passwords(tmp_path, *lines), code=2)
    assert reason in ended.err and "Pool" not in ended.err + ended.out
    assert listing(trade) == before and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short7!",
        "aaaabbbb",
        "12345678",
        "87654321",
        "abcdefgh",
        "cust-ANTON-9",
        " tide-Pool-47",
        "密码密码密码密码密码",
        "x1" * 64,
    ],
)
def test_weak_passwords(password):
    assert is_weak(password, ANTON)


@pytest.mark.parametrize("password", [SECRET, OTHER, "correct horse battery", "9f3Kq7Wz"])
def test_good_passwords(password):
    assert not is_weak(password, ANTON)


def test_an_id_of_few_characters_may_occur_in_a_password():
    assert not is_weak("tide-Pool-C1", "C1")


@pytest.mark.parametrize("options", [("--print",), ("--passwords",)])
def test_without_the_extra_it_is_named(trade, tmp_path, monkeypatch, options):
    monkeypatch.setitem(sys.modules, "pikepdf", None)
    file = _passwords(tmp_path, f"{CESAR},{SECRET}")
    ended = _deliver(trade, tmp_path / "out", *options, *([file] if "--passwords" in options else []), code=3)
    assert "EXTRA_MISSING" in ended.err and "pip install 'bill400[secure]'" in ended.err
    assert not (tmp_path / "out").exists()


def test_all_bills_are_printed_by_branch_agent_and_customer(trade, tmp_path):
    _deliver(trade, tmp_path / "out", "--print")
    reader = PdfReader(tmp_path / "out" / "print" / f"bills-{PERIOD}.pdf")
    # Branch Nordhof before Suedhof; there agents AGCY-BELOW (Berta) and AGCY-NORTH (Anton); Dora is sold by us: last.
    firsts = [
        place
        for place, page in enumerate(reader.pages)
        if "付款与异议" in page.extract_text() and "客户账单" in page.extract_text()
    ]
    told = [re.search(r"客户编号 (\S+)", reader.pages[place].extract_text())[1] for place in firsts]
    assert told == [BERTA, ANTON, CESAR, DORA]
    assert all(place % 2 == 0 for place in firsts), "each begins on a sheet of its own"
    cover = reader.pages[0].extract_text()
    rows = re.findall(r"2026-00000\d (\d+)(?:–(\d+))? ", cover)
    assert [int(first) for first, _ in rows] == [place + 1 for place in firsts]
    for (first, last), place in zip(rows, firsts, strict=True):
        pages = int(re.search(r"第 1 / (\d+) 页", reader.pages[place].extract_text())[1])
        assert int(last or first) == int(first) + pages - 1
    titles = [mark.title for mark in reader.outline if not isinstance(mark, list)]
    assert titles == ["账单打印清单", "Nordhof", "Suedhof"]
    assert f"双面打印张数 {len(reader.pages) // 2}" in cover


def test_the_same_bills_are_printed_in_the_same_bytes(traded, tmp_path):
    printed = []
    for name in ("one", "two"):
        books = shutil.copytree(traded, tmp_path / name / "books")
        _deliver(books, tmp_path / name / "out", "--print")
        printed.append((tmp_path / name / "out" / "print" / f"bills-{PERIOD}.pdf").read_bytes())
    assert printed[0] == printed[1]


def test_the_cover_list_counts_the_blank_pages():
    # The list has one page and a blank one behind it. Bills of 1, 3 and 2 pages take 2, 4 and 2.
    bills = [
        PrintedBill("East", "A-1", "C-1", "One", "2026-000001", 10_000_000, 1),
        PrintedBill("East", "A-1", "C-2", "Two", "2026-000002", 20_000_000, 3),
        PrintedBill("", "", "C-3", "Three", "2026-000003", 40_000_000, 2),
    ]
    told = cover(bills, sample_month.book(), sample_month.PERIOD, Words("en"), own_pages=1)
    by_agent, by_bill = (section for section in told.sections if isinstance(section, Grid))
    assert [row[5] for row in by_bill.rows] == ["3", "5–7", "9–10"]
    assert [(row[0], *row[2:]) for row in by_agent.rows] == [
        ("East", 2, 4, 30_000_000),
        ("no branch", 1, 2, 40_000_000),
    ]
    assert by_bill.totals[-1] == by_agent.totals[-1] == 70_000_000
    assert [field.value for field in told.recipient] == [3, 5], "bills, and sheets: 1 + 1 + 2 + 1"


def test_an_odd_page_is_followed_by_a_blank_one():
    one, two = _pages(1), _pages(2)
    whole = PdfReader(io.BytesIO(joined([Section(("A", "x"), one), Section(("A", "y"), two)], "whole", "en")))
    assert [page.mediabox.width for page in whole.pages] == [300, 300, 300, 300]
    inner = next(mark for mark in whole.outline if isinstance(mark, list))
    assert [whole.get_destination_page_number(mark) for mark in inner] == [0, 2]


def _pages(count):
    target = io.BytesIO()
    with pikepdf.new() as document:
        for _ in range(count):
            document.add_blank_page(page_size=(300, 400))
        document.save(target)
    return target.getvalue()
