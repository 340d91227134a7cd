"""No scheme pays more than was paid: a step of the ladder, or what a payment can earn ahead and as a function fee."""

import pytest
from pydantic import ValidationError

from tests.charging.books import scheme


@pytest.mark.parametrize(
    "changed",
    [
        {"full_prepayment": "0.85"},
        {"full_prepayment": "0", "monthly_function_fee": "0.85"},
        {"annual_payment_by_year": ["0.85", "0.85", "0.85"]},
        {"annual_payment_by_year": []},
        {"full_prepayment": "1", "monthly_function_fee": "0"},
    ],
)
def test_up_to_the_whole_payment(changed):
    assert scheme(**changed).versions


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"full_prepayment": "0.8501"}, "85.01 % paid ahead and 15.00 % by function fee"),
        ({"annual_payment_by_year": ["0.15", "0.9", "0.05"]}, "90.00 % paid ahead and 15.00 % by function fee"),
        ({"monthly_function_fee": "0.71"}, "30.00 % paid ahead and 71.00 % by function fee"),
        ({"annual_payment_by_year": ["0.15", "1.01"]}, "less than or equal to 10000"),
    ],
)
def test_more_than_the_payment_is_refused(changed, what):
    with pytest.raises(ValidationError, match=what):
        scheme(**changed)
