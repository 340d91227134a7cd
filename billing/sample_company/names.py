"""Invented names of companies and where they sit."""

import functools
from collections.abc import Sequence
from importlib import resources
from typing import Any

import yaml

from billing.sample_company.draws import Draws


@functools.cache
def name_parts() -> dict[str, Any]:
    """The parts names are put together from."""
    parts: dict[str, Any] = yaml.safe_load(resources.files(__package__).joinpath("names.yaml").read_text("utf-8"))
    return parts


def company_names(draws: Draws, count: int, trades: Sequence[str]) -> list[tuple[str, tuple[str, str, str]]]:
    """That many different names, each with its city, area code and branch."""
    parts = name_parts()
    found: dict[str, tuple[str, str, str]] = {}
    while len(found) < count:
        city, area_code, branch = draws.pick(parts["cities"])
        brand = draws.pick(parts["first"]) + draws.pick(parts["second"])
        found.setdefault(f"{city}{brand}{draws.pick(trades)}{draws.pick(parts['endings'])}", (city, area_code, branch))
    return list(found.items())
