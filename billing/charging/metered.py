"""Metered items: usage that is no call (hours of recording), priced by the plan's quantity price.

Domain rule 10.15: summed up over the month and rounded once, or each record for itself, or the peak or the last record
of the month, as the plan says; of each number, or of the contract together. It is never pro-rated.
"""

from collections.abc import Sequence
from fractions import Fraction

import polars as pl

from billing.charging.account_terms import AccountTerms
from billing.charging.charge_rows import Item
from billing.charging.running_bill import fen_of
from billing.core.findings import Finding
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.rate_book.month_terms import Metered
from billing.rate_book.quantity_price import number
from billing.tables.catalog import MeteredItem

METERED_WITHOUT_TERMS = "METERED_WITHOUT_TERMS"
Charged = tuple[AccountTerms, str | None, Item]


def metered_items(period: Period, terms: Sequence[AccountTerms], book: RateBook) -> tuple[list[Charged], list[Finding]]:
    """What the metered usage of a month costs: terms, number (None: the contract), item.

    Findings: METERED_WITHOUT_TERMS (critical) for usage that the number's plan has no price for.
    """
    used = (
        book.table(MeteredItem.name)
        .filter(pl.col(MeteredItem.used_on) >= period.start, pl.col(MeteredItem.used_on) < period.end)
        .sort(MeteredItem.used_on, MeteredItem.metered_id)
    )
    quantities: dict[tuple[str, str, str], list[int]] = {}
    for row in used.iter_rows(named=True):
        key = (row["contract_id"], row["service_number"], row["item"])
        quantities.setdefault(key, []).append(row[MeteredItem.quantity])
    groups: dict[tuple[str, str | None, str], tuple[AccountTerms, Metered, list[int]]] = {}
    for each in terms:
        for metered in each.version.metered:
            own = quantities.pop((*each.account, metered.item), [])
            owner = each.service_number if metered.scope == "number" else None
            groups.setdefault((each.contract_id, owner, metered.item), (each, metered, []))[2].extend(own)
    contracts = {each.contract_id for each in terms}
    findings = [
        Finding(METERED_WITHOUT_TERMS, "critical", "", {"contract": contract, "number": number_, "item": item})
        for contract, number_, item in quantities
        if contract in contracts
    ]
    found = []
    for (_, owner, _), (each, metered, own) in groups.items():
        item = _item(each, metered, own)
        if item.amount_micro:
            found.append((each, owner, item))
    return found, findings


def _item(terms: AccountTerms, metered: Metered, quantities: Sequence[int]) -> Item:
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
    plan, rate_id, amount = terms.plan, terms.rate_id, fen_of(exact)
    return Item("metered", metered.item, plan.product, rate_id, metered.tax_code, total, "unit", amount, explanation)
