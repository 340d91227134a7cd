"""A customer with contracts through two sellers is one customer, as in the view `margin_by_customer`."""

import re

import duckdb

from tests.browser.test_figures_of_the_report import number, rows
from tests.commands.corner_shop import PERIOD, bill400


def test_a_customer_of_two_sellers_counts_once(opened, stocked):
    catalog = stocked / "catalog" / "contracts.csv"
    # The bakery loses on the contract the house sold, and earns more on the one it now has through A1.
    catalog.write_text(catalog.read_text("utf-8").replace("HT4,C4", "HT4,C3"), "utf-8")
    bill400("ingest", stocked, stocked / "inbox")
    bill400("run", stocked, PERIOD)
    folder = stocked / "published" / PERIOD
    with duckdb.connect(str(folder / "audit.duckdb"), read_only=True) as connection:
        losing = connection.execute("SELECT count(*) FROM margin_by_customer WHERE margin < 0").fetchone()[0]
        margins = dict(connection.execute("SELECT customer_id, margin FROM margin_by_customer").fetchall())
    page = opened(folder / "close_report.html")
    house = next(cells for cells in rows(page, "#agents") if cells[0] == "Sold by the house")
    assert number(house[5]) < 0 < margins["C3"], "one of its contracts loses, as a whole it does not"
    told = page.inner_text(".alerts [data-of=customers]")
    assert int(re.search(r"\d+", told)[0]) == losing == 1
    page.click(".alerts [data-of=customers]")
    shown = rows(page, "#agents")
    assert [cells[0].split()[0] for cells in shown] == sorted(margins, key=lambda key: margins[key])
    assert {cells[0].split()[0]: number(cells[5]) for cells in shown} == margins
    assert page.locator("#agents tfoot td").nth(1).inner_text() == str(len(margins))
    bakery = page.locator("#agents tbody tr", has_text="C3 ")
    assert bakery.locator("td").nth(1).inner_text() == "3", "two numbers of A1's contract, one of the house's"
    for seller in ("A2", "C3"):
        page.fill("#filter", seller)
        assert page.locator("#agents tbody tr").count() == 1
