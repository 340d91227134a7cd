"""Telephone numbers in one normal form, so that a caller or a 400 number written in six ways is one number.

Mobiles have eleven digits, landlines keep the 0 of their area code, 400 numbers have ten digits, foreign numbers keep
00 and the country code. A prefix is only taken off a full match of the numbering plan. What a spreadsheet has turned
into 1.38E+10 is lost and never guessed.
"""

import polars as pl

from billing.tables.calls import SERVICE_NUMBER

UNREADABLE = "\0"
"""Stands for a number that cannot be read, until it is turned into a null and a reason."""

_FOLDED = {
    **dict(zip("０１２３４５６７８９＋，；", "0123456789+,;", strict=True)),
    **dict.fromkeys("\t \u00a0\u3000-‐‑–—－()（）\"'=", ""),
}
_WITHHELD = ("", "0", "&", "anonymous", "unknown", "withheld", "private", "restricted", "unavailable", "null", "none",
             "n/a", "anonymous@anonymous.invalid", "匿名", "未知", "隐藏", "无")  # fmt: skip
_COUNTRY = r"(?:\+86|0086|086|86)"
_RULES = (
    # an extension
    (r"(?:[,;#]|转|ext\.?|x)[0-9]+$", ""),
    # a mobile behind the country code or a 0; a 400 or 800 number behind the country code
    (r"^(?:" + _COUNTRY + r"0?|0)(1[3-9][0-9]{9}|[48]00[0-9]{7})$", "${1}"),
    # an area code, with or without its 0, behind the country code
    (r"^" + _COUNTRY + r"0?((?:10|2[0-9])[0-9]{8}|[3-9][0-9]{2}[0-9]{7,8})$", "0${1}"),
    # any other number behind a country code that cannot be mistaken
    (r"^(?:\+86|0086)([0-9])", "${1}"),
    # a foreign number
    (r"^\+([1-9])", "00${1}"),
)


def is_plain_number(number: pl.Expr, is_service: bool = False) -> pl.Expr:
    """Whether a number stands in normal form already and plainly so; false for null."""
    return (_plain_service(number) if is_service else _plain_caller(number)).fill_null(False)


def normal_numbers(numbers: pl.Series, is_service: bool = False) -> pl.Series:
    """Numbers in normal form; null where the number is withheld or empty, `UNREADABLE` where it makes no sense.

    Args:
        numbers: text as received.
        is_service: the column holds numbers of ours, so what is no `SERVICE_NUMBER` makes no sense.
    """
    text = numbers.str.replace_many(_FOLDED).str.to_lowercase()
    is_withheld = text.is_in(_WITHHELD)
    for pattern, replacement in _RULES:
        text = text.str.replace(pattern, replacement)
    is_number = text.str.contains(f"^(?:{SERVICE_NUMBER})$" if is_service else r"^[0-9]{2,20}$")
    normal = pl.when(is_number).then(text).when(~is_withheld).then(pl.lit(UNREADABLE))
    return pl.select(normal.alias(numbers.name)).to_series()


def _plain_service(number: pl.Expr) -> pl.Expr:
    """Ten plain digits that begin with 400: ten characters with this value hold no sign and no blank."""
    value = number.cast(pl.Int64, strict=False).fill_null(0)
    return (number.str.len_bytes() == 10) & value.is_between(4_000_000_000, 4_009_999_999)


def _plain_caller(number: pl.Expr) -> pl.Expr:
    """A bare mobile, or an area code and number; the value and the length together leave no room for a sign."""
    value = number.cast(pl.Int64, strict=False).fill_null(0)
    length = number.str.len_bytes()
    has_mobile_value = value.is_between(13_000_000_000, 19_999_999_999)
    # 0755 and 010 numbers: one 0, then a value too large for a second one and not that of a mobile behind a 0.
    is_landline = length.is_between(10, 12) & (value >= 100_000_000) & (number < "09~") & (number > "01")
    return ((length == 11) & has_mobile_value) | (is_landline & ~has_mobile_value)
