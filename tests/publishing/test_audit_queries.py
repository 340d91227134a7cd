"""The queries of the manual run against a pack, and those that look for errors find one when there is one."""

import re
from pathlib import Path

import duckdb
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "audit-queries.md"
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
HEADINGS = re.findall(r"^## (\d+)\.", PAGE.read_text("utf-8"), re.MULTILINE)
ERRORS_ONLY = {
    "FROM usage_check": "UPDATE invoice_line SET gross = gross + 0.01 WHERE kind = 'usage'",
    "HAVING invoice.gross": "UPDATE invoice SET gross = gross + 0.01",
    "FROM fen": "UPDATE tax_line SET net = net + 0.01, tax = tax - 0.01",
    "FROM analysed": "DELETE FROM call_analysis WHERE dimension = 'province' AND value = 'unknown'",
    "FROM hangs": "UPDATE account_balance SET billed = billed + 0.01, closing = closing + 0.01",
    "FROM postings_balance": "UPDATE posting SET debit = debit + 0.01 WHERE leg = 1",
}


def _run(connection, query, folder):
    return connection.execute(query.replace("published/2026-10", str(folder))).fetchall()


def test_there_are_thirteen():
    assert [str(number) for number in range(1, 14)] == HEADINGS
    assert len(QUERIES) == 17


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_query_runs(query, published_once):
    with duckdb.connect(str(published_once / "audit.duckdb"), read_only=True) as connection:
        rows = _run(connection, query, published_once)
    looks_for_errors = any(mark in query for mark in ERRORS_ONLY)
    assert bool(rows) is not looks_for_errors


@pytest.mark.parametrize("mark", ERRORS_ONLY)
def test_query_finds_an_error(mark, published):
    (query,) = (query for query in QUERIES if mark in query)
    with duckdb.connect(str(published / "audit.duckdb")) as connection:
        connection.execute(ERRORS_ONLY[mark])
        assert _run(connection, query, published)
