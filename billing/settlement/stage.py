"""Settle the carriers: calls at the carrier's own price and blocks, its minimum of each number, late calls, input VAT.

Domain rule: a carrier's terms are a contract like any other; each line is rounded half up to the fen, VAT is computed
once a carrier and rate and allotted to the lines, and only a general taxpayer may deduct it.
"""

import datetime as dt
from collections.abc import Mapping

import polars as pl

from billing.core.digests import canonical_json
from billing.core.findings import Outcome
from billing.core.money import allot_net, round_to_fen_expr, yuan_exact
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.settlement.carrier_minimums import carrier_true_ups
from billing.settlement.late_lines import late_lines
from billing.tables.calls import UsageTotal
from billing.tables.catalog import ServiceNumber
from billing.tables.documents import SettlementLine

_TAX_GROUP = (SettlementLine.carrier_id, SettlementLine.vat_rate_bp)


def settle_carriers(
    period: Period, usage: pl.DataFrame, book: RateBook, billed: Mapping[Period, pl.DataFrame]
) -> Outcome:
    """What we owe each carrier for a month.

    Args:
        period: the billing period.
        usage: `UsageTotal` rows billed in it; days of earlier months make lines of their own usage period.
        book: the rate book.
        billed: `UsageTotal` rows of earlier months as these books billed them so far, for every such month with late
            calls. Late calls of a month that is not here are plain usage: these books never billed it.

    Returns:
        Table `settlement_line` in key order: usage and true_up lines, input VAT split where it may be deducted, else
        net = gross. No findings.
    """
    in_month = pl.col(UsageTotal.usage_date).dt.strftime("%Y-%m")
    plain = _usage_lines(period, usage.filter(~in_month.is_in([str(month) for month in billed])), book)
    parts = [plain, carrier_true_ups(period, plain, book)]
    for month, before in sorted(billed.items()):
        after = pl.concat([before, usage.filter(in_month == str(month))])
        old, new = (_usage_lines(period, calls, book) for calls in (before, after))
        parts.append(late_lines(period, month, old, new, book))
    lines = pl.concat(parts).pipe(_with_vat_rate, book).sort(SettlementLine.key).pipe(_with_vat)
    return Outcome({SettlementLine.name: lines})


def _usage_lines(period: Period, usage: pl.DataFrame, book: RateBook) -> pl.DataFrame:
    numbers = book.table(ServiceNumber.name).select(ServiceNumber.service_number, ServiceNumber.carrier_id)
    usage_period = pl.col(UsageTotal.usage_date).dt.strftime("%Y-%m").alias(SettlementLine.usage_period)
    exact = pl.col(UsageTotal.settlement_micro)
    lines = (
        usage.with_columns(usage_period)
        .group_by(SettlementLine.usage_period, UsageTotal.service_number, UsageTotal.settlement_rate_id)
        .agg(
            pl.col(UsageTotal.call_count).sum(),
            pl.col(UsageTotal.settlement_billed_seconds).sum().alias(SettlementLine.billed_seconds),
            exact.sum(),
        )
        .join(numbers, on=ServiceNumber.service_number, how="left")
    )
    explanation = [canonical_json({"exact": yuan_exact(micro)}) for micro in lines[UsageTotal.settlement_micro]]
    return lines.select(
        pl.lit(str(period)).alias(SettlementLine.period),
        SettlementLine.usage_period,
        SettlementLine.carrier_id,
        SettlementLine.service_number,
        SettlementLine.settlement_rate_id,
        pl.lit("usage").alias(SettlementLine.kind),
        SettlementLine.call_count,
        SettlementLine.billed_seconds,
        round_to_fen_expr(exact).alias(SettlementLine.gross_micro),
        pl.Series(SettlementLine.explanation, explanation, pl.String),
    )


def _with_vat_rate(lines: pl.DataFrame, book: RateBook) -> pl.DataFrame:
    """The carrier's rate on the last day of the usage month where we may deduct it, else zero: all of it is cost."""
    rates = []
    columns = (SettlementLine.settlement_rate_id, SettlementLine.usage_period)
    for rate_id, month in lines.select(columns).unique().sort(columns).iter_rows():
        supplied = Period.parse(month).end - dt.timedelta(days=1)
        plan, _ = book.settlement_by_rate(rate_id)
        rate = book.vat_rate_bp(plan.tax_code, supplied) if book.input_vat_deductible(supplied) else 0
        rates.append((rate_id, month, rate))
    schema = {str(columns[0]): pl.String, str(columns[1]): pl.String, str(SettlementLine.vat_rate_bp): pl.Int64}
    return lines.join(pl.DataFrame(rates, schema=schema, orient="row"), on=columns, how="left")


def _with_vat(lines: pl.DataFrame) -> pl.DataFrame:
    """Net and tax of each line: one e-fapiao line a carrier and rate, allotted to its lines in key order."""
    row = pl.int_range(pl.len(), dtype=pl.Int64).alias("row")
    numbered = lines.with_columns(row)
    groups = numbered.group_by(_TAX_GROUP, maintain_order=True).agg("row", SettlementLine.gross_micro)
    pairs = zip(groups[SettlementLine.gross_micro].to_list(), groups[SettlementLine.vat_rate_bp].to_list(), strict=True)
    nets = pl.Series(SettlementLine.net_micro, [allot_net(gross, rate) for gross, rate in pairs], pl.List(pl.Int64))
    allotted = groups.select("row", nets).explode("row", SettlementLine.net_micro, empty_as_null=False)
    tax = pl.col(SettlementLine.gross_micro) - pl.col(SettlementLine.net_micro)
    return (
        numbered.join(allotted, on="row", how="left", maintain_order="left")
        .with_columns(tax.alias(SettlementLine.tax_micro))
        .pipe(SettlementLine.conform)
    )
