import random
from decimal import Decimal

import polars as pl
import pyarrow.parquet as pq
import pytest

from billing.publishing.shapes import published
from billing.publishing.tables import PACKED_TABLES, publish_table, write_csv, write_document_table
from billing.tables.calls import UsageTotal
from billing.tables.documents import Invoice
from tests.publishing import sample_month


@pytest.mark.parametrize("table", PACKED_TABLES, ids=lambda table: table.name)
def test_every_published_money_column_is_exact_yuan(table):
    shape = published(table)
    assert published(table) is shape
    for source, shown in zip(table.columns, shape.columns, strict=True):
        assert (source.zh, source.en) == (shown.zh, shown.en)
        if source.is_money:
            assert shown == source.removesuffix("_micro")
            assert shown.dtype == pl.Decimal(18, 2 if source.is_fen else 6)
            assert shown.unit == "CNY"
        else:
            assert (shown, shown.dtype, shown.unit) == (source, source.dtype, source.unit)
    assert not any(dtype.is_float() for dtype in shape.schema().values())


def test_amounts_keep_every_digit():
    amounts = [10_000, -10_000, 0, 999_999_999_999_990_000]
    rows = sample_month.table(
        Invoice, *({"invoice_key": str(index), "gross_micro": amount} for index, amount in enumerate(amounts))
    )
    assert publish_table(rows, Invoice)["gross"].to_list() == [Decimal(amount) / 1_000_000 for amount in amounts]
    usage = sample_month.table(UsageTotal, {"service_number": "4006000001", "amount_micro": -123_456_789})
    assert publish_table(usage, UsageTotal)["amount"].to_list() == [Decimal("-123.456789")]


def test_order_of_input_does_not_matter(tmp_path):
    keys = [f"C-{index:03}/2026-10" for index in range(500)]
    written = []
    for seed in (1, 2):
        shuffled = random.Random(seed).sample(keys, len(keys))
        frame = sample_month.table(Invoice, *({"invoice_key": key, "gross_micro": 10_000} for key in shuffled))
        write_document_table(frame, Invoice, tmp_path / str(seed))
        written.append([(tmp_path / str(seed) / f"invoice.{kind}").read_bytes() for kind in ("parquet", "csv")])
    assert written[0] == written[1]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_runs_as_a_formula(tmp_path, start):
    write_csv(pl.DataFrame({"name": [f"{start}1+1", "plain"], "amount": [Decimal("-1.50"), None]}), tmp_path / "t.csv")
    raw = (tmp_path / "t.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfname,amount\n")
    read = pl.read_csv(raw, infer_schema=False)
    assert read["name"].to_list() == [f"'{start}1+1", "plain"]
    assert read["amount"].to_list() == ["-1.50", None]


def test_the_file_says_what_each_column_means(tmp_path):
    write_document_table(sample_month.table(Invoice), Invoice, tmp_path)
    field = pq.read_schema(tmp_path / "invoice.parquet").field("gross")
    assert field.metadata == {b"description": b"Total, tax included", b"unit": b"CNY"}
