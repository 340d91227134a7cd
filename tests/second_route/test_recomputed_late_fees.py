"""Late fees by SQL: random bills agree with the first route, and whatever is moved by a fen or a day is found."""

import datetime as dt
import random

import polars as pl
import pytest

from billing.core.period import Period
from billing.late_fees.stage import accrue_late_fees
from billing.rate_book.policy import LateFeeTerms
from billing.second_route.late_fees import EARLIER, recompute_late_fees
from billing.tables.catalog import Contract, Receipt
from billing.tables.documents import Invoice, InvoiceLine, LateFee
from pipelines.past import bills_of
from tests.charging.books import rate_book, retail

PERIODS = [Period(2026, 7), Period(2026, 8), Period(2026, 9)]
NOVEMBER = Period(2026, 11)
TERMS = LateFeeTerms.model_validate(
    {"rates": [{"start": "2026-09-10", "per_day": "0.003"}, {"start": "2026-10-20", "per_day": "0.0005"}], "cap": "0.2"}
)
FEN = 10_000


def rows(table, entries):
    return table.of_rows([{str(column): entry.get(column) for column in table.columns} for entry in entries])


@pytest.fixture(scope="module")
def month():
    """Forty contracts, three bills each with all sorts of receipts; late fees of October, then of November."""
    chance = random.Random(3)
    contracts, invoices, lines, receipts = [], [], [], []
    for index in range(40):
        name = f"C{index:02d}"
        billing, mode = chance.choice([None, "show", "bill"]), chance.choice(["monthly"] * 4 + ["annual_payment"])
        contracts.append({"contract_id": name, "customer_id": "K1", "payment_mode": mode, "late_fee": billing})
        for period in PERIODS:
            key, due = f"{name}/{period}", period.end.replace(day=15)
            invoices.append({"invoice_key": key, "period": str(period), "due_date": due})
            amount = chance.randrange(-200, 3000)
            for kind, item, part in (
                ("usage", "usage", amount),
                ("late_fee", "late_fee", 900),
                ("adjustment", "late_fee_waiver", -70),
                ("adjustment", "adjustment", 1),
            ):
                line = {"kind": kind, "item": item, "gross_micro": part * FEN}
                lines.append({"invoice_key": key, "contract_id": name, **line})
            for number in range(chance.randrange(4)):
                receipts.append(
                    {
                        "receipt_id": f"{key}/{number}",
                        "contract_id": name,
                        "received_on": due + dt.timedelta(days=chance.randrange(-20, 80)),
                        "amount_micro": chance.randrange(-300, 2000) * FEN,
                        "purpose": chance.choice(["bill", "bill", "bill", "contract_year"]),
                        "bill_period": str(period),
                    }
                )
    tables = {
        "contract": rows(Contract, contracts),
        "receipt": rows(Receipt, receipts),
        "invoice": rows(Invoice, invoices),
        "invoice_line": rows(InvoiceLine, lines),
    }
    book = rate_book(retail())
    policy = book.policy.model_copy(update={"late_fee": TERMS})
    book = type(book)(book.prices, {**book.tables, **{name: tables[name] for name in ("contract", "receipt")}}, policy)
    bills = bills_of(tables["invoice"], tables["invoice_line"])
    told = receipts[::2]  # what was known in October
    then = type(book)(book.prices, {**book.tables, "receipt": rows(Receipt, told)}, policy)
    october = accrue_late_fees(Period(2026, 10), bills, LateFee.empty(), then).tables["late_fee"]
    november = accrue_late_fees(NOVEMBER, bills, october, book).tables["late_fee"]
    assert min(october.height, november.height) > 20
    assert (november["stated_micro"] < 0).any()
    assert (november["accrued_micro"] == november["principal_micro"] // 5).any(), "a cap that binds"
    return {**tables, EARLIER: october, "late_fee": november}


def differences(tables):
    return recompute_late_fees(NOVEMBER.end, tables, [(rate.start, rate.per_day) for rate in TERMS.rates], TERMS.cap)


def test_both_routes_agree(month):
    assert differences(month).rows() == []


@pytest.mark.parametrize(
    ("column", "by"),
    [
        ("principal_micro", FEN),
        ("paid_micro", FEN),
        ("unpaid_micro", FEN),
        ("overdue_days", 1),
        ("accrued_micro", FEN),
        ("stated_before_micro", FEN),
        ("stated_micro", FEN),
    ],
)
def test_a_figure_that_was_moved_is_found(month, column, by):
    first = pl.int_range(pl.len()) == 0
    moved = month["late_fee"].with_columns(pl.when(first).then(pl.col(column) + by).otherwise(column).alias(column))
    (row,) = differences({**month, "late_fee": moved}).rows(named=True)
    assert (row["measure"], row["first"] - row["second"]) == (column, by)


def test_a_fee_that_was_left_out_is_found(month):
    stated = month["late_fee"].filter(pl.col("stated_micro") != 0).head(1)
    left = month["late_fee"].join(stated, on=LateFee.key, how="anti")
    (row,) = differences({**month, "late_fee": left}).rows(named=True)
    assert (row["measure"], row["first"], row["second"]) == ("stated_micro", 0, stated["stated_micro"].item())
