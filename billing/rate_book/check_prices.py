"""Prices that deserve a second look before they are used: below cost, below what is usual, unlike the plan's own tests.

Domain rules 10.38 and 10.43: below cost is judged by pricing calls of many lengths under both schedules, not by
comparing unit prices; less than the usual 0.10 a minute is flagged, never blocked.
"""

from collections.abc import Iterator
from fractions import Fraction

import polars as pl

from billing.core.findings import Finding, Refusal
from billing.core.money import round_ratio, yuan_exact
from billing.rate_book.book import RateBook
from billing.rate_book.call_price import MS
from billing.rate_book.plan_tests import failed_tests
from billing.rate_book.plans import RetailVersion
from billing.tables.catalog import Carrier, Contract, ServiceNumber, Subscription

USUAL_SECONDS = range(1, 601)
"""Lengths of calls that are priced under plan and settlement."""
USUAL_MINUTE = 100_000
"""What a minute usually costs the customer (domain fact 6); less draws attention."""


def price_findings(book: RateBook) -> Iterator[Finding]:
    """PLAN_TEST_FAILED (critical), PRICE_BELOW_COST (warning) and PRICE_BELOW_USUAL (info)."""
    for _, plan in sorted(book.prices.retail.items()):
        try:
            yield from failed_tests(plan, book)
        except Refusal as refusal:
            yield from refusal.findings
    yield from _below_cost(book)
    yield from _below_usual(book)


def _below_usual(book: RateBook) -> Iterator[Finding]:
    """Plans in use under which a minute costs less than usual, in the cheapest window."""
    for plan_id in book.table(Subscription.name)[Subscription.plan_id].unique().sort():
        plan = book.prices.retail.get(plan_id)
        version = [version for version in plan.versions.values() if version][-1:] if plan else []
        if version and 0 < _least(version[0], 60) < USUAL_MINUTE:
            values = {"plan": plan_id, "price": _yuan(_least(version[0], 60)), "usual": yuan_exact(USUAL_MINUTE)}
            yield Finding("PRICE_BELOW_USUAL", "info", f"rate_plans/retail/{plan_id}.yaml", values)


def _below_cost(book: RateBook) -> Iterator[Finding]:
    """Plans in use under which some call lengths cost the carrier's price or more than they bring."""
    used = (
        book.table(Subscription.name)
        .join(book.table(ServiceNumber.name), on=ServiceNumber.service_number)
        .join(book.table(Carrier.name), on=Carrier.carrier_id)
        .join(book.table(Contract.name), on=Contract.contract_id)
        .select(Subscription.plan_id, Carrier.settlement_plan)
        .unique()
        .sort(pl.all())
    )
    for plan_id, settlement in used.iter_rows():
        retail, carrier = book.prices.retail.get(plan_id), book.prices.settlement.get(settlement)
        if retail is None or carrier is None:
            continue
        retail_terms = [version for version in retail.versions.values() if version][-1:]
        carrier_terms = [version for version in carrier.versions.values() if version][-1:]
        for price, cost in zip(retail_terms, carrier_terms, strict=False):
            if price.caller_pays is not None and not _least(price, USUAL_SECONDS[-1]):
                continue  # the caller pays for the call; the owner pays fees
            short = [s for s in USUAL_SECONDS if _least(price, s) < cost.call.price_of(s * MS)]
            if short:
                worst = short[0]
                values = {
                    "plan": plan_id,
                    "settlement": settlement,
                    "count": len(short),
                    "seconds": worst,
                    "price": _yuan(_least(price, worst)),
                    "cost": _yuan(cost.call.price_of(worst * MS)),
                }
                yield Finding("PRICE_BELOW_COST", "warning", f"rate_plans/retail/{plan_id}.yaml", values)


def _least(version: RetailVersion, seconds: int) -> Fraction:
    """What a call brings in the cheapest window."""
    return min(price.price_of(seconds * MS) for price in version.prices)


def _yuan(micro: Fraction) -> str:
    """A price for a message, to the millionth."""
    return yuan_exact(round_ratio(micro.numerator, micro.denominator))
