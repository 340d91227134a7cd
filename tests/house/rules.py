"""The rules of the house by name: each takes the root of a tree and returns its breaches as `file:line: what`."""

from collections.abc import Callable
from pathlib import Path

from tests.house.commands import commands
from tests.house.files import documented, no_traces, stories
from tests.house.layers import cycles, layers
from tests.house.money import no_clock, no_float, one_rounding_room, table_columns, wide_integers
from tests.house.words import both_languages, known_codes, used_codes

Rule = Callable[[Path], list[str]]

RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        layers,
        cycles,
        no_float,
        wide_integers,
        one_rounding_room,
        table_columns,
        no_clock,
        both_languages,
        known_codes,
        used_codes,
        commands,
        no_traces,
        documented,
        stories,
    )
}
