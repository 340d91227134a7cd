"""Metered items: usage that is no call (hours of recording), priced by the plan's quantity price.

Domain rule 10.15: summed up over the month and rounded once, or each record for itself, or the peak or the last record
of the month, as the plan says; of each number, or of the contract together. It is never pro-rated.
"""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import polars as pl

from billing.charging.account_terms import AccountTerms
from billing.charging.charge_rows import Item
from billing.core.findings import Finding
from billing.core.money import fen_of
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.rate_book.month_terms import Metered
from billing.rate_book.quantity_price import number
from billing.tables.catalog import Contract, MeteredItem, Subscription

METERED_WITHOUT_TERMS = "METERED_WITHOUT_TERMS"
Charged = tuple[AccountTerms, str | None, Item]


def metered_items(period: Period, terms: Sequence[AccountTerms], book: RateBook) -> tuple[list[Charged], list[Finding]]:
    """What the metered usage of a month costs: terms, number (None: the contract), item.

    Each record goes by the plan in force on its day; a record of a free trial is free.

    Findings: METERED_WITHOUT_TERMS (critical) for usage that the number's plan has no price for.
    """
    of_account = {each.account: each for each in terms}
    contracts = {each.contract_id for each in terms}
    groups: dict[tuple[str, str | None, str, str], tuple[AccountTerms, Metered, list[int]]] = {}
    findings = []
    for row in _used(period, book).iter_rows(named=True):
        account = (row["contract_id"], row["service_number"])
        if account[0] not in contracts or (row["trial_until"] and row[MeteredItem.used_on] < row["trial_until"]):
            continue
        found = book.retail(row["plan_id"], row[MeteredItem.used_on]) if row["plan_id"] else None
        metered = next((each for each in found[1].metered if each.item == row["item"]), None) if found else None
        each = of_account.get(account)
        if found is None or metered is None or each is None:
            values = {"contract": account[0], "number": account[1], "item": row["item"]}
            findings.append(Finding(METERED_WITHOUT_TERMS, "critical", "", values))
            continue
        owner = account[1] if metered.scope == "number" else None
        by_plan = replace(each, rate_id=found[0], plan=book.prices.retail[row["plan_id"]])
        key = (account[0], owner, metered.item, found[0])
        groups.setdefault(key, (by_plan, metered, []))[2].append(row[MeteredItem.quantity])
    charged = []
    for (_, owner, _, rate_id), (each, metered, quantities) in groups.items():
        item = _item(each, metered, quantities, rate_id)
        if item.amount_micro:
            charged.append((each, owner, item))
    return charged, findings


def _used(period: Period, book: RateBook) -> pl.DataFrame:
    """The records of a month in order, each with the plan its number was on that day."""
    used, day = book.table(MeteredItem.name), pl.col(MeteredItem.used_on)
    account = (MeteredItem.contract_id, MeteredItem.service_number)
    own = used.filter(day >= period.start, day < period.end)
    held = book.table(Subscription.name).select(*account, "plan_id", Subscription.valid_from, Subscription.valid_to)
    on_day = own.join(held, on=account).filter(
        day >= pl.col(Subscription.valid_from),
        pl.col(Subscription.valid_to).is_null() | (day < pl.col(Subscription.valid_to)),
    )
    return (
        own.join(on_day.select(MeteredItem.metered_id, "plan_id"), on=MeteredItem.metered_id, how="left")
        .join(book.table(Contract.name).select("contract_id", "trial_until"), on="contract_id", how="left")
        .sort(MeteredItem.used_on, MeteredItem.metered_id)
    )


def _item(terms: AccountTerms, metered: Metered, quantities: Sequence[int], rate_id: str) -> Item:
    counted = {"sum": sum(quantities), "each": sum(quantities), "peak": max(quantities, default=0)} | {
        "last": quantities[-1] if quantities else 0
    }
    if metered.counted == "each":
        exact = sum((metered.price.amount_of(Fraction(quantity)) for quantity in quantities), Fraction(0))
        price = f"{len(quantities)} records"
    else:
        quantity = Fraction(counted[metered.counted])
        exact, price = metered.price.amount_of(quantity), metered.price.derivation(quantity)
    total = counted[metered.counted]
    explanation = {"quantity": number(Fraction(total)), "counted": metered.counted, "price": price}
    plan, amount, code = terms.plan, fen_of(exact), metered.tax_code
    return Item("metered", metered.item, plan.product, rate_id, code, total, "unit", amount, explanation, rate_id)
