"""The sample company's catalog: sound, reproducible, and with every shape the line supports."""

import datetime as dt

import polars as pl
import pytest

from billing.catalog.reading import read_catalog
from billing.core.period import Period, contract_year
from billing.sample_company.catalog import write_sample_catalog
from billing.sample_company.numbers import PRICE_SPREAD
from billing.tables.catalog import CATALOG_TABLES

PERIOD = Period(2026, 10)
START, END = PERIOD.start, PERIOD.end


def test_only_spare_numbers_are_remarked(catalog):
    assert catalog.is_usable
    reasons = [finding.reason for finding in catalog.findings if finding.severity != "info"]
    assert reasons == ["NUMBER_WITHOUT_SUBSCRIPTION"] * 2


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("period", [Period(2026, 2), Period(2028, 2), Period(2027, 1)])
def test_any_seed_and_month_is_sound(tmp_path, seed, period):
    write_sample_catalog(tmp_path, seed=seed, period=period)
    catalog = read_catalog(tmp_path)
    assert [f.text("en") for f in catalog.findings if f.severity == "critical"] == []


def test_same_seed_same_bytes_other_seed_other_bytes(tmp_path, catalog_folder):
    write_sample_catalog(tmp_path / "same", seed=7, period=PERIOD)
    write_sample_catalog(tmp_path / "other", seed=8, period=PERIOD)
    names = sorted(path.name for path in catalog_folder.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "same").iterdir())
    for name in names:
        original = (catalog_folder / name).read_bytes()
        assert (tmp_path / "same" / name).read_bytes() == original, name
    differing = {
        name for name in names if (tmp_path / "other" / name).read_bytes() != (catalog_folder / name).read_bytes()
    }
    assert differing == set(names) - {"carriers.csv"}


def test_sizes(catalog):
    heights = {table.name: catalog.frame(table).height for table in CATALOG_TABLES}
    assert heights["carrier"] == 3
    assert heights["agent"] == 12
    assert heights["customer"] == 300
    assert heights["contract"] == 300
    assert heights["service_number"] == 400
    assert catalog.agents["tier"].to_list() == [1] * 4 + [2] * 8
    assert catalog.customers["customer_name"].n_unique() == 300
    assert catalog.numbers["carrier_id"].n_unique() == 3


def test_every_shape_of_contract(catalog):
    contracts = catalog.contracts
    assert set(contracts["payment_mode"]) == {"full_prepayment", "annual_payment", "monthly"}
    assert contracts["agent_id"].null_count() > 10
    opened = contracts.filter(pl.col("service_start").is_between(START, END, closed="left"))
    assert opened["service_start"].dt.day().min() > 1
    assert opened.height > 20
    trials = contracts["trial_until"].drop_nulls()
    assert any(START < day < END for day in trials)
    assert any(day > END for day in trials)
    ended = contracts.filter(pl.col("ends_on").is_between(START, END, closed="left"))
    assert ended.height == 8


def test_annual_payments_of_the_period_reach_the_fourth_year(catalog):
    received = catalog.receipts.filter(
        (pl.col("purpose") == "contract_year") & pl.col("received_on").is_between(START, END, closed="left")
    ).join(catalog.contracts, on="contract_id")
    years = {contract_year(row["service_start"], row["received_on"]) for row in received.iter_rows(named=True)}
    assert years == {1, 2, 3, 4}


def test_a_new_prepayment_comes_in_two_parts_and_one_stays_short(catalog):
    full = (
        catalog.receipts.filter(pl.col("purpose") == "full_term")
        .group_by("contract_id")
        .agg(pl.len(), pl.col("amount_micro").sum(), pl.col("received_on").max())
    )
    paid = full.join(catalog.contracts, on="contract_id")
    assert paid.filter((pl.col("len") == 2) & (pl.col("amount_micro") == pl.col("total_micro"))).height == 1
    assert paid.filter(pl.col("amount_micro") < pl.col("total_micro")).height == 1
    prepaid = catalog.contracts.filter(pl.col("payment_mode") == "full_prepayment")
    assert prepaid.height - paid.height == 1


def test_every_change_of_numbers(catalog):
    subscriptions = catalog.subscriptions
    closing = subscriptions.filter(pl.col("valid_to").is_between(START, END, closed="left"))
    pairs = closing.join(subscriptions, on="service_number", suffix="_next").filter(
        pl.col("valid_from_next") >= pl.col("valid_to")
    )
    same = pairs.filter(pl.col("contract_id") == pl.col("contract_id_next"))
    moved = pairs.filter(pl.col("contract_id") != pl.col("contract_id_next"))
    assert same.filter(pl.col("valid_to") == START).height == 6
    assert same.filter(pl.col("valid_to") > START).height == 6
    assert (same["plan_id"] != same["plan_id_next"]).all()
    gaps = (moved["valid_from_next"] - moved["valid_to"]).dt.total_days().sort().to_list()
    assert gaps == [0, 0, 0, 0, 2]
    assert closing.height > same.height + moved.height


def test_plans_and_overrides(catalog):
    subscriptions = catalog.subscriptions
    assert set(subscriptions["plan_id"]) == {*PRICE_SPREAD, "split_capped_010", "split_counted_010"}
    assert subscriptions["monthly_minimum_micro"].drop_nulls().len() > 40
    assert subscriptions.filter(pl.col("cap_amount_micro") > 0)["plan_id"].unique().to_list() == ["split_capped_010"]
    assert subscriptions.filter(pl.col("cap_count") > 0)["plan_id"].unique().to_list() == ["split_counted_010"]


def test_files_are_mixed_as_finance_mixes_them(catalog_folder):
    assert {path.suffix for path in catalog_folder.iterdir()} == {".csv", ".xlsx"}
    assert (catalog_folder / "agents.csv").read_text("utf-8").startswith("agent_id,")
    assert (catalog_folder / "numbers.csv").read_bytes().decode("gb18030").startswith("400号码,")
    assert (catalog_folder / "carriers.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_contracts_lie_within_fourteen_months_but_for_anniversaries(catalog):
    starts = catalog.contracts["service_start"]
    old = starts.filter(starts < dt.date(2025, 9, 1))
    assert old.len() == 6 + 4  # third and fourth contract years; the second ones began a year ago
    assert set(old.dt.month()) == {10}
