"""What allowances do to a month: credits on the bill, the calls they leave to other rules, how the lots moved."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import polars as pl

from billing.charging.account_terms import Account, AccountTerms
from billing.charging.allowances.adjustments import allowance_adjustments
from billing.charging.allowances.draws import draw_month
from billing.charging.allowances.lots import COUNTED_IN, Lot, MonthLots, month_lots
from billing.charging.charge_rows import Item
from billing.charging.month_usage import ACCOUNT, CallsOf, MonthUsage
from billing.charging.running_bill import RunningBill
from billing.core.findings import Finding
from billing.core.money import PARTS, yuan_exact
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.calls import CallAdjustment, RatedCall, UsageTotal
from billing.tables.documents import AllowanceMovement

PAID_BY_ALLOWANCE = "allowance"
"""Why a call is free to the rules that come after."""

_TAKEN = ("calls", "seconds", "amount_micro", "rest_parts")


@dataclass(frozen=True)
class AllowanceEffect:
    """What is left of the month's calls, a credit each number and allowance, ranges of calls, movements, findings."""

    left: MonthUsage
    credits: Sequence[tuple[AccountTerms, Item]]
    adjustments: pl.DataFrame
    movements: pl.DataFrame
    findings: Sequence[Finding]


def apply_allowances(
    period: Period,
    usage: pl.DataFrame,
    month: MonthUsage,
    terms: Sequence[AccountTerms],
    movements: pl.DataFrame,
    bill: RunningBill,
    book: RateBook,
) -> AllowanceEffect:
    """Apply the allowances of a month.

    Args:
        period: the month.
        usage: its `UsageTotal` rows.
        month: the same, as rules see it.
        terms: terms of every number.
        movements: `AllowanceMovement` rows of other months.
        bill: the call charges so far; it takes the credits.
        book: the rate book.
    """
    lots = month_lots(period, terms, book, movements)
    if not lots.lots:
        return AllowanceEffect(month, [], CallAdjustment.empty(), AllowanceMovement.empty(), lots.findings)
    draws = draw_month(lots, usage, month.calls_of, book)
    return AllowanceEffect(
        left=_left(month, draws),
        credits=_credits(draws, terms, lots, bill),
        adjustments=allowance_adjustments(draws, month, period),
        movements=_movements(lots, period),
        findings=lots.findings,
    )


def _left(month: MonthUsage, draws: pl.DataFrame) -> MonthUsage:
    key = (*ACCOUNT, UsageTotal.usage_date)
    taken = draws.group_by(key).agg(pl.col(_TAKEN).sum().name.prefix("taken_"))
    daily = (
        month.daily.join(taken, on=key, how="left", maintain_order="left")
        .with_columns(pl.col(name) - pl.col(f"taken_{name}").fill_null(0) for name in _TAKEN)
        .select(month.daily.columns)
    )
    return MonthUsage(daily, _calls_left(month.calls_of, draws))


def _calls_left(calls_of: CallsOf, draws: pl.DataFrame) -> CallsOf:
    """Single calls without what allowances paid for; a call paid whole is free."""
    paid_days = draws.filter(pl.col("cdr_id").is_null()).select(
        *ACCOUNT, "rate_id", UsageTotal.usage_date, pl.lit(value=True).alias("is_paid_day")
    )
    single = (
        draws.filter(pl.col("cdr_id").is_not_null())
        .group_by("cdr_id")
        .agg(pl.col("seconds", "amount_micro", "rest_parts").sum().name.prefix("taken_"), pl.col("is_last").any())
    )
    columns = {"seconds": "charged_seconds", "amount_micro": "amount_micro", "rest_parts": "rest_parts"}

    def calls_left(days: Sequence[dt.date], numbers: Sequence[str]) -> pl.DataFrame:
        calls = calls_of(days, numbers)
        is_paid_day = pl.col("is_paid_day").fill_null(False) & pl.col(RatedCall.free_reason).is_null()
        is_paid = is_paid_day | pl.col("is_last").fill_null(False)
        return (
            calls.with_columns(pl.col("started_at").dt.date().alias("usage_date"))
            .join(paid_days, on=(*ACCOUNT, "rate_id", "usage_date"), how="left", maintain_order="left")
            .join(single, on="cdr_id", how="left", maintain_order="left")
            .with_columns(
                pl.when(is_paid_day).then(0).otherwise(pl.col(own) - pl.col(f"taken_{name}").fill_null(0)).alias(own)
                for name, own in columns.items()
            )
            .with_columns(
                pl.when(is_paid).then(pl.lit(PAID_BY_ALLOWANCE)).otherwise(RatedCall.free_reason).alias("free_reason")
            )
            .select(calls.columns)
        )

    return calls_left


