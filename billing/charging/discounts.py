"""Discounts off a number's call charges: those before the cap, then those after it, each in the plan's order.

A discount before the cap changes when the cap is reached: it fills with discounted money. Discounting every call and
then capping is the same as capping at the sum whose discounted value is the cap, and discounting what is kept.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from fractions import Fraction

from billing.charging.account_terms import AccountTerms
from billing.charging.charge_rows import Item
from billing.charging.running_bill import RunningBill
from billing.core.money import BASIS_POINTS, fen_of, yuan_exact
from billing.rate_book.book import RateBook
from billing.rate_book.month_terms import Discount

Line = tuple[str, str | None, Item]
"""Contract, number (None: the contract), what is charged."""


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
        own = [discount for discount in number.version.discounts if discount.on != "metered"]
        ordered = sorted(own, key=lambda discount: discount.position != "before_cap")
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


def with_discounts(book: RateBook, lines: Sequence[Line], on: Collection[str]) -> list[Line]:
    """Bill lines that are no call charges, and after them the discounts on them, each a line of its own.

    A line goes by the discounts of the version that priced it, whatever the number is on by now.

    Args:
        book: the rate book.
        lines: contract, number (None: the contract), item; what is taken back takes its discount with it.
        on: what a discount must be on to take something of these lines.
    """
    found: list[Line] = []
    for contract, owner, line in lines:
        found.append((contract, owner, line))
        left = line.amount_micro
        for discount in book.retail_by_rate(line.rate_id)[1].discounts if line.rate_id else ():
            if discount.on in on and discount.share is not None:
                off = fen_of(Fraction(left * discount.share, BASIS_POINTS))
                if off:
                    found.append((contract, owner, _off_line(line, discount, left, off)))
                left -= off
    return found


def _off_line(line: Item, discount: Discount, before: int, off: int) -> Item:
    detail = "/".join(part for part in (discount.name, line.kind, line.item, line.detail) if part)
    explanation = _explanation(discount, before) | {"item": line.item}
    return replace(
        line,
        kind="discount",
        item="discount",
        quantity=1,
        quantity_unit="once",
        amount_micro=-off,
        explanation=explanation,
        detail=detail,
    )


def _explanation(discount: Discount, before: int) -> dict[str, str]:
    rate = {} if discount.share is None else {"share": f"{discount.share // 100}.{discount.share % 100:02d}%"}
    return {"discount": discount.name, "of": yuan_exact(before)} | rate


def _item(terms: AccountTerms, discount: Discount, before: int, amount: int) -> Item:
    explanation = _explanation(discount, before)
    plan, rate_id = terms.plan, terms.rate_id
    return Item(
        "discount", "discount", plan.product, rate_id, plan.tax_code, 1, "once", amount, explanation, discount.name
    )
