"""The late fee of one bill: the golden vector, edges of days, and every span against a count day by day."""

import datetime as dt
import random
from fractions import Fraction

import pytest

from billing.core.money import fen_of, yuan
from billing.late_fees.accrual import overdue_bill
from billing.rate_book.policy import LateFeeTerms

DUE = dt.date(2026, 10, 15)
TERMS = LateFeeTerms()
YUAN = 1_000_000


def day(text):
    return dt.date.fromisoformat(f"2026-{text}")


def fee(principal, *payments, end="11-01", terms=TERMS):
    paid = [(day(on), amount * YUAN) for on, amount in payments]
    return overdue_bill(principal * YUAN, DUE, paid, day(end), terms)


def test_a_thousand_ten_days_overdue_costs_thirty():
    """The golden vector: due on the 15th, paid on the 25th; the day of payment counts, the due date does not."""
    bill = fee(1000, ("10-25", 1000))
    assert (yuan(bill.accrued_micro), bill.days, bill.unpaid_micro) == ("30.00", 10, 0)


@pytest.mark.parametrize(
    ("payments", "days", "accrued", "unpaid"),
    [
        ([], 16, "48.00", "1,000.00"),
        ([("10-15", 1000)], 0, "0.00", "0.00"),
        ([("10-16", 1000)], 1, "3.00", "0.00"),
        ([("10-31", 1000)], 16, "48.00", "0.00"),
        ([("11-01", 1000)], 16, "48.00", "1,000.00"),
        ([("10-01", 400)], 16, "28.80", "600.00"),
        ([("10-25", 400)], 16, "40.80", "600.00"),
        ([("10-20", 2000)], 5, "15.00", "0.00"),
        ([("10-20", 1000), ("10-25", -1000)], 11, "33.00", "1,000.00"),
        ([("10-20", -500)], 16, "48.00", "1,000.00"),
    ],
)
def test_days_of_arrears(payments, days, accrued, unpaid):
    bill = fee(1000, *payments)
    assert (bill.days, yuan(bill.accrued_micro), yuan(bill.unpaid_micro)) == (days, accrued, unpaid)


def test_nothing_is_late_before_the_day_after_the_due_date():
    assert fee(1000, end="10-16").days == 0
    assert yuan(fee(1000, end="10-17").accrued_micro) == "3.00"


def test_the_cap_is_the_principal_or_a_share_of_it():
    assert yuan(fee(1000, end="12-31").accrued_micro) == "228.00"
    year = overdue_bill(1000 * YUAN, DUE, [], dt.date(2027, 10, 16), TERMS)
    assert (yuan(year.accrued_micro), year.days) == ("1,000.00", 365)
    third = LateFeeTerms.model_validate({"cap": "0.3"})
    assert yuan(overdue_bill(1000 * YUAN, DUE, [], dt.date(2027, 10, 16), third).accrued_micro) == "300.00"


def test_the_fen_is_rounded_once_on_the_whole_sum():
    """1.67 at 3 per mille: 0.00501 a day; three days are 0.015030, not three times 0.01."""
    bill = overdue_bill(1_670_000, DUE, [], day("10-19"), TERMS)
    assert yuan(bill.accrued_micro) == "0.02"
    assert yuan(overdue_bill(1_000_000, DUE, [], day("10-21"), TERMS).accrued_micro) == "0.02", "0.015 is half up"


def test_rates_are_dated_and_the_first_holds_before_its_day():
    terms = LateFeeTerms.model_validate(
        {"rates": [{"start": "2026-10-20", "per_day": "0.0005"}, {"start": "2026-10-18", "per_day": "0.003"}]}
    )
    assert yuan(fee(1000, terms=terms, end="10-22").accrued_micro) == "13.00", "16 to 19 at 0.003, 20 and 21 at 0.0005"


def test_any_bill_against_a_count_day_by_day():
    chance = random.Random(7)
    for _ in range(300):
        principal = chance.randrange(1, 200_000) * 10_000
        payments = [
            (DUE + dt.timedelta(days=chance.randrange(-20, 90)), chance.randrange(-3, 8) * principal // 50_000 * 10_000)
            for _ in range(chance.randrange(5))
        ]
        terms = LateFeeTerms.model_validate(
            {
                "rates": [
                    {"start": DUE + dt.timedelta(days=chance.randrange(-30, 60)), "per_day": f"0.{share:04}"}
                    for share in (chance.randrange(100), chance.randrange(100))
                ],
                "cap": chance.choice(["0.05", "0.3", "1"]),
            }
        )
        end = DUE + dt.timedelta(days=chance.randrange(1, 100))
        found = overdue_bill(principal, DUE, payments, end, terms)
        exact, days, on = Fraction(0), 0, DUE + dt.timedelta(days=1)
        while on < end:
            unpaid = min(principal, max(0, principal - sum(amount for received, amount in payments if received < on)))
            exact += Fraction(unpaid * terms.rate_bp(on), 10_000)
            days, on = days + (unpaid > 0), on + dt.timedelta(days=1)
        assert (found.days, found.accrued_micro) == (days, fen_of(min(exact, Fraction(principal * terms.cap, 10_000))))
