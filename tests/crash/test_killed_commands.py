"""Kill a command anywhere, run it again: the same books as if nothing had happened.

Two kinds of moments: the operations at which a step becomes part of the books (exact: the process kills itself right
before the n-th), and moments drawn by chance over the time the command takes.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.commands.corner_shop import PERIOD, bill400, copied, listing
from tests.commands.demo_books import ROOT, ended, started
from tests.commands.same_books import books_of, differences
from tests.commands.shop_fixtures import shop_at

KILLS = int(os.environ.get("BILL400_KILLS", "3"))
STEPS = {
    "ingest": ("stocked", ("ingest", "BOOKS", "BOOKS/inbox")),
    "run": ("ingested", ("run", "BOOKS", PERIOD)),
    "close": ("drafted", ("close", "BOOKS", PERIOD, "--by", "reviewer")),
}


@dataclass(frozen=True)
class Undisturbed:
    """A command that ran to its end: the books before and after, its operations, how long it took."""

    before: Path
    after: Path
    operations: list[str]
    seconds: float


def arguments_of(step: str, books: Path) -> list[str]:
    return [argument.replace("BOOKS", str(books)) for argument in STEPS[step][1]]


def watched(kill_before: int, trace: Path, arguments: list[str]) -> int:
    command = [sys.executable, "-m", "tests.crash.killed_at", str(kill_before), str(trace), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=120).returncode


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    made = {}

    def of(step: str) -> Undisturbed:
        if step not in made:
            folder = tmp_path_factory.mktemp(f"undisturbed-{step}")
            before = shop_at(STEPS[step][0], tmp_path_factory.mktemp)
            after = copied(before, folder / "books")
            start = time.monotonic()
            assert watched(0, folder / "trace", arguments_of(step, after)) == 0
            operations = (folder / "trace").read_text("utf-8").splitlines()
            made[step] = Undisturbed(before, after, operations, time.monotonic() - start)
        return made[step]

    return of


def moment(operations: list[str], name: str) -> int:
    """The number of the operation that a moment comes right before."""
    commit = next(index for index, line in enumerate(operations, 1) if line.startswith("os.link"))
    renames = [index for index, line in enumerate(operations, 1) if line.startswith("os.rename")]
    swap = [index for index in renames if index > commit]
    settled = [index for index in renames if index < commit]
    return {
        "half of the files settled": settled[len(settled) // 2],
        "all settled, nothing committed": commit,
        "committed, nothing swapped in": commit + 1,
        "old folder away, new one not there": swap[-1] if swap else 0,
        "swapped in, old folder not gone": swap[-1] + 1 if swap else 0,
    }[name]


@pytest.mark.parametrize(
    ("step", "when"),
    [
        ("ingest", "half of the files settled"),
        ("ingest", "all settled, nothing committed"),
        ("run", "all settled, nothing committed"),
        ("run", "committed, nothing swapped in"),
        ("close", "half of the files settled"),
        ("close", "old folder away, new one not there"),
        ("close", "swapped in, old folder not gone"),
    ],
)
def test_killed_at_the_edge_of_a_step(undisturbed, tmp_path, step, when):
    whole = undisturbed(step)
    books = copied(whole.before, tmp_path / "books")
    at = moment(whole.operations, when)
    assert watched(at, tmp_path / "trace", arguments_of(step, books)) == -signal.SIGKILL
    before = len(books_of(whole.before).commits)
    is_done = at > moment(whole.operations, "all settled, nothing committed")
    assert len(books_of(books).commits) == before + is_done, "a step is there or it is not"
    bill400(*arguments_of(step, books), code=3 if is_done and step == "close" else 0)
    assert differences(whole.after, books) == []


def _chances():
    chance = random.Random(400)
    steps = [step for step in STEPS for _ in range(-(-KILLS // len(STEPS)))][:KILLS]
    return [(step, round(chance.uniform(0.3, 1.0), 2)) for step in steps]


@pytest.mark.parametrize(("step", "share"), _chances())
def test_killed_by_chance(undisturbed, tmp_path, step, share):
    whole = undisturbed(step)
    books = copied(whole.before, tmp_path / "books")
    process = started(*arguments_of(step, books))
    time.sleep(whole.seconds * share)
    process.kill()
    ended(process)
    bill400(*arguments_of(step, books), code=None)
    assert differences(whole.after, books) == []


def test_a_process_that_dies_sets_the_lock_free(drafted):
    with (drafted / "lock").open("a"):
        bill400("run", drafted, PERIOD)


@pytest.mark.parametrize("status", ["draft", "closed"])
def test_the_next_writing_command_mends_what_is_published(request, tmp_path, status):
    books = request.getfixturevalue("drafted" if status == "draft" else "closed")
    twin = copied(books, tmp_path / "twin")
    shutil.rmtree(books / "published" / PERIOD)
    bill400("ingest", books, books / "inbox")
    assert differences(twin, books) == []


def test_the_folder_of_the_draft_left_behind_a_close_is_replaced(drafted, closed):
    shutil.rmtree(closed / "published" / PERIOD)
    shutil.copytree(drafted / "published" / PERIOD, closed / "published" / PERIOD)
    shutil.copytree(drafted / "published" / PERIOD, closed / "published" / f".{PERIOD}.old")
    bill400("ingest", closed, closed / "inbox")
    manifest = books_of(closed).state.closes[PERIOD].facts["manifest"]
    found = listing(closed, "published")
    assert found[f"published/{PERIOD}/manifest.json"] == manifest
    assert not [path for path in found if path.startswith("published/.")]
    bill400("verify", closed)


def test_what_a_dead_process_left_in_the_lake_is_no_part_of_the_books(ingested, tmp_path):
    twin = copied(ingested, tmp_path / "twin")
    cdr = books_of(ingested).state.of_table("cdr")[0].path
    for name in ("lake/cdr/2026-10-02/000099.parquet", "lake/rated_call/2026-10-02/000001-ffffffffffff.parquet"):
        shutil.copyfile(ingested / cdr, ingested / name)
    bill400("run", ingested, PERIOD)
    bill400("run", twin, PERIOD)
    assert differences(twin, ingested) == []
    bill400("verify", ingested)
