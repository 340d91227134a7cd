"""The second month of the corner shop, without a call: two bills overdue, one customer without a line who owes."""

import csv
import os
import re
import shutil
from decimal import Decimal

import pytest
from pypdf import PdfReader

from tests.commands.corner_shop import PERIOD, bill400, copied, published_rows
from tests.commands.shop_fixtures import shop_at

NOVEMBER = "2026-11"


@pytest.fixture(scope="module")
def november(tmp_path_factory):
    """Books in which C3 gave its number up with October, and nobody paid since."""
    root = copied(shop_at("closed", tmp_path_factory.mktemp), tmp_path_factory.mktemp("november") / "books")
    held = root / "catalog" / "subscriptions.csv"
    lines = held.read_text("utf-8").splitlines()
    ended = [re.sub(r"^(HT3,\d+,\w+,[\d-]+),,", r"\1,2026-11-01,", line) for line in lines]
    assert ended != lines
    held.write_text("\n".join([*ended, ""]), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        bill400("run", root, NOVEMBER)
        bill400("close", root, NOVEMBER, "--by", "reviewer")
    return root


@pytest.fixture(scope="module")
def handed_out(november, tmp_path_factory):
    folder = tmp_path_factory.mktemp("handed-out")
    books = shutil.copytree(november, folder / "books")
    bill400("deliver", books, NOVEMBER, "--to", folder / "out", "--print")
    return folder / "out"


def _owed(books, period):
    return {row["customer_id"]: row["payable"] for row in published_rows(books, "account_balance", period)}


def test_a_statement_of_account_is_printed_with_the_bills(november, handed_out):
    billed = {row["customer_id"] for row in published_rows(november, "invoice", NOVEMBER)}
    assert billed == {"C1", "C2", "C4"}, "C3 has no line of November"
    reader = PdfReader(handed_out / "print" / f"bills-{NOVEMBER}.pdf")
    pages = [page.extract_text() for page in reader.pages]
    first = next(place for place, text in enumerate(pages) if place and "Customer id C3" in text)
    assert "Statement of account" in pages[first] and first % 2 == 0
    line = next(line for line in pages[0].splitlines() if line.startswith("Statement of account"))
    assert line.split()[3:] == [str(first + 1), _owed(november, PERIOD)["C3"]], "it still owes October"
    assert re.search(r"Bills 4\b", pages[0])
    # What is to be paid stands there, not what November comes to: C2 paid ahead and owes nothing.
    assert re.search(r"2026-00000\d \S+ 0\.00", pages[0])


def test_mails_name_the_day_of_the_bill_and_what_is_overdue(november, handed_out):
    with (handed_out / "mail_list.csv").open(encoding="utf-8-sig") as lines:
        told = {row["id"]: (row["amount"], row["overdue"], row["due_date"]) for row in csv.DictReader(lines)}
    october, owed = _owed(november, PERIOD), _owed(november, NOVEMBER)
    gross = {row["customer_id"]: Decimal(row["gross"]) for row in published_rows(november, "invoice", NOVEMBER)}
    # C1 owes October, due on 15 November, and November, due on 15 December.
    assert told["C1"] == (str(Decimal(october["C1"]) + gross["C1"]), october["C1"], "2026-12-15")
    # A statement of account names no day.
    assert told["C3"] == (october["C3"], october["C3"], "") == (owed["C3"], owed["C3"], "")
    # Paid ahead: nothing to pay, no day.
    assert told["C2"] == told["C4"] == ("0.00", "", "")
    assert told["A1"][1:] == told["UNICOM"][1:] == ("", "")
