"""Commission statements: one an agent, what arose and what may be paid kept apart, every line with its source."""

from collections.abc import Iterator, Mapping

import polars as pl

from billing.documents.file_names import file_stem
from billing.documents.invoices import rows_by
from billing.documents.readings import commission_readings
from billing.documents.rendering import Renderer
from billing.rate_book.book import RateBook
from billing.tables.catalog import Agent, Customer
from billing.tables.documents import CommissionLine


def render_statements(
    tables: Mapping[str, pl.DataFrame], book: RateBook, period: str, status: str, renderer: Renderer
) -> Iterator[tuple[str, str]]:
    """File name and HTML of every agent's statement; an agent without lines gets none."""
    agents = {row[Agent.agent_id]: row for row in book.table(Agent.name).iter_rows(named=True)}
    names = dict(book.table(Customer.name).select(Customer.customer_id, Customer.customer_name).iter_rows())
    lines_by_agent = rows_by(tables[CommissionLine.name].sort(CommissionLine.key), CommissionLine.agent_id)
    for agent_id, lines in sorted(lines_by_agent.items()):
        yield (
            statement_name(agent_id),
            renderer.render(
                "statement",
                status=status,
                period=period,
                company=book.policy.company,
                agent_id=agent_id,
                agent=agents.get(agent_id),
                lines=[{**line, "customer_name": names.get(line[CommissionLine.customer_id], "")} for line in lines],
                accrued=sum(line[CommissionLine.accrued_micro] for line in lines),
                released=sum(line[CommissionLine.released_micro] for line in lines),
                readings=commission_readings(book, (line[CommissionLine.scheme] for line in lines)),
            ),
        )


def statement_name(agent_id: str) -> str:
    """Where an agent's statement lies in the published folder."""
    return f"statements/{file_stem(agent_id)}.html"
