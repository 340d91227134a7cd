"""Exact money: Int64 millionths of a yuan (`_micro`), and the only place that rounds.

10 000 micro are one fen, 1 000 000 one yuan. "Half up" is half away from zero, so a reversal is the exact negative
of what it reverses. Nothing here, and nothing that calls it, ever holds money in a float.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import polars as pl

MICRO_PER_YUAN = 1_000_000
MICRO_PER_FEN = 10_000
BASIS_POINTS = 10_000

PARTS = 60 * BASIS_POINTS
"""Exact prices are counted in so many parts of a millionth: sixtieths (of a minute's price) of basis points."""

_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,12})?")

RoundingMode = Literal["half_up", "half_even", "up", "down"]
ROUNDING_MODES: tuple[RoundingMode, ...] = ("half_up", "half_even", "up", "down")


def micro_from_text(text: str) -> int:
    """Read a plain decimal yuan amount such as `"0.1200"`.

    Args:
        text: yuan, ASCII digits with an optional sign and point, at most six places.

    Returns:
        Millionths of a yuan.

    Raises:
        ValueError: the text is no plain decimal, or has more than six places.
    """
    if not _PLAIN_DECIMAL.fullmatch(text):
        raise ValueError(f"{text!r} is not a plain decimal amount")
    scaled = Decimal(text) * MICRO_PER_YUAN
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{text!r} has more than six decimal places")
    return int(scaled)


def basis_points_from_text(text: str) -> int:
    """Read a share such as `"0.15"` as basis points (1500).

    Raises:
        ValueError: no plain decimal, or finer than a hundredth of a percent.
    """
    scaled = micro_from_text(text) * BASIS_POINTS
    if scaled % MICRO_PER_YUAN:
        raise ValueError(f"{text!r} is finer than a hundredth of a percent")
    return scaled // MICRO_PER_YUAN


def yuan(micro: int, places: int = 2) -> str:
    """Print micro as yuan with a fixed number of places; refuses to lose digits.

    Raises:
        ValueError: the amount has more places than asked for.
    """
    amount = Decimal(micro) / MICRO_PER_YUAN
    shown = amount.quantize(Decimal(1).scaleb(-places))
    if shown != amount:
        raise ValueError(f"{amount} yuan does not fit {places} places")
    return f"{shown:,f}"


def yuan_exact(micro: int, *, grouped: bool = False) -> str:
    """Print micro as yuan with two to six places, as many as it needs; `grouped` for people, plain for machines."""
    amount = Decimal(micro) / MICRO_PER_YUAN
    text = f"{amount:,.6f}" if grouped else f"{amount:.6f}"
    while text[-1] == "0" and len(text.split(".")[1]) > 2:
        text = text[:-1]
    return text


def round_ratio(numerator: int, denominator: int, mode: RoundingMode = "half_up") -> int:
    """Round an exact fraction to an integer in the named mode."""
    if denominator <= 0:
        raise ValueError("denominator must be positive")
    magnitude, rest = divmod(abs(numerator), denominator)
    if mode == "half_up":
        up = 2 * rest >= denominator
    elif mode == "half_even":
        up = 2 * rest > denominator or (2 * rest == denominator and magnitude % 2 == 1)
    else:
        up = mode == "up" and rest > 0
    magnitude += int(up)
    return magnitude if numerator >= 0 else -magnitude


def round_to_fen(micro: int, mode: RoundingMode = "half_up") -> int:
    """Round micro to whole fen, in micro again."""
    return round_ratio(micro, MICRO_PER_FEN, mode) * MICRO_PER_FEN


def fen_of(exact: Fraction, mode: RoundingMode = "half_up") -> int:
    """An exact amount in millionths of a yuan, rounded to whole fen, in micro."""
    return round_ratio(exact.numerator, exact.denominator * MICRO_PER_FEN, mode) * MICRO_PER_FEN


