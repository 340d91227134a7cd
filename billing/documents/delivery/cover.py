"""Bills in the order in which they are printed and handed out, and the cover list that goes before them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from billing.core.period import Period
from billing.documents.delivery.packs import Pack
from billing.documents.delivery.pdf_files import sheets
from billing.documents.model import Column, Document, Field, Grid, Notes, Value
from billing.documents.parties import period_words
from billing.documents.rows import rows_by
from billing.documents.words import Words
from billing.rate_book.book import RateBook
from billing.tables.catalog import Agent, Contract, Customer


@dataclass(frozen=True)
class PrintedBill:
    """A bill on paper.

    Attributes:
        branch: that looks after the customer; empty where none does.
        agent: who sold the customer's contracts, the first of several; empty: we did.
        customer_id: the customer.
        customer_name: as billed.
        number: of the bill; a statement of account has none.
        amount_micro: what is to be paid.
        pages: how many it has.
    """

    branch: str
    agent: str
    customer_id: str
    customer_name: str
    number: str
    amount_micro: int
    pages: int

    @property
    def order(self) -> tuple[str, ...]:
        """By branch, agent and customer; what nobody looks after comes last."""
        last = "\U0010ffff"
        return (self.branch or last, self.agent or last, self.customer_id)


def printed_bills(
    packs: Iterable[Pack], numbers: Mapping[str, str], book: RateBook, pages: Mapping[str, int]
) -> list[PrintedBill]:
    """The bills to print, in their order: statements of account, too, which no invoice stands behind.

    Args:
        packs: of the customers whose bills are printed.
        numbers: of the bills, by customer.
        book: customers and contracts.
        pages: pages of each bill by customer.
    """
    branches = dict(book.table(Customer.name).select(Customer.customer_id, Customer.branch).iter_rows())
    contracts = rows_by(book.table(Contract.name).sort(Contract.contract_id), Contract.customer_id)
    bills = [
        PrintedBill(
            branch=branches.get(pack.recipient_id) or "",
            agent=next((c[Contract.agent_id] or "" for c in contracts.get(pack.recipient_id, [])), ""),
            customer_id=pack.recipient_id,
            customer_name=pack.name,
            number=numbers.get(pack.recipient_id, ""),
            amount_micro=pack.amount_micro,
            pages=pages[pack.recipient_id],
        )
        for pack in packs
    ]
    return sorted(bills, key=lambda bill: bill.order)


def titles(bill: PrintedBill, agents: Mapping[str, str], words: Words) -> tuple[str, str, str]:
    """Branch, agent and customer in words, as bookmarks have them."""
    agent = words("cover.house") if not bill.agent else f"{bill.agent} {agents.get(bill.agent) or ''}".rstrip()
    return bill.branch or words("cover.no_branch"), agent, f"{bill.customer_id} {bill.customer_name}"


def names_of_agents(book: RateBook) -> dict[str, str]:
    """Agents' names by id."""
    return dict(book.table(Agent.name).select(Agent.agent_id, Agent.agent_name).iter_rows())


def cover(bills: Sequence[PrintedBill], book: RateBook, period: Period, words: Words, own_pages: int) -> Document:
    """The cover list: where each bill stands, what it comes to, and how much paper it takes.

    Args:
        bills: in their order.
        book: who we are, and the agents.
        period: the billing period.
        words: of the books' language.
        own_pages: pages of the cover list itself; bills stand behind them.
    """
    agents = names_of_agents(book)
    paper = sheets(own_pages) + sum(sheets(bill.pages) for bill in bills)
    return Document(
        kind="cover",
        recipient_id=str(period),
        recipient_name=book.policy.company.name,
        period=str(period),
        lang=words.lang,
        standing="final",
        issued_on=period.end,
        title=words("cover.title"),
        subtitle=words("cover.subtitle"),
        seller=[Field(words("doc.seller"), book.policy.company.name)],
        recipient=[
            Field(words("cover.bills"), len(bills), "count"),
            Field(words("cover.sheets"), paper, "count"),
        ],
        particulars=[Field(words("doc.period"), period_words(period, words))],
        figures=[],
        sections=[
            _by_agent(bills, agents, words),
            _by_bill(bills, agents, words, own_pages),
            Notes(words("doc.notes"), [words("cover.note")]),
        ],
    )


def _by_agent(bills: Sequence[PrintedBill], agents: Mapping[str, str], words: Words) -> Grid:
    groups: dict[tuple[str, str], list[PrintedBill]] = {}
    for bill in bills:
        groups.setdefault(titles(bill, agents, words)[:2], []).append(bill)
    columns = (
        Column(words("cover.branch"), share=3),
        Column(words("doc.agent"), share=4),
        Column(words("cover.bills"), "count"),
        Column(words("cover.pages"), "count"),
        Column(words("bill.payable"), "money"),
    )
    rows = [(*named, *_sums(group)) for named, group in groups.items()]
    return Grid(words("cover.by_agent"), columns, rows, (words("doc.total"), "", *_sums(bills)), limit=len(rows))


def _sums(bills: Iterable[PrintedBill]) -> tuple[int, int, int]:
    counted = list(bills)
    return len(counted), sum(bill.pages for bill in counted), sum(bill.amount_micro for bill in counted)


def _by_bill(bills: Sequence[PrintedBill], agents: Mapping[str, str], words: Words, own_pages: int) -> Grid:
    rows: list[Sequence[Value]] = []
    before = own_pages + own_pages % 2
    for bill in bills:
        branch, agent, _ = titles(bill, agents, words)
        places = f"{before + 1}–{before + bill.pages}" if bill.pages > 1 else str(before + 1)
        number = bill.number or words("doc.account_statement")
        rows.append((bill.customer_name, bill.customer_id, branch, agent, number, places, bill.amount_micro))
        before += bill.pages + bill.pages % 2
    columns = (
        Column(words("doc.customer"), share=5),
        Column(words("doc.customer_id"), under=True),
        Column(words("cover.branch"), share=3),
        Column(words("doc.agent"), under=True),
        Column(words("doc.bill_number"), share=3),
        Column(words("cover.places"), share=2),
        Column(words("bill.payable"), "money"),
    )
    totals = (words("doc.total"), "", "", "", "", "", _sums(bills)[2])
    return Grid(words("cover.by_bill"), columns, rows, totals, limit=len(rows))
