"""What must hold between catalog tables: keys that point somewhere, ranges that do not overlap, agents in a tree.

Each check is one function from the catalog to findings; CHECKS is their order. A table whose file lost rows is not
searched for keys: its missing rows are reported once, where they were lost.
"""

import datetime as dt
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl

from billing.catalog.contents import Catalog
from billing.core.findings import Finding, Severity
from billing.tables.catalog import (
    Adjustment,
    Agent,
    AllowancePurchase,
    CallerOfTests,
    Carrier,
    Contract,
    Customer,
    MeteredItem,
    QuantityHeld,
    Receipt,
    ServiceEvent,
    ServiceNumber,
    Subscription,
)
from billing.tables.schema import Column, Table

Check = Callable[[Catalog], Iterator[Finding]]

REFERENCES: tuple[tuple[type[Table], Column, type[Table], str], ...] = (
    (Contract, Contract.customer_id, Customer, "CATALOG_UNKNOWN_CUSTOMER"),
    (Contract, Contract.agent_id, Agent, "CATALOG_UNKNOWN_AGENT"),
    (Agent, Agent.parent_agent_id, Agent, "CATALOG_UNKNOWN_AGENT"),
    (ServiceNumber, ServiceNumber.carrier_id, Carrier, "CATALOG_UNKNOWN_CARRIER"),
    (Subscription, Subscription.contract_id, Contract, "CATALOG_UNKNOWN_CONTRACT"),
    (Subscription, Subscription.service_number, ServiceNumber, "CATALOG_UNKNOWN_NUMBER"),
    (AllowancePurchase, AllowancePurchase.contract_id, Contract, "CATALOG_UNKNOWN_CONTRACT"),
    (AllowancePurchase, AllowancePurchase.service_number, ServiceNumber, "CATALOG_UNKNOWN_NUMBER"),
    (QuantityHeld, QuantityHeld.contract_id, Contract, "CATALOG_UNKNOWN_CONTRACT"),
    (QuantityHeld, QuantityHeld.service_number, ServiceNumber, "CATALOG_UNKNOWN_NUMBER"),
    (MeteredItem, MeteredItem.contract_id, Contract, "CATALOG_UNKNOWN_CONTRACT"),
    (MeteredItem, MeteredItem.service_number, ServiceNumber, "CATALOG_UNKNOWN_NUMBER"),
    (ServiceEvent, ServiceEvent.contract_id, Contract, "CATALOG_UNKNOWN_CONTRACT"),
    (ServiceEvent, ServiceEvent.service_number, ServiceNumber, "CATALOG_UNKNOWN_NUMBER"),
    (Receipt, Receipt.contract_id, Contract, "CATALOG_UNKNOWN_CONTRACT"),
    (Adjustment, Adjustment.contract_id, Contract, "CATALOG_UNKNOWN_CONTRACT"),
    (Adjustment, Adjustment.service_number, ServiceNumber, "CATALOG_UNKNOWN_NUMBER"),
)
MOST_BOUGHT = 10_000_000
MOST_FORWARDED = 10
"""Numbers a platform tries when the landing number is busy or does not answer: 4 to 10, as the service is sold."""
PREPAID_MODES = ("full_prepayment", "annual_payment")


def unknown_references(catalog: Catalog) -> Iterator[Finding]:
    """Keys that no row of the other table has."""
    for table, column, other, reason in REFERENCES:
        if other.name in catalog.incomplete:
            continue
        known = catalog.frame(other)[other.key[0]].implode()
        missing = catalog.frame(table).filter(pl.col(column).is_not_null() & ~pl.col(column).is_in(known))
        for row in missing.iter_rows(named=True):
            yield _finding(catalog, table, row, reason, key=row[column])


def overlapping_subscriptions(catalog: Catalog) -> Iterator[Finding]:
    """Two subscriptions of one number that hold on the same day."""
    number, start, end = Subscription.service_number, Subscription.valid_from, Subscription.valid_to
    last: dict[str, Any] | None = None
    for row in catalog.subscriptions.sort(number, start, Subscription.contract_id).iter_rows(named=True):
        if last and last[number] == row[number]:
            if last[end] is None or row[start] < last[end]:
                other = catalog.where(Subscription, last)
                values = {"number": row[number], "start": row[start], "other": other, "until": last[end] or "-"}
                yield _finding(catalog, Subscription, row, "OVERLAPPING_SUBSCRIPTION", **values)
            if last[end] is None or (row[end] is not None and row[end] <= last[end]):
                continue
        last = row


