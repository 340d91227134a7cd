"""The product on one page: a month, from rated parts to published documents, in the order in which it happens.

`compute_month` is the straight line; it reads the lake and a rate book and writes nothing. `run_month` puts it between
snapshot and commit; closing, verifying and publishing again go through the same line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from billing.charging.stage import charge_accounts, charge_late
from billing.commission.stage import pay_commission
from billing.core.findings import Finding
from billing.core.period import Period
from billing.invoicing.stage import make_invoices
from billing.posting.stage import post_documents
from billing.publishing.conservation import certify
from billing.rate_book.book import RateBook
from billing.settlement.stage import settle_carriers
from billing.tables.calls import CallAdjustment, UsageTotal
from billing.tables.documents import Charge, CommissionLine, Conservation, Invoice, InvoiceLine, SettlementLine, TaxLine
from pipelines.books import Books
from pipelines.parts import CallsOf, Part, parts_of, usage_of
from pipelines.past import billed_before, commission_before, fees_of_previous_month, is_billed_here
from pipelines.progress import Progress
from pipelines.records import records_by_fate


@dataclass(frozen=True)
class Month:
    """Everything a month produces, before anybody has seen it."""

    period: Period
    tables: Mapping[str, pl.DataFrame]
    usage: pl.DataFrame
    findings: Sequence[Finding]


def compute_month(books: Books, book: RateBook, period: Period, progress: Progress) -> Month:
    """Charge, invoice, pay, settle and post a month whose parts are rated.

    Returns:
        The document tables by name, the period's usage totals, and what was found; a month that does not conserve
        comes back with critical findings and must not be published.
    """
    parts = parts_of(books.state, str(period))
    own = [part for part in parts if part.day and Period.of(part.day) == period]
    with progress.stage("charging"):
        usage = usage_of(books, parts)
        own_usage = usage.filter(pl.col(UsageTotal.usage_date) >= period.start)
        charging = charge_accounts(period, own_usage, CallsOf(books, own), book)
        late = [_late_charges(books, book, period, original, parts) for original in _late_months(parts, period)]
        charges = pl.concat([charging.tables[Charge.name], *late]).sort(Charge.charge_key)
    with progress.stage("invoicing"):
        invoicing = make_invoices(period, charges, book)
    with progress.stage("commission"):
        fees = fees_of_previous_month(books, book, period)
        billed = billed_before(books, period, invoicing.tables[InvoiceLine.name])
        commission = pay_commission(period, book, fees, commission_before(books, period), billed)
    with progress.stage("settlement"):
        settlement = settle_carriers(period, usage, book)
    tables = {
        Charge.name: charges,
        CallAdjustment.name: charging.tables[CallAdjustment.name],
        **invoicing.tables,
        **commission.tables,
        **settlement.tables,
    }
    with progress.stage("posting"):
        invoices, taxes = tables[Invoice.name], tables[TaxLine.name]
        posting = post_documents(
            period, invoices, taxes, tables[SettlementLine.name], tables[CommissionLine.name], book
        )
        tables.update(posting.tables)
    with progress.stage("conservation"):
        tables[Conservation.name], breaches = certify(period, records_by_fate(books, parts), usage, tables)
    stages = (charging, invoicing, commission, settlement, posting)
    return Month(period, tables, usage, [*(finding for stage in stages for finding in stage.findings), *breaches])


def _late_months(parts: Sequence[Part], period: Period) -> list[Period]:
    return sorted({Period.of(part.day) for part in parts if part.day and Period.of(part.day) < period})


def _late_charges(
    books: Books, book: RateBook, period: Period, original: Period, parts: Sequence[Part]
) -> pl.DataFrame:
    """What late calls of an earlier month cost: that month with them, less that month as it was billed before."""
    of_month = [part for part in parts_of(books.state) if part.day and Period.of(part.day) == original]
    before = [part for part in of_month if part.billing_period < str(period)]
    after = [*before, *(part for part in of_month if part.billing_period == str(period))]
    return charge_late(
        period,
        original,
        usage_of(books, before),
        usage_of(books, after),
        CallsOf(books, before),
        CallsOf(books, after),
        book,
        billed_here=is_billed_here(books, original),
    )
