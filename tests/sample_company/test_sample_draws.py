"""The generator's words: Python and Polars agree, and nothing depends on a library's own generator."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from billing.sample_company.draws import Draws, bits_expr, word, word_expr

PINNED = [1005328204478245436, 4524093230875960673, 11644551566137606162]
PINNED_ORDER = [6, 7, 0, 2, 5, 3, 4, 1]
SMALL = st.integers(0, 2**40)


@given(SMALL, st.integers(0, 1000), st.lists(SMALL, min_size=1, max_size=20))
def test_both_forms_of_a_word_are_equal(seed, stream, counters):
    frame = pl.DataFrame({"counter": counters}, schema={"counter": pl.Int64})
    words = frame.select(word_expr(seed, stream, pl.col("counter"))).to_series().to_list()
    assert words == [word(seed, stream, counter) for counter in counters]


def test_words_are_pinned():
    """A change here changes every sample company."""
    assert [word(7, 1, counter) for counter in range(3)] == PINNED
    assert Draws(7, 1).shuffled(range(8)) == PINNED_ORDER


def test_neighbouring_seeds_and_streams_share_no_word():
    words = [word(seed, stream, counter) for seed in range(10) for stream in range(10) for counter in range(50)]
    assert len(set(words)) == len(words)


def test_bits_are_spread_evenly():
    frame = pl.select(counter=pl.int_range(0, 64_000, dtype=pl.Int64))
    drawn = frame.select(bits_expr(word_expr(3, 4, pl.col("counter")), 20, 64).alias("bit"))
    counts = drawn.group_by("bit").len()["len"]
    assert len(counts) == 64
    assert counts.min() > 850
    assert counts.max() < 1150