def overlapping_quantities(catalog: Catalog) -> Iterator[Finding]:
    """Two quantities of one item and number that hold on the same day: which of them, or both?"""
    key = (QuantityHeld.contract_id, QuantityHeld.service_number, QuantityHeld.item)
    start, end = QuantityHeld.valid_from, QuantityHeld.valid_to
    last: dict[str, Any] | None = None
    for row in catalog.quantities.sort(*key, start).iter_rows(named=True):
        is_same = last is not None and all(last[name] == row[name] for name in key)
        if last is not None and is_same and (last[end] is None or row[start] < last[end]):
            yield _finding(catalog, QuantityHeld, row, "CATALOG_QUANTITY_OVERLAP", key=row[QuantityHeld.item])
        last = row


def large_purchases(catalog: Catalog) -> Iterator[Finding]:
    """Purchases of more than can be counted."""
    for row in catalog.allowance_purchases.filter(pl.col(AllowancePurchase.quantity) > MOST_BOUGHT).iter_rows(
        named=True
    ):
        yield _finding(catalog, AllowancePurchase, row, "CATALOG_TOO_MUCH", key=row[AllowancePurchase.quantity])


def empty_ranges(catalog: Catalog) -> Iterator[Finding]:
    """Ranges that end on or before the day they begin, which often means a last valid day under the other header."""
    for table, start, end in (
        (Subscription, Subscription.valid_from, Subscription.valid_to),
        (Contract, Contract.service_start, Contract.ends_on),
        (AllowancePurchase, AllowancePurchase.valid_from, AllowancePurchase.valid_to),
        (QuantityHeld, QuantityHeld.valid_from, QuantityHeld.valid_to),
        (ServiceEvent, ServiceEvent.valid_from, ServiceEvent.valid_to),
        (CallerOfTests, CallerOfTests.valid_from, CallerOfTests.valid_to),
    ):
        for row in catalog.frame(table).filter(pl.col(end) <= pl.col(start)).iter_rows(named=True):
            yield _finding(catalog, table, row, "CATALOG_EMPTY_RANGE", start=row[start], end=row[end])


def agent_tree(catalog: Catalog) -> Iterator[Finding]:
    """Tiers are 1 and 2, a tier-2 agent has a tier-1 parent and says its share, and nobody is above himself."""
    agents = {row[Agent.agent_id]: row for row in catalog.agents.iter_rows(named=True)}
    for key, row in agents.items():
        parent = agents.get(row[Agent.parent_agent_id])
        if row[Agent.tier] == 2 and (row[Agent.parent_agent_id] is None or (parent and parent[Agent.tier] != 1)):
            yield _finding(catalog, Agent, row, "AGENT_WITHOUT_TIER_1_PARENT", agent=key)
        if row[Agent.tier] == 1 and row[Agent.parent_agent_id] is not None:
            yield _finding(catalog, Agent, row, "TIER_1_AGENT_WITH_PARENT", agent=key)
        if row[Agent.tier] == 2 and row[Agent.share_bp] is None:
            yield _finding(catalog, Agent, row, "AGENT_WITHOUT_SHARE", agent=key)
        above, path = parent, [key]
        while above and above[Agent.agent_id] not in path:
            path.append(above[Agent.agent_id])
            above = agents.get(above[Agent.parent_agent_id])
        # A circle is told once, at its smallest member.
        if above and above[Agent.agent_id] == key and key == min(path):
            yield _finding(catalog, Agent, row, "AGENT_CYCLE", path=" > ".join([*path, key]))


def contract_terms(catalog: Catalog) -> Iterator[Finding]:
    """Prepaid contracts need the total their shares are taken of; a term has years."""
    for row in catalog.contracts.iter_rows(named=True):
        if row[Contract.payment_mode] in PREPAID_MODES and not row[Contract.total_micro]:
            yield _finding(catalog, Contract, row, "CONTRACT_WITHOUT_TOTAL", contract=row[Contract.contract_id])
        if not row[Contract.term_years]:
            yield _finding(catalog, Contract, row, "CONTRACT_WITHOUT_TERM", contract=row[Contract.contract_id])
        trial = row[Contract.trial_until]
        if trial and trial <= row[Contract.service_start]:
            values = {"start": row[Contract.service_start], "end": trial}
            yield _finding(catalog, Contract, row, "CATALOG_EMPTY_RANGE", **values)


