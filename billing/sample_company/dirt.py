"""What is wrong with which call: fixed positions in a cycle, scattered by the seed, so every count is known before."""

import functools
from importlib import resources
from typing import Any

import polars as pl
import yaml

from billing.sample_company.draws import Draws

CLEAN = 0
STREAM = 9


@functools.cache
def _rates() -> dict[str, Any]:
    rates: dict[str, Any] = yaml.safe_load(resources.files(__package__).joinpath("dirt.yaml").read_text("utf-8"))
    return rates


def kinds() -> tuple[str, ...]:
    """The kinds of dirt; their codes are their positions from 1, 0 is a clean call."""
    return tuple(_rates()["kinds"])


def code(kind: str) -> int:
    """The code of a kind."""
    return kinds().index(kind) + 1


def dirt_cycle(seed: int, calls: int) -> pl.Series:
    """The code of every position of the cycle; call g of the month has the code at g modulo its length."""
    rates = _rates()
    is_small = calls < rates["small"]["until_calls"]
    length = rates["small"]["cycle"] if is_small else rates["big_cycle"]
    codes = [CLEAN] * length
    positions = iter(Draws(seed, STREAM).shuffled(range(length)))
    for index, (_, counts) in enumerate(rates["kinds"].items(), start=1):
        for _ in range(counts[0 if is_small else 1]):
            codes[next(positions)] = index
    return pl.Series("dirt", codes, pl.UInt8)
