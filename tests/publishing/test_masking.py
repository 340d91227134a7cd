import hashlib
import hmac

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.publishing.masking import mask_digits, mask_number, pseudonyms

NUMBERS = st.lists(st.one_of(st.none(), st.text(max_size=150)), min_size=1, max_size=30)


def _expected(key, number):
    return None if number is None else hmac.new(key.encode(), number.encode(), hashlib.sha256).hexdigest()[:32]


@settings(max_examples=40, deadline=None)
@given(
    numbers=NUMBERS,
    key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=90),
)
def test_pseudonym_is_hmac_sha256(numbers, key):
    numbers = [number and number.replace("\x00", "") for number in numbers]
    with duckdb.connect() as connection:
        found = pseudonyms(connection, key)(pl.Series("caller", numbers, pl.String))
    assert found.name == "caller"
    assert found.to_list() == [_expected(key, number) for number in numbers]


@pytest.mark.parametrize("length", [1, 63, 64, 65, 200])
def test_keys_around_the_block_size(length):
    key = "k" * length
    with duckdb.connect() as connection:
        assert pseudonyms(connection, key)(pl.Series(["13812345678"])).to_list() == [_expected(key, "13812345678")]


def test_order_is_kept_over_many_rows():
    numbers = pl.Series([str(13_800_000_000 + row * 7919 % 300_000) for row in range(300_000)])
    with duckdb.connect() as connection:
        found = pseudonyms(connection, "sample key")(numbers)
    for row in range(0, 300_000, 9_973):
        assert found[row] == _expected("sample key", numbers[row])


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13812345678", "138****5678"),
        ("01012345678", "010****5678"),
        ("02112345678", "021****5678"),
        ("075512345678", "0755****5678"),
        ("4006001234", "****1234"),
        ("0085212345678", "****5678"),
        ("95588", "****5588"),
        ("0012", "****"),
        ("5678", "****"),
        ("", "****"),
        (None, None),
    ],
)
def test_mask(number, shown):
    frame = pl.DataFrame({"number": [number]}, schema={"number": pl.String})
    assert frame.select(mask_number(pl.col("number"))).item() == shown


def test_no_digit_of_any_script_stays():
    frame = pl.DataFrame({"raw": ["1a２b٣c四"]})
    assert frame.select(mask_digits(pl.col("raw"))).item() == "*a*b*c四"
