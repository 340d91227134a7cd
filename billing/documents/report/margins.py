"""Who earned what: agent, customer, number, with revenue, cost, commission and margin, all without tax.

Revenue stands where the line of the bill stands. The cost of a number goes to the contracts that used it in proportion
to what their calls cost us, as in the view `margin_by_customer` of the audit pack; that of a number nobody used goes
to the contract that had it last. Commission stands with the contract that earned it, whoever is paid.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from billing.core.money import BASIS_POINTS, MICRO_PER_FEN, round_ratio
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.calls import UsageTotal
from billing.tables.catalog import Agent, Contract, Customer, Subscription
from billing.tables.documents import CommissionLine, InvoiceLine, SettlementLine

Key = str | None
_Place = tuple[Key, Key, Key]


@dataclass(frozen=True)
class Margin:
    """What an agent, a customer or a number brought; a key of None is the house, nobody, or a contract as a whole."""

    key: Key
    name: str
    revenue_micro: int
    cost_micro: int
    commission_micro: int
    parts: tuple["Margin", ...] = ()

    @property
    def margin_micro(self) -> int:
        """What is left."""
        return self.revenue_micro - self.cost_micro - self.commission_micro

    @property
    def rate_bp(self) -> int | None:
        """Margin in basis points of the revenue; None without revenue."""
        if self.revenue_micro <= 0:
            return None
        return round_ratio(self.margin_micro * BASIS_POINTS, self.revenue_micro)


def margins(tables: Mapping[str, pl.DataFrame], book: RateBook, period: Period) -> list[Margin]:
    """Agents with their customers and those with their numbers, the largest revenue first.

    Args:
        tables: invoice_line, settlement_line, commission_line, usage_total.
        book: who sold what to whom.
        period: the billing period.
    """
    contracts = book.table(Contract.name).select(Contract.contract_id, Contract.agent_id, Contract.customer_id)
    owners = {contract: (agent, customer) for contract, agent, customer in contracts.iter_rows()}
    sums: defaultdict[_Place, list[int]] = defaultdict(lambda: [0, 0, 0])
    for position, rows in enumerate((_revenue(tables), _costs(tables, book, period), _commission(tables))):
        for contract, number, amount in rows:
            agent, customer = owners.get(contract or "", (None, None))
            sums[agent, customer, number][position] += amount
    agents = dict(book.table(Agent.name).select(Agent.agent_id, Agent.agent_name).iter_rows())
    customers = dict(book.table(Customer.name).select(Customer.customer_id, Customer.customer_name).iter_rows())
    tree: dict[Key, dict[Key, list[Margin]]] = {}
    for (agent, customer, number), (revenue, cost, commission) in sorted(sums.items(), key=_by_number):
        own = tree.setdefault(agent, {}).setdefault(customer, [])
        own.append(Margin(number, "", revenue, cost, commission))
    return _largest_first(
        _together(agent, agents, _largest_first(_together(key, customers, own) for key, own in below.items()))
        for agent, below in tree.items()
    )


def customers_of(agents: Iterable[Margin]) -> list[Margin]:
    """Customers as a whole, whoever sold to them, the largest revenue first; their parts are those of their agents."""
    parts: dict[Key, list[Margin]] = {}
    for agent in agents:
        for customer in agent.parts:
            parts.setdefault(customer.key, []).append(customer)
    names = {key: own[0].name for key, own in parts.items() if key}
    return _largest_first(_together(key, names, own) for key, own in parts.items())


def _by_number(entry: tuple[_Place, list[int]]) -> str:
    return entry[0][2] or ""


def _together(key: Key, names: Mapping[str, str], parts: Iterable[Margin]) -> Margin:
    parts = tuple(parts)
    revenue, cost, commission = (
        sum(getattr(part, name) for part in parts) for name in ("revenue_micro", "cost_micro", "commission_micro")
    )
    return Margin(key, names.get(key, "") if key else "", revenue, cost, commission, parts)


def _largest_first(found: Iterable[Margin]) -> list[Margin]:
    return sorted(found, key=lambda margin: (-margin.revenue_micro, margin.key or ""))


def _revenue(tables: Mapping[str, pl.DataFrame]) -> Iterator[tuple[Key, Key, int]]:
    lines = tables[InvoiceLine.name].group_by(InvoiceLine.contract_id, InvoiceLine.service_number)
    return lines.agg(pl.col(InvoiceLine.net_micro).sum()).iter_rows()


def _commission(tables: Mapping[str, pl.DataFrame]) -> Iterator[tuple[Key, Key, int]]:
    lines = tables[CommissionLine.name].group_by(CommissionLine.contract_id)
    for contract, amount in lines.agg(pl.col(CommissionLine.accrued_micro).sum()).iter_rows():
        yield contract, None, amount


def _costs(tables: Mapping[str, pl.DataFrame], book: RateBook, period: Period) -> Iterator[tuple[Key, Key, int]]:
    """What each number cost, by the contracts that used it."""
    used = tables[UsageTotal.name].group_by(UsageTotal.service_number, UsageTotal.contract_id)
    weighed = used.agg(pl.col(UsageTotal.settlement_micro).sum()).filter(pl.col(UsageTotal.settlement_micro) > 0)
    weights: dict[str, list[tuple[str, int]]] = {}
    for number, contract, weight in weighed.sort(UsageTotal.service_number, UsageTotal.contract_id).iter_rows():
        weights.setdefault(number, []).append((contract, weight))
    last = book.table(Subscription.name).filter(pl.col(Subscription.valid_from) < period.end)
    holders = dict(
        last.sort(Subscription.valid_from, Subscription.contract_id)
        .select(Subscription.service_number, Subscription.contract_id)
        .iter_rows()
    )
    lines = tables[SettlementLine.name].group_by(SettlementLine.service_number)
    for number, amount in lines.agg(pl.col(SettlementLine.net_micro).sum()).iter_rows():
        yield from _divided(number, amount, weights.get(number) or [(holders.get(number), 1)])


def _divided(number: str, amount_micro: int, weights: Iterable[tuple[Key, int]]) -> Iterator[tuple[Key, Key, int]]:
    """Whole fen by running sums: the shares add up, and each is within a fen of its exact part."""
    weights = list(weights)
    whole, upto, given = sum(weight for _, weight in weights), 0, 0
    sign, fen = (-1 if amount_micro < 0 else 1), abs(amount_micro) // MICRO_PER_FEN
    for contract, weight in weights:
        upto += weight
        share = fen * upto // whole
        yield contract, number, sign * (share - given) * MICRO_PER_FEN
        given = share
