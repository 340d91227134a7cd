import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.commission.prepayments import completing_receipt, yearly_rate
from billing.commission.receipts import Paid
from billing.commission.shares import released_part, split_tiers
from billing.core.money import micro_from_text, yuan_exact
from tests.charging.books import read_rows


@pytest.mark.parametrize(
    ("commission", "share_bp", "upper", "lower"),
    [
        ("900.00", 6000, "360.00", "540.00"),
        ("0.01", 5000, "0.01", "0.00"),  # half a fen each: the tail goes to tier 1
        ("0.05", 5000, "0.03", "0.02"),
        ("0.01", 6000, "0.00", "0.01"),  # 0.004 and 0.006: the larger remainder takes the fen
        ("75.00", 10000, "0.00", "75.00"),
        ("75.00", 0, "75.00", "0.00"),
        ("0.00", 6000, "0.00", "0.00"),
    ],
)
def test_split_tiers(commission, share_bp, upper, lower):
    assert [yuan_exact(part) for part in split_tiers(micro_from_text(commission), share_bp)] == [upper, lower]


@given(st.integers(0, 10**9), st.integers(0, 10_000))
def test_tiers_never_lose_a_fen(fen, share_bp):
    assert sum(split_tiers(fen * 10_000, share_bp)) == fen * 10_000


@pytest.mark.parametrize(
    ("accrued", "paid", "billed", "released"),
    [
        ("75.00", "0.00", "500.00", "0.00"),
        ("75.00", "500.00", "500.00", "75.00"),
        ("75.00", "600.00", "500.00", "75.00"),
        ("75.00", "100.00", "500.00", "15.00"),
        ("75.00", "0.05", "500.00", "0.01"),  # 0.0075
        ("75.00", "0.03", "500.00", "0.00"),  # 0.0045
        ("75.00", "0.00", "0.00", "75.00"),  # a bill of nothing leaves nothing to collect
        ("75.00", "-10.00", "500.00", "0.00"),
    ],
)
def test_released_part(accrued, paid, billed, released):
    amounts = (micro_from_text(text) for text in (accrued, paid, billed))
    assert yuan_exact(released_part(*amounts)) == released


@pytest.mark.parametrize(("year", "rate"), [(1, 1500), (2, 1000), (3, 500), (4, 0), (9, 0)])
def test_yearly_rate(year, rate):
    assert yearly_rate((1500, 1000, 500), year) == rate


@pytest.mark.parametrize(
    ("receipts", "expected"),
    [
        ("R1 full_term 18000", ("R1", "18000.00")),
        ("R1 full_term 17999.99", None),
        ("R1 full_term 10000\nR2 full_term 8000", ("R2", "18000.00")),
        ("R1 full_term 10000\nR2 full_term 9000", ("R2", "18000.00")),  # what is overpaid is no base
        ("R1 contract_year 6000\nR2 full_term 12000", ("R2", "12000.00")),  # paid by the year, then the rest ahead
        ("R1 contract_year 6000\nR2 contract_year 6000\nR3 contract_year 6000", None),
        ("R1 full_term 12000\nR2 contract_year 6000", ("R1", "12000.00")),  # named by the money for the full term
        ("R1 full_term 10000\nR2 full_term -10000\nR3 full_term 18000", ("R3", "18000.00")),
    ],
)
def test_completing_receipt(receipts, expected):
    rows = read_rows("receipt_id purpose amount\n" + receipts)
    paid = [Paid(row["receipt_id"], None, micro_from_text(row["amount"]), row["purpose"]) for row in rows]
    done = completing_receipt(paid, micro_from_text("18000"))
    assert (None if done is None else (done[0].receipt_id, yuan_exact(done[1]))) == expected
