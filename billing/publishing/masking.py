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
_MOBILE = r"^1\d{10}$"
_LANDLINE = r"^0\d{9,11}$"
_SHORT_AREA = r"^0(?:10|2\d)"
_HMAC_SQL = f"SELECT sha256($outer || unhex(sha256($inner || encode(number))))[:{KEY_LENGTH}] AS key FROM numbers"


def mask_number(number: pl.Expr) -> pl.Expr:
    """Mask phone numbers: mobile 138****5678, landline area code and last four, any other only its last four."""
    last = number.str.tail(4)
    area = pl.when(number.str.contains(_SHORT_AREA)).then(number.str.head(3)).otherwise(number.str.head(4))
    return (
        pl.when(number.str.contains(_MOBILE)).then(pl.concat_str(number.str.head(3), pl.lit("****"), last))
        .when(number.str.contains(_LANDLINE)).then(pl.concat_str(area, pl.lit("****"), last))
        .when(number.str.len_chars() > 4).then(pl.concat_str(pl.lit("****"), last))
        .when(number.is_not_null()).then(pl.lit("****"))
    )  # fmt: skip


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
