"""What a contract owes at the end of a month: which bills, which money, and what is to be paid."""

import datetime as dt
import random

import polars as pl
import pytest

from billing.balances.stage import carry_balances
from billing.core.money import yuan
from billing.core.period import Period
from billing.tables.catalog import Contract
from billing.tables.documents import CommissionLine, Invoice, InvoiceLine
from tests.charging.books import rate_book, retail, typed

MARCH = Period(2026, 3)
CONTRACT = "contract_id customer_id payment_mode service_start ends_on trial_until\n"
RECEIPT = "receipt_id contract_id received_on amount_micro purpose bill_period\n"
MONTHLY = "C1 K1 monthly 2025-06-10 2027-06-10 -"
YEARLY = "C1 K1 annual_payment 2024-06-10 2027-06-10 -"
TERM = "C1 K1 full_prepayment 2024-06-10 2026-06-10 -"


def book_of(contracts=MONTHLY, receipts=""):
    """Books that begin in January 2026."""
    rows = "\n".join(f"R{number} {line}" for number, line in enumerate(receipts.strip().splitlines()))
    return rate_book(retail(), contract=CONTRACT + contracts, receipt=RECEIPT + rows if rows else "")


def bills(text):
    """Invoices and lines from: customer period contract amount."""
    lines = [line.split() for line in text.strip().splitlines()]
    heads = {(customer, period) for customer, period, *_ in lines}
    invoices = [
        {"invoice_key": f"{customer}/{p}", "period": p, "customer_id": customer} for customer, p in sorted(heads)
    ]
    rows = [
        {"invoice_key": f"{customer}/{p}", "contract_id": contract, "gross_micro": amount}
        for customer, p, contract, amount in lines
    ]
    return typed(Invoice, invoices), typed(InvoiceLine, rows)


def balances(book, billed="", period=MARCH):
    invoices, lines = bills(billed)
    return carry_balances(period, invoices, lines, CommissionLine.empty(), book).tables["account_balance"]


def shown(frame):
    money = ("opening_micro", "received_micro", "billed_micro", "closing_micro", "payable_micro")
    return [
        f"{row['contract_id']} " + " ".join(yuan(row[name]) for name in money) for row in frame.iter_rows(named=True)
    ]


TWO_BILLS = "K1 2026-01 C1 100.00\nK1 2026-02 C1 60.00\nK1 2026-03 C1 30.00"


@pytest.mark.parametrize(
    ("receipts", "row"),
    [
        # opening received billed closing payable
        ("", "160.00 0.00 30.00 190.00 190.00"),
        ("C1 2026-02-15 100.00 bill 2026-01", "60.00 0.00 30.00 90.00 90.00"),
        ("C1 2026-02-28 100.00 bill 2026-01", "60.00 0.00 30.00 90.00 90.00"),
        ("C1 2026-03-01 100.00 bill 2026-01", "160.00 100.00 30.00 90.00 90.00"),
        ("C1 2026-03-31 100.00 bill 2026-01", "160.00 100.00 30.00 90.00 90.00"),
        ("C1 2026-04-01 100.00 bill 2026-01", "160.00 0.00 30.00 190.00 190.00"),
        ("C1 2026-03-02 190.00 bill 2026-01", "160.00 190.00 30.00 0.00 0.00"),
        ("C1 2026-03-02 200.00 bill 2026-01", "160.00 200.00 30.00 -10.00 0.00"),
        ("C1 2026-03-02 70.00 bill 2026-01\nC1 2026-03-09 -20.00 bill 2026-01", "160.00 50.00 30.00 140.00 140.00"),
        # Bills of months before the books are unknown to them, and so is the money for them.
        ("C1 2026-02-15 100.00 bill 2025-12", "160.00 0.00 30.00 190.00 190.00"),
        ("C1 2026-03-15 100.00 bill 2025-12", "160.00 0.00 30.00 190.00 190.00"),
        # Money for a bill to come is money of the customer.
        ("C1 2026-03-15 40.00 bill 2026-04", "160.00 40.00 30.00 150.00 150.00"),
    ],
)
def test_a_contract_paid_by_the_month(receipts, row):
    assert shown(balances(book_of(receipts=receipts), TWO_BILLS)) == [f"C1 {row}"]


