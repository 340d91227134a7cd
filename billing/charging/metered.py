"""Metered items: usage that is no call (hours of recording), priced by the plan's quantity price.

Domain rule 10.15: summed up over the month and rounded once, or each record for itself, or the peak or the last record
of the month, as the plan says; of each number, or of the contract together. It is never pro-rated. Quantities are
counted in millionths of the unit.
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
from billing.rate_book.quantity_price import number, price_text
from billing.rate_book.trials import free_until_expr
from billing.tables.catalog import Contract, MeteredItem, Subscription

METERED_WITHOUT_TERMS = "METERED_WITHOUT_TERMS"
MICRO_PER_UNIT = 1_000_000
Charged = tuple[AccountTerms, str | None, Item]
Record = tuple[int, int]
"""Which record of its owner and item in the month, counted from 0, and its quantity in millionths of the unit."""
Groups = dict[tuple[str, str | None, str, str], tuple[AccountTerms, Metered, list[Record]]]
"""Records by contract, owner (None: the contract), item and version of the plan: terms, metered item, records."""


def metered_items(period: Period, terms: Sequence[AccountTerms], book: RateBook) -> tuple[list[Charged], list[Finding]]:
    """What the metered usage of a month costs: terms, number (None: the contract), item.

    Each record goes by the plan in force on its day; a record of a free trial is free.

    Findings: METERED_WITHOUT_TERMS (critical) for usage that the number's plan has no price for.
    """
    of_account = {each.account: each for each in terms}
    contracts = {each.contract_id for each in terms}
    groups: Groups = {}
    counts: dict[tuple[str, str | None, str], int] = {}
    findings = []
    for row in _used(period, book).iter_rows(named=True):
        account = (row["contract_id"], row["service_number"])
        if account[0] not in contracts or (row["free"] and row[MeteredItem.used_on] < row["free"]):
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
        index = counts[key[:3]] = counts.get(key[:3], -1) + 1
        groups.setdefault(key, (by_plan, metered, []))[2].append((index, row[MeteredItem.quantity_millionths]))
    _add_unused(terms, groups)
    charged = []
    for (_, owner, _, rate_id), (each, metered, records) in groups.items():
        item = _item(each, metered, records, rate_id)
        if item.amount_micro:
            charged.append((each, owner, item))
    return charged, findings


def _add_unused(terms: Sequence[AccountTerms], groups: Groups) -> None:
    """Add the items of which nothing was used and which cost something all the same (fee_at_zero, minimum_at_zero).

    They go by the version of the month's first day; of a contract, by that of its first number that has the item.
    """
    of_contract = {key[:3] for key in groups if key[1] is None}
    for each in terms:
        for metered in each.version.metered:
            owner = each.service_number if metered.scope == "number" else None
            key = (each.contract_id, owner, metered.item, each.rate_id)
            is_used = key in groups or key[:3] in of_contract
            if not is_used and metered.counted != "each" and metered.price.amount_of(Fraction(0)):
                of_contract |= {key[:3]} if owner is None else set()
                groups[key] = (each, metered, [])


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
        .join(
            book.table(Contract.name).select("contract_id", free_until_expr().alias("free")),
            on="contract_id",
            how="left",
        )
        .sort(MeteredItem.used_on, MeteredItem.metered_id)
    )


def _item(terms: AccountTerms, metered: Metered, records: Sequence[Record], rate_id: str) -> Item:
    quantities = [quantity for _, quantity in records]
    total = {"sum": sum(quantities), "each": sum(quantities), "peak": max(quantities, default=0)} | {
        "last": quantities[-1] if quantities else 0
    }
    quantity = Fraction(total[metered.counted], MICRO_PER_UNIT)
    if metered.counted == "each":
        exact, price = sum(record_prices(metered, records), Fraction(0)), f"{len(quantities)} records"
    else:
        exact, price = metered.price.amount_of(quantity), metered.price.derivation(quantity)
    explanation = {"quantity": number(quantity), "counted": metered.counted, "price": price}
    amount = fen_of(exact)
    if exact != amount:
        explanation["exact"] = price_text(exact)
    is_whole = quantity.denominator == 1
    counted = int(quantity) if is_whole else total[metered.counted]
    unit, plan, code = "unit" if is_whole else "1e-6 unit", terms.plan, metered.tax_code
    return Item("metered", metered.item, plan.product, rate_id, code, counted, unit, amount, explanation, rate_id)


def record_prices(metered: Metered, records: Sequence[Record]) -> list[Fraction]:
    """What records cost that are priced each for itself, in order, exactly, in millionths of a yuan.

    Args:
        metered: the item; the first `free_records` of the month cost nothing.
        records: which record of the month each is, and its quantity.
    """
    free = metered.free_records or 0
    return [
        metered.price.amount_of(Fraction(quantity, MICRO_PER_UNIT)) if index >= free else Fraction(0)
        for index, quantity in records
    ]
