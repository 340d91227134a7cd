"""The province of a caller, from the first seven digits of the number; unknown is null and never guessed.

`provinces.csv` names area codes and blocks of mobile numbers by prefixes of which none begins with another. A mobile
has eleven digits, a landline with its area code ten to twelve; any other number has no province: withheld, short,
foreign, from Hong Kong, Macao or Taiwan, or of a range the table does not know. A number that moved to another carrier
keeps the province in which it was given out.
"""

import functools
from importlib import resources

import polars as pl

PROVINCES = (
    "北京", "天津", "河北", "山西", "内蒙古", "辽宁", "吉林", "黑龙江", "上海", "江苏", "浙江",
    "安徽", "福建", "江西", "山东", "河南", "湖北", "湖南", "广东", "广西", "海南", "重庆",
    "四川", "贵州", "云南", "西藏", "陕西", "甘肃", "青海", "宁夏", "新疆",
)  # fmt: skip
"""The 31 of the mainland by their short names, in the order of their administrative codes."""
PROVINCES_FILE = "provinces.csv"
BLOCK_DIGITS = 7
"""So many digits are given to one place; area codes are shorter."""

PROVINCE = "province"
_LENGTH, _BLOCK = "caller_length", "caller_block"
_MOBILE_DIGITS, _LANDLINE_DIGITS = 11, (10, 12)
_FIRST_MOBILE, _BLOCKS = 1_000_000, 2_000_000
"""Seven digits as a number: below the first stand area codes, which begin with 0, up to the second mobiles."""


def with_province(calls: pl.LazyFrame, caller: str) -> pl.LazyFrame:
    """Add the column `province`: null where it is not known."""
    length, block = pl.col(_LENGTH), pl.col(_BLOCK)
    is_landline = length.is_between(*_LANDLINE_DIGITS) & (block < _FIRST_MOBILE)
    place = pl.when((length == _MOBILE_DIGITS) | is_landline).then(block)
    return (
        calls.with_columns(
            pl.col(caller).str.len_bytes().alias(_LENGTH),
            pl.col(caller).str.head(BLOCK_DIGITS).cast(pl.Int64, strict=False).alias(_BLOCK),
        )
        .with_columns(pl.lit(province_of_blocks()).gather(place, null_on_oob=True).alias(PROVINCE))
        .drop(_LENGTH, _BLOCK)
    )


def read_prefixes() -> pl.DataFrame:
    """The table as it ships: `prefix`, `province`."""
    text = resources.files(__package__).joinpath(PROVINCES_FILE).read_bytes()
    return pl.read_csv(text, comment_prefix="#", schema={"prefix": pl.String, PROVINCE: pl.String})


@functools.cache
def province_of_blocks() -> pl.Series:
    """The province of every block, by its seven digits read as a number: two million places, looked up by position.

    A look-up by position costs a tenth of joins with the prefixes of each length (measured); an Enum is a byte a place.
    """
    kind = pl.Enum(PROVINCES)
    first = pl.col("prefix").str.pad_end(BLOCK_DIGITS, "0").cast(pl.Int64)
    width = pl.lit(10, pl.Int64).pow(BLOCK_DIGITS - pl.col("prefix").str.len_bytes())
    named = (
        read_prefixes()
        .select(pl.int_ranges(first, first + width.cast(pl.Int64)).alias(_BLOCK), pl.col(PROVINCE).cast(kind))
        .explode(_BLOCK)
    )
    blocks = pl.repeat(None, _BLOCKS, dtype=kind, eager=True)
    return blocks.scatter(named[_BLOCK], named[PROVINCE])
