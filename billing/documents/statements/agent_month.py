"""Everything a month knows of one agent, gathered before a word of the statement is written."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from billing.core.period import Period
from billing.documents.rows import Row, rows_by, sorted_table
from billing.documents.words import Words
from billing.rate_book.book import RateBook
from billing.tables.catalog import Agent, Contract, Customer, Subscription
from billing.tables.documents import AgentBalance, CommissionLine


@dataclass(frozen=True)
class AgentMonth:
    """What a month knows of one agent: its lines, those of its own customers and those of agents below it apart."""

    agent: Row
    period: Period
    balance: Row
    own: list[Row]
    below: list[Row]
    payable_by_period: Mapping[str, int]

    @property
    def lines(self) -> list[Row]:
        """All lines."""
        return [*self.own, *self.below]


def agent_months(
    tables: Mapping[str, pl.DataFrame],
    earlier: Mapping[str, pl.DataFrame],
    book: RateBook,
    period: Period,
    words: Words,
    only: str | None = None,
) -> Iterator[AgentMonth]:
    """The agents of a month in order; a line of theirs also has `customer_name` and `numbers`.

    A contract that somebody else sold is of an agent below: only that agent's own statement names its customer.
    """
    numbers = _numbers_of_contracts(book, period)
    sold_by = dict(book.table(Contract.name).select(Contract.contract_id, Contract.agent_id).iter_rows())
    names = dict(book.table(Customer.name).select(Customer.customer_id, Customer.customer_name).iter_rows())
    lines = rows_by(sorted_table(tables, CommissionLine), CommissionLine.agent_id)
    past = rows_by(sorted_table(earlier, AgentBalance), AgentBalance.agent_id)
    agents = {row[Agent.agent_id]: row for row in book.table(Agent.name).iter_rows(named=True)}
    for balance in sorted_table(tables, AgentBalance).iter_rows(named=True):
        agent_id = balance[AgentBalance.agent_id]
        if only not in (None, agent_id):
            continue
        told = [
            {
                **line,
                "customer_name": names.get(line[CommissionLine.customer_id]) or "",
                "numbers": words("doc.comma").join(numbers[line[CommissionLine.contract_id]]),
            }
            for line in lines.get(agent_id, [])
        ]
        yield AgentMonth(
            agent=agents.get(agent_id) or dict.fromkeys(Agent.schema()) | {Agent.agent_id: agent_id},
            period=period,
            balance=balance,
            own=[line for line in told if sold_by.get(line[CommissionLine.contract_id]) == agent_id],
            below=[line for line in told if sold_by.get(line[CommissionLine.contract_id]) != agent_id],
            payable_by_period={
                row[AgentBalance.period]: row[AgentBalance.payable_micro] for row in past.get(agent_id, [])
            },
        )


def _numbers_of_contracts(book: RateBook, period: Period) -> dict[str, list[str]]:
    """The 400 numbers a contract had in the period, or had last."""
    numbers: dict[str, list[str]] = defaultdict(list)
    for row in book.table(Subscription.name).sort(Subscription.key).iter_rows(named=True):
        number = row[Subscription.service_number]
        if row[Subscription.valid_from] < period.end and number not in numbers[row[Subscription.contract_id]]:
            numbers[row[Subscription.contract_id]].append(number)
    return numbers
