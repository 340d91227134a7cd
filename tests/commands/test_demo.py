"""The demo: same seed, same books, wherever and however it runs."""

import getpass
import os
from decimal import Decimal

import duckdb
import pytest

from tests.commands.corner_shop import PERIOD, bill400, listing, published_rows
from tests.commands.same_books import differences

LONG = "BILL400_KILLS"
"""Set to a number: long tests run, and so many commands are killed at moments drawn by chance."""


def test_two_demos_are_the_same_books_even_if_one_is_interrupted(demos):
    assert differences(*demos) == []


def test_the_working_files_are_the_same_too(demos):
    one, another = (listing(demo, "catalog", "rate_plans", "inbox") for demo in demos)
    assert one == another


@pytest.mark.skipif(LONG not in os.environ, reason=f"ten seconds; set {LONG} to run it")
def test_the_demo_is_proved(demos):
    assert bill400("verify", demos[0], "--json").json["findings"] == []


def test_the_same_demo_again_changes_no_byte(demos):
    before = listing(demos[1])
    bill400("demo", demos[1], "--calls", 1000, "--seed", 400, "--lang", "en")
    assert listing(demos[1]) == before


def test_a_folder_with_something_else_is_not_touched(tmp_path):
    (tmp_path / "letter.txt").write_text("dear customer", "utf-8")
    bill400("demo", tmp_path, code=2)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_nothing_published_names_this_machine(demos):
    words = [str(demos[0]), str(demos[0].parent), f'"{getpass.getuser()}"']
    for path in (demos[0] / "published").rglob("*"):
        if path.suffix in (".html", ".csv", ".json"):
            text = path.read_text("utf-8-sig")
            assert not [word for word in words if word in text], path


def test_usage_lines_are_the_sum_of_the_published_calls(demos):
    lines = {
        row["usage_key"]: Decimal(row["gross"]) for row in published_rows(demos[0], "invoice_line") if row["usage_key"]
    }
    calls = [str(path) for path in (demos[0] / "published" / PERIOD / "calls").iterdir()]
    with duckdb.connect() as connection:
        query = "SELECT usage_key, round(sum(amount), 2) FROM read_parquet(?) GROUP BY usage_key"
        sums = dict(connection.execute(query, [calls]).fetchall())
    assert {key: sums[key] for key in lines} == lines
    assert len(lines) > 100
    assert sum(total for key, total in sums.items() if key not in lines) == 0


def test_callers_are_masked_in_everything_published(demos):
    with duckdb.connect() as connection:
        callers = [str(path) for path in (demos[0] / "lake" / "cdr").rglob("*.parquet")]
        query = (
            "SELECT DISTINCT caller FROM read_parquet(?)"
            " WHERE length(caller) >= 10 AND caller NOT LIKE '400%' LIMIT 200"
        )
        numbers = {row[0] for row in connection.execute(query, [callers]).fetchall()}
    texts = [path.read_bytes() for path in (demos[0] / "published").rglob("*.csv")]
    texts += [path.read_bytes() for path in (demos[0] / "published").rglob("*.html")]
    assert numbers
    assert not [number for number in numbers if any(number.encode() in text for text in texts)]