@pytest.mark.parametrize(
    ("contract", "receipts", "opening"),
    [
        # Books begin on 2026-01-01. Year 2 of the contract ends on 2026-06-10, year 1 ended on 2025-06-10.
        (YEARLY, "C1 2025-07-01 900.00 contract_year -", "-900.00"),
        (YEARLY, "C1 2025-06-10 900.00 contract_year -", "-900.00"),
        (YEARLY, "C1 2025-06-09 900.00 contract_year -", None),
        (YEARLY, "C1 2024-06-01 900.00 contract_year -", None),
        (YEARLY, "C1 2025-07-01 900.00 contract_year -\nC1 2025-08-01 -50.00 contract_year -", "-850.00"),
        ("C1 K1 annual_payment 2025-02-01 2027-06-10 -", "C1 2025-01-20 900.00 contract_year -", "-900.00"),
        ("C1 K1 annual_payment 2025-01-01 2027-01-01 -", "C1 2025-12-31 900.00 contract_year -", None),
        ("C1 K1 annual_payment 2025-01-02 2027-01-02 -", "C1 2025-12-31 900.00 contract_year -", "-900.00"),
        # The year counts from the first paid day: a trial until 2025-01-02 moves its end to 2026-01-02.
        ("C1 K1 annual_payment 2024-12-25 2027-01-02 2025-01-02", "C1 2024-12-31 900.00 contract_year -", "-900.00"),
        ("C1 K1 annual_payment 2024-12-25 2027-01-02 2025-01-01", "C1 2024-12-31 900.00 contract_year -", None),
        # A term counts as a whole while it is not over.
        (TERM, "C1 2024-06-01 2400.00 full_term -", "-2,400.00"),
        ("C1 K1 full_prepayment 2024-01-01 2026-01-02 -", "C1 2024-01-01 2400.00 full_term -", "-2,400.00"),
        ("C1 K1 full_prepayment 2024-01-01 2026-01-01 -", "C1 2024-01-01 2400.00 full_term -", None),
        (MONTHLY, "C1 2026-02-01 50.00 full_term -", "-50.00"),
    ],
)
def test_which_money_paid_ahead_counts(contract, receipts, opening):
    expected = [] if opening is None else [f"C1 {opening} 0.00 0.00 {opening} 0.00"]
    assert shown(balances(book_of(contract, receipts))) == expected


def test_bills_of_a_contract_paid_ahead_draw_on_its_money_until_it_is_used_up():
    """130 paid ahead in January; bills of 70, 40 and 30: 10 of March's are owed."""
    book = book_of(YEARLY, "C1 2026-01-20 130.00 contract_year -")
    billed = "K1 2026-01 C1 70.00\nK1 2026-02 C1 40.00\nK1 2026-03 C1 30.00"
    january, february = billed.splitlines()[:1], billed.splitlines()[:2]
    assert shown(balances(book, "\n".join(january), Period(2026, 1))) == ["C1 0.00 130.00 70.00 -60.00 0.00"]
    assert shown(balances(book, "\n".join(february), Period(2026, 2))) == ["C1 -60.00 0.00 40.00 -20.00 0.00"]
    assert shown(balances(book, billed)) == ["C1 -20.00 0.00 30.00 10.00 10.00"]


def test_a_trial_that_nobody_confirmed_has_no_year_that_could_be_over():
    contract = [{"contract_id": "C1", "customer_id": "K1", "payment_mode": "annual_payment",
                 "service_start": "2024-01-01", "ends_on": "2027-01-01", "trial_until": "2024-02-01"}]  # fmt: skip
    book = book_of(receipts="C1 2024-03-01 900.00 contract_year -")
    tables = {**book.tables, "contract": typed(Contract, contract)}
    assert shown(balances(type(book)(book.prices, tables, book.policy))) == ["C1 -900.00 0.00 0.00 -900.00 0.00"]


