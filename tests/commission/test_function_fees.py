"""Function fees that are discounted or billed ahead: agents earn on what the month was billed for them."""

from dataclasses import replace

from billing.core.period import Period
from pipelines.books import open_books
from pipelines.past import fees_of_previous_month
from tests.charging.books import retail
from tests.commission.test_commission import FEE_500, MONTHLY, SINCE_JANUARY, book_of, paid, shown
from tests.stories_runner import tell_story


def with_plan(plan, **more):
    book = book_of(MONTHLY, "", SINCE_JANUARY, **more)
    return replace(book, prices=replace(book.prices, retail={**book.prices.retail, "plan": plan}))


def test_a_discount_on_a_function_fee_lowers_what_it_earns():
    """500.00 less 40 % are 300.00; 15 % of them 45.00. Nothing was paid of the bill yet."""
    off = [{"name": "off", "share": "0.40", "position": "after_cap", "on": "all"}]
    assert shown(paid(with_plan(retail(fees=[FEE_500], discounts=off)))) == [
        "A1 monthly_function_fee 300.00 45.00 0.00"
    ]


def test_books_that_open_in_mid_life_count_one_month_of_a_fee_in_advance(tmp_path):
    """The month before the books is worked out: it billed October's 500.00, and not its own once more."""
    tell_story("one_call_one_invoice", tmp_path)
    book = with_plan(retail(fees=[FEE_500 | {"billed": "advance"}]))
    with open_books(tmp_path / "books", write=False) as books:
        before = fees_of_previous_month(books, book, Period(2026, 10))
    assert before.select("usage_period", "amount_micro").rows() == [("2026-10", 500_000_000)]
