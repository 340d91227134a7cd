import os
import shutil

import pytest

from tests.commands.corner_shop import PERIOD, bill400
from tests.commands.shop_fixtures import closed, drafted, ingested  # noqa: F401
from tests.delivery.foreign_trade import open_trade


@pytest.fixture(autouse=True)
def _without_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(scope="session")
def traded(tmp_path_factory):
    """Closed books of the trade; never changed."""
    return open_trade(tmp_path_factory.mktemp("trade") / "books")


@pytest.fixture
def trade(traded, tmp_path):
    """A copy of them to work with."""
    return shutil.copytree(traded, tmp_path / "books")


@pytest.fixture(scope="session")
def packs(traded, tmp_path_factory):
    """What a delivery of a copy of them hands out."""
    folder = tmp_path_factory.mktemp("delivered")
    books = shutil.copytree(traded, folder / "books")
    bill400("deliver", books, PERIOD, "--to", folder / "out")
    return folder / "out"
