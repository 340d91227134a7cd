"""Auditors open the pack with whatever DuckDB they have: real older releases run every documented query."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.publishing.test_audit_queries import QUERIES

READ = """
import json, sys
import duckdb
pack, root, queries = json.loads(sys.argv[1])
connection = duckdb.connect(pack, read_only=True)
views = [row[0] for row in connection.execute("select view_name from duckdb_views() where not internal").fetchall()]
counts = {view: connection.execute(f"select count(*) from {view}").fetchone()[0] for view in sorted(views)}
answers = [len(connection.execute(query).fetchall()) for query in queries]
calls = connection.execute("select count(*), sum(amount) from calls_at(?)", [root]).fetchone()
inside = connection.execute("select count(*), sum(amount) from calls").fetchone()
print(json.dumps([duckdb.__version__, counts, answers, str(calls), str(inside)]))
"""


def answers(published, **environment):
    queries = [query.replace("published/2026-10", str(published)) for query in QUERIES]
    argument = json.dumps([str(published / "audit.duckdb"), str(published / "calls"), queries])
    command = [sys.executable, "-c", READ, argument]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert not done.returncode, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("version", ["1.1.3", "1.4.4"])
def test_an_older_client_reads_the_same(version, published_once):
    folder = Path(sys.prefix) / f"duckdb-{version}"
    if not folder.is_dir():
        pytest.skip(f"duckdb {version} is not installed: `make test` installs it")
    found, *theirs, calls, inside = answers(published_once, PYTHONPATH=str(folder))
    _, *ours, _, _ = answers(published_once)
    assert found == version
    assert theirs == ours
    assert calls == inside
