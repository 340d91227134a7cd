"""Fixed fees of each number: recurring every month, one-off in the month the number opens.

Domain rule: how the opening and the closing month of a recurring fee count is the plan's word (whole, by day, from next
month); one-off fees are never pro-rated.
"""

from billing.charging.account_terms import AccountTerms, MonthRule
from billing.charging.charge_rows import Item
from billing.core.money import MICRO_PER_FEN, round_ratio, yuan_exact
from billing.core.period import Period
from billing.rate_book.month_terms import Fee

_MONTH_RULES: dict[str | None, MonthRule] = {"whole": "whole", "by_day": "part", "next_month": "free"}


def fee_of_days(fee_micro: int, days: int, day_count: int) -> int:
    """A recurring fee for some days of a month, half up to the fen."""
    return round_ratio(fee_micro * days, day_count * MICRO_PER_FEN) * MICRO_PER_FEN


def fee_items(terms: AccountTerms, period: Period) -> list[Item]:
    """The fixed fees of a number in a month, in the plan's order; fees of zero are left out."""
    items = []
    for fee in terms.version.fees:
        if fee.kind == "recurring":
            days = terms.days_charged(_MONTH_RULES[fee.first_month], _MONTH_RULES[fee.last_month], period)
        else:
            days = period.day_count if terms.days_before is not None else 0
        amount = fee_of_days(fee.amount, days, period.day_count)
        if amount:
            items.append(_item(terms, fee, amount, days, period))
    return items


def _item(terms: AccountTerms, fee: Fee, amount: int, days: int, period: Period) -> Item:
    is_whole = days == period.day_count
    explanation = {"fee": yuan_exact(fee.amount)}
    if not is_whole:
        explanation |= {"days": str(days), "days_of_month": str(period.day_count)}
    unit = "once" if fee.kind == "one_off" else "month" if is_whole else "day"
    quantity = 1 if is_whole else days
    rate_id, product = terms.rate_id, terms.plan.product
    return Item(fee.kind, fee.item, product, rate_id, fee.tax_code, quantity, unit, amount, explanation)
