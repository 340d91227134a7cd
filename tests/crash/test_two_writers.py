"""Two processes on the same books: one writes, the other is told at once, or waits when asked to."""

import fcntl
import threading
import time
from contextlib import contextmanager

import pytest

from tests.commands.corner_shop import PERIOD, bill400, listing
from tests.commands.demo_books import ended, started


@contextmanager
def writing(books):
    """Hold the writer lock as another process does: flock is of the open file, not of the process."""
    with (books / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.parametrize(
    "arguments",
    [("run", PERIOD), ("close", PERIOD, "--by", "me"), ("take-back", "1", "--reason", "no"), ("ingest", "INBOX")],
)
def test_the_second_writer_is_refused_at_once(drafted, arguments):
    name, *rest = arguments
    before = listing(drafted)
    with writing(drafted):
        start = time.monotonic()
        rest = [drafted / "inbox" if argument == "INBOX" else argument for argument in rest]
        ended = bill400(name, drafted, *rest, "--json", code=4)
        assert time.monotonic() - start < 1
    assert [finding["reason"] for finding in ended.json["findings"]] == ["BUSY"]
    assert listing(drafted) == before


def test_reading_needs_no_lock(drafted):
    with writing(drafted):
        bill400("status", drafted)
        bill400("explain", drafted, "a.csv:2")


def test_wait_waits_until_the_other_is_done(drafted):
    released = []

    def hold():
        with writing(drafted):
            held.set()
            time.sleep(0.7)
            released.append(time.monotonic())

    held = threading.Event()
    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    bill400("run", drafted, PERIOD, "--wait", "30")
    assert time.monotonic() >= released[0]
    other.join()


def test_wait_gives_up(drafted):
    with writing(drafted):
        start = time.monotonic()
        bill400("run", drafted, PERIOD, "--wait", "1", code=4)
        assert 1 <= time.monotonic() - start < 5


def test_two_processes_at_the_same_time(stocked):
    both = [started("ingest", stocked, stocked / "inbox") for _ in range(2)]
    codes = sorted(ended(process)[0] for process in both)
    assert codes in ([0, 4], [0, 0])
    records = sum(read["records"] for read in bill400("status", stocked, "--json").json["periods"])
    assert records == 100
    bill400("verify", stocked)
