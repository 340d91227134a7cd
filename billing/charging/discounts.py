"""Discounts off a number's call charges: those before the cap, then those after it, each in the plan's order.

A discount before the cap changes when the cap is reached: it fills with discounted money. Discounting every call and
then capping is the same as capping at the sum whose discounted value is the cap, and discounting what is kept.
"""

from collections.abc import Sequence
from fractions import Fraction

from billing.charging.account_terms import AccountTerms
from billing.charging.charge_rows import Item
from billing.charging.running_bill import RunningBill
from billing.core.money import BASIS_POINTS, yuan_exact
from billing.rate_book.month_terms import Discount


def sum_before_discount(discounts: Sequence[Discount], discounted: Fraction) -> Fraction | None:
    """The sum of first prices whose discounted value is this; None where nothing is left of any sum."""
    for discount in reversed(discounts):
        if discount.share is None:
            discounted += discount.amount or 0
        elif discount.share == BASIS_POINTS:
            return None
        else:
            discounted = discounted * Fraction(BASIS_POINTS, BASIS_POINTS - discount.share)
    return discounted


def discount_items(terms: Sequence[AccountTerms], bill: RunningBill) -> list[tuple[AccountTerms, Item]]:
    """The discounts of a month; the bill takes them. A number without call charges has none."""
    found = []
    for number in terms:
        ordered = sorted(number.version.discounts, key=lambda discount: discount.position != "before_cap")
        for discount in ordered:
            charged = bill.exact.get(number.account, Fraction(0))
            if discount.share is not None:
                off = charged * Fraction(discount.share, BASIS_POINTS)
            else:
                off = min(Fraction(discount.amount or 0), charged)
            before = bill.billed.get(number.account, 0)
            amount = bill.change(number, -off) if off > 0 else 0
            if amount:
                found.append((number, _item(number, discount, before, amount)))
    return found


def _item(terms: AccountTerms, discount: Discount, before: int, amount: int) -> Item:
    rate = {} if discount.share is None else {"share": f"{discount.share // 100}.{discount.share % 100:02d}%"}
    explanation = {"discount": discount.name, "of": yuan_exact(before)} | rate
    plan, rate_id = terms.plan, terms.rate_id
    return Item(
        "discount", "discount", plan.product, rate_id, plan.tax_code, 1, "once", amount, explanation, discount.name
    )
