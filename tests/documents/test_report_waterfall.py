"""The steps of the report are those of the audit pack, and every kind of charge stands in exactly one."""

import duckdb
import polars as pl
import pytest

from billing.documents.report.waterfall import CHARGED, waterfall
from billing.publishing.views import read_views
from billing.tables.documents import CHARGE_KINDS, Charge, CommissionLine, Invoice, SettlementLine
from tests.publishing.sample_month import table

YUAN = 1_000_000


def test_every_kind_stands_once():
    assert sorted(kind for _, kinds in CHARGED for kind in kinds) == sorted(CHARGE_KINDS)


@pytest.fixture
def tables():
    """A charge of every kind, of 1, 2, 4, ... yuan, so that each sum tells which kinds are in it."""
    charges = [{"charge_key": kind, "kind": kind, "amount_micro": 2**index * YUAN}
               for index, kind in enumerate(CHARGE_KINDS)]  # fmt: skip
    bill = {"invoice_key": "C/1", "gross_micro": 109 * YUAN, "net_micro": 100 * YUAN, "tax_micro": 9 * YUAN}
    return {
        Charge.name: table(Charge, *charges),
        Invoice.name: table(Invoice, bill),
        SettlementLine.name: table(SettlementLine, {"net_micro": 30 * YUAN}, {"net_micro": 5 * YUAN}),
        CommissionLine.name: table(CommissionLine, {"accrued_micro": 15 * YUAN}, {"accrued_micro": -2 * YUAN}),
    }


def test_the_steps_are_those_of_the_audit_pack(tables):
    with duckdb.connect() as connection:
        for name, frame in tables.items():
            money = pl.col("^.*_micro$").cast(pl.Decimal(38, 6)) * pl.lit("0.000001").cast(pl.Decimal(7, 6))
            named = frame.with_columns(money).rename(lambda column: column.removesuffix("_micro"))
            connection.register(name, named.to_arrow())
        shown = connection.execute(
            next(view.sql for view in read_views(calls_inside=False) if view.name == "waterfall")
        ).fetchall()
    steps = waterfall(tables)
    assert [(step.figure, step.amount_micro) for step in steps] == [
        (figure, int(amount * YUAN)) for _, figure, amount in shown
    ]


def test_what_is_left_is_revenue_less_settlement_less_commission(tables):
    amounts = {step.figure: step.amount_micro // YUAN for step in waterfall(tables)}
    fees = 2 ** CHARGE_KINDS.index("recurring") + 2 ** CHARGE_KINDS.index("one_off")
    assert (amounts["gross_usage"], amounts["fees"], amounts["vat"]) == (1, fees, -9)
    assert (amounts["settlement_net"], amounts["commission"], amounts["margin"]) == (-35, -13, 100 - 35 - 13)
