"""Caller numbers as they may leave the books: masked for reading, pseudonymised for counting.

The pseudonym is HMAC-SHA256 of the number under the books' key, so equal callers stay equal and nobody without the
key can test a number. DuckDB computes it a batch at a time, without a Python call per number.
"""

import hashlib
from collections.abc import Callable

import duckdb
import polars as pl

KEY_LENGTH = 32
"""Hex digits of a pseudonym: 128 bits."""
_BLOCK_BYTES = 64
_MOBILE_DIGITS = 11
_LANDLINE_DIGITS = (10, 12)
_HMAC_SQL = f"SELECT sha256($outer || unhex(sha256($inner || encode(number))))[:{KEY_LENGTH}] AS key FROM numbers"


def mask_number(number: pl.Expr) -> pl.Expr:
    """Mask phone numbers: mobile 138****5678, landline area code and last four, any other only its last four."""
    last, length = number.str.tail(4), number.str.len_bytes()
    is_mobile = number.str.starts_with("1") & (length == _MOBILE_DIGITS)
    is_landline = number.str.starts_with("0") & length.is_between(*_LANDLINE_DIGITS)
    has_short_area = number.str.starts_with("010") | number.str.starts_with("02")
    area = pl.when(has_short_area).then(number.str.head(3)).otherwise(number.str.head(4))
    return (
        pl.when(is_mobile).then(pl.concat_str(number.str.head(3), pl.lit("****"), last))
        .when(is_landline).then(pl.concat_str(area, pl.lit("****"), last))
        .when(length > 4).then(pl.concat_str(pl.lit("****"), last))
        .when(number.is_not_null()).then(pl.lit("****"))
    )  # fmt: skip


def mask_numbers(numbers: pl.Expr) -> pl.Expr:
    """Mask each of several phone numbers, separated by `;`."""
    return numbers.str.split(";").list.eval(mask_number(pl.element())).list.join(";")


def mask_digits(cells: pl.Expr) -> pl.Expr:
    """Hide every digit, of any script, and keep the rest: a raw line may hold a caller anywhere."""
    return cells.str.replace_all(r"\p{Nd}", "*")


def pseudonyms(connection: duckdb.DuckDBPyConnection, key: str) -> Callable[[pl.Series], pl.Series]:
    """A function from numbers to pseudonyms under a key; null stays null.

    Args:
        connection: does the hashing; the caller closes it.
        key: the books' pseudonym key.
    """
    secret = key.encode()
    block = (secret if len(secret) <= _BLOCK_BYTES else hashlib.sha256(secret).digest()).ljust(_BLOCK_BYTES, b"\0")
    pads = {"inner": bytes(byte ^ 0x36 for byte in block), "outer": bytes(byte ^ 0x5C for byte in block)}

    def pseudonyms_of(numbers: pl.Series) -> pl.Series:
        with connection.cursor() as cursor:
            cursor.register("numbers", numbers.alias("number").to_frame().to_arrow())
            keys = pl.from_arrow(cursor.sql(_HMAC_SQL, params=pads).to_arrow_table())
        assert isinstance(keys, pl.DataFrame)
        return keys["key"].alias(numbers.name)

    return pseudonyms_of