def unused_rows(catalog: Catalog) -> Iterator[Finding]:
    """Numbers that nobody has, contracts that have no number: allowed, but often a row that was forgotten."""
    if Subscription.name in catalog.incomplete:
        return
    for table, reason in ((ServiceNumber, "NUMBER_WITHOUT_SUBSCRIPTION"), (Contract, "CONTRACT_WITHOUT_SUBSCRIPTION")):
        key = table.key[0]
        used = catalog.subscriptions[key].implode()
        for row in catalog.frame(table).filter(~pl.col(key).is_in(used)).iter_rows(named=True):
            yield _finding(catalog, table, row, reason, "warning", key=row[key])


def subscriptions_outside_contracts(catalog: Catalog) -> Iterator[Finding]:
    """A number held before its contract's service starts: its first days would belong to no contract year."""
    starts: dict[str, dt.date] = dict(
        catalog.contracts.select(Contract.contract_id, Contract.service_start).iter_rows()
    )
    for row in catalog.subscriptions.iter_rows(named=True):
        start = starts.get(row[Subscription.contract_id])
        if start and row[Subscription.valid_from] < start:
            values = {"number": row[Subscription.service_number], "start": row[Subscription.valid_from]}
            yield _finding(
                catalog, Subscription, row, "SUBSCRIPTION_BEFORE_CONTRACT", "warning", service_start=start, **values
            )


def landing_owners(catalog: Catalog) -> Iterator[Finding]:
    """A landing number is registered to the applicant: the customer of the contract that holds the number last."""
    names = dict(catalog.customers.select(Customer.customer_id, Customer.customer_name).iter_rows())
    customers = dict(catalog.contracts.select(Contract.contract_id, Contract.customer_id).iter_rows())
    held = catalog.subscriptions.sort(Subscription.valid_from).select(
        Subscription.service_number, Subscription.contract_id
    )
    contracts: dict[str, str] = dict(held.iter_rows())
    unknown = []
    for row in catalog.numbers.iter_rows(named=True):
        contract, owner = contracts.get(row[ServiceNumber.service_number], ""), row[ServiceNumber.landing_owner]
        customer = names.get(customers.get(contract, ""))
        if row[ServiceNumber.landing_number] and owner is None:
            unknown.append(row)
        if owner is not None and customer is not None and _same_width(owner) != _same_width(customer):
            values = {"number": row[ServiceNumber.service_number], "owner": owner, "customer": customer}
            yield _finding(catalog, ServiceNumber, row, "LANDING_NOT_APPLICANT", "warning", contract=contract, **values)
    if unknown:
        yield _finding(catalog, ServiceNumber, unknown[0], "LANDING_OWNER_UNKNOWN", "info", count=len(unknown))


def _same_width(name: str) -> str:
    """A name without blanks around it, its letters and brackets of one width."""
    return unicodedata.normalize("NFKC", name).strip()


def forward_numbers(catalog: Catalog) -> Iterator[Finding]:
    """More numbers to forward to than the platform takes."""
    for row in catalog.numbers.filter(pl.col(ServiceNumber.forward_numbers).is_not_null()).iter_rows(named=True):
        count = len(row[ServiceNumber.forward_numbers].split(";"))
        if count > MOST_FORWARDED:
            values = {"number": row[ServiceNumber.service_number], "count": count, "most": MOST_FORWARDED}
            yield _finding(catalog, ServiceNumber, row, "FORWARD_NUMBERS_TOO_MANY", "warning", **values)


def receipt_periods(catalog: Catalog) -> Iterator[Finding]:
    """Money for a bill says which bill."""
    for row in catalog.receipts.iter_rows(named=True):
        if row[Receipt.purpose] == "bill" and row[Receipt.bill_period] is None:
            yield _finding(catalog, Receipt, row, "RECEIPT_WITHOUT_BILL_PERIOD", receipt=row[Receipt.receipt_id])


CHECKS: tuple[Check, ...] = (
    unknown_references,
    agent_tree,
    contract_terms,
    empty_ranges,
    overlapping_subscriptions,
    overlapping_quantities,
    large_purchases,
    subscriptions_outside_contracts,
    receipt_periods,
    landing_owners,
    forward_numbers,
    unused_rows,
)


def _finding(
    catalog: Catalog,
    table: type[Table],
    row: dict[str, Any],
    reason: str,
    severity: Severity = "critical",
    **values: object,
) -> Finding:
    return Finding(reason, severity, catalog.where(table, row), values)
