import hashlib
import json
import re
from decimal import Decimal

import polars as pl
import pytest

from billing.publishing.manifest import check_manifest
from billing.publishing.stage import publish_period
from tests.publishing import sample_month


def _bytes(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "audit.duckdb"
    }


def test_same_month_same_bytes(published_once, tmp_path):
    sample_month.publish(tmp_path / "again", tmp_path / "lake")
    first, second = _bytes(published_once), _bytes(tmp_path / "again")
    assert "manifest.json" in first
    assert "calls/2026-10-03-17.parquet" in first
    assert first == second


def test_the_folder_is_complete(published_once):
    top = {path.name for path in published_once.iterdir()}
    folders = {"invoices", "statements", "settlement", "tables", "calls"}
    assert top == folders | {"audit.duckdb", "manifest.json", "close_report.html"}


def test_no_caller_leaves_the_books(published_once):
    """No full number of a caller or landing line in any published byte, compressed columns included."""
    numbers = {number for number in (*sample_month.CALLERS, sample_month.LANDING) if number and len(number) > 5}
    texts = [path.read_text("utf-8") for path in published_once.rglob("*") if path.suffix in (".html", ".csv", ".json")]
    for path in published_once.rglob("*.parquet"):
        frame = pl.read_parquet(path, glob=False)
        texts += ["\n".join(column.drop_nulls().unique()) for column in frame.select(pl.col(pl.String)).iter_columns()]
    texts.append((published_once / "audit.duckdb").read_bytes().decode("latin-1"))
    for text in texts:
        assert not [number for number in numbers if number in text]
    mobile = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
    assert not [match for text in texts[:-1] for match in mobile.findall(text)]


def test_masked_caller_is_still_readable(published_once):
    frame = pl.read_parquet(published_once / "calls" / "2026-10-03-17.parquet", glob=False)
    shown = set(frame["caller_masked"].drop_nulls())
    assert shown == {"138****5678", "186****1234", "010****5678", "0755****5678", "****5588", "****5678"}
    assert set(frame["landing_masked"]) == {"139****7777"}


def test_suspense_shows_structure_but_no_digit(published_once):
    frame = pl.read_parquet(published_once / "tables" / "suspense.parquet", glob=False)
    assert frame["raw_text"].to_list() == ["***********,**********,****-**-** **:**:**,**"]


def test_manifest_finds_every_change(published):
    assert check_manifest(published) == []
    (published / "invoices" / "C-1" / "bill-2026-10-C-1.pdf").write_text("changed")
    (published / "tables" / "invoice.csv").unlink()
    (published / "calls" / "stray.parquet").write_bytes(b"")
    differing = ["calls/stray.parquet", "invoices/C-1/bill-2026-10-C-1.pdf", "tables/invoice.csv"]
    assert check_manifest(published) == differing


def test_closing_keeps_the_reviewed_digest(tmp_path, published_once):
    draft = json.loads((published_once / "manifest.json").read_text())
    closed = sample_month.publish(tmp_path / "closed", tmp_path / "lake", status="closed")
    assert closed["content_digest"] == draft["content_digest"]
    assert closed["status"] == "closed"
    assert draft["status"] == "draft"


def test_manifest_totals_are_the_sums(published_once):
    files = json.loads((published_once / "manifest.json").read_text())["files"]
    invoices = pl.read_parquet(published_once / "tables" / "invoice.parquet", glob=False)
    assert files["tables/invoice.parquet"]["rows"] == 3
    assert files["tables/invoice.csv"]["totals"]["gross"] == f"{invoices['gross'].sum():.6f}"
    both_parts = [files[f"calls/{day}-{number}.parquet"] for day, number in (("2026-10-03", 17), ("2026-10-04", 18))]
    usage = pl.read_parquet(published_once / "tables" / "usage_total.parquet", glob=False)
    assert sum(Decimal(part["totals"]["amount"]) for part in both_parts) == usage["amount"].sum()


@pytest.mark.parametrize("escaping", [{"pages": {"../escaped.html": "x"}}, {"documents": [("../escaped.html", b"x")]}])
def test_a_document_never_leaves_the_folder(tmp_path, escaping):
    rates = sample_month.book()
    with pytest.raises(ValueError, match="outside"):
        publish_period(
            tmp_path / "folder",
            sample_month.PERIOD,
            {},
            [],
            rates,
            **{"pages": {}, **escaping},
            engine="0",
            status="draft",
            previous_manifest=None,
        )
    assert not (tmp_path / "escaped.html").exists()


def test_the_chain_names_the_month_before(tmp_path):
    rates = sample_month.book()
    manifest = publish_period(
        tmp_path / "folder",
        sample_month.PERIOD,
        {},
        [],
        rates,
        pages={},
        engine="0",
        status="closed",
        previous_manifest="ab" * 32,
    )
    assert manifest["previous"] == "ab" * 32
    assert manifest["files"]["tables/invoice.parquet"]["rows"] == 0
    assert check_manifest(tmp_path / "folder") == []


def test_no_machine_is_named(tmp_path):
    """No path, user or host in any published byte: the folder says the same wherever it was made."""
    sample_month.publish(tmp_path / "folder", tmp_path / "lake")
    for path in (tmp_path / "folder").rglob("*"):
        assert path.is_dir() or str(tmp_path).encode() not in path.read_bytes(), path.name


def test_a_pack_that_does_not_open_differs(published):
    (published / "audit.duckdb").write_bytes(b"no database")
    assert check_manifest(published) == ["audit.duckdb"]