def test_a_bill_of_several_contracts_is_the_sum_of_its_rows():
    book = book_of(f"{MONTHLY}\nC2 K1 monthly 2025-06-10 2027-06-10 -\nC3 K2 monthly 2025-06-10 2027-06-10 -")
    found = balances(book, "K1 2026-03 C1 10.00\nK1 2026-03 C1 -2.50\nK1 2026-03 C2 -4.00\nK2 2026-03 C3 0.00")
    assert shown(found) == [
        "C1 0.00 0.00 7.50 7.50 7.50",
        "C2 0.00 0.00 -4.00 -4.00 0.00",
        "C3 0.00 0.00 0.00 0.00 0.00",
    ]
    by_customer = found.group_by("customer_id").agg(pl.col("billed_micro").sum()).sort("customer_id")
    assert by_customer.rows() == [("K1", 3_500_000), ("K2", 0)]


def test_contracts_without_money_have_no_row_and_those_that_left_the_catalog_keep_theirs():
    book = book_of(f"{MONTHLY}\nC2 K2 monthly 2025-06-10 2027-06-10 -")
    (row,) = balances(book, "K7 2026-01 C9 10.00\nK8 2026-02 C9 5.00").rows(named=True)
    assert (row["contract_id"], row["customer_id"], row["payment_mode"]) == ("C9", "K8", None)
    assert (row["period"], row["opening_micro"], row["payable_micro"]) == ("2026-03", 15_000_000, 15_000_000)


def test_a_balance_that_came_to_nothing_has_no_row():
    book = book_of(receipts="C1 2026-02-20 100.00 bill 2026-01")
    assert shown(balances(book, "K1 2026-01 C1 100.00")) == []


@pytest.mark.parametrize("seed", range(10))
def test_every_month_opens_with_what_the_month_before_closed_with(seed):
    """Random bills and receipts over a year, walked month by month by hand."""
    chance = random.Random(seed)
    periods = [Period(2026, 1).shifted(number) for number in range(12)]
    billed = [(chance.choice(periods), f"C{chance.randrange(3)}", chance.randrange(-500, 2000)) for _ in range(40)]
    money = [
        (
            dt.date(2026, 1, 1) + dt.timedelta(chance.randrange(365)),
            f"C{chance.randrange(3)}",
            chance.randrange(-300, 900),
        )
        for _ in range(40)
    ]
    contracts = "\n".join(f"C{number} K{number} monthly 2025-06-10 2027-06-10 -" for number in range(3))
    book = book_of(contracts, "\n".join(f"{name} {day} {yuans} bill 2026-05" for day, name, yuans in money))
    owed = dict.fromkeys(["C0", "C1", "C2"], 0)
    for period in periods:
        known = "\n".join(f"K{name[1]} {p} {name} {yuans}" for p, name, yuans in billed if p <= period)
        found = {row["contract_id"]: row for row in balances(book, known, period).iter_rows(named=True)}
        for name, before in owed.items():
            received = sum(yuans for day, whose, yuans in money if whose == name and Period.of(day) == period)
            bill = sum(yuans for p, whose, yuans in billed if whose == name and p == period)
            owed[name] = before - received + bill
            row = found.get(name, {}) or dict.fromkeys(("opening_micro", "received_micro", "billed_micro",
                                                       "closing_micro", "payable_micro"), 0)  # fmt: skip
            assert row["opening_micro"] == before * 1_000_000
            assert row["received_micro"] == received * 1_000_000
            assert row["billed_micro"] == bill * 1_000_000
            assert row["closing_micro"] == owed[name] * 1_000_000
            assert row["payable_micro"] == max(0, owed[name]) * 1_000_000
