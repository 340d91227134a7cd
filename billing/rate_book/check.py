"""What is wrong with a rate book as a whole: things no single file or row shows.

Plans that nobody can be billed by, prices below cost, contracts whose terms the plan does not carry.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import polars as pl

from billing.core.findings import Finding
from billing.core.money import round_ratio, yuan_exact
from billing.rate_book.book import RateBook
from billing.rate_book.call_price import MS
from billing.rate_book.plans import RetailVersion
from billing.tables.catalog import Adjustment, Agent, Carrier, Contract, ServiceNumber, Subscription
from billing.tables.schema import Table

USUAL_SECONDS = range(1, 601)
"""Below cost is judged by pricing calls of these lengths under both schedules, not by comparing unit prices."""


Where = Callable[[type[Table], Mapping[str, Any]], str]
"""Where a row of the catalog stands: `file:line` or `file:sheet!cell`."""


def check_book(book: RateBook, where: Where) -> list[Finding]:
    """Findings about plans and catalog together, in a stable order.

    Args:
        book: the rate book.
        where: tells of a catalog row where it stands.
    """
    return [
        *_references(book, where),
        *_subscriptions(book, where),
        *_fees(book),
        *_calendars(book),
        *_tax_codes(book, where),
        *_below_cost(book),
    ]


def _references(book: RateBook, where: Where) -> Iterator[Finding]:
    for table, column, known in (
        (Carrier, Carrier.settlement_plan, book.prices.settlement),
        (Agent, Agent.scheme, book.prices.commission),
        (Subscription, Subscription.plan_id, book.prices.retail),
    ):
        using = book.table(table.name).sort(table.key).unique(column, keep="first", maintain_order=True).sort(column)
        for row in using.iter_rows(named=True):
            if row[column] is not None and row[column] not in known:
                values = {"plan": row[column], "table": table.name}
                yield Finding("PLAN_UNKNOWN", "critical", where(table, row), values)


def _subscriptions(book: RateBook, where: Where) -> Iterator[Finding]:
    carriers = book.table(ServiceNumber.name).join(book.table(Carrier.name), on=Carrier.carrier_id)
    cost_of = dict(carriers.select(ServiceNumber.service_number, Carrier.settlement_plan).iter_rows())
    for row in book.table(Subscription.name).iter_rows(named=True):
        yield from _price_of(book, row, where(Subscription, row))
        settlement = cost_of.get(row[Subscription.service_number], "")
        # Months before the books are nobody's cost here.
        day = max(row[Subscription.valid_from], book.policy.start.start)
        if settlement in book.prices.settlement and book.settlement(settlement, day) is None:
            values = {"plan": settlement, "number": row[Subscription.service_number], "day": day}
            yield Finding("NO_COST_AT_START", "critical", where(Subscription, row), values)


def _price_of(book: RateBook, row: Mapping[str, Any], place: str) -> Iterator[Finding]:
    plan = book.prices.retail.get(row[Subscription.plan_id])
    if plan is None:
        return
    key = {"plan": plan.plan, "contract": row[Subscription.contract_id], "number": row[Subscription.service_number]}
    found = book.retail(plan.plan, row[Subscription.valid_from])
    if found is None:
        yield Finding("NO_PRICE_AT_START", "critical", place, key | {"day": row[Subscription.valid_from]})
        return
    terms = found[1]
    for column, block, reason in (
        (Subscription.monthly_minimum_micro, terms.minimum, "MINIMUM_READING_MISSING"),
        (Subscription.cap_amount_micro, terms.cap_amount, "CAP_READING_MISSING"),
        (Subscription.cap_count, terms.cap_count, "CAP_READING_MISSING"),
    ):
        if row[column] is not None and block is None:
            yield Finding(reason, "critical", place, key)


def _fees(book: RateBook) -> Iterator[Finding]:
    """An item is a bill line of its own, so a version of a plan has it once."""
    for plan_id, plan in sorted(book.prices.retail.items()):
        for start, version in sorted(plan.versions.items()):
            items = Counter(fee.item for fee in version.fees) if version else {}
            for item, count in items.items():
                if count > 1:
                    values = {"plan": plan_id, "item": item, "start": start}
                    yield Finding("PLAN_FEE_TWICE", "critical", f"rate_plans/retail/{plan_id}.yaml", values)


def _calendars(book: RateBook) -> Iterator[Finding]:
    """A plan's calendar is there, and holds the year in which the books start."""
    for plan_id, plan in sorted(book.prices.retail.items()):
        place = f"rate_plans/retail/{plan_id}.yaml"
        for name in sorted({version.calendar for version in plan.versions.values() if version and version.calendar}):
            calendar = book.prices.calendars.get(name)
            if calendar is None:
                yield Finding("CALENDAR_UNKNOWN", "critical", place, {"plan": plan_id, "calendar": name})
            elif book.policy.start.year not in calendar.years:
                where = f"rate_plans/calendars/{name}.yaml"
                yield Finding("CALENDAR_YEAR_MISSING", "critical", where, {"year": book.policy.start.year})


def _tax_codes(book: RateBook, where: Where) -> Iterator[Finding]:
    plans = [("retail", plan.plan, plan.tax_code) for plan in book.prices.retail.values()]
    plans += [("settlement", plan.plan, plan.tax_code) for plan in book.prices.settlement.values()]
    for retail in book.prices.retail.values():
        plans += [("retail", retail.plan, fee.tax_code) for v in retail.versions.values() if v for fee in v.fees]
    for kind, plan_id, code in sorted(set(plans)):
        if code not in book.prices.tax.codes:
            values = {"plan": plan_id, "code": code}
            yield Finding("TAX_CODE_UNKNOWN", "critical", f"rate_plans/{kind}/{plan_id}.yaml", values)
    for row in book.table(Adjustment.name).sort(Adjustment.adjustment_id).iter_rows(named=True):
        if row[Adjustment.tax_code] not in book.prices.tax.codes:
            values = {"adjustment": row[Adjustment.adjustment_id], "code": row[Adjustment.tax_code]}
            yield Finding("ADJUSTMENT_TAX_CODE_UNKNOWN", "critical", where(Adjustment, row), values)


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
