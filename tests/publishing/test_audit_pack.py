import datetime as dt
from decimal import Decimal

import duckdb
import polars as pl
import pytest

from billing.publishing.audit_pack import write_audit_pack
from billing.publishing.manifest import check_manifest
from billing.publishing.tables import PACKED_TABLES, publish_table
from billing.tables.calls import UsageTotal
from billing.tables.catalog import Contract
from billing.tables.documents import SettlementLine
from tests.publishing import sample_month

ON_TRIAL = "4006000003"


@pytest.fixture
def pack(published_once):
    with duckdb.connect(str(published_once / "audit.duckdb"), read_only=True) as connection:
        yield connection


def _one(connection, query, *params):
    return connection.execute(query, params).fetchall()


def test_everything_has_words(pack):
    without = _one(
        pack,
        """
        SELECT table_name, '' FROM duckdb_tables() WHERE coalesce(comment, '') NOT LIKE '%_ / _%'
        UNION ALL
        SELECT table_name, column_name FROM duckdb_columns()
        WHERE NOT internal AND coalesce(comment, '') NOT LIKE '%_ / _%'
          AND table_name NOT IN (SELECT view_name FROM duckdb_views())
        UNION ALL
        SELECT view_name, '' FROM duckdb_views() WHERE NOT internal AND coalesce(comment, '') NOT LIKE '%_ / _%'
        UNION ALL
        SELECT function_name, '' FROM duckdb_functions() WHERE NOT internal AND coalesce(comment, '') NOT LIKE '%_ / _%'
        """,
    )
    assert without == []
    tables = {name for (name,) in _one(pack, "SELECT table_name FROM duckdb_tables()")}
    assert tables == {table.name for table in PACKED_TABLES} | {"calls"}
    assert _one(pack, "SELECT count(*) FROM duckdb_views() WHERE NOT internal") == [(14,)]


def test_money_is_decimal_and_never_float(pack):
    types = {kind for (kind,) in _one(pack, "SELECT DISTINCT data_type FROM duckdb_columns() WHERE NOT internal")}
    assert types == {"VARCHAR", "BIGINT", "INTEGER", "DATE", "TIMESTAMP", "DECIMAL(18,2)", "DECIMAL(18,6)"}
    assert _one(pack, "SELECT count(*) FROM duckdb_columns() WHERE column_name LIKE '%micro%'") == [(0,)]


def test_the_oldest_format_is_written(published_once):
    """Bytes 12 to 20 of a DuckDB file are its storage version; 64 is what DuckDB 1.0 reads."""
    head = (published_once / "audit.duckdb").read_bytes()[:20]
    assert head[8:12] == b"DUCK"
    assert int.from_bytes(head[12:20], "little") == 64


def test_usage_lines_are_their_calls(pack):
    rows = _one(
        pack, "SELECT usage_key, line_gross, calls_amount, rounding, difference, line_calls, calls FROM usage_check"
    )
    assert len(rows) == 4
    assert {row[4] for row in rows} == {Decimal(0)}
    assert any(row[2] for row in rows)
    assert all(row[5] == row[6] for row in rows)


def test_usage_check_can_fail(published, published_once):
    with duckdb.connect(str(published / "audit.duckdb")) as connection:
        connection.execute("DELETE FROM calls WHERE cdr_id = (SELECT min(cdr_id) FROM calls WHERE amount > 0)")
        assert _one(connection, "SELECT count(*) FROM usage_check WHERE difference <> 0") == [(1,)]
    assert check_manifest(published) == ["audit.duckdb"]
    assert check_manifest(published_once) == []


def test_a_changed_cell_or_view_is_found(published):
    with duckdb.connect(str(published / "audit.duckdb")) as connection:
        connection.execute("UPDATE invoice SET gross = gross + 0.01 WHERE customer_id = 'C-1'")
    assert check_manifest(published) == ["audit.duckdb"]


def test_a_changed_view_is_found(published):
    with duckdb.connect(str(published / "audit.duckdb")) as connection:
        connection.execute("CREATE OR REPLACE VIEW suspense_by_reason AS SELECT 1 AS nothing")
    assert check_manifest(published) == ["audit.duckdb"]


def test_waterfall_ends_in_the_margin_of_the_certificate(pack):
    steps = dict(_one(pack, "SELECT figure, amount FROM waterfall"))
    names = list(steps)
    assert steps["revenue_gross"] == sum(steps[name] for name in names[: names.index("revenue_gross")])
    assert steps["revenue_net"] == steps["revenue_gross"] + steps["vat"]
    assert steps["margin"] == steps["revenue_net"] + steps["settlement_net"] + steps["commission"]
    assert _one(pack, "SELECT amount FROM conservation WHERE figure = 'margin'") == [(steps["margin"],)]


def test_margins_of_customers_add_up(pack):
    assert _one(pack, "SELECT sum(margin), count(*), count(customer_id) FROM margin_by_customer") == [
        (_one(pack, "SELECT amount FROM waterfall WHERE figure = 'margin'")[0][0], 3, 3)
    ]


def test_postings_balance(pack):
    rows = _one(pack, "SELECT difference FROM postings_balance")
    assert len(rows) == 7
    assert set(rows) == {(Decimal("0.00"),)}


