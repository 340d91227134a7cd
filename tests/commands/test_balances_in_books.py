"""Balances in whole books: they hang together from month to month, and books of a version without them go on."""

from decimal import Decimal

import pytest

from billing.tables.documents import AccountBalance, AgentBalance
from pipelines import run_month
from tests.commands.corner_shop import bill400, published_rows

WITHOUT = (AccountBalance, AgentBalance)
RECEIPT = "R9,HT1,2026-11-25,20.00,bill,2026-10\n"


def amounts(books, table, period, key, *columns):
    return {row[key]: tuple(Decimal(row[name]) for name in columns) for row in published_rows(books, table, period)}


def november(books):
    with (books / "catalog" / "receipts.csv").open("a", encoding="utf-8") as receipts:
        receipts.write(RECEIPT)
    bill400("run", books, "2026-11", "--no-ingest")


@pytest.fixture
def of_an_older_version(ingested, monkeypatch):
    """October closed by a version that makes no balances."""
    with monkeypatch.context() as patch:
        patch.setattr(run_month, "STORED", [table for table in run_month.STORED if table not in WITHOUT])
        bill400("run", ingested, "2026-10", "--no-ingest")
        bill400("close", ingested, "2026-10", "--by", "reviewer")
    assert not list((ingested / "lake").glob("*_balance/*"))
    return ingested


def test_what_is_billed_by_contract_is_what_the_bills_come_to(closed):
    billed = amounts(closed, "account_balance", "2026-10", "contract_id", "billed")
    customers = {row["contract_id"]: row["customer_id"] for row in published_rows(closed, "account_balance")}
    sums = {customer: Decimal(0) for customer in customers.values()}
    for contract, (amount,) in billed.items():
        sums[customers[contract]] += amount
    gross = amounts(closed, "invoice", "2026-10", "customer_id", "gross")
    assert {customer: (amount,) for customer, amount in sums.items()} == gross
    assert any(amount for (amount,) in gross.values())


def test_november_opens_with_what_october_closed_with(closed):
    november(closed)
    before = amounts(closed, "account_balance", "2026-10", "contract_id", "closing")
    after = amounts(closed, "account_balance", "2026-11", "contract_id", "opening", "received", "billed", "closing")
    assert {contract: opening for contract, (opening, *_) in after.items()} == {k: v for k, (v,) in before.items()}
    assert {contract: received for contract, (_, received, *_) in after.items() if received} == {"HT1": Decimal(20)}
    assert all(opening - received + billed == closing for opening, received, billed, closing in after.values())
    assert bill400("verify", closed, "--json").json["findings"] == []


def test_books_of_a_version_without_balances_are_proved_and_carried_on(of_an_older_version, closed):
    """The same October, closed with and without balances, gives the same November."""
    assert bill400("verify", of_an_older_version, "--json").json["findings"] == []
    november(of_an_older_version)
    november(closed)
    for table in WITHOUT:
        told = published_rows(of_an_older_version, table.name, "2026-11")
        assert told
        assert told == published_rows(closed, table.name, "2026-11")
    assert bill400("verify", of_an_older_version, "--json").json["findings"] == []
