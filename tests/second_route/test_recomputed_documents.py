import polars as pl
import pytest

from billing.second_route.documents import sum_invoices
from billing.tables.documents import LateFee
from tests.charging.books import typed
from tests.publishing import sample_month

FEN = 10_000


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return sample_month.month(sample_month.write_parts(tmp_path_factory.mktemp("lake"), sample_month.book()))


def _with_first_row_changed(frame, **changes):
    first = pl.int_range(pl.len()) == 0
    return frame.with_columns(
        pl.when(first).then(pl.col(name) + change).otherwise(pl.col(name)).alias(name)
        for name, change in changes.items()
    )


def test_a_sound_month_has_no_differences(tables):
    assert sum_invoices(tables).rows() == []


@pytest.mark.parametrize(
    ("name", "changes", "checks"),
    [
        ("invoice", {"gross_micro": FEN}, {"invoice_totals", "postings"}),
        ("invoice", {"line_count": 1}, {"invoice_totals"}),
        ("invoice_line", {"gross_micro": FEN}, {"invoice_totals", "line_charges", "vat", "allotment"}),
        ("invoice_line", {"net_micro": FEN, "tax_micro": -FEN}, {"invoice_totals", "vat", "allotment", "margin"}),
        ("charge", {"amount_micro": 1}, {"line_charges"}),
        ("tax_line", {"net_micro": FEN, "tax_micro": -FEN}, {"vat", "allotment"}),
        ("posting", {"debit_micro": FEN}, {"postings"}),
        ("settlement_line", {"gross_micro": FEN}, {"postings", "margin"}),
        ("commission_line", {"accrued_micro": FEN}, {"postings", "margin"}),
    ],
)
def test_a_fen_is_found(tables, name, changes, checks):
    found = sum_invoices({**tables, name: _with_first_row_changed(tables[name], **changes)})
    assert checks <= set(found["check"])


def test_a_bill_that_vanished_is_found(tables):
    found = sum_invoices({**tables, "invoice": tables["invoice"].slice(1)})
    assert "invoice_totals" in set(found["check"])
    found = sum_invoices({**tables, "invoice_line": tables["invoice_line"].slice(1)})
    assert {"invoice_totals", "line_charges"} <= set(found["check"])


@pytest.mark.parametrize(
    ("changed", "measure"),
    [({"billed_micro": "0.01"}, "billed_micro"), ({"stated_micro": "0.02"}, "stated_micro"),
     ({"unpaid_micro": "0.03"}, "unpaid_micro")],
)  # fmt: skip
def test_a_late_fee_whose_figures_do_not_hang_together_is_found(tables, changed, measure):
    zero = {str(column): "0" for column in LateFee.columns if column.is_money}
    fee = typed(LateFee, [zero | {"contract_id": "HT-1", "bill_period": "2026-09"} | changed])
    (row,) = sum_invoices({**tables, "late_fee": fee}).rows(named=True)
    assert (row["check"], row["document"], row["measure"]) == ("late_fees", "HT-1/2026-09", measure)


def test_credits_round_away_from_zero(tables):
    """-0.05 at 9 %: net -0.045871..., half away from zero -0.05, as its positive twin."""
    line = tables["invoice_line"].head(1).with_columns(
        pl.lit(-5 * FEN).alias("gross_micro"), pl.lit(-5 * FEN).alias("net_micro"), pl.lit(0).alias("tax_micro"),
        pl.lit(900).alias("vat_rate_bp"),
    )  # fmt: skip
    tax = tables["tax_line"].head(1).with_columns(
        pl.lit(line["invoice_key"][0]).alias("invoice_key"), pl.lit(line["tax_code"][0]).alias("tax_code"),
        pl.lit(900).alias("vat_rate_bp"), pl.lit(-5 * FEN).alias("gross_micro"),
        pl.lit(-5 * FEN).alias("net_micro"), pl.lit(0).alias("tax_micro"),
    )  # fmt: skip
    found = sum_invoices({"invoice_line": line, "tax_line": tax})
    assert not {"vat", "allotment"} & set(found["check"])
