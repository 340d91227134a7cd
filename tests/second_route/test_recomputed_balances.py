"""Balances by SQL: random books agree with the first route, and whatever is moved by a fen is found."""

import datetime as dt
import random

import polars as pl
import pytest

from billing.balances.stage import carry_balances
from billing.core.period import Period
from billing.second_route.balances import recompute_balances
from billing.tables.catalog import Contract, Receipt
from billing.tables.documents import AccountBalance, AgentBalance, CommissionLine, Invoice, InvoiceLine
from tests.charging.books import rate_book, retail

FIRST = Period(2026, 1)
NOW = Period(2026, 6)
PERIODS = [FIRST.shifted(number) for number in range(6)]
FEN = 10_000


def rows(table, entries):
    return table.of_rows([{str(column): entry.get(column) for column in table.columns} for entry in entries])


def _contract(chance, name):
    start = dt.date(2023, 1, 1) + dt.timedelta(days=chance.randrange(1100))
    trial = start + dt.timedelta(days=30) if chance.random() < 0.3 else None
    confirmed = chance.choice([None, start, start + dt.timedelta(days=45)]) if trial else None
    mode = chance.choice(["monthly", "annual_payment", "full_prepayment"])
    ends = dt.date(2025, 11, 1) + dt.timedelta(days=chance.randrange(600))
    return {"contract_id": name, "customer_id": f"K{name[1]}", "payment_mode": mode, "service_start": start,
            "ends_on": ends, "trial_until": trial, "trial_confirmed_on": confirmed}  # fmt: skip


def _receipt(chance, number, name):
    purpose = chance.choice(["bill", "contract_year", "full_term"])
    day = dt.date(2023, 1, 1) + dt.timedelta(days=chance.randrange(1350))
    bill = str(Period.of(day)) if purpose == "bill" else None
    return {"receipt_id": f"R{number}", "contract_id": name, "received_on": day, "purpose": purpose,
            "amount_micro": chance.randrange(-300, 2000) * FEN, "bill_period": bill}  # fmt: skip


def _commission(chance, number):
    period, agent = str(chance.choice(PERIODS)), f"A{chance.randrange(6)}"
    return {"commission_key": f"L{number}", "period": period, "agent_id": agent,
            "accrued_micro": chance.randrange(-400, 900) * FEN,
            "released_micro": chance.choice([0, chance.randrange(-900, 700)]) * FEN}  # fmt: skip


@pytest.fixture(scope="module")
def month():
    """Thirty contracts, six months of bills, all sorts of receipts, six agents; what June carries."""
    chance = random.Random(5)
    names = [f"C{index:02d}" for index in range(30)]
    billed = [(chance.choice(PERIODS), chance.choice(names)) for _ in range(120)]
    invoices = [
        {"invoice_key": f"K{owner}/{period}", "period": str(period), "customer_id": f"K{owner}"}
        for period, owner in sorted({(period, name[1]) for period, name in billed})
    ]
    lines = [
        {"invoice_key": f"K{name[1]}/{period}", "contract_id": name, "gross_micro": chance.randrange(-200, 3000) * FEN}
        for period, name in billed
    ]
    tables = {
        "invoice": rows(Invoice, invoices),
        "invoice_line": rows(InvoiceLine, lines),
        "commission_line": rows(CommissionLine, [_commission(chance, number) for number in range(60)]),
        "contract": rows(Contract, [_contract(chance, name) for name in names]),
        "receipt": rows(Receipt, [_receipt(chance, number, chance.choice(names)) for number in range(150)]),
    }
    book = rate_book(retail())
    book = type(book)(book.prices, {**book.tables, **{n: tables[n] for n in ("contract", "receipt")}}, book.policy)
    outcome = carry_balances(NOW, tables["invoice"], tables["invoice_line"], tables["commission_line"], book)
    tables |= outcome.tables
    assert tables["account_balance"].height > 20
    assert (tables["agent_balance"]["carried_out_micro"] < 0).any()
    assert (tables["agent_balance"]["payable_micro"] > 0).any()
    return tables


def again(tables, first=FIRST):
    return recompute_balances(NOW.start, NOW.end, first.start, tables)


def test_both_routes_agree(month):
    assert again(month).rows() == []


@pytest.mark.parametrize(
    ("table", "column"),
    [(table, str(column)) for table in (AccountBalance, AgentBalance) for column in table.columns if column.is_money],
)
def test_a_figure_that_was_moved_is_found(month, table, column):
    first = pl.int_range(pl.len()) == 0
    moved = month[table.name].with_columns(pl.when(first).then(pl.col(column) + FEN).otherwise(column).alias(column))
    (row,) = again({**month, table.name: moved}).rows(named=True)
    assert (row["measure"], row["first"] - row["second"]) == (column, FEN)


@pytest.mark.parametrize("table", [AccountBalance, AgentBalance])
def test_a_balance_that_was_left_out_is_found(month, table):
    found = again({**month, table.name: month[table.name].slice(1)})
    assert set(found["document"]) == {month[table.name][table.key[0]][0]}


def test_money_for_what_was_over_before_the_books_is_told_by_a_day(month):
    """Books that began a year earlier count more money, by both routes."""
    book = rate_book(retail())
    policy = book.policy.model_copy(update={"first_period": "2025-01"})
    book = type(book)(book.prices, {**book.tables, **{n: month[n] for n in ("contract", "receipt")}}, policy)
    outcome = carry_balances(NOW, month["invoice"], month["invoice_line"], month["commission_line"], book)
    assert again({**month, **outcome.tables}, Period(2025, 1)).rows() == []
    assert again({**month, **outcome.tables}).height > 0
