"""Commission statements: from what customers paid to what is paid out, for one agent and about its own customers.

A customer whom a tier-2 agent serves is that agent's: the statement of the agent above names its 400 number and the own
share only, and a tier-2 statement says nothing of the agent above (what each may know of the other).
"""

from collections.abc import Iterator

from billing.documents.amount_words import capitals
from billing.documents.document_month import DocumentMonth
from billing.documents.masked_account import masked_account
from billing.documents.model import Document, Field, Figure, Notes, Section, Standing
from billing.documents.parties import dispute_deadline, period_words, seller
from billing.documents.readings import commission_readings
from billing.documents.rows import Row, total
from billing.documents.statements.agent_month import AgentMonth, agent_months
from billing.documents.statements.customers import customers_below, own_customers
from billing.documents.statements.ladder import arising, ladder, months, tiers
from billing.documents.words import Words
from billing.rate_book.book import RateBook
from billing.tables.catalog import Agent
from billing.tables.documents import AgentBalance, CommissionLine


def statements(month: DocumentMonth) -> Iterator[Document]:
    """Every agent's statement of a month, in order of agent."""
    for agent_month in agent_months(month):
        yield _statement(agent_month, month.book, month.standing, month.words)


def _statement(month: AgentMonth, book: RateBook, standing: Standing, words: Words) -> Document:
    agent, balance, period = month.agent, month.balance, month.period
    payable = balance[AgentBalance.payable_micro]
    return Document(
        kind="statement",
        recipient_id=agent[Agent.agent_id],
        recipient_name=agent[Agent.agent_name] or agent[Agent.agent_id],
        period=str(period),
        lang=words.lang,
        standing=standing,
        issued_on=period.end,
        title=words("doc.statement"),
        subtitle=words("statement.subtitle"),
        seller=seller(book.policy.company, words),
        recipient=_recipient(agent, book, words),
        particulars=[
            Field(words("statement.number"), f"{agent[Agent.agent_id]}/{period}"),
            Field(words("doc.period"), period_words(period, words)),
            Field(words("doc.issued_on"), period.end, "date"),
            Field(words("doc.dispute_until"), dispute_deadline(period), "date"),
        ],
        figures=[
            Figure(words("statement.arose"), total(arising(month.lines), CommissionLine.accrued_micro)),
            Figure(words("statement.earned"), balance[AgentBalance.earned_micro]),
            Figure(
                words("statement.back_and_carried"),
                balance[AgentBalance.taken_back_micro] + balance[AgentBalance.carried_in_micro],
            ),
            Figure(words("statement.payable"), payable, strong=True),
        ],
        capitals=Field(words("statement.payable_words"), capitals(payable)),
        sections=list(_sections(month, book, words)),
        signatures=(words("statement.agent_signs"), words("statement.we_sign")),
    )


def _recipient(agent: Row, book: RateBook, words: Words) -> list[Field]:
    tiers_told = {1: words("statement.tier_1"), 2: words("statement.tier_2")}
    fields = [
        Field(words("doc.agent"), agent[Agent.agent_name] or agent[Agent.agent_id]),
        Field(words("doc.agent_id"), agent[Agent.agent_id]),
        Field(words("statement.tier"), tiers_told.get(agent[Agent.tier], words("doc.none"))),
        Field(words("statement.scheme"), _scheme_name(agent[Agent.scheme], book, words)),
    ]
    account = agent[Agent.payee_account]
    return [*fields, Field(words("statement.payee_account"), masked_account(account))] if account else fields


def _scheme_name(scheme: str | None, book: RateBook, words: Words) -> str:
    plan = book.prices.commission.get(scheme or "")
    return plan.description[words.lang] if plan else words("doc.none")


def _sections(month: AgentMonth, book: RateBook, words: Words) -> Iterator[Section]:
    limit = book.policy.documents.paper_rows
    yield ladder(month, words)
    yield tiers(month, book, words)
    yield months(month, book, words)
    if month.own:
        yield own_customers(month.own, limit, words)
    if month.below:
        yield customers_below(month.below, limit, words)
    schemes = (line[CommissionLine.scheme] for line in month.lines)
    readings = [words.name(code) for code in commission_readings(book, schemes)]
    yield Notes(words("doc.readings"), [*readings, words("statement.dispute")])
