"""Everything a month knows of one agent, gathered before a word of the statement is written."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from billing.core.money import BASIS_POINTS
from billing.core.period import Period
from billing.documents.document_month import DocumentMonth
from billing.documents.rows import Row, rows_by
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


def agent_months(month: DocumentMonth) -> Iterator[AgentMonth]:
    """The agents of a month in order; a line of theirs also has `customer_name` and `numbers`.

    Only the statement of the agent who serves a customer names it: see `_is_own`.
    """
    book, period, words = month.book, month.period, month.words
    numbers = _numbers_of_contracts(book, period)
    sold_by = dict(book.table(Contract.name).select(Contract.contract_id, Contract.agent_id).iter_rows())
    names = dict(book.table(Customer.name).select(Customer.customer_id, Customer.customer_name).iter_rows())
    lines = rows_by(month.rows(CommissionLine), CommissionLine.agent_id)
    past = rows_by(month.rows_before(AgentBalance), AgentBalance.agent_id)
    agents = {row[Agent.agent_id]: row for row in book.table(Agent.name).iter_rows(named=True)}
    for balance in month.rows(AgentBalance).iter_rows(named=True):
        agent_id = balance[AgentBalance.agent_id]
        if not month.is_wanted(agent_id):
            continue
        agent = agents.get(agent_id) or dict.fromkeys(Agent.schema()) | {Agent.agent_id: agent_id}
        own: list[Row] = []
        below: list[Row] = []
        for line in lines.get(agent_id, []):
            contract_id = line[CommissionLine.contract_id]
            customer_name = names.get(line[CommissionLine.customer_id]) or ""
            told = {**line, "customer_name": customer_name, "numbers": words("doc.comma").join(numbers[contract_id])}
            (own if _is_own(line, agent, sold_by.get(contract_id)) else below).append(told)
        yield AgentMonth(
            agent=agent,
            period=period,
            balance=balance,
            own=own,
            below=below,
            payable_by_period={
                row[AgentBalance.period]: row[AgentBalance.payable_micro] for row in past.get(agent_id, [])
            },
        )


def _is_own(line: Row, agent: Row, sold_by: str | None) -> bool:
    """Whether the agent serves the customer of a line itself.

    It does where it sold the contract, where it has nobody below, and where it earned the commission whole (a contract
    that has changed hands since). What is left is a part of what an agent below it earned.
    """
    is_sole = line[CommissionLine.share_bp] == BASIS_POINTS
    return is_sole or sold_by == agent[Agent.agent_id] or agent[Agent.parent_agent_id] is not None


def _numbers_of_contracts(book: RateBook, period: Period) -> dict[str, list[str]]:
    """The 400 numbers a contract had in the period, or had last."""
    numbers: dict[str, list[str]] = defaultdict(list)
    for row in book.table(Subscription.name).sort(Subscription.key).iter_rows(named=True):
        number = row[Subscription.service_number]
        if row[Subscription.valid_from] < period.end and number not in numbers[row[Subscription.contract_id]]:
            numbers[row[Subscription.contract_id]].append(number)
    return numbers
