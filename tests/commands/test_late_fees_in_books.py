"""Late fees in whole books: begun in books without them, told by explain and on the bill, proved by verify."""

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal

import pytest
from pypdf import PdfReader

from billing.late_fees import accrual
from tests.commands.corner_shop import bill400, published_rows

RECEIPTS = "receipt_id,contract_id,received_on,amount,purpose,bill_period\n"


def month(books, period):
    bill400("run", books, period, "--no-ingest")
    bill400("close", books, period, "--by", "reviewer")


def fee_rows(books, period):
    return [
        (row["contract_id"], row["bill_period"], row["overdue_days"], row["stated"], row["billing"], row["billed"])
        for row in published_rows(books, "late_fee", period)
    ]


@pytest.fixture
def later(closed):
    """October was closed by a catalog that says nothing of late fees; then HT1 agrees to them, HT3 does not."""
    contracts = closed / "catalog" / "contracts.csv"
    head, *rows = contracts.read_text("utf-8").splitlines()
    rows = [f"{row},{'bill' if row.startswith('HT1') else ''}" for row in rows]
    contracts.write_text("\n".join([f"{head},late_fee", *rows, ""]), "utf-8")
    (october,) = [row for row in published_rows(closed, "invoice", "2026-10") if row["customer_id"] == "C1"]
    (closed / "catalog" / "receipts.csv").write_text(f"{RECEIPTS}R9,HT1,2026-11-25,{october['gross']},bill,2026-10\n")
    month(closed, "2026-11")
    return closed


def test_ten_days_are_shown_or_billed(later):
    (bill,) = [row for row in published_rows(later, "invoice", "2026-10") if row["customer_id"] == "C1"]
    fee = str((Decimal(bill["gross"]) * 10 * 3 / 1000).quantize(Decimal("0.01"), ROUND_HALF_UP))
    billed, (_, _, *shown) = fee_rows(later, "2026-11")
    assert billed == ("HT1", "2026-10", "10", fee, "bill", fee)
    assert (shown[0], shown[2], shown[3]) == ("15", "show", "0.00")
    lines = [row for row in published_rows(later, "invoice_line", "2026-11") if row["kind"] == "late_fee"]
    assert [(row["contract_id"], row["gross"], row["usage_period"]) for row in lines] == [("HT1", fee, "2026-10")]


def test_the_bill_shows_overdue_bills_and_says_what_of_them_is_billed(later, tmp_path):
    bill400("documents", later, "2026-11", "--to", tmp_path / "made")
    made = [next((tmp_path / "made").rglob(f"*bill-2026-11-{name}.pdf")) for name in ("C1", "C2", "C3")]
    pages = ["".join(page.extract_text() for page in PdfReader(path).pages) for path in made]
    assert ["Overdue bills" in page for page in pages] == [True, False, True]
    assert ["Late fee of an overdue bill (2026-10)" in page for page in pages] == [True, False, False]


def test_a_payment_entered_late_gives_back_and_every_month_is_proved(later):
    charged = fee_rows(later, "2026-11")[0][5]
    receipts = later / "catalog" / "receipts.csv"
    receipts.write_text(receipts.read_text("utf-8").replace("2026-11-25", "2026-11-15"), "utf-8")
    bill400("run", later, "2026-12", "--no-ingest")
    rows = {(contract, month): stated for contract, month, _, stated, _, _ in fee_rows(later, "2026-12")}
    assert rows["HT1", "2026-10"] == f"-{charged}"
    assert bill400("verify", later, "--json").json["findings"] == []


def test_a_late_fee_explains_itself(later):
    (line,) = [row for row in published_rows(later, "invoice_line", "2026-11") if row["kind"] == "late_fee"]
    said = bill400("explain", later, f"C1/2026-11#{line['line_number']}").out
    assert "days overdue: 10" in said
    assert "late fee so far" in said


def test_a_late_fee_that_was_stored_otherwise_is_found_by_sql(later, monkeypatch):
    """The same mistake in rebuild and books: only the second route can tell."""

    def a_day_early(principal, due_date, payments, end, terms):
        return accrual.overdue_bill(principal, due_date - dt.timedelta(days=1), payments, end, terms)

    monkeypatch.setattr("billing.late_fees.stage.overdue_bill", a_day_early)
    bill400("run", later, "2026-12", "--no-ingest")
    found = bill400("verify", later, "2026-12", "--json", code=1).json["findings"]
    assert {finding["reason"] for finding in found} == {"VERIFY_DOCUMENTS"}
    assert "late_fees_again" in found[0]["message"]