def _credits(
    draws: pl.DataFrame, terms: Sequence[AccountTerms], lots: MonthLots, bill: RunningBill
) -> list[tuple[AccountTerms, Item]]:
    sums = (
        draws.filter(pl.col("allowance").is_not_null())
        .group_by(*ACCOUNT, "allowance")
        .agg(pl.col(_TAKEN).sum(), pl.len())
        .sort(*ACCOUNT, "allowance")
    )
    by_account: dict[Account, list[dict[str, Any]]] = {}
    for row in sums.iter_rows(named=True):
        by_account.setdefault((row["contract_id"], row["service_number"]), []).append(row)
    credits = []
    for number in terms:
        for row in by_account.pop(number.account, ()):
            amount = bill.change(number, -Fraction(row["amount_micro"] * PARTS + row["rest_parts"], PARTS))
            if amount:
                credits.append((number, _item(number, row, amount, lots)))
    assert not by_account, "a number draws without terms"
    return credits


def _item(terms: AccountTerms, row: Mapping[str, Any], amount: int, lots: MonthLots) -> Item:
    name, plan = row["allowance"], terms.plan
    open_lots = [lot for lot in lots.of_number[terms.account] if lot.allowance.name == name]
    explanation = {
        "allowance": name,
        "covered": yuan_exact(row["amount_micro"]),
        "calls": str(row["calls"]),
        "left": left_text(open_lots),
    }
    seconds, rate_id = row["seconds"], terms.rate_id
    return Item(
        "allowance_credit",
        "allowance_credit",
        plan.product,
        rate_id,
        plan.tax_code,
        seconds,
        "second",
        amount,
        explanation,
        name,
    )


def left_text(lots: Sequence[Lot]) -> str:
    """What is left of lots of one allowance, in its unit."""
    left = sum(lot.left for lot in lots)
    of = lots[0].allowance.of
    if of == "yuan":
        return f"{yuan_exact(left // PARTS)} {of}"
    minutes, seconds = divmod(left, 60) if of == "minute" else (left, 0)
    return f"{minutes} {of}" + (f" {seconds} second" if seconds else "")


def _movements(lots: MonthLots, period: Period) -> pl.DataFrame:
    rows = []
    for lot in lots.lots:
        lapses = lot.expires_on is not None and lot.expires_on <= period.end
        rows.append(
            {
                AllowanceMovement.lot_key: lot.key,
                AllowanceMovement.period: str(period),
                AllowanceMovement.usage_period: str(period),
                AllowanceMovement.contract_id: lot.contract_id,
                AllowanceMovement.service_number: lot.service_number,
                AllowanceMovement.allowance: lot.allowance.name,
                AllowanceMovement.granted_on: lot.granted_on,
                AllowanceMovement.expires_on: lot.expires_on,
                AllowanceMovement.counted_in: COUNTED_IN[lot.allowance.of],
                AllowanceMovement.granted: lot.opening if lot.is_new else 0,
                AllowanceMovement.drawn: lot.opening - lot.left,
                AllowanceMovement.lapsed: lot.left if lapses else 0,
                AllowanceMovement.remaining: 0 if lapses else lot.left,
            }
        )
    return AllowanceMovement.of_rows(rows).sort(AllowanceMovement.key)
