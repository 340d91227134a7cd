"""Fixtures of whole books: each stage of the corner shop is made once a session, every test changes its own copy."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.corner_shop import PERIOD, bill400, copied, stock_shop

_MADE: dict[str, Path] = {}


def shop_at(stage: str, make_folder: Callable[[str], Path]) -> Path:
    """The shop at a stage of its life; made on demand, from the stage before."""
    if stage not in _MADE:
        root = make_folder(stage) / "books"
        if stage == "stocked":
            stock_shop(root)
        elif stage == "ingested":
            copied(shop_at("stocked", make_folder), root)
            bill400("ingest", root, root / "inbox")
        elif stage == "drafted":
            copied(shop_at("ingested", make_folder), root)
            bill400("run", root, PERIOD)
        elif stage == "closed":
            copied(shop_at("drafted", make_folder), root)
            bill400("close", root, PERIOD, "--by", "reviewer")
        _MADE[stage] = root
    return _MADE[stage]


def _fixture(stage: str):
    @pytest.fixture(name=stage)
    def books(tmp_path, tmp_path_factory):
        return copied(shop_at(stage, tmp_path_factory.mktemp), tmp_path / stage)

    return books


stocked = _fixture("stocked")
ingested = _fixture("ingested")
drafted = _fixture("drafted")
closed = _fixture("closed")
