"""The figures on the page, read from its elements, are those of the audit pack beside it."""

from decimal import Decimal

import duckdb
import pytest

from tests.browser.test_close_report import AMOUNT


@pytest.fixture(scope="module")
def folder(demos):
    return demos[0] / "published" / "2026-10"


@pytest.fixture
def asked(folder):
    with duckdb.connect(str(folder / "audit.duckdb"), read_only=True) as connection:
        yield lambda query: connection.execute(query).fetchall()


@pytest.fixture
def page(opened, folder):
    return opened(folder / "close_report.html")


def number(text):
    return Decimal(text.replace("−", "-").replace(",", ""))


def rows(page, choice):
    """Cells of the rows of a table, also of one that is folded away."""
    read = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.trim()))"
    return page.locator(f"{choice} tbody tr").evaluate_all(read)


def named(page, choice, mark):
    """Rows by the mark that names their figure."""
    names = page.locator(f"{choice} tbody tr[{mark}]").evaluate_all(
        f"rows => rows.map(row => row.getAttribute('{mark}'))"
    )
    return dict(zip(names, rows(page, choice), strict=True))


def test_figures_that_are_read_first(page, asked):
    amounts = dict(asked("SELECT figure, amount FROM conservation WHERE amount IS NOT NULL"))
    shown = {card.get_attribute("data-figure"): card.locator("b").inner_text() for card in page.locator(".card").all()}
    for figure in ("invoiced_gross", "revenue_net", "settlement_net", "commission_accrued", "margin"):
        assert number(shown[figure]) == amounts[figure], figure
    assert number(shown["calls"]) == asked("SELECT sum(call_count) FROM usage_total")[0][0]
    assert number(shown["bills"]) == asked("SELECT count(*) FROM invoice")[0][0]
    seconds = asked("SELECT sum(billed_seconds) FROM usage_total")[0][0]
    assert shown["billed_time"] == f"{seconds // 60:,} min {seconds % 60} s"
    answered, calls = asked("SELECT sum(answered_count), sum(call_count) FROM call_analysis WHERE dimension = 'total'")[
        0
    ]
    assert abs(Decimal(shown["answered_rate"].rstrip("%")) - Decimal(answered) * 100 / calls) <= Decimal("0.005")


def test_the_waterfall(page, asked):
    shown = [(figure, number(cells[1])) for figure, cells in named(page, "#waterfall", "data-figure").items()]
    assert shown == asked("SELECT figure, amount FROM waterfall ORDER BY step")


def test_days(page, asked):
    shown = {row[0]: tuple(number(cell) for cell in row[1:]) for row in rows(page, "#days")}
    days = asked(
        "SELECT strftime(usage_date, '%Y-%m-%d'), sum(call_count), sum(amount), sum(settlement) "
        "FROM usage_total WHERE usage_date >= '2026-10-01' GROUP BY usage_date"
    )
    assert len(shown) == 31
    assert {day: tuple(measures) for day, *measures in days} == {day: row for day, row in shown.items() if row[0]}


def test_margins_of_every_customer(page, asked):
    page.click("#tools [data-of=customers]")
    while page.locator("#agents tbody button:not(.open)").count():
        page.locator("#agents tbody button:not(.open)").click()
    shown = {}
    for cells in rows(page, "#agents"):
        amounts = shown.setdefault(cells[0].split()[0], [Decimal(0)] * 4)
        shown[cells[0].split()[0]] = [before + number(cell) for before, cell in zip(amounts, cells[2:6], strict=True)]
    margins = "SELECT customer_id, revenue_net, settlement_net, commission, margin FROM margin_by_customer"
    assert shown == {customer or "Numbers": amounts for customer, *amounts in map(list, asked(margins))}
    totals = [number(text) for text in page.locator("#agents tfoot td").all_inner_texts() if AMOUNT.fullmatch(text)]
    assert totals == [sum(amounts[index] for amounts in shown.values()) for index in range(4)]


def test_what_became_of_the_records(page, asked):
    figures = dict(asked("SELECT figure, record_count FROM conservation WHERE record_count IS NOT NULL"))
    read = "cells => cells.map(cell => cell.firstChild.textContent)"
    shown = [int(number(text)) for text in page.locator("#funnel td.n").evaluate_all(read)]
    fates = {name: count for name, count in figures.items() if name.startswith("records_") and count}
    assert sorted(shown) == sorted([*fates.values(), figures["calls_rated"]])
    reasons = {name: int(number(cells[1])) for name, cells in named(page, "#held", "data-reason").items()}
    assert reasons == dict(asked("SELECT reason, sum(line_count) FROM suspense_by_reason GROUP BY reason"))
    assert page.locator(".equation .good").count() == 7


def test_carriers(page, asked):
    read = """rows => { const found = {}; let carrier;
      for (const row of rows) if (row.dataset.carrier) found[carrier = row.dataset.carrier] = {};
        else found[carrier][row.dataset.level] = [...row.cells].map(cell => cell.textContent);
      return found; }"""
    shown = page.locator("#carriers tbody tr").evaluate_all(read)
    lines = asked("SELECT carrier_id, kind, sum(call_count), sum(gross) FROM carrier_settlement GROUP BY ALL")
    by_kind = {(carrier, kind): (calls, gross) for carrier, kind, calls, gross in lines}
    calls = dict(asked(
        "SELECT carrier_id, sum(settlement) FROM usage_total JOIN (SELECT DISTINCT carrier_id, service_number "
        "FROM settlement_line) USING (service_number) GROUP BY carrier_id"
    ))  # fmt: skip
    owed = dict(asked("SELECT party_id, sum(credit) FROM posting WHERE event = 'settlement' GROUP BY party_id"))
    assert shown.keys() == calls.keys() == owed.keys()
    for carrier, levels in shown.items():
        count, usage = by_kind[carrier, "usage"]
        true_up = by_kind.get((carrier, "true_up"), (0, Decimal(0)))[1]
        assert [number(levels["numbers"][index]) for index in (1, 3)] == [count, usage]
        assert number(levels["calls"][3]) == calls[carrier]
        assert number(levels["numbers"][4]) == usage - calls[carrier]
        assert number(levels["true_up"][3]) == true_up
        assert number(levels["total"][3]) == owed[carrier] == usage + true_up
        assert levels["total"][5] == "not brought in"


def test_inputs_and_outputs(page, asked):
    shown = {row[3]: int(number(row[1])) for row in rows(page, "#inputs")}
    assert shown == dict(asked("SELECT sha256, record_count FROM source_file"))
    tables = {row[0]: int(number(row[1])) for row in rows(page, "#outputs")}
    assert {"charge", "invoice", "invoice_line", "posting", "conservation", "settlement_line"} <= tables.keys()
    assert {name: asked(f"SELECT count(*) FROM {name}")[0][0] for name in tables} == tables
