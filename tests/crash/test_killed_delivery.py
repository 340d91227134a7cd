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


@pytest.fixture
def shop(tmp_path, tmp_path_factory):
    return copied(shop_at("closed", tmp_path_factory.mktemp), tmp_path / "books")


def test_what_was_killed_while_bills_were_printed_is_not_taken_for_what_went_elsewhere(shop, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    assert _dying("pipelines.deliver", "print_bills", shop, one, "--print") == -9
    assert list((one / ".part").rglob("*.zip")) and not (one / ".part" / ".mark").exists()
    bill400("deliver", shop, PERIOD, "--to", two, "--print")
    # The archives of both are the same bytes; but what lies in the first folder has no print and is on no record.
    told = bill400("deliver", shop, PERIOD, "--to", one, "--print", "--json").json
    assert not told["is_resumed"] and told["reprints"] == told["documents"] > 0
    names = {path.relative_to(one).as_posix() for path in one.rglob("*") if path.is_file()}
    assert names == {path.relative_to(two).as_posix() for path in two.rglob("*") if path.is_file()}
    assert {"delivery_list.csv", "mail_list.csv", f"print/bills-{PERIOD}.pdf"} <= names
    assert _deliveries(shop) == 2


@pytest.mark.parametrize("options", [("--only", "C1"), ("--print",)])
def test_what_is_on_record_comes_to_light_whatever_is_asked_for(shop, tmp_path, options):
    whole, to = copied(shop, tmp_path / "whole"), tmp_path / "out"
    bill400("deliver", whole, PERIOD, "--to", tmp_path / "whole-out")
    assert _dying("pipelines.deliveries", "bring_to_light", shop, to) == -9
    assert [path.name for path in to.iterdir()] == [".part"] and _deliveries(shop) == 1
    dry = bill400("deliver", shop, PERIOD, "--to", to, *options, "--dry-run", code=2)
    assert "DELIVERY_LEFT_BEHIND" in dry.err and [path.name for path in to.iterdir()] == [".part"]
    refused = bill400("deliver", shop, PERIOD, "--to", to, *options, code=2)
    assert "DELIVERY_LEFT_BEHIND" in refused.err
    assert listing(to) == listing(tmp_path / "whole-out") and _deliveries(shop) == 1
    assert "FOLDER_NOT_FREE" in bill400("deliver", shop, PERIOD, "--to", to, *options, code=2).err


def test_coming_to_light_goes_on_where_it_was_killed(shop, tmp_path):
    whole, to = copied(shop, tmp_path / "whole"), tmp_path / "out"
    bill400("deliver", whole, PERIOD, "--to", tmp_path / "whole-out")
    assert _dying("pipelines.deliveries", "bring_to_light", shop, to) == -9
    (to / ".part" / "customers").rename(to / "customers")
    told = bill400("deliver", shop, PERIOD, "--to", to, "--json").json
    assert told["is_resumed"] and listing(to) == listing(tmp_path / "whole-out") and _deliveries(shop) == 1


def test_a_mark_that_no_commit_bears_is_nothing(shop, tmp_path):
    to = tmp_path / "out"
    bill400("deliver", shop, PERIOD, "--to", tmp_path / "elsewhere")
    (to / ".part" / "customers").mkdir(parents=True, exist_ok=True)
    (to / ".part" / ".mark").write_text("0" * 32, "utf-8")
    assert not bill400("deliver", shop, PERIOD, "--to", to, "--json").json["is_resumed"]
    assert not (to / ".part").exists() and not (to / ".mark").exists()


def _deliveries(books):
    return sum(commit["kind"] == "deliver" for commit in bill400("log", books, "--json").json["commits"])


def _dying(module, function, books, to, *options):
    command = [sys.executable, "-m", "tests.crash.dying_in", module, function, "deliver", str(books), PERIOD]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command += ["--to", str(to), *options]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True).returncode


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
