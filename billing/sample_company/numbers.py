"""The 400 numbers of the sample company: carrier by prefix, grade, how busy, and the plan they sell under.

How busy a number is follows from its digits alone, so that the calls and the caps agree on who the heavy ones are.
"""

from dataclasses import dataclass

from billing.sample_company.draws import Draws, word

NUMBER_COUNT = 400
SPARE_COUNT = 2
"""Numbers in stock that no contract has."""

CARRIERS = (
    ("UNICOM", "中国联通", ("4006", "4000"), "unicom_400"),
    ("TELECOM", "中国电信", ("4008", "4009"), "telecom_400"),
    ("MOBILE", "中国移动", ("4001", "4007"), "mobile_400"),
)
_PREFIXES = ("4006", "4006", "4006", "4000", "4008", "4008", "4009", "4001", "4001", "4007")
_GRADES = ("A", "B", "B", "C", "C", "C", "C", "D", "D", "D")

PRICE_SPREAD = (
    *("split_010",) * 6,
    *("split_012",) * 4,
    *("split_015",) * 3,
    *("split_008", "split_018", "split_020", "split_025", "split_030"),
    *("split_6s_010", "split_60_6_012", "split_180_60"),
    *("split_function_010",) * 3,
)
"""Plans in the proportion they are sold in."""
CAPPED_RANKS = frozenset((1, 4, 9, 16, 25, 60, 120))
COUNTED_RANKS = frozenset((2, 6, 12, 20, 40, 90, 150))
"""Busy numbers, by rank from 0, whose owners bought cost control: by amount, by number of calls."""

_BUSYNESS_SEED, _BUSYNESS_STREAM = 400, 1


@dataclass(frozen=True)
class SampleNumber:
    """One 400 number with its rank: 0 is the busiest."""

    service_number: str
    carrier_id: str
    grade: str
    plan_id: str
    rank: int


def sample_numbers(draws: Draws) -> list[SampleNumber]:
    """The numbers of the company, in order of their digits."""
    chosen: set[str] = set()
    while len(chosen) < NUMBER_COUNT:
        chosen.add(f"{draws.pick(_PREFIXES)}{draws.below(10**6):06d}")
    ranks = busy_ranks(chosen)
    return [
        SampleNumber(number, _carrier(number), draws.pick(_GRADES), _plan(draws, ranks[number]), ranks[number])
        for number in sorted(chosen)
    ]


def busy_ranks(numbers: set[str]) -> dict[str, int]:
    """The rank of every number, 0 the busiest; it depends on the digits only."""
    ordered = sorted(numbers, key=lambda number: (word(_BUSYNESS_SEED, _BUSYNESS_STREAM, int(number)), number))
    return {number: rank for rank, number in enumerate(ordered)}


def _carrier(number: str) -> str:
    return next(carrier for carrier, _, prefixes, _ in CARRIERS if number[:4] in prefixes)


def _plan(draws: Draws, rank: int) -> str:
    drawn = draws.pick(PRICE_SPREAD)
    if rank in CAPPED_RANKS:
        return "split_capped_010"
    return "split_counted_010" if rank in COUNTED_RANKS else drawn
