"""The conservation certificate: every record and every yuan of a period accounted for, or nothing is published.

Records read = not ours + duplicate + suspense + rated; calls rated = charged + free by rule + paid by allowances + over
cap; late fees billed = their charges; charges = invoices; revenue - settlement - commission = margin, all without VAT;
every rated call is settled, second for second; every document is posted, and postings sum to zero; the call analysis
holds every call on each side.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from billing.core.findings import Finding
from billing.core.period import Period
from billing.publishing.analysed_calls import analysis_equations
from billing.tables.calls import CallAdjustment, UsageTotal
from billing.tables.documents import (
    CallAnalysis,
    Charge,
    CommissionLine,
    Conservation,
    Invoice,
    InvoiceLine,
    LateFee,
    Posting,
    ResourceFee,
    SettlementLine,
)


def certify(
    period: Period, records: Mapping[str, int], usage: pl.DataFrame, tables: Mapping[str, pl.DataFrame]
) -> tuple[pl.DataFrame, list[Finding]]:
    """Draw up the certificate and check it.

    Args:
        period: the billing period.
        records: records of the period's parts by fate: read, not_ours, duplicate, suspense_ingest, suspense_rating.
        usage: `UsageTotal` rows of every call billed in the period, late ones included.
        tables: the document tables by name.

    Returns:
        `Conservation` rows, and a critical finding for each equation that does not hold.
    """
    rated = _sum(usage, UsageTotal.call_count)
    own = usage.filter(pl.col(UsageTotal.usage_date).dt.truncate("1mo") == period.start)
    free = _sum(usage.filter(pl.col(UsageTotal.free_reason).is_not_null()), UsageTotal.call_count)
    is_allowance = pl.col(CallAdjustment.rule).str.starts_with("allowance:")
    over_cap, in_allowance = (tables[CallAdjustment.name].filter(which) for which in (~is_allowance, is_allowance))
    over, covered = (_sum(frame, CallAdjustment.call_count) for frame in (over_cap, in_allowance))
    money = _money(tables)
    margin = money["revenue_net"] - money["settlement_net"] - money["commission_accrued"]
    rows = [
        *(_row(f"records_{fate}", record_count=count) for fate, count in records.items()),
        _row("calls_rated", rated, _sum(usage, UsageTotal.billed_seconds), _sum(usage, UsageTotal.amount_micro)),
        _row("calls_charged", rated - free - covered - over),
        _row("calls_free", free),
        _row("calls_in_allowance", covered, amount_micro=_sum(in_allowance, CallAdjustment.amount_micro)),
        _row("calls_over_cap", over, amount_micro=_sum(over_cap, CallAdjustment.amount_micro)),
        _row("leakage", over, amount_micro=_sum(over_cap, CallAdjustment.settlement_micro)),
        *(_row(figure, amount_micro=amount) for figure, amount in money.items()),
        _row("margin", amount_micro=margin),
    ]
    settled = tables[SettlementLine.name].filter(pl.col(SettlementLine.kind) == "usage")
    accounted = sum(count for fate, count in records.items() if fate != "read") + rated
    equations = {
        "records": (records["read"], accounted),
        "usage": (_sum(own, UsageTotal.amount_micro), _sum(_kind(tables, "usage"), Charge.amount_micro)),
        "late_fees": (
            _sum(tables[LateFee.name], LateFee.billed_micro),
            _sum(_kind(tables, "late_fee"), Charge.amount_micro),
        ),
        "invoices": (money["charges"], money["invoiced_gross"]),
        "invoice_lines": (money["line_gross"], money["invoiced_gross"]),
        "vat": (money["invoiced_gross"], money["revenue_net"] + money["vat"]),
        "posted": (_sum(tables[Posting.name], Posting.debit_micro), _documents_debit(tables)),
        "settlement_calls": (_sum(settled, SettlementLine.call_count), rated),
        "settlement_seconds": (
            _sum(settled, SettlementLine.billed_seconds),
            _sum(usage, UsageTotal.settlement_billed_seconds),
        ),
        "postings": (_sum(tables[Posting.name], Posting.debit_micro), _sum(tables[Posting.name], Posting.credit_micro)),
        **analysis_equations(usage, tables[CallAnalysis.name]),
    }
    findings = [
        Finding("NOT_CONSERVED", "critical", values={"equation": name, "left": left, "right": right})
        for name, (left, right) in equations.items()
        if left != right
    ]
    return Conservation.of_rows(rows), findings


def _documents_debit(tables: Mapping[str, pl.DataFrame]) -> int:
    """What the journal debits when all is posted once: bills, carriers, agents, resources; a credit swaps the sides."""
    invoices, settlement, commission = (tables[table.name] for table in (Invoice, SettlementLine, CommissionLine))
    carriers = settlement.group_by(SettlementLine.carrier_id).agg(
        pl.col(SettlementLine.gross_micro, SettlementLine.net_micro, SettlementLine.tax_micro).sum()
    )
    agents = commission.group_by(CommissionLine.agent_id).agg(pl.col(CommissionLine.accrued_micro).sum())
    sides = (
        (invoices[Invoice.gross_micro], -invoices[Invoice.net_micro], -invoices[Invoice.tax_micro]),
        (carriers[SettlementLine.net_micro], carriers[SettlementLine.tax_micro], -carriers[SettlementLine.gross_micro]),
        (agents[CommissionLine.accrued_micro], -agents[CommissionLine.accrued_micro]),
        (tables[ResourceFee.name][ResourceFee.accrued_micro],),
    )
    return sum(int(leg.clip(lower_bound=0).cast(pl.Int128).sum()) for legs in sides for leg in legs)


def _kind(tables: Mapping[str, pl.DataFrame], kind: str) -> pl.DataFrame:
    return tables[Charge.name].filter(pl.col(Charge.kind) == kind)


def _money(tables: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    charges, lines, invoices = tables[Charge.name], tables[InvoiceLine.name], tables[Invoice.name]
    settlement, commission = tables[SettlementLine.name], tables[CommissionLine.name]
    return {
        "charges": _sum(charges, Charge.amount_micro),
        "line_gross": _sum(lines, InvoiceLine.gross_micro),
        "invoiced_gross": _sum(invoices, Invoice.gross_micro),
        "vat": _sum(invoices, Invoice.tax_micro),
        "revenue_net": _sum(invoices, Invoice.net_micro),
        "settlement_gross": _sum(settlement, SettlementLine.gross_micro),
        "settlement_net": _sum(settlement, SettlementLine.net_micro),
        "commission_accrued": _sum(commission, CommissionLine.accrued_micro),
        "commission_released": _sum(commission, CommissionLine.released_micro),
        "resource_fees": _sum(tables[ResourceFee.name], ResourceFee.accrued_micro),
    }


def _row(
    figure: str, record_count: int | None = None, seconds: int | None = None, amount_micro: int | None = None
) -> dict[str, Any]:
    return {
        Conservation.figure: figure,
        Conservation.record_count: record_count,
        Conservation.billed_seconds: seconds,
        Conservation.amount_micro: amount_micro,
    }


def _sum(frame: pl.DataFrame, column: str) -> int:
    """Sum in Int128: a control total never wraps."""
    return int(frame[column].cast(pl.Int128).sum())
