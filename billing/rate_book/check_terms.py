"""Terms of a plan and of the catalog that do not fit each other: what is agreed must be something the plan can read."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from billing.core.findings import Finding
from billing.core.money import MICRO_PER_YUAN, yuan_exact
from billing.rate_book.book import RateBook
from billing.rate_book.plans import RetailVersion
from billing.tables.catalog import (
    AllowancePurchase,
    Carrier,
    MeteredItem,
    QuantityHeld,
    ServiceEvent,
    ServiceNumber,
    Subscription,
)
from billing.tables.schema import Table

MONTHS_A_YEAR = 12
Where = Callable[[type[Table], Mapping[str, Any]], str]
"""Where a row of the catalog stands: `file:line` or `file:sheet!cell`."""


def fee_findings(book: RateBook) -> Iterator[Finding]:
    """An item is a bill line of its own, so a version of a plan has it once."""
    for plan_id, plan in sorted(book.prices.retail.items()):
        for start, version in sorted(plan.versions.items()):
            items = Counter(fee.item for fee in version.fees) if version else {}
            for item, count in items.items():
                if count > 1:
                    values = {"plan": plan_id, "item": item, "start": start}
                    yield Finding("PLAN_FEE_TWICE", "critical", f"rate_plans/retail/{plan_id}.yaml", values)


def subscription_findings(book: RateBook, where: Where) -> Iterator[Finding]:
    """What stands in the way of billing a number by its plan, and agreed amounts that are out of line."""
    carriers = book.table(ServiceNumber.name).join(book.table(Carrier.name), on=Carrier.carrier_id)
    columns = (ServiceNumber.service_number, Carrier.settlement_plan, ServiceNumber.grade)
    of_number = {row[0]: row[1:] for row in carriers.select(columns).iter_rows()}
    without_minimum: Counter[str] = Counter()
    for row in book.table(Subscription.name).iter_rows(named=True):
        place = where(Subscription, row)
        yield from _price_of(book, row, place)
        yield from _gaps(book, row, place)
        settlement, grade = of_number.get(row[Subscription.service_number], ("", None))
        # Months before the books are nobody's cost here.
        day = max(row[Subscription.valid_from], book.policy.start.start)
        if settlement not in book.prices.settlement:
            continue
        cost = book.settlement(settlement, day)
        if cost is None:
            values = {"plan": settlement, "number": row[Subscription.service_number], "day": day}
            yield Finding("NO_COST_AT_START", "critical", place, values)
        elif terms := book.retail(row[Subscription.plan_id], day):
            owed = cost[1].minimum_of(grade)
            without_minimum[row[Subscription.plan_id]] += owed > 0 and terms[1].minimum is None
            yield from _minimum(row, terms, owed, place)
    for plan, count in sorted(without_minimum.items()):
        if count:
            yield Finding(
                "MINIMUM_NOT_AGREED", "info", f"rate_plans/retail/{plan}.yaml", {"plan": plan, "count": count}
            )
    yield from _unusual_plans(book)


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


def _gaps(book: RateBook, row: Mapping[str, Any], place: str) -> Iterator[Finding]:
    """A plan that is withdrawn while a number is on it: later calls wait without a price."""
    plan = book.prices.retail.get(row[Subscription.plan_id])
    since, until = row[Subscription.valid_from], row[Subscription.valid_to]
    for start, version in sorted(plan.versions.items()) if plan else ():
        if version is None and start > since and (until is None or start < until):
            key = {"contract": row[Subscription.contract_id], "number": row[Subscription.service_number]}
            yield Finding("PRICE_GAP", "warning", place, {"plan": row[Subscription.plan_id], "day": start} | key)


def _minimum(row: Mapping[str, Any], terms: tuple[str, RetailVersion], owed: int, place: str) -> Iterator[Finding]:
    """The customer's minimum against what the carrier asks for the number's grade (10.11)."""
    rate_id, version = terms
    if version.minimum is None:
        return
    agreed = row[Subscription.monthly_minimum_micro]
    of_plan = version.minimum.per_month or (version.minimum.per_year or 0) // MONTHS_A_YEAR
    floor = of_plan if agreed is None else agreed
    if floor < owed and version.subsidy is None:
        values = {"plan": rate_id, "number": row[Subscription.service_number], "floor": yuan_exact(floor)}
        yield Finding("MINIMUM_BELOW_CARRIER", "critical", place, values | {"owed": yuan_exact(owed)})


def _unusual_plans(book: RateBook) -> Iterator[Finding]:
    """Plans in use that ask more minimum than the package costs, or lie outside their usual range."""
    for plan_id in book.table(Subscription.name)[Subscription.plan_id].unique().sort():
        plan = book.prices.retail.get(plan_id)
        if plan is None:
            continue
        place = f"rate_plans/retail/{plan_id}.yaml"
        for start, version in sorted(plan.versions.items()):
            package = sum(fee.amount or 0 for fee in version.fees if fee.kind == "recurring") if version else 0
            if version and version.allowances and version.minimum and 0 < package < (version.minimum.per_month or 0):
                values = {"floor": yuan_exact(version.minimum.per_month or 0), "package": yuan_exact(package)}
                yield Finding("MINIMUM_ABOVE_PACKAGE", "warning", place, {"plan": plan_id, "start": start} | values)
            usual = plan.monthly_range
            if version and usual and not usual.least <= package <= usual.most:
                values = {"least": yuan_exact(usual.least), "most": yuan_exact(usual.most), "fees": yuan_exact(package)}
                yield Finding("FEES_OUT_OF_RANGE", "warning", place, {"plan": plan_id, "start": start} | values)


def sample_findings(book: RateBook) -> Iterator[Finding]:
    """Plans in use that are only samples (10.44), unless the whole books are."""
    for plan_id in book.table(Subscription.name)[Subscription.plan_id].unique().sort():
        plan = book.prices.retail.get(plan_id)
        if plan is not None and plan.illustrative and not book.policy.sample:
            yield Finding("PLAN_ILLUSTRATIVE", "warning", f"rate_plans/retail/{plan_id}.yaml", {"plan": plan_id})


def usage_findings(book: RateBook, where: Where) -> Iterator[Finding]:
    """Purchases, quantities and metered items that the plan of their number has no terms for on their day."""
    plans: dict[tuple[str, str | None], list[tuple[Any, Any, str]]] = {}
    columns = (Subscription.contract_id, Subscription.service_number, Subscription.valid_from, Subscription.valid_to)
    subscriptions = book.table(Subscription.name).select(*columns, Subscription.plan_id)
    for contract, number, since, until, plan in subscriptions.iter_rows():
        for owner in ((contract, number), (contract, None)):
            plans.setdefault(owner, []).append((since, until, plan))
    for table, column, dated in (
        (AllowancePurchase, "allowance", "valid_from"),
        (QuantityHeld, "item", "valid_from"),
        (MeteredItem, "item", "used_on"),
    ):
        for row in book.table(table.name).iter_rows(named=True):
            day, owner = row[dated], (row["contract_id"], row["service_number"])
            held = [plan for since, until, plan in plans.get(owner, ()) if since <= day and (not until or day < until)]
            versions = [found[1] for plan in held if (found := book.retail(plan, day))]
            if row[column] not in {name for version in versions for name in _items(table, version, row)}:
                values = {"item": row[column], "contract": row["contract_id"], "number": row["service_number"] or "*"}
                yield Finding("ITEM_WITHOUT_TERMS", "critical", where(table, row), values | {"day": day})


def event_findings(book: RateBook, where: Where) -> Iterator[Finding]:
    """Service events of a number on days on which its contract does not have it: they would change nothing."""
    account = (ServiceEvent.contract_id, ServiceEvent.service_number)
    held: dict[tuple[str, str], list[tuple[Any, Any]]] = {}
    for row in book.table(Subscription.name).iter_rows(named=True):
        span = row[Subscription.valid_from], row[Subscription.valid_to]
        held.setdefault((row[account[0]], row[account[1]]), []).append(span)
    for row in book.table(ServiceEvent.name).iter_rows(named=True):
        first, end = row[ServiceEvent.valid_from], row[ServiceEvent.valid_to]
        spans = held.get((row[account[0]], row[account[1]]), ())
        # An order comes before the service it is for.
        is_order = row[ServiceEvent.kind] == "order"
        meets = (
            is_order or ((until is None or first < until) and (end is None or since < end)) for since, until in spans
        )
        if not any(meets):
            values = {"event": row[ServiceEvent.event_id], "contract": row[account[0]], "number": row[account[1]]}
            yield Finding("EVENT_WITHOUT_NUMBER", "critical", where(ServiceEvent, row), values)


def purchase_findings(book: RateBook, where: Where) -> Iterator[Finding]:
    """Recharges that are smaller than their plan allows, by the minimum agreed for the number."""
    held: dict[tuple[str, str | None], Mapping[str, Any]] = {}
    for row in book.table(Subscription.name).sort(Subscription.valid_from).iter_rows(named=True):
        held[row[Subscription.contract_id], row[Subscription.service_number]] = row
        held[row[Subscription.contract_id], None] = row
    for row in book.table(AllowancePurchase.name).iter_rows(named=True):
        subscription = held.get((row[AllowancePurchase.contract_id], row[AllowancePurchase.service_number]))
        found = subscription and book.retail(subscription[Subscription.plan_id], row[AllowancePurchase.valid_from])
        if subscription is None or not found:
            continue
        minimum, agreed = found[1].minimum, subscription[Subscription.monthly_minimum_micro]
        floor = agreed if agreed is not None else (minimum.per_month or 0) if minimum else 0
        for allowance in found[1].allowances:
            is_own = allowance.name == row[AllowancePurchase.allowance] and allowance.least_purchase is not None
            bought = row[AllowancePurchase.quantity] * MICRO_PER_YUAN
            if is_own and allowance.least_purchase and bought < allowance.least_purchase.of(floor):
                values = {
                    "purchase": row[AllowancePurchase.purchase_id],
                    "bought": yuan_exact(bought),
                    "least": yuan_exact(allowance.least_purchase.of(floor)),
                    "floor": yuan_exact(floor),
                }
                yield Finding("PURCHASE_BELOW_LEAST", "warning", where(AllowancePurchase, row), values)


def _items(table: type[Table], version: RetailVersion, row: Mapping[str, Any]) -> list[str]:
    """What rows of a table may name under a version of a plan."""
    if table is QuantityHeld:
        return [fee.item for fee in version.fees if fee.price]
    if table is MeteredItem:
        return [metered.item for metered in version.metered]
    scope = "number" if row["service_number"] else "contract"
    return [each.name for each in version.allowances if each.every == "purchase" and each.scope == scope]
