"""On books drawn by chance nothing is lost and nothing appears: neither a record nor a fen."""

import polars as pl
import pytest
from hypothesis import given, settings

from billing.core.money import MICRO_PER_FEN, round_to_fen
from tests.properties.random_books import batches_of_lines, bill, without_reading_again
from tests.properties.test_order_and_splits import padded


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    without_reading_again(monkeypatch)


def total(frame, column="amount_micro"):
    return sum(frame[column].to_list())


def of_kind(charges, *kinds):
    return charges.filter(pl.col("kind").is_in(kinds))


@settings(max_examples=10)
@given(batches_of_lines(most=40))
def test_records_and_money(lines):
    lines = padded(lines)
    billed = bill([[("a.csv", lines)]])
    tables = billed.month.tables
    assert [finding for finding in billed.month.findings if finding.severity == "critical"] == []

    figures = {row["figure"]: row for row in tables["conservation"].iter_rows(named=True)}
    counts = {figure: row["record_count"] for figure, row in figures.items()}
    fates = (
        "records_not_ours",
        "records_duplicate",
        "records_suspense_ingest",
        "records_suspense_rating",
        "calls_rated",
    )
    assert sum(counts[fate] for fate in fates) == counts["records_read"] == len(lines)
    assert counts["calls_rated"] == billed.rated.height
    assert sum(counts[fate] for fate in ("calls_charged", "calls_free", "calls_over_cap")) == billed.rated.height
    assert billed.rated["cdr_id"].n_unique() == billed.rated.height
    assert billed.rated.height <= len({line.partition(",")[0] for line in lines}), "no call is billed twice"

    charges = tables["charge"]
    own = billed.rated.filter(pl.col("usage_date").dt.month() == 10)
    assert total(of_kind(charges, "usage")) == total(own)
    assert total(of_kind(charges, "usage", "rounding")) % MICRO_PER_FEN == 0
    free = billed.rated.filter(pl.col("free_reason").is_not_null())
    assert total(free) == 0
    assert -total(of_kind(charges, "cap_credit")) == round_to_fen(total(tables["call_adjustment"]))

    lines_of, invoices, taxes = tables["invoice_line"], tables["invoice"], tables["tax_line"]
    for column in ("gross_micro", "net_micro", "tax_micro"):
        assert total(lines_of, column) == total(invoices, column) == total(taxes, column)
        assert all(value % MICRO_PER_FEN == 0 for value in lines_of[column])
    assert total(charges) == total(invoices, "gross_micro")
    for frame in (lines_of, invoices, taxes, tables["settlement_line"]):
        assert (frame["net_micro"] + frame["tax_micro"]).to_list() == frame["gross_micro"].to_list()

    postings = tables["posting"]
    per_document = postings.group_by("document").agg(
        (pl.col("debit_micro") - pl.col("credit_micro")).sum().alias("rest")
    )
    assert set(per_document["rest"]) <= {0}

    settled = tables["settlement_line"].filter(pl.col("kind") == "usage")
    owed = billed.rated.group_by("service_number").agg(pl.col("settlement_micro").sum())
    by_number = dict(settled.group_by("service_number").agg(pl.col("gross_micro").sum()).iter_rows())
    for number, micro in owed.iter_rows():
        assert abs(by_number.get(number, 0) - micro) <= MICRO_PER_FEN
