"""Laws of the money functions, on amounts nobody would think of, against plain decimals."""

import itertools
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from billing.core.money import (
    MICRO_PER_FEN,
    allot_net,
    allot_total,
    decimal_expr,
    micro_from_text,
    net_of_vat,
    round_ratio,
    round_to_fen,
    round_to_fen_expr,
    share_of,
    yuan,
    yuan_exact,
)

MICRO = st.integers(-(10**15), 10**15)
FEN = st.integers(-(10**10), 10**10).map(lambda fen: fen * MICRO_PER_FEN)
VAT = st.sampled_from([1300, 900, 600, 300, 100])
CENT = Decimal("0.01")
MODES = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN, "up": ROUND_UP, "down": ROUND_DOWN}


def in_yuan(micro):
    return Decimal(micro) / 1_000_000


def fen_of(amount, rounding=ROUND_HALF_UP):
    return int(amount.quantize(CENT, rounding) * 1_000_000)


@given(MICRO, st.sampled_from(sorted(MODES)))
@example(5_000, "half_up")
@example(-5_000, "half_up")
@example(15_000, "half_even")
def test_rounding_to_the_fen_is_that_of_plain_decimals(micro, mode):
    assert round_to_fen(micro, mode) == fen_of(in_yuan(micro), MODES[mode])


@given(MICRO)
def test_a_reversal_is_the_exact_negative(micro):
    assert round_to_fen(-micro) == -round_to_fen(micro)
    assert share_of(-micro, 1500) == -share_of(micro, 1500)
    assert net_of_vat(-micro, 900) == -net_of_vat(micro, 900)


@given(st.lists(MICRO | st.integers(-20, 20).map(lambda half: half * 5_000), max_size=50))
def test_the_column_form_is_the_plain_form(amounts):
    frame = pl.DataFrame({"micro": pl.Series(amounts, dtype=pl.Int64)})
    rounded = frame.select(round_to_fen_expr(pl.col("micro")))["micro"]
    assert rounded.dtype == pl.Int64
    assert rounded.to_list() == [round_to_fen(micro) for micro in amounts]


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**9), st.sampled_from(sorted(MODES)))
def test_a_ratio_is_off_by_less_than_one_and_keeps_its_sign(numerator, denominator, mode):
    rounded = round_ratio(numerator, denominator, mode)
    off = abs(numerator - rounded * denominator)
    assert 2 * off <= denominator if mode.startswith("half") else off < denominator
    assert rounded * numerator >= 0


@given(FEN, VAT)
def test_net_and_tax_are_the_gross(gross, rate):
    net = net_of_vat(gross, rate)
    exact = in_yuan(gross) / (1 + Decimal(rate) / 10_000)
    assert net % MICRO_PER_FEN == 0
    assert net == fen_of(exact)
    tax = gross - net
    assert abs(in_yuan(tax) - exact * Decimal(rate) / 10_000) <= CENT / 2
    assert net * gross >= 0 and tax * gross >= 0


@given(st.lists(FEN, min_size=1, max_size=40), VAT)
@example([40 * 1_000_000] * 100, 900)
@example([1_000_000, -1_000_000], 600)
def test_nets_of_lines_add_up_to_the_net_of_their_sum(lines, rate):
    nets = allot_net(lines, rate)
    assert len(nets) == len(lines)
    assert sum(nets) == net_of_vat(sum(lines), rate)
    for gross, net in zip(lines, nets, strict=True):
        exact = in_yuan(gross) / (1 + Decimal(rate) / 10_000)
        assert net % MICRO_PER_FEN == 0
        assert abs(in_yuan(net) - exact) < CENT


def test_a_hundred_lines_of_forty_yuan():
    nets = allot_net([40 * 1_000_000] * 100, 900)
    assert sum(nets) == micro_from_text("3669.72")
    assert nets == [micro_from_text("36.70")] * 72 + [micro_from_text("36.69")] * 28


@given(FEN, st.lists(st.integers(0, 10**9), min_size=1, max_size=30).filter(any))
def test_a_total_is_divided_to_the_fen(total, weights):
    shares = allot_total(total, weights)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert share % MICRO_PER_FEN == 0
        assert abs(Decimal(share) - Decimal(total) * weight / sum(weights)) < MICRO_PER_FEN
        assert weight or not share
    assert allot_total(-total, weights) == [-share for share in shares]


@given(FEN, st.lists(st.integers(0, 1000), min_size=2, max_size=10).filter(any))
def test_who_weighs_more_never_gets_less(total, weights):
    shares = allot_total(abs(total), weights)
    ranked = [share for _, share in sorted(zip(weights, shares, strict=True))]
    assert all(later >= earlier for earlier, later in itertools.pairwise(ranked))


@pytest.mark.parametrize("weights", [[0, 0], [1, -1], [-1, 2]])
def test_weights_that_mean_nothing_are_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        allot_total(MICRO_PER_FEN, weights)


@given(MICRO)
def test_an_amount_printed_is_the_amount_read(micro):
    assert micro_from_text(yuan_exact(micro)) == micro


@given(FEN)
def test_fen_printed_for_people_are_the_fen_read(fen):
    assert micro_from_text(yuan(fen).replace(",", "")) == fen


@given(st.lists(MICRO, max_size=30))
def test_published_decimals_lose_nothing(amounts):
    frame = pl.DataFrame({"micro": pl.Series(amounts, dtype=pl.Int64)})
    assert frame.select(decimal_expr(pl.col("micro"), 6))["micro"].to_list() == [in_yuan(micro) for micro in amounts]


@given(st.text(max_size=12))
def test_what_is_no_plain_decimal_is_no_amount(text):
    is_plain = bool(text) and set(text) <= set("0123456789.-") and text.isascii()
    try:
        micro = micro_from_text(text)
    except ValueError:
        return
    assert is_plain
    assert in_yuan(micro) == Decimal(text)


@pytest.mark.parametrize(
    "text", ["1e3", "+1", " 1", "1 ", "1_0", "NaN", "Infinity", "１", "", "-", ".5", "1.", "0.0000001"]
)
def test_forms_that_python_would_read_are_refused(text):
    with pytest.raises(ValueError, match="decimal"):
        micro_from_text(text)
