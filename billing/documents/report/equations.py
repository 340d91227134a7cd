"""What must be equal: totals that are worked out here, each side from another table, so that a tick can fail to stand.

The certificate of conservation is drawn up before a period is published; this is asked again of what was published.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from billing.documents.model import Kind
from billing.documents.report.figures import FATES, OUTCOMES, amounts_of, counts_of
from billing.documents.report.levels import posted_to_carriers
from billing.tables.calls import UsageTotal
from billing.tables.documents import Charge, CommissionLine, Invoice, InvoiceLine, Posting, SettlementLine, TaxLine


@dataclass(frozen=True)
class Term:
    """A total of a table by the name of its figure, in micro or a count; it may be taken away."""

    figure: str
    amount: int
    is_taken_away: bool = False


@dataclass(frozen=True)
class Equation:
    """Sides that must be equal, each the sum of its terms."""

    name: str
    sides: tuple[tuple[Term, ...], ...]
    kind: Kind

    @property
    def holds(self) -> bool:
        """Whether it comes out."""
        sums = {sum(-term.amount if term.is_taken_away else term.amount for term in side) for side in self.sides}
        return len(sums) == 1


def equations(tables: Mapping[str, pl.DataFrame]) -> Iterator[Equation]:
    """What must be equal, records first.

    Args:
        tables: conservation, usage_total, charge, invoice, invoice_line, tax_line, settlement_line, commission_line,
            posting.
    """
    counts, rated = counts_of(tables), _sum(tables[UsageTotal.name], UsageTotal.call_count)
    fates = [Term(f"records_{fate}", counts.get(f"records_{fate}", 0)) for fate in FATES]
    told = (Term("calls_rated", rated), *(fate for fate in fates if fate.amount))
    yield Equation("records", ((Term("records_read", counts["records_read"]),), told), "count")
    costs = [Term(figure, counts.get(figure, 0)) for figure in OUTCOMES]
    shown = tuple(cost for cost in costs if cost.amount) or (costs[0],)
    settled = tables[SettlementLine.name].filter(pl.col(SettlementLine.kind) == "usage")
    calls = (Term("calls_settled", _sum(settled, SettlementLine.call_count)),)
    yield Equation("calls", ((Term("calls_rated", rated),), shown, calls), "count")
    yield from _bills(tables)
    yield from _journal(tables)


def _bills(tables: Mapping[str, pl.DataFrame]) -> Iterator[Equation]:
    charges, lines, invoices = tables[Charge.name], tables[InvoiceLine.name], tables[Invoice.name]
    gross = (
        Term("charges", _sum(charges, Charge.amount_micro)),
        Term("line_gross", _sum(lines, InvoiceLine.gross_micro)),
        Term("invoiced_gross", _sum(invoices, Invoice.gross_micro)),
    )
    yield Equation("bills", tuple((total,) for total in gross), "money")
    taxes = (
        Term("tax_lines", _sum(tables[TaxLine.name], TaxLine.tax_micro)),
        Term("vat", _sum(invoices, Invoice.tax_micro)),
    )
    yield Equation("vat", tuple((total,) for total in taxes), "money")


def _journal(tables: Mapping[str, pl.DataFrame]) -> Iterator[Equation]:
    """What is settled is posted, the journal is balanced, and the margin is that of the lines."""
    lines, settlement, postings = (tables[table.name] for table in (InvoiceLine, SettlementLine, Posting))
    owed = Term("settlement_gross", _sum(settlement, SettlementLine.gross_micro))
    posted = Term("settlement_posted", sum(posted_to_carriers(postings).values()))
    yield Equation("settlement", ((owed,), (posted,)), "money")
    debit = Term("debit", _sum(postings, Posting.debit_micro))
    credit = Term("credit", _sum(postings, Posting.credit_micro))
    yield Equation("journal", ((debit,), (credit,)), "money")
    commission = _sum(tables[CommissionLine.name], CommissionLine.accrued_micro)
    sides = (
        Term("revenue_net", _sum(lines, InvoiceLine.net_micro)),
        Term("settlement_net", _sum(settlement, SettlementLine.net_micro), is_taken_away=True),
        Term("commission_accrued", commission, is_taken_away=True),
    )
    yield Equation("margin", ((Term("margin", amounts_of(tables)["margin"]),), sides), "money")


def _sum(frame: pl.DataFrame, column: str) -> int:
    return int(frame[column].cast(pl.Int128).sum())
