"""Late fees of a month: which bills, what was stated before, and what of it is billed."""

import polars as pl
import pytest

from billing.charging.stage import charge_late_fees
from billing.core.money import yuan
from billing.core.period import Period
from billing.late_fees.stage import accrue_late_fees
from billing.tables.documents import Invoice, InvoiceLine, LateFee
from pipelines.past import bills_of
from tests.charging.books import rate_book, read_rows, retail, typed

NOVEMBER = Period(2026, 11)
BILLS = {"contract_id": pl.String, "period": pl.String, "due_date": pl.Date, "gross_micro": pl.Int64}
CONTRACT = "contract_id customer_id payment_mode late_fee\n"
RECEIPT = "contract_id bill_period received_on amount_micro purpose\n"


def book_of(contracts="C1 K1 monthly bill", receipts="", **more):
    rows = "\n".join(f"{line} bill" for line in receipts.splitlines())
    return rate_book(retail(), contract=CONTRACT + contracts, receipt=RECEIPT + rows if rows else "", **more)


def bills(text):
    rows = read_rows("contract_id period due_date gross_micro\n" + text)
    frame = pl.DataFrame(rows, dict.fromkeys(BILLS, pl.String))
    return frame.with_columns(pl.col("due_date").str.to_date(), pl.col("gross_micro").cast(pl.Int64) * 1_000_000)


def earlier(text=""):
    return typed(LateFee, read_rows("contract_id bill_period stated_micro billed_micro\n" + text if text else ""))


def fees(book, owed="C1 2026-09 2026-10-15 1000", before="", period=NOVEMBER):
    return accrue_late_fees(period, bills(owed), earlier(before), book)


def shown(outcome):
    return [
        f"{row['contract_id']} {row['bill_period']} {yuan(row['accrued_micro'])} {yuan(row['stated_before_micro'])} "
        f"{yuan(row['stated_micro'])} {row['billing']} {yuan(row['billed_micro'])}"
        for row in outcome.tables["late_fee"].iter_rows(named=True)
    ]


def test_the_first_month_of_arrears_and_the_next():
    assert shown(fees(book_of(), period=Period(2026, 10))) == ["C1 2026-09 48.00 0.00 48.00 bill 48.00"]
    assert shown(fees(book_of(), before="C1 2026-09 48.00 48.00")) == ["C1 2026-09 138.00 48.00 90.00 bill 90.00"]


@pytest.mark.parametrize("contract", ["C1 K1 annual_payment bill", "C1 K1 full_prepayment bill", "C2 K1 monthly bill"])
def test_only_bills_of_contracts_paid_by_the_month_are_late(contract):
    assert shown(fees(book_of(contract))) == []


@pytest.mark.parametrize("amount", ["0", "-50"])
def test_a_bill_of_nothing_and_a_credit_are_never_late(amount):
    assert shown(fees(book_of(), f"C1 2026-09 2026-10-15 {amount}")) == []


def test_a_bill_that_is_paid_and_stated_is_told_no_more():
    book = book_of(receipts="C1 2026-09 2026-10-25 1000.00")
    assert shown(fees(book, before="C1 2026-09 30.00 30.00")) == []


def test_a_bill_that_was_paid_late_is_told_once_in_the_month_of_the_payment():
    book = book_of(receipts="C1 2026-09 2026-11-04 1000.00")
    assert shown(fees(book, before="C1 2026-09 48.00 48.00")) == ["C1 2026-09 60.00 48.00 12.00 bill 12.00"]


def test_receipts_of_other_bills_contracts_and_purposes_pay_nothing():
    receipts = "C1 2026-08 2026-10-02 1000.00\nC2 2026-09 2026-10-02 1000.00"
    assert shown(fees(book_of(receipts=receipts), period=Period(2026, 10)))[0].startswith("C1 2026-09 48.00")
    ahead = rate_book(
        retail(),
        contract=CONTRACT + "C1 K1 monthly -",
        receipt=RECEIPT + "C1 2026-09 2026-10-02 1000.00 contract_year",
    )
    assert shown(fees(ahead, period=Period(2026, 10))) == ["C1 2026-09 48.00 0.00 48.00 show 0.00"]


def test_a_payment_entered_late_is_given_back_and_told():
    outcome = fees(book_of(receipts="C1 2026-09 2026-10-20 1000.00"), before="C1 2026-09 48.00 48.00")
    assert shown(outcome) == ["C1 2026-09 15.00 48.00 -33.00 bill -33.00"]
    (finding,) = outcome.findings
    assert (finding.reason, finding.severity, finding.values["amount"]) == ("LATE_FEE_LOWERED", "warning", "33.00")


@pytest.mark.parametrize(
    ("billing", "paid_on", "before", "expected"),
    [
        # What was only shown is not billed when the contract comes to say bill, nor given back.
        ("bill", "2026-11-10", "48.00 0.00", "78.00 48.00 30.00 bill 30.00"),
        ("bill", "2026-10-20", "48.00 0.00", "15.00 48.00 -33.00 bill 0.00"),
        ("bill", "2026-10-20", "48.00 20.00", "15.00 48.00 -33.00 bill -20.00"),
        # What was billed is given back when it was too much, whatever the contract says now.
        ("show", "2026-11-10", "48.00 48.00", "78.00 48.00 30.00 show 0.00"),
        ("show", "2026-10-20", "48.00 48.00", "15.00 48.00 -33.00 show -33.00"),
        ("show", "2026-10-20", "48.00 10.00", "15.00 48.00 -33.00 show 0.00"),
        ("-", "2026-10-20", "48.00 40.00", "15.00 48.00 -33.00 show -25.00"),
    ],
)
def test_a_contract_that_changes_its_word(billing, paid_on, before, expected):
    book = book_of(f"C1 K1 monthly {billing}", f"C1 2026-09 {paid_on} 1000.00")
    assert shown(fees(book, before=f"C1 2026-09 {before}")) == [f"C1 2026-09 {expected}"]


def test_what_is_billed_is_a_charge_of_the_whole_contract_with_the_rate_of_the_bill():
    book = book_of("C1 K1 monthly bill\nC2 K2 monthly show")
    owed = "C1 2019-03 2019-04-15 1000\nC1 2026-09 2026-10-15 1000\nC2 2026-09 2026-10-15 1000"
    outcome = fees(book, owed)
    charges = charge_late_fees(NOVEMBER, outcome.tables["late_fee"], book).tables["charge"]
    rows = charges.select("charge_key", "service_number", "kind", "amount_micro", "tax_code", "vat_rate_bp").rows()
    assert rows == [
        ("C1/*/late_fee/late_fee/2019-03", None, "late_fee", 1000_000_000, "voice", 1000),
        ("C1/*/late_fee/late_fee/2026-09", None, "late_fee", 138_000_000, "voice", 900),
    ]


def test_late_fees_and_their_waivers_are_no_part_of_a_bill_that_can_be_late():
    invoices = typed(Invoice, read_rows("invoice_key period due_date\nK1/2026-10 2026-10 2026-11-15"))
    lines = typed(
        InvoiceLine,
        read_rows(
            """
            invoice_key contract_id kind       item            gross_micro
            K1/2026-10  C1          usage      usage           100.00
            K1/2026-10  C1          late_fee   late_fee        30.00
            K1/2026-10  C1          adjustment late_fee_waiver -20.00
            K1/2026-10  C1          adjustment adjustment      -5.00
            K1/2026-10  C2          usage      usage           7.00
            """
        ),
    )
    found = bills_of(invoices, lines).select("contract_id", "gross_micro").rows()
    assert found == [("C1", 95_000_000), ("C2", 7_000_000)]