def test_calls_of_a_number(pack):
    """Of five calls three are answered, one is busy, one not answered: thirty calls a number in two days.

    Line 0, 4, 8 ... are of the first number; those answered talk 1, 59,999 and 180,001 ms, six times each.
    """
    columns = "service_number, contract_id, call_count, answered_count, busy_count, no_answer_count, answer_rate_bp"
    rows = _one(pack, f"SELECT {columns}, customer_name FROM calls_by_number ORDER BY service_number")
    assert [row[:2] for row in rows] == [(number, plan[0]) for number, plan in sorted(sample_month.PLANS.items())]
    assert {row[2:7] for row in rows} == {(30, 18, 6, 6, 6000)}
    assert rows[0][7] == sample_month.HOSTILE
    talk = "SELECT talk_seconds, mean_talk_seconds FROM calls_by_number WHERE service_number = '4006000001'"
    assert _one(pack, talk) == [(1440, 80)]


def test_calls_by_hour_and_weekday(pack):
    """All calls start between eight and nine, on 3 and 4 October: a Saturday and a Sunday."""
    assert _one(pack, "SELECT DISTINCT hour, call_count FROM calls_by_hour") == [(8, 30)]
    days = "SELECT DISTINCT weekday, call_count, answered_count FROM calls_by_weekday ORDER BY weekday"
    assert _one(pack, days) == [(6, 15, 9), (7, 15, 9)]


def test_calls_by_province(pack):
    """Seven callers take turns, two of Beijing and three without a province; each number its first once more."""
    rows = _one(pack, "SELECT service_number, province, call_count FROM calls_by_province")
    of_number = {number: {row[1]: row[2] for row in rows if row[0] == number} for number in sample_month.PLANS}
    usual = {"江苏": 4, "北京": 8, "广东": 4, "unknown": 12}
    assert list(of_number.values()) == [
        usual | {"江苏": 6},
        usual | {"北京": 10},
        usual | {"北京": 10},
        usual | {"广东": 6},
    ]


def test_a_question_about_one_value_is_answered(pack):
    """Whatever order a client's filters are tried in: a province is no hour."""
    assert _one(pack, "SELECT count(*) FROM calls_by_hour WHERE hour = 8 AND call_count > 0") == [(4,)]
    assert _one(pack, "SELECT count(*) FROM calls_by_weekday WHERE weekday > 6") == [(4,)]


def test_the_macro_reads_the_listed_files_only(published, tmp_path):
    calls = sorted((published / "calls").glob("*.parquet"))
    stray = pl.read_parquet(calls[0], glob=False)
    stray.write_parquet(published / "calls" / "2026-10-03-16.parquet")
    with duckdb.connect(str(published / "audit.duckdb"), read_only=True) as connection:
        root = str(published / "calls")
        assert _one(connection, "SELECT count(*) FROM calls_at($1)", root) == [(120,)]
        pattern = _one(connection, "SELECT count(*) FROM read_parquet($1)", f"{root}/*.parquet")
        assert pattern == [(180,)], "a pattern would have read the stray file"
        equal = "SELECT count(*) FROM (FROM calls_at($1) EXCEPT ALL FROM calls)"
        assert _one(connection, equal, root) == [(0,)]


def test_without_calls_inside_the_views_still_answer(published, tmp_path):
    write_audit_pack(tmp_path / "thin.duckdb", {}, sorted((published / "calls").iterdir()), rows_inside=False)
    with duckdb.connect(str(tmp_path / "thin.duckdb"), read_only=True) as connection:
        for (name,) in _one(connection, "SELECT view_name FROM duckdb_views() WHERE NOT internal"):
            connection.execute(f"FROM {name}").fetchall()
        assert _one(connection, "SELECT count(*) FROM calls_at($1)", str(published / "calls")) == [(120,)]


def test_a_month_without_calls(tmp_path):
    write_audit_pack(tmp_path / "none.duckdb", {}, [], rows_inside=True)
    with duckdb.connect(str(tmp_path / "none.duckdb"), read_only=True) as connection:
        assert _one(connection, "SELECT count(*) FROM calls_at('anywhere')") == [(0,)]
        assert _one(connection, "SELECT amount FROM waterfall WHERE figure = 'margin'") == [(Decimal(0),)]


def test_two_contracts_share_a_numbers_cost_by_its_calls(tmp_path):
    table = sample_month.table
    usage = table(
        UsageTotal,
        *(
            {
                "usage_date": dt.date(2026, 10, 1),
                "service_number": ON_TRIAL,
                "contract_id": contract,
                "settlement_micro": cost,
            }
            for contract, cost in (("HT-1", 10_000_000), ("HT-2", 20_000_000))
        ),
    )
    contracts = table(
        Contract, {"contract_id": "HT-1", "customer_id": "C-1"}, {"contract_id": "HT-2", "customer_id": "C-2"}
    )
    line = {"carrier_id": "unicom", "service_number": ON_TRIAL, "period": "2026-10", "net_micro": 100_000_000}
    rows = {UsageTotal: usage, Contract: contracts, SettlementLine: table(SettlementLine, line)}
    published = {shape: publish_table(frame, shape) for shape, frame in rows.items()}
    write_audit_pack(tmp_path / "pack.duckdb", published, [], rows_inside=False)
    with duckdb.connect(str(tmp_path / "pack.duckdb"), read_only=True) as connection:
        shared = _one(connection, "SELECT customer_id, settlement_net FROM margin_by_customer")
    assert shared == [("C-1", Decimal("33.33")), ("C-2", Decimal("66.67"))]
