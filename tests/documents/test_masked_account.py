"""No document shows a whole account."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.documents.masked_account import masked_account


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("招商银行广州分行 6225887812345678", "招商银行广州分行 ****5678"),
        ("招商银行广州分行 6225 8878 1234 5678", "招商银行广州分行 ****5678"),
        ("招商银行 6225-8878-1234-5678", "招商银行 ****5678"),
        ("6225887812345678 招商银行广州分行", "****5678 招商银行广州分行"),
        ("６２２５８８７８１２３４５６７８", "****５６７８"),
        ("12345678", "****5678"),
        ("1234567", "****567"),
        ("5678", "****78"),
        ("7", "*"),
        ("招商银行", "招商银行"),
        ("", ""),
    ],
)
def test_masked_account(text, shown):
    assert masked_account(text) == shown


@given(st.text(alphabet="0123456789０９ -*行", max_size=40))
def test_at_most_four_digits_and_at_most_half_of_them_are_shown(text):
    digits = "".join(re.findall(r"\d", text))
    shown = "".join(re.findall(r"\d", masked_account(text)))
    assert digits.endswith(shown)
    assert len(shown) == min(4, len(digits) // 2)
