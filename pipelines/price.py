"""`price`: rate calls or metered items under one plan file, by the very stages that make a month; no books needed."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from billing.charging.fees_due import billed_ahead
from billing.charging.stage import charge_accounts
from billing.core.findings import Refusal, refuse
from billing.core.money import yuan_exact
from billing.core.period import Period
from billing.invoicing.stage import make_invoices
from billing.rate_book.book import RateBook
from billing.rate_book.plans import RetailPlan
from billing.rate_book.rating_rows import rating_rows
from billing.rating.stage import rate_calls, total_usage
from billing.tables.calls import CallAdjustment, Cdr, RatedCall, UsageTotal
from billing.tables.documents import AllowanceMovement, Charge, Invoice, InvoiceLine, TaxLine
from pipelines.price_book import name_items, price_book, read_plan, records_priced_each
from pipelines.price_inputs import NUMBER, Agreed, read_usage
from pipelines.taken import taken_of_call


def price_usage(plan_file: Path, usage_file: Path, agreed: Agreed) -> dict[str, Any]:
    """Rate usage under a plan and bill its months, from that of the first call or item to that of the last.

    Args:
        plan_file: a retail plan (YAML).
        usage_file: CSV of calls or of metered items (`read_usage`), UTF-8.
        agreed: what stands in the catalog of real books.

    Returns:
        Per call its derivation and amount; per month charges, allowances, bill and VAT; amounts in yuan as text.

    Raises:
        Refusal: the plan or a line cannot be read, the plan has no price on a day, or a month has a critical finding.
    """
    calls, metered = read_usage(usage_file)
    numbers = sorted({row["number"] for row in metered} | {call[Cdr.service_number] for call in calls}) or [NUMBER]
    plan = read_plan(plan_file)
    name_items(plan, metered, usage_file.name)
    book = price_book(plan, plan_file, numbers, metered, agreed)
    _check_prices(plan, book, calls, usage_file.name)
    rated = _rated(book, calls, usage_file.name)
    days = [call[Cdr.usage_date] for call in calls] + [row["start"].date() for row in metered]
    months, amounts, rules = _months(book, _periods(days, agreed), calls, rated)
    shown = [_shown(call, row, rules) for call, row in zip(calls, rated.iter_rows(named=True), strict=True)]
    call_total = int(rated[RatedCall.amount_micro].sum())
    return {
        "plan": plan.plan,
        "calls": shown,
        "call_count": len(shown),
        "call_total": yuan_exact(call_total),
        "records": records_priced_each(plan, metered),
        "months": months,
        "total": yuan_exact(sum(amounts)),
    }


def _check_prices(plan: RetailPlan, book: RateBook, calls: Sequence[dict[str, Any]], where: str) -> None:
    for call in calls:
        if book.retail(plan.plan, call[Cdr.usage_date]) is None:
            raise refuse("NO_PRICE", f"{where}:{call[Cdr.cdr_id]}")


def _rated(book: RateBook, calls: Sequence[dict[str, Any]], where: str) -> pl.DataFrame:
    """The calls through the rating stage, in the order of the file."""
    table = Cdr.of_rows(list(calls))
    known = table[Cdr.service_number].unique()
    frames = [RatedCall.empty()]
    for (day,), own in table.partition_by(Cdr.usage_date, as_dict=True).items():
        assert isinstance(day, dt.date), "every call has its day"
        frames.append(rate_calls(own.lazy(), rating_rows(book, day), known).rated.collect())
    rated = pl.concat(frames).sort(Cdr.cdr_id)
    outside = set(table[Cdr.cdr_id]) - set(rated[Cdr.cdr_id])
    if outside:
        raise refuse("NO_CONTRACT_AT_CALL", f"{where}:{min(outside)}")
    return rated


def _periods(days: Sequence[dt.date], agreed: Agreed) -> list[Period]:
    """The months to bill: from that of the first call or item to that of the last, and those that were asked for."""
    named = [*(Period.of(day) for day in days), *(agreed.months or ())]
    if not named:
        return []
    count = (max(named).year - min(named).year) * 12 + max(named).month - min(named).month + 1
    return [min(named).shifted(offset) for offset in range(count)]


def _months(
    book: RateBook, periods: Sequence[Period], calls: Sequence[dict[str, Any]], rated: pl.DataFrame
) -> tuple[list[dict[str, Any]], list[int], list[dict[str, Any]]]:
    """Each month as it is told, what it comes to, and the adjustments of calls."""
    received = Cdr.of_rows(list(calls)).drop(Cdr.outcome, Cdr.service_number, Cdr.usage_date)
    whole = rated.join(received, on=Cdr.cdr_id, how="left", maintain_order="left")
    months: list[dict[str, Any]] = []
    amounts: list[int] = []
    rules: list[dict[str, Any]] = []
    movements = AllowanceMovement.empty()
    if not periods:
        return months, amounts, rules
    none = UsageTotal.empty(), _CallsOf(whole.clear()), book, movements
    charges = charge_accounts(periods[0].shifted(-1), *none).tables[Charge.name]
    for period in periods:
        own = whole.filter(pl.col(RatedCall.usage_date) >= period.start, pl.col(RatedCall.usage_date) < period.end)
        usage = total_usage(RatedCall.conform(own).lazy()).collect()
        outcome = charge_accounts(period, usage, _CallsOf(own), book, movements, ahead=billed_ahead(charges, period))
        if any(finding.severity == "critical" for finding in outcome.findings):
            raise Refusal(*outcome.findings)
        tables = {**outcome.tables, **make_invoices(period, outcome.tables[Charge.name], book).tables}
        movements = pl.concat([movements, tables[AllowanceMovement.name]])
        charges = tables[Charge.name]
        rules.extend(tables[CallAdjustment.name].iter_rows(named=True))
        amounts.append(int(tables[Invoice.name][Invoice.gross_micro].sum()))
        months.append(_month(period, tables))
    return months, amounts, rules


class _CallsOf:
    """The calls of a month, where charging asks for single ones."""

    def __init__(self, calls: pl.DataFrame) -> None:
        self.calls = calls

    def __call__(self, days: Sequence[dt.date], numbers: Sequence[str]) -> pl.DataFrame:
        """Rated calls of the numbers that start on the days."""
        return self.calls.filter(
            pl.col(RatedCall.usage_date).is_in(list(days)), pl.col(RatedCall.service_number).is_in(list(numbers))
        )


def _month(period: Period, tables: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """One month as it is told."""
    invoices = tables[Invoice.name]
    return {
        "month": str(period),
        "charges": [_charge(row) for row in tables[Charge.name].iter_rows(named=True)],
        "lines": [
            {
                "number": row[InvoiceLine.service_number],
                "kind": row[InvoiceLine.kind],
                "item": row[InvoiceLine.item],
                "gross": yuan_exact(row[InvoiceLine.gross_micro]),
                "net": yuan_exact(row[InvoiceLine.net_micro]),
                "tax": yuan_exact(row[InvoiceLine.tax_micro]),
            }
            for row in tables[InvoiceLine.name].iter_rows(named=True)
        ],
        "allowances": [
            {
                str(column): row[column]
                for column in AllowanceMovement.columns
                if column not in ("contract_id", "period")
            }
            for row in tables[AllowanceMovement.name].iter_rows(named=True)
        ],
        "adjustments": [
            {
                "rule": row[CallAdjustment.rule],
                "number": row[CallAdjustment.service_number],
                "after": row[CallAdjustment.started_after],
                "before": row[CallAdjustment.started_before],
                "line": row[CallAdjustment.cdr_id],
                "calls": row[CallAdjustment.call_count],
                "amount": yuan_exact(row[CallAdjustment.amount_micro]),
            }
            for row in tables[CallAdjustment.name].iter_rows(named=True)
        ],
        "vat": [
            {"tax_code": row[TaxLine.tax_code], "rate": f"0.{row[TaxLine.vat_rate_bp]:04d}".rstrip("0")}
            | {name: yuan_exact(row[f"{name}_micro"]) for name in ("gross", "net", "tax")}
            for row in tables[TaxLine.name].iter_rows(named=True)
        ],
        "net": yuan_exact(int(invoices[Invoice.net_micro].sum())),
        "tax": yuan_exact(int(invoices[Invoice.tax_micro].sum())),
        "total": yuan_exact(int(invoices[Invoice.gross_micro].sum())),
    }


def _charge(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": row[Charge.service_number],
        "kind": row[Charge.kind],
        "item": row[Charge.item],
        "usage_month": row[Charge.usage_period],
        "rate": row[Charge.rate_id],
        "calls": row[Charge.call_count],
        "quantity": row[Charge.quantity],
        "unit": row[Charge.quantity_unit],
        "amount": yuan_exact(row[Charge.amount_micro]),
        "explanation": json.loads(row[Charge.explanation]),
    }


def _shown(call: Mapping[str, Any], row: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One call as it is told."""
    seconds, rest = divmod(call[Cdr.talk_ms], 1000)
    taken = taken_of_call(rules, row, call[Cdr.started_at])
    left = row[RatedCall.amount_micro] - sum(micro for _, micro in taken)
    return {
        "line": row[RatedCall.cdr_id],
        "start": call[Cdr.started_at].isoformat(sep=" "),
        "duration_s": f"{seconds}.{rest:03d}".rstrip("0") if rest else seconds,
        "number": row[RatedCall.service_number],
        "rate": row[RatedCall.rate_id],
        "outcome": row[RatedCall.outcome],
        "billed_seconds": row[RatedCall.billed_seconds],
        "free_seconds": row[RatedCall.free_seconds],
        "charged_seconds": row[RatedCall.charged_seconds],
        "block_count": row[RatedCall.block_count],
        "free_reason": row[RatedCall.free_reason],
        "amount": yuan_exact(row[RatedCall.amount_micro]),
        "taken": {rule[CallAdjustment.rule]: yuan_exact(micro) for rule, micro in taken},
        "left": yuan_exact(left),
    }
