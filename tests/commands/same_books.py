"""Are two sets of books the same? What was published, what the lake holds, and what the commits say happened."""

import json
from pathlib import Path
from typing import Any

import duckdb

from pipelines.books import Books
from pipelines.commits import CommitLog, fold
from tests.commands.corner_shop import listing

PACK = "audit.duckdb"
REPORT = "close_report.html"
ATTEMPT = ("at", "by", "attempt", "previous", "seal")
"""What of a commit belongs to the attempt and not to the step."""


def books_of(root: Path) -> Books:
    """The books as their commits add up."""
    commits = CommitLog(root / "commits").read()
    return Books(root, commits, fold(commits))


def live_files(root: Path) -> dict[str, str]:
    """SHA-256, from disk, of every file that the commits name."""
    on_disk = listing(root, "lake", "snapshots")
    return {path: on_disk.get(path, "missing") for path in books_of(root).state.files}


def steps(root: Path) -> list[dict[str, Any]]:
    """The commits without who, when and which attempt; files in the order of their paths, as workers end in any."""
    bodies = [json.loads(path.read_text("utf-8")) for path in sorted((root / "commits").glob("[0-9]*.json"))]
    for body in bodies:
        body["files"].sort(key=lambda entry: entry["path"])
    return [{key: value for key, value in body.items() if key not in ATTEMPT} for body in bodies]


def pack_rows(path: Path) -> dict[str, list[Any]]:
    """Every table, view and macro of an audit pack: its words, and its rows in a fixed order."""
    with duckdb.connect(str(path), read_only=True) as connection:
        names = connection.sql("SELECT table_name FROM information_schema.tables ORDER BY 1").fetchall()
        content = {name: connection.sql(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for (name,) in names}
        content["(columns)"] = connection.sql(
            "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
        content["(views)"] = connection.sql(
            "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
    return content


def differences(one: Path, other: Path) -> list[str]:
    """What differs between two sets of books; nothing when they are the same."""
    found = []
    for what, left, right in (
        ("published", listing(one, "published"), listing(other, "published")),
        ("live", live_files(one), live_files(other)),
        ("steps", dict(enumerate(steps(one))), dict(enumerate(steps(other)))),
    ):
        for key in sorted({*left, *right}, key=str):
            if left.get(key) != right.get(key) and not str(key).endswith(PACK):
                found.append(f"{what}: {key}")
    for pack in sorted(path.relative_to(one) for path in (one / "published").rglob(PACK)):
        if not (other / pack).exists() or pack_rows(one / pack) != pack_rows(other / pack):
            found.append(f"content: {pack}")
    return found


def other_content(one: Path, other: Path) -> list[str]:
    """What differs between books that came about on different ways, and should not.

    Steps and kept raw files tell of the way, and so does the close report: it says what changed against the run before.
    Manifests are compared without the line of that page.
    """
    found = []
    for what in differences(one, other):
        place = one / what.partition(": ")[2]
        if what.startswith("steps") or "lake/raw/" in what or place.name == REPORT:
            continue
        if place.name == "manifest.json":
            told = [json.loads((root / place.relative_to(one)).read_text("utf-8")) for root in (one, other)]
            for manifest in told:
                del manifest["files"][REPORT]
            if told[0] == told[1]:
                continue
        found.append(what)
    return found
