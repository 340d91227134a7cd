"""What only superseded drafts name is cleared away after its time; what the books rest on never is."""

import datetime as dt

import pytest

from pipelines.books import open_books
from pipelines.sweep import sweep_superseded
from tests.commands.corner_shop import PERIOD, bill400, listing
from tests.commands.same_books import books_of

PRICE = ("rate_plans/retail/split_6s_010.yaml", 'price_per_minute: "0.1000"', 'price_per_minute: "0.2000"')


@pytest.fixture
def twice_drafted(drafted):
    path = drafted / PRICE[0]
    text = path.read_text("utf-8")
    assert PRICE[1] in text
    path.write_text(text.replace(PRICE[1], PRICE[2]), "utf-8")
    bill400("run", drafted, PERIOD)
    return drafted


def swept_after(books, days):
    last = dt.datetime.fromisoformat(books_of(books).commits[-1].at)
    with open_books(books, write=True) as opened:
        return sweep_superseded(opened, last + dt.timedelta(days=days), keep_days=7)


def test_the_files_of_an_older_draft_go_after_seven_days(twice_drafted):
    replaced = [path for path in books_of(twice_drafted).commits[-1].replaces if "/lake/" in f"/{path}"]
    assert any("rated_call" in path for path in replaced)
    assert any("invoice_line" in path for path in replaced)
    assert swept_after(twice_drafted, days=7) == 0
    assert all((twice_drafted / path).exists() for path in replaced)
    before = listing(twice_drafted)
    assert swept_after(twice_drafted, days=7.01) == len(replaced)
    gone = before.keys() - listing(twice_drafted).keys()
    assert gone == set(replaced)
    bill400("verify", twice_drafted)


def test_the_same_draft_again_after_the_sweep_is_made_again(twice_drafted):
    swept_after(twice_drafted, days=8)
    path = twice_drafted / PRICE[0]
    path.write_text(path.read_text("utf-8").replace(PRICE[2], PRICE[1]), "utf-8")
    bill400("run", twice_drafted, PERIOD)
    bill400("verify", twice_drafted)
