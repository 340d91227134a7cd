"""Every equation of the certificate can fail: one figure of a sound month is moved, and the equation is named."""

import polars as pl
import pytest

from billing.publishing.conservation import certify
from billing.tables.documents import LateFee
from tests.charging.books import typed
from tests.properties.random_books import OCTOBER, bill

LINES = [
    "K1,13900000001,4006000001,,2026-10-05 10:00:00,2026-10-05 10:00:05,2026-10-05 10:03:05,answered",
    "K2,13900000002,4006000002,,2026-10-06 10:00:00,2026-10-06 10:00:05,2026-10-06 10:10:05,answered",
    "K3,13900000003,4001000003,,2026-10-07 10:00:00,,2026-10-07 10:00:30,busy",
]


@pytest.fixture(scope="module")
def sound():
    month = bill([[("a.csv", LINES)]]).month
    figures = month.tables["conservation"]
    fates = ("read", "not_ours", "duplicate", "suspense_ingest", "suspense_rating")
    counts = dict(figures.select("figure", "record_count").iter_rows())
    return {fate: counts[f"records_{fate}"] for fate in fates}, month.usage, month.tables


def broken(records, usage, tables):
    _, findings = certify(OCTOBER, records, usage, tables)
    return {finding.values["equation"] for finding in findings}


def moved(frame, column, by=10_000):
    """The first row's figure is larger than it should be."""
    first = pl.int_range(pl.len()) == 0
    return frame.with_columns(pl.when(first).then(pl.col(column) + by).otherwise(pl.col(column)).alias(column))


def test_a_sound_month_conserves(sound):
    assert broken(*sound) == set()


def test_a_lost_record_breaks_the_records(sound):
    records, usage, tables = sound
    assert broken(records | {"read": records["read"] + 1}, usage, tables) == {"records"}


@pytest.mark.parametrize(
    ("table", "column", "names"),
    [
        ("charge", "amount_micro", {"invoices"}),
        ("invoice_line", "gross_micro", {"invoice_lines"}),
        ("invoice", "gross_micro", {"invoices", "invoice_lines", "vat", "posted"}),
        ("invoice", "tax_micro", {"vat"}),
        ("posting", "debit_micro", {"posted", "postings"}),
        ("posting", "credit_micro", {"postings"}),
        ("settlement_line", "call_count", {"settlement_calls"}),
        ("settlement_line", "billed_seconds", {"settlement_seconds"}),
        ("settlement_line", "net_micro", {"posted"}),
        ("commission_line", "accrued_micro", {"posted"}),
    ],
)
def test_a_figure_that_was_moved_is_found(sound, table, column, names):
    records, usage, tables = sound
    rows = tables[table]
    if table == "settlement_line":
        rows = rows.sort(pl.col("kind") != "usage", maintain_order=True)
    assert rows.height, "there is a figure to move"
    assert broken(records, usage, tables | {table: moved(rows, column)}) == names


def test_usage_that_was_never_charged_is_found(sound):
    records, usage, tables = sound
    assert "usage" in broken(records, moved(usage, "amount_micro"), tables)


def test_a_late_fee_that_is_billed_and_not_charged_is_found(sound):
    records, usage, tables = sound
    fee = typed(LateFee, [{"contract_id": "HT1", "bill_period": "2026-09", "billed_micro": "30.00"}])
    assert broken(records, usage, tables | {"late_fee": fee}) == {"late_fees"}


def test_a_document_that_was_not_posted_is_found(sound):
    records, usage, tables = sound
    postings = tables["posting"]
    left = postings.filter(pl.col("document") != postings["document"][0])
    assert broken(records, usage, tables | {"posting": left}) == {"posted"}
