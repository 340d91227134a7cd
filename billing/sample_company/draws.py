"""Random draws that do not depend on any library's version: splitmix64 on a counter, in Python and in Polars.

One counter and one stream give one 64-bit word, so any call can be made again alone and chunks need no common state.
Word arithmetic wraps at 64 bits; a test holds both forms equal.
"""

from collections.abc import Sequence
from typing import TypeVar

import polars as pl

Value = TypeVar("Value")

WORD = 2**64
_GOLDEN = 0x9E3779B97F4A7C15
_MIX_1 = 0xBF58476D1CE4E5B9
_MIX_2 = 0x94D049BB133111EB


def word(seed: int, stream: int, counter: int) -> int:
    """The 64-bit word of a counter in a stream of a seed."""
    mixed = (counter + 1) * _GOLDEN + _stream_start(seed, stream)
    mixed %= WORD
    mixed = (mixed ^ (mixed >> 30)) * _MIX_1 % WORD
    mixed = (mixed ^ (mixed >> 27)) * _MIX_2 % WORD
    return mixed ^ (mixed >> 31)


def word_expr(seed: int, stream: int, counter: pl.Expr) -> pl.Expr:
    """`word` over an integer column, as UInt64."""
    mixed = (counter.cast(pl.UInt64) + _u64(1)) * _u64(_GOLDEN) + _u64(_stream_start(seed, stream))
    mixed = (mixed ^ (mixed // _u64(2**30))) * _u64(_MIX_1)
    mixed = (mixed ^ (mixed // _u64(2**27))) * _u64(_MIX_2)
    return mixed ^ (mixed // _u64(2**31))


def bits_expr(mixed: pl.Expr, skip: int, below: int) -> pl.Expr:
    """A number in [0, below) from a word, leaving out its lowest bits; Int64."""
    return (mixed // _u64(2**skip) % _u64(below)).cast(pl.Int64)


class Draws:
    """A sequence of draws for the small tables.

    Attributes:
        seed, stream: which sequence.
        counter: how many words were drawn.
    """

    def __init__(self, seed: int, stream: int) -> None:
        self.seed, self.stream, self.counter = seed, stream, 0

    def below(self, limit: int) -> int:
        """A number in [0, limit)."""
        self.counter += 1
        return word(self.seed, self.stream, self.counter) % limit

    def between(self, first: int, last: int) -> int:
        """A number in [first, last]."""
        return first + self.below(last - first + 1)

    def pick(self, values: Sequence[Value]) -> Value:
        """One of the values."""
        return values[self.below(len(values))]

    def shuffled(self, values: Sequence[Value]) -> list[Value]:
        """The values in another order."""
        rest = list(values)
        for index in range(len(rest) - 1, 0, -1):
            other = self.below(index + 1)
            rest[index], rest[other] = rest[other], rest[index]
        return rest


def _stream_start(seed: int, stream: int) -> int:
    """Where a stream starts: far apart for neighbouring seeds and streams."""
    start = (seed * 0xD1342543DE82EF95 + stream * 0xDA942042E4DD58B5 + 0x2545F4914F6CDD1D) % WORD
    start = (start ^ (start >> 32)) * _MIX_1 % WORD
    return start ^ (start >> 29)


def _u64(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.UInt64)
