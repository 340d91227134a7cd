"""A delivery that is killed: what was not recorded is made anew, what was recorded comes to light, nothing twice."""

import os
import subprocess
import sys

import pytest

from tests.commands.corner_shop import PERIOD, bill400, copied, listing
from tests.commands.demo_books import ROOT
from tests.commands.shop_fixtures import shop_at


@pytest.mark.parametrize(("moment", "is_resumed"), [("link:1", False), ("AFTER", True)])
def test_a_killed_delivery_is_finished_by_the_same_command(tmp_path, tmp_path_factory, moment, is_resumed):
    closed = shop_at("closed", tmp_path_factory.mktemp)
    whole, killed = copied(closed, tmp_path / "whole"), copied(closed, tmp_path / "killed")
    bill400("deliver", whole, PERIOD, "--to", tmp_path / "whole-out")
    to = tmp_path / "out"
    if moment == "AFTER":
        moment = str(_operations(copied(closed, tmp_path / "traced"), tmp_path))
    assert _watched(moment, tmp_path / "trace", killed, to) == -9
    assert [path.name for path in to.iterdir()] == [".part"]
    told = bill400("deliver", killed, PERIOD, "--to", to, "--json").json
    assert (told["is_resumed"], told["reprints"]) == (is_resumed, 0)
    assert listing(to) == listing(tmp_path / "whole-out")
    assert len(bill400("log", killed, "--json").json["commits"]) == len(bill400("log", whole, "--json").json["commits"])
    assert bill400("verify", killed, "--json").json["findings"] == []


def _operations(books, folder):
    """The number of the first operation after the commit of an undisturbed delivery."""
    trace = folder / "operations"
    assert _watched("0", trace, books, folder / "elsewhere") == 0
    lines = trace.read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith("os.link")) + 1


def _watched(moment, trace, books, to):
    command = [sys.executable, "-m", "tests.crash.killed_at", moment, str(trace), "deliver", str(books), PERIOD]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([*command, "--to", str(to)], cwd=ROOT, env=environment, capture_output=True).returncode
