import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.core.money import net_of_vat, yuan_exact
from billing.invoicing.stage import make_invoices
from billing.tables.documents import Charge
from tests.charging.books import OCTOBER, contracts, rate_book, read_rows, retail, typed

BOOK = rate_book(retail(), contract=contracts("C1"))


def charges(text):
    """Charges from a short table: key, customer, contract, number, kind, amount, and any other column."""
    rows = []
    for row in read_rows(text):
        rate = row.get("rate", "900")
        rows.append(
            {
                "charge_key": row["key"],
                "line_key": row.get("line") or row["key"],
                "period": "2026-10",
                "usage_period": "2026-10",
                "contract_id": row.get("contract", "C1"),
                "customer_id": row.get("customer", "K1"),
                "agent_id": "A1",
                "service_number": row.get("number", "4006000001"),
                "kind": row.get("kind", "usage"),
                "item": row.get("kind", "usage"),
                "tax_code": "voice" if rate == "900" else "value_added",
                "vat_rate_bp": rate,
                "supply_date": "2026-10-31",
                "amount_micro": row["amount"],
                "explanation": "{}",
            }
        )
    return typed(Charge, rows)


def test_vat_is_computed_once_and_allotted():
    """100 lines of 40.00 at 9 %: net 3,669.72 and VAT 330.28 on the sum; 72 lines of 36.70, 28 of 36.69."""
    rows = "\n".join(f"k{index:03} 40.00" for index in range(100))
    tables = make_invoices(OCTOBER, charges(f"key amount\n{rows}"), BOOK).tables
    tax = tables["tax_line"].row(0, named=True)
    assert [yuan_exact(tax[name]) for name in ("gross_micro", "net_micro", "tax_micro")] == [
        "4000.00",
        "3669.72",
        "330.28",
    ]
    nets = [yuan_exact(net) for net in tables["invoice_line"]["net_micro"]]
    assert nets == ["36.70"] * 72 + ["36.69"] * 28  # ties go by line number
    assert tables["invoice"]["net_micro"].to_list() == [tax["net_micro"]]


def test_one_bill_a_customer_and_lines_in_their_order():
    tables = make_invoices(
        OCTOBER,
        charges(
            """
            key customer contract number     kind       amount rate
            a   K2       C9       4006000009 usage      1.00   900
            b   K1       C1       4006000002 usage      2.00   900
            c   K1       C1       4006000001 recurring  50.00  600
            d   K1       C1       4006000001 true_up    3.00   900
            e   K1       C1       4006000001 cap_credit -1.00  900
            f   K1       C1       4006000001 usage      4.00   900
            g   K1       C1       -          adjustment -0.50  900
            """
        ),
        BOOK,
    ).tables
    lines = tables["invoice_line"].select("invoice_key", "line_number", "line_key").rows()
    assert lines == [
        ("K1/2026-10", 1, "g"),
        ("K1/2026-10", 2, "f"),
        ("K1/2026-10", 3, "e"),
        ("K1/2026-10", 4, "d"),
        ("K1/2026-10", 5, "c"),
        ("K1/2026-10", 6, "b"),
        ("K2/2026-10", 1, "a"),
    ]
    invoice = tables["invoice"].row(0, named=True)
    assert (invoice["customer_name"], invoice["line_count"], invoice["due_date"]) == ("Customer-1", 6, DUE)
    assert yuan_exact(invoice["gross_micro"]) == "57.50"
    # the 9 % line: 7.50 -> net 6.88 (6.8807...); the 6 % line: 50.00 -> net 47.17 (47.1698...)
    assert [(row[0], yuan_exact(row[1])) for row in tables["tax_line"][:2].select("tax_code", "net_micro").rows()] == [
        ("value_added", "47.17"),
        ("voice", "6.88"),
    ]
    assert tables["tax_line"]["classification_code"].to_list()[1] == "3030101000000000000"


def test_usage_and_its_rounding_are_one_line():
    tables = make_invoices(
        OCTOBER,
        charges(
            """
            key   line  kind     amount
            usage usage usage    0.0125
            round usage rounding -0.0025
            """
        ),
        BOOK,
    ).tables
    line = tables["invoice_line"].row(0, named=True)
    assert (line["kind"], line["line_key"], yuan_exact(line["gross_micro"])) == ("usage", "usage", "0.01")


def test_a_bill_of_zero_informs_and_has_no_tax_line():
    tables = make_invoices(OCTOBER, charges("key amount\na 0"), BOOK).tables
    assert tables["invoice"].select("line_count", "gross_micro", "tax_micro").rows() == [(1, 0, 0)]
    assert tables["tax_line"].is_empty()


def test_lines_that_come_to_zero_have_no_tax_line():
    """5.00 - 5.00 at 9 %: nets 4.59 and -4.59."""
    tables = make_invoices(OCTOBER, charges("key amount rate\na 5.00 900\nb -5.00 900\nc 1.06 600"), BOOK).tables
    assert [yuan_exact(net) for net in tables["invoice_line"]["net_micro"]] == ["4.59", "-4.59", "1.00"]
    assert tables["tax_line"]["tax_code"].to_list() == ["value_added"]


def test_no_charges_no_bills():
    tables = make_invoices(OCTOBER, Charge.empty(), BOOK).tables
    assert all(table.is_empty() for table in tables.values())


def test_half_a_fen_is_no_bill_line():
    with pytest.raises(AssertionError, match="whole fen"):
        make_invoices(OCTOBER, charges("key amount\na 0.005"), BOOK)


FEN = st.integers(-(10**8), 10**8)


@given(st.lists(st.tuples(FEN, st.sampled_from(["900", "600"]), st.sampled_from(["K1", "K2"])), max_size=30))
def test_lines_bills_and_tax_lines_carry_the_same_fen(picks):
    text = "\n".join(f"k{index:03} {customer} {rate} 0" for index, (_, rate, customer) in enumerate(picks))
    frame = charges(f"key customer rate amount\n{text}").with_columns(
        pl.Series("amount_micro", [fen * 10_000 for fen, *_ in picks], pl.Int64)
    )
    tables = make_invoices(OCTOBER, frame, BOOK).tables
    assert tables["invoice"]["gross_micro"].sum() == sum(fen * 10_000 for fen, *_ in picks)
    assert 0 not in tables["tax_line"]["gross_micro"]
    for tax in tables["tax_line"].iter_rows(named=True):
        assert tax["net_micro"] == net_of_vat(tax["gross_micro"], tax["vat_rate_bp"])
    sums = [
        tables[name]
        .group_by("invoice_key")
        .agg(pl.col("gross_micro", "net_micro", "tax_micro").sum())
        .sort("invoice_key")
        for name in ("invoice", "invoice_line", "tax_line")
    ]
    assert sums[0].equals(sums[1])
    taxed = sums[1].join(sums[2], on="invoice_key", how="left", suffix="_taxed").fill_null(0)
    assert all((taxed[name] == taxed[f"{name}_taxed"]).all() for name in ("gross_micro", "net_micro", "tax_micro"))


DUE = dt.date(2026, 11, 15)
