"""The first page of a published period: totals, control figures, and links to everything else in the folder."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from billing.documents.places import place
from billing.documents.rendering import Renderer
from billing.rate_book.book import RateBook
from billing.tables.calls import Suspense
from billing.tables.catalog import Agent, Carrier
from billing.tables.documents import CommissionLine, Conservation, Invoice, SettlementLine


def render_index(
    tables: Mapping[str, pl.DataFrame],
    book: RateBook,
    period: str,
    status: str,
    renderer: Renderer,
    *,
    is_printed: bool,
) -> str:
    """The index page; links to documents where they are made."""
    suffix = ".pdf" if is_printed else ""
    reasons = tables[Suspense.name].group_by(Suspense.reason).len("lines").sort(Suspense.reason)
    return renderer.render(
        "index",
        status=status,
        period=period,
        company=book.policy.company,
        totals=_totals(tables),
        figures=tables[Conservation.name].to_dicts(),
        reasons=reasons.to_dicts(),
        bills=_bills(tables[Invoice.name], suffix),
        statements=_statements(tables[CommissionLine.name], book, period, suffix),
        sheets=_sheets(tables[SettlementLine.name], book, period, suffix),
    )


def _totals(tables: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    invoices, settled, earned = (tables[table.name] for table in (Invoice, SettlementLine, CommissionLine))
    totals = {
        "gross": invoices[Invoice.gross_micro].sum(),
        "vat": invoices[Invoice.tax_micro].sum(),
        "net": invoices[Invoice.net_micro].sum(),
        "settlement": settled[SettlementLine.net_micro].sum(),
        "commission": earned[CommissionLine.accrued_micro].sum(),
        "released": earned[CommissionLine.released_micro].sum(),
    }
    totals["margin"] = totals["net"] - totals["settlement"] - totals["commission"]
    return totals


def _bills(invoices: pl.DataFrame, suffix: str) -> list[dict[str, Any]]:
    rows = invoices.sort(Invoice.customer_id).iter_rows(named=True)
    return [{**row, "href": _link("bill", row[Invoice.customer_id], row[Invoice.period], suffix)} for row in rows]


def _statements(lines: pl.DataFrame, book: RateBook, period: str, suffix: str) -> list[dict[str, Any]]:
    names = dict(book.table(Agent.name).select(Agent.agent_id, Agent.agent_name).iter_rows())
    sums = lines.group_by(CommissionLine.agent_id).agg(
        pl.col(CommissionLine.accrued_micro, CommissionLine.released_micro).sum()
    )
    return [
        {
            **row,
            "name": names.get(row[Agent.agent_id], ""),
            "href": _link("statement", row[Agent.agent_id], period, suffix),
        }
        for row in sums.sort(CommissionLine.agent_id).iter_rows(named=True)
    ]


def _sheets(lines: pl.DataFrame, book: RateBook, period: str, suffix: str) -> list[dict[str, Any]]:
    names = dict(book.table(Carrier.name).select(Carrier.carrier_id, Carrier.carrier_name).iter_rows())
    sums = lines.group_by(SettlementLine.carrier_id).agg(
        pl.col(SettlementLine.gross_micro, SettlementLine.net_micro).sum()
    )
    return [
        {
            **row,
            "name": names.get(row[Carrier.carrier_id], ""),
            "href": _link("settlement", row[Carrier.carrier_id], period, suffix),
        }
        for row in sums.sort(SettlementLine.carrier_id).iter_rows(named=True)
    ]


def _link(kind: str, recipient_id: str, period: str, suffix: str) -> str:
    return place(kind, recipient_id, period, suffix) if suffix else ""
