"""Pages that the demo does not have: hostile names, five thousand customers, and the page over all periods."""

import dataclasses
import re

import polars as pl
import pytest

from billing.core.period import Period
from billing.documents.report.page import render_report
from billing.documents.report.periods import TRENDS, PeriodRow, render_periods
from billing.tables.catalog import Contract, Customer
from billing.tables.documents import CommissionLine, Invoice, InvoiceLine, SettlementLine
from tests.publishing import sample_month

CUSTOMERS = 5_000
FEN = 10_000


@pytest.fixture(scope="module")
def rates():
    return sample_month.book()


@pytest.fixture(scope="module")
def tables(tmp_path_factory, rates):
    return sample_month.month(sample_month.write_parts(tmp_path_factory.mktemp("lake"), rates))


def written(folder, text):
    path = folder / "page.html"
    path.write_text(text, "utf-8")
    return path


def test_a_hostile_name_is_shown_and_never_run(opened, tables, rates, tmp_path):
    page = opened(written(tmp_path, render_report(sample_month.report_inputs(tables), rates)))
    page.on("dialog", lambda dialog: pytest.fail(f"a name ran: {dialog.message}"))
    page.locator("#agents tbody tr", has_text="A-1").locator(".open").click()
    assert page.locator("#agents tr.of td").first.inner_text() == f"C-1 {sample_month.HOSTILE}"
    page.click("#tools [data-of=customers]")
    page.fill("#filter", sample_month.HOSTILE)
    assert page.locator("#agents tbody tr").count() == 1
    page.click("#language")
    assert page.locator("script").count() == 2


@pytest.fixture
def many(tables, rates):
    """One agent with five thousand customers of one number each; customer i earns i fen and costs 100 fen."""
    keys = [f"K{index:05d}" for index in range(CUSTOMERS)]
    numbers = [f"400{index:07d}" for index in range(CUSTOMERS)]

    def rows(shape, **columns):
        known = pl.DataFrame(columns)
        return shape.conform(
            known.with_columns(pl.lit(None).alias(name) for name in shape.schema() if name not in columns)
        )

    of_customers = {
        Customer: {"customer_id": keys, "customer_name": [f"客户{key}" for key in keys]},
        Contract: {"contract_id": keys, "customer_id": keys, "agent_id": ["A-1"] * CUSTOMERS},
    }
    own = {shape.name: rows(shape, **columns) for shape, columns in of_customers.items()}
    subscribed = [{"contract_id": key, "service_number": number} for key, number in zip(keys, numbers, strict=True)]
    first = pl.DataFrame(subscribed).with_columns(valid_from=pl.lit(sample_month.PERIOD.start), plan_id=pl.lit("p"))
    own["subscription"] = pl.concat([rates.table("subscription").head(0), first], how="diagonal")
    earned = [index * FEN for index in range(CUSTOMERS)]
    month = {
        Invoice.name: rows(Invoice, invoice_key=keys, customer_id=keys),
        InvoiceLine.name: rows(InvoiceLine, contract_id=keys, service_number=numbers, net_micro=earned),
        SettlementLine.name: rows(SettlementLine, service_number=numbers, carrier_id=["unicom"] * CUSTOMERS,
                                  kind=["usage"] * CUSTOMERS, net_micro=[100 * FEN] * CUSTOMERS),
        CommissionLine.name: CommissionLine.empty(),
    }  # fmt: skip
    told = sample_month.report_inputs({**tables, **month})
    return render_report(told, dataclasses.replace(rates, tables={**rates.tables, **own}))


def test_five_thousand_customers_stay_usable(opened, many, tmp_path):
    page = opened(written(tmp_path, many))
    opening = """() => {
      const start = performance.now();
      document.querySelector("#agents .open").click();
      return performance.now() - start;
    }"""
    # Hundreds of rows are drawn at a time: a bound against drawing them all, not a benchmark.
    assert page.evaluate(opening) < 2_000
    assert page.locator("#agents tr.of").count() == 101
    assert page.locator("#agents tr.of").last.inner_text().strip() == "再显示（还有 4900 行）"
    page.locator("#agents tr.of button").last.click()
    assert page.locator("#agents tr.of").count() == 1_101
    page.click(".alerts [data-of=customers]")
    first = page.locator("#agents tbody tr").first.locator("td").all_inner_texts()
    assert (first[0], first[5], first[6]) == ("K00000 客户K00000", "−1.00", "—")
    assert "负毛利客户 100 家" in page.inner_text(".alerts")
    page.fill("#filter", "4000004999")
    assert [row.split()[0] for row in page.locator("#agents tbody tr").all_inner_texts()] == ["K04999"]
    assert page.locator("#agents tbody tr td:nth-child(7)").inner_text() == "98%"


@pytest.mark.parametrize("width", [1280, 420])
def test_the_page_over_all_periods(opened, tmp_path, width):
    values = [dict.fromkeys((name for name, _ in TRENDS), month * 1_000_000) for month in range(1, 15)]
    rows = [PeriodRow(Period(2025, 9).shifted(back), "closed", told) for back, told in enumerate(values)]
    page = opened(written(tmp_path, render_periods(rows, "示例", "zh")), width=width)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#periods tbody tr").count() == 14
    assert page.locator("svg[role=img]").count() == len(TRENDS)
    bars = page.locator("svg[role=img]").first.locator("rect")
    heights = [int(bar.get_attribute("height")) for bar in bars.all()]
    assert (len(heights), heights) == (12, sorted(heights)), (
        "each of the last twelve months is higher than the one before"
    )
    assert re.findall(r"\d{4}-\d\d", page.locator(".card").first.inner_text()) == ["2025-11", "2026-10"]
    page.click("#language")
    assert page.inner_text("h1") == "All periods"
