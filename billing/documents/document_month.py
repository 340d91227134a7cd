"""What the documents of a month are made from: its tables, what went before, and for whom in which words."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from billing.core.period import Period
from billing.documents.model import Standing
from billing.documents.rows import sorted_table
from billing.documents.words import Words
from billing.rate_book.book import RateBook
from billing.tables.schema import Table


@dataclass(frozen=True)
class DocumentMonth:
    """A month as its documents see it.

    Attributes:
        period: the billing period.
        tables: the document tables of the month and usage_total.
        earlier: invoice, tax_line and agent_balance rows of the closed periods before it.
        book: catalog, plans and policy.
        standing: draft, final or reprint.
        words: of the language wanted.
        only: documents of one recipient: customer, agent or carrier id; all when None.
    """

    period: Period
    tables: Mapping[str, pl.DataFrame]
    earlier: Mapping[str, pl.DataFrame]
    book: RateBook
    standing: Standing
    words: Words
    only: str | None

    def rows(self, table: type[Table]) -> pl.DataFrame:
        """A table of the month in the order of its key."""
        return sorted_table(self.tables, table)

    def rows_before(self, table: type[Table]) -> pl.DataFrame:
        """The same of the periods before."""
        return sorted_table(self.earlier, table)

    def is_wanted(self, recipient_id: str) -> bool:
        """Whether a recipient's documents are asked for."""
        return self.only in (None, recipient_id)
