"""The product on one page: a month, from rated parts to published documents, in the order in which it happens.

`compute_month` is the straight line; it reads the lake and a rate book and writes nothing. `run_month` puts it between
snapshot and commit; closing, verifying and publishing again go through the same line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from billing.balances.stage import carry_balances
from billing.call_analysis.stage import analyse_calls
from billing.charging.account_terms import month_terms
from billing.charging.caller_share import caller_shares
from billing.charging.fees_due import billed_ahead
from billing.charging.stage import charge_accounts, charge_late, charge_late_fees
from billing.commission.stage import pay_commission
from billing.core.findings import Finding, Outcome
from billing.core.period import Period
from billing.invoicing.stage import make_invoices
from billing.late_fees.stage import accrue_late_fees
from billing.posting.stage import post_documents
from billing.publishing.conservation import certify
from billing.rate_book.book import RateBook
from billing.resource_fees.stage import accrue_resource_fees
from billing.settlement.stage import settle_carriers
from billing.tables.calls import CallAdjustment, UsageTotal
from billing.tables.documents import (
    AllowanceMovement,
    CallerShare,
    Charge,
    CommissionLine,
    Conservation,
    Invoice,
    InvoiceLine,
    LateFee,
    ResourceFee,
    ServiceCredit,
    SettlementLine,
    TaxLine,
)
from billing.tables.schema import Table
from pipelines.books import Books
from pipelines.parts import CallsOf, calls_as_received, parts_of, rated_calls, usage_of
from pipelines.past import (
    LateMonth,
    bills_of,
    fees_of_previous_month,
    late_months,
    receipts_since,
    rows_before,
)
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
        movements = rows_before(books, AllowanceMovement, period)
        fees = fees_of_previous_month(books, book, period)
        ahead = billed_ahead(fees, period)
        charging = charge_accounts(period, own_usage, CallsOf(books, own), book, movements, ahead=ahead)
        charged = [charging]
        late_calls = late_months(books, period)
        for month in late_calls:
            drawn = [movements, *(outcome.tables[AllowanceMovement.name] for outcome in charged)]
            charged.append(_charge_late_month(books, book, period, month, pl.concat(drawn)))
        callers_paid = caller_shares(period, month_terms(period, book), rated_calls(books, own))
    with progress.stage("late_fees"):
        closed_invoices, closed_lines = (rows_before(books, table, period) for table in (Invoice, InvoiceLine))
        bills = bills_of(closed_invoices, closed_lines)
        late_fees = accrue_late_fees(period, bills, rows_before(books, LateFee, period), book)
        fees_charged = charge_late_fees(period, late_fees.tables[LateFee.name], book)
    charges = _together(Charge, [*charged, fees_charged])
    with progress.stage("call_analysis"):
        analysis = analyse_calls(period, usage, calls_as_received(books, parts, usage), book)
    with progress.stage("invoicing"):
        invoicing = make_invoices(period, charges, book)
    with progress.stage("commission"):
        own_bills = bills_of(invoicing.tables[Invoice.name], invoicing.tables[InvoiceLine.name])
        billed = pl.concat([bills, own_bills])
        since = receipts_since(books, book, period)
        earlier = rows_before(books, CommissionLine, period)
        commission = pay_commission(period, book, fees, earlier, billed, receipts_since=since)
    with progress.stage("balances"):
        balances = carry_balances(
            period,
            pl.concat([closed_invoices, invoicing.tables[Invoice.name]]),
            pl.concat([closed_lines, invoicing.tables[InvoiceLine.name]]),
            pl.concat([earlier, commission.tables[CommissionLine.name]]),
            book,
        )
    with progress.stage("settlement"):
        billed_usage = {month.period: month.usage_before for month in late_calls if month.is_billed_here}
        settlement = settle_carriers(period, usage, book, billed_usage)
    with progress.stage("resource_fees"):
        resources = accrue_resource_fees(period, book)
    tables = {
        Charge.name: charges,
        CallAdjustment.name: _together(CallAdjustment, charged),
        AllowanceMovement.name: _together(AllowanceMovement, charged),
        ServiceCredit.name: charging.tables[ServiceCredit.name],
        CallerShare.name: callers_paid,
        **late_fees.tables,
        **analysis.tables,
        **invoicing.tables,
        **commission.tables,
        **balances.tables,
        **settlement.tables,
        **resources.tables,
    }
    with progress.stage("posting"):
        invoices, taxes = tables[Invoice.name], tables[TaxLine.name]
        posting = post_documents(
            period,
            invoices,
            taxes,
            tables[SettlementLine.name],
            tables[CommissionLine.name],
            tables[ResourceFee.name],
            book,
        )
        tables.update(posting.tables)
    with progress.stage("conservation"):
        tables[Conservation.name], breaches = certify(period, records_by_fate(books, period, parts), usage, tables)
    stages = (charging, late_fees, analysis, invoicing, commission, balances, settlement, resources, posting)
    return Month(period, tables, usage, [*(finding for stage in stages for finding in stage.findings), *breaches])


def _charge_late_month(
    books: Books, book: RateBook, period: Period, late: LateMonth, movements: pl.DataFrame
) -> Outcome:
    """What late calls of an earlier month cost: that month with them, less that month as it was billed before."""
    return charge_late(
        period,
        late.period,
        late.usage_before,
        late.usage_after,
        CallsOf(books, late.before),
        CallsOf(books, late.after),
        book,
        movements.filter(pl.col(AllowanceMovement.usage_period) != str(late.period)),
        billed_here=late.is_billed_here,
    )


def _together(table: type[Table], outcomes: Sequence[Outcome]) -> pl.DataFrame:
    """A table of the month and of the late months, in one order."""
    return pl.concat(outcome.tables[table.name] for outcome in outcomes).sort(table.key, nulls_last=False)
