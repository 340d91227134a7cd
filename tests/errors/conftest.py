import os

import pytest

from tests.commands.shop_fixtures import closed, drafted, ingested, stocked  # noqa: F401


@pytest.fixture(autouse=True)
def _without_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
