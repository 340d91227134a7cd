"""Contracts as commission sees them: who sold them, which product, when their clock of years started.

Domain rules: contract years count from the first paid day, after a free trial; a renewal of the same customer and
product goes on counting, so the clock is that of customer and product, not of the single contract.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from billing.commission.shares import Payee
from billing.core.findings import Finding
from billing.core.money import net_of_vat
from billing.core.period import contract_year
from billing.rate_book.book import RateBook
from billing.rate_book.plans import CommissionVersion
from billing.rate_book.trials import free_until
from billing.tables.catalog import Agent, Contract, Subscription

COMMISSION_SCHEME_MISSING = "COMMISSION_SCHEME_MISSING"
COMMISSION_PRODUCT_UNCLEAR = "COMMISSION_PRODUCT_UNCLEAR"


@dataclass(frozen=True)
class SoldContract:
    """A contract that an agent sold.

    Attributes:
        product: its one product, None when its numbers have none or several.
        tax_code: tax code of that product's plan.
        clock_start: day from which contract years of this customer and product count.
    """

    contract_id: str
    customer_id: str
    payee: Payee
    payment_mode: str
    term_years: int | None
    total_micro: int | None
    free_until: dt.date | None
    product: str | None
    tax_code: str | None
    clock_start: dt.date | None

    def year_of(self, day: dt.date) -> int:
        """Contract year of a day; money that comes before service starts is for year 1."""
        return max(1, contract_year(self.clock_start, day)) if self.clock_start else 1

    def scheme_on(self, book: RateBook, day: dt.date, findings: list[Finding]) -> tuple[str, CommissionVersion] | None:
        """The scheme in force for this contract's product, None when it earns nothing; doubts become findings."""
        held = book.commission(self.payee.scheme, day)
        if held is None:
            values = {"agent": self.payee.agent_id, "scheme": self.payee.scheme, "day": day}
            findings.append(Finding(COMMISSION_SCHEME_MISSING, "critical", "", values))
            return None
        if self.product is None:
            findings.append(Finding(COMMISSION_PRODUCT_UNCLEAR, "warning", "", {"contract": self.contract_id}))
            return None
        return held if self.product in held[1].products else None

    def base(self, gross_micro: int, version: CommissionVersion, book: RateBook, day: dt.date) -> int:
        """An amount received as the scheme's base: as it is, or without the VAT of the product."""
        if version.base_tax == "gross" or self.tax_code is None:
            return gross_micro
        return net_of_vat(gross_micro, book.vat_rate_bp(self.tax_code, day))


def sold_contracts(book: RateBook) -> dict[str, SoldContract]:
    """Every contract with an agent, by contract id in order."""
    agents = {row[Agent.agent_id]: row for row in book.table(Agent.name).iter_rows(named=True)}
    products = _products(book)
    rows = book.table(Contract.name).sort(Contract.contract_id).rows(named=True)
    clocks: dict[tuple[str, str | None], dt.date] = {}
    for row in rows:
        start = _first_paid_day(row[Contract.service_start], free_until(row))
        key = row[Contract.customer_id], products.get(row[Contract.contract_id], (None, None))[0]
        if start is not None:
            clocks[key] = min(start, clocks.get(key, start))
    sold = {}
    for row in rows:
        agent = agents.get(row[Contract.agent_id])
        if agent is not None:
            product, tax_code = products.get(row[Contract.contract_id], (None, None))
            sold[row[Contract.contract_id]] = SoldContract(
                contract_id=row[Contract.contract_id],
                customer_id=row[Contract.customer_id],
                payee=_payee(agent),
                payment_mode=row[Contract.payment_mode],
                term_years=row[Contract.term_years],
                total_micro=row[Contract.total_micro],
                free_until=free_until(row),
                product=product,
                tax_code=tax_code,
                clock_start=clocks.get((row[Contract.customer_id], product)),
            )
    return sold


def _payee(agent: Mapping[str, object]) -> Payee:
    parent, share = agent[Agent.parent_agent_id], agent[Agent.share_bp]
    assert parent is None or isinstance(share, int), "a tier-2 agent has a share"
    return Payee(
        agent_id=str(agent[Agent.agent_id]),
        parent_agent_id=None if parent is None else str(parent),
        share_bp=share if isinstance(share, int) else 0,
        scheme=str(agent[Agent.scheme]),
    )


def _first_paid_day(service_start: dt.date | None, free_until: dt.date | None) -> dt.date | None:
    days = [day for day in (service_start, free_until) if day is not None]
    return max(days, default=None)


def _products(book: RateBook) -> dict[str, tuple[str | None, str | None]]:
    """The one product and tax code of each contract's numbers; None for both when they differ."""
    found: dict[str, set[tuple[str, str]]] = {}
    for row in (
        book.table(Subscription.name).select(Subscription.contract_id, Subscription.plan_id).unique().iter_rows()
    ):
        plan = book.prices.retail.get(row[1])
        if plan is not None:
            found.setdefault(row[0], set()).add((plan.product, plan.tax_code))
    return {
        contract: min(kinds) if len({product for product, _ in kinds}) == 1 else (None, None)
        for contract, kinds in found.items()
    }