def round_to_fen_expr(micro: pl.Expr) -> pl.Expr:
    """`round_to_fen` in mode half_up over an Int64 column."""
    magnitude = (micro.abs() + MICRO_PER_FEN // 2) // MICRO_PER_FEN * MICRO_PER_FEN
    return pl.when(micro < 0).then(-magnitude).otherwise(magnitude)


def round_ratio_expr(numerator: pl.Expr, denominator: int, mode: RoundingMode = "half_up") -> pl.Expr:
    """`round_ratio` over a column of integers: half is away from zero, so a reversal is the exact negative.

    Args:
        numerator: Int64 or Int128; nothing may be so large that adding the denominator wraps.
        denominator: a positive number, even, so that its half is whole.
        mode: the rounding mode.
    """
    assert denominator > 0 and denominator % 2 == 0, "halves must be whole"
    size, half = numerator.abs(), denominator // 2
    if mode == "half_up":
        magnitude = (size + half) // denominator
    elif mode == "up":
        magnitude = (size + denominator - 1) // denominator
    elif mode == "down":
        magnitude = size // denominator
    else:
        whole, rest = size // denominator, size % denominator
        magnitude = whole + ((rest > half) | ((rest == half) & (whole % 2 == 1))).cast(pl.Int64)
    return pl.when(numerator < 0).then(0 - magnitude).otherwise(magnitude)


def share_of(amount_micro: int, share_bp: int) -> int:
    """A share in basis points of an amount, half up to the fen (domain rule: once per statement line)."""
    return round_ratio(amount_micro * share_bp, BASIS_POINTS * MICRO_PER_FEN) * MICRO_PER_FEN


def net_of_vat(gross_micro: int, vat_rate_bp: int) -> int:
    """Split a tax-inclusive amount: net = half-up(gross / (1 + rate)) to the fen; the tax is gross - net."""
    return round_ratio(gross_micro * BASIS_POINTS, (BASIS_POINTS + vat_rate_bp) * MICRO_PER_FEN) * MICRO_PER_FEN


def allot_net(gross_micro: Sequence[int], vat_rate_bp: int) -> list[int]:
    """Allot the net amount of one e-fapiao line to its bill lines.

    VAT is computed once, on the sum; each line gets its exact net cut to the fen, and the missing fen go to the
    largest fractions, ties by line number. Works for credits (negative lines) and for a sum of zero.

    Args:
        gross_micro: tax-inclusive amounts in line order, whole fen.
        vat_rate_bp: the one rate of the e-fapiao line.

    Returns:
        Net amounts in line order; they add up to `net_of_vat(sum)`.
    """
    divisor = (BASIS_POINTS + vat_rate_bp) * MICRO_PER_FEN
    cut = [divmod(gross * BASIS_POINTS, divisor) for gross in gross_micro]
    nets = [whole for whole, _ in cut]
    missing = net_of_vat(sum(gross_micro), vat_rate_bp) // MICRO_PER_FEN - sum(nets)
    by_fraction = sorted(range(len(cut)), key=lambda index: (-cut[index][1], index))
    for index in by_fraction[:missing]:
        nets[index] += 1
    return [net * MICRO_PER_FEN for net in nets]


def allot_total(total_micro: int, weights: Sequence[int]) -> list[int]:
    """Divide a total of whole fen in proportion to weights by largest remainder, ties by position.

    Raises:
        ValueError: the weights do not add up to something positive, or the total is not whole fen.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights must be non-negative and not all zero")
    if total_micro % MICRO_PER_FEN:
        raise ValueError("the total to divide must be whole fen")
    sign = -1 if total_micro < 0 else 1
    fen = abs(total_micro) // MICRO_PER_FEN
    cut = [divmod(fen * weight, whole) for weight in weights]
    shares = [share for share, _ in cut]
    by_fraction = sorted(range(len(cut)), key=lambda index: (-cut[index][1], index))
    for index in by_fraction[: fen - sum(shares)]:
        shares[index] += 1
    return [sign * share * MICRO_PER_FEN for share in shares]


def decimal_expr(micro: pl.Expr, places: int) -> pl.Expr:
    """An Int64 micro column as Decimal(18, places) yuan, for published tables; whole units only, so nothing rounds."""
    unit = 10 ** (6 - places)
    scale: pl.Expr = pl.lit(Decimal(1).scaleb(-places)).cast(pl.Decimal(38, places))
    units: pl.Expr = (micro // unit).cast(pl.Decimal(38, places))
    return (units * scale).cast(pl.Decimal(18, places))
