"""What a cap takes off: the calls it makes free, and one credit a number that brings the bill down to the kept calls.

Domain rule: calls over the cap cost the customer nothing and us all the same (leakage). First prices stay as they are;
the bill is reduced by the credit alone.
"""

import datetime as dt

import polars as pl

from billing.charging.account_terms import AccountTerms
from billing.charging.charge_rows import Item
from billing.charging.month_usage import ACCOUNT
from billing.core.findings import Finding
from billing.core.money import yuan_exact
from billing.core.period import Period
from billing.tables.calls import CallAdjustment, UsageTotal

CAP_REACHED = "CAP_REACHED"
CAP_PASSED = "CAP_PASSED"
REST = "rest_parts"
_SUMS = {
    "calls": ("calls", CallAdjustment.call_count),
    "amount_micro": ("micro", CallAdjustment.amount_micro),
    "rest_parts": ("rest", REST),
    "settlement_micro": ("settlement", CallAdjustment.settlement_micro),
}
"""What is summed: measure of a day, field of a single call, column of an adjustment."""


def call_adjustments(instants: pl.DataFrame, daily: pl.DataFrame, period: Period) -> pl.DataFrame:
    """The calls over a cap: for each capped number the range after its instant, and single calls at the instant.

    Args:
        instants: `cap_instants`.
        daily: sums by day of the same numbers, as the caps found them.
        period: the month.

    Returns:
        Rows of `CallAdjustment` with `rest_parts` beside them, ordered by key, always with their number, also where a
        contract shares the cap. `call_count` counts calls that would have been charged; ranges without any are left
        out.
    """
    tied = pl.col("tied").list.eval
    ranges = (
        instants.join(_full_days(instants, daily), on=ACCOUNT, how="left", maintain_order="left")
        .with_columns(pl.col("instant").alias(CallAdjustment.started_after), pl.lit(None, pl.Int64).alias("cdr_id"))
        .with_columns(
            (
                pl.col(f"over_{measure}")
                + pl.col(f"full_{measure}").fill_null(0)
                - tied(pl.element().struct.field(field)).list.sum()
            ).alias(column)
            for measure, (field, column) in _SUMS.items()
        )
    )
    singles = (
        instants.explode("tied", empty_as_null=False)
        .drop("cdr_id", strict=False)
        .unnest("tied")
        .with_columns(
            pl.lit(None, pl.Datetime("ms")).alias(CallAdjustment.started_after),
            *(pl.col(field).alias(column) for field, column in _SUMS.values()),
        )
    )
    key = pl.format("{}/{}/{}/" + str(period), *ACCOUNT, "rule").alias(CallAdjustment.rule_key)
    no_end = pl.lit(None, pl.Datetime("ms")).alias(CallAdjustment.started_before)
    is_something = (pl.col(CallAdjustment.call_count) > 0) | (pl.col(CallAdjustment.amount_micro) != 0)
    is_something |= pl.col(REST) != 0
    both = (frame.with_columns(key, no_end).select(*CallAdjustment.columns, REST) for frame in (ranges, singles))
    return pl.concat(both).filter(is_something).sort(CallAdjustment.key, nulls_last=False)


def credit_item(terms: AccountTerms, over: dict[str, int], before_micro: int, amount: int) -> Item:
    """The credit charge of a capped number; `over` holds calls, micro and settlement of its adjustments."""
    explanation = {
        "over_cap": yuan_exact(over["micro"]),
        "before": yuan_exact(before_micro),
        "kept": yuan_exact(before_micro + amount),
        "leakage": yuan_exact(over["settlement"]),
    }
    plan = terms.plan
    return Item(
        "cap_credit",
        "cap_credit",
        plan.product,
        terms.rate_id,
        plan.tax_code,
        over["calls"],
        "call",
        amount,
        explanation,
    )


def cap_finding(
    reason: str, contract_id: str, service_number: str, rule: str, instant: dt.datetime, over: dict[str, int]
) -> Finding:
    """The record that a number reached its cap and calls were still connected: free (CAP_REACHED), or billed."""
    values = {
        "contract": contract_id,
        "number": service_number,
        "rule": rule,
        "instant": instant.isoformat(sep=" ", timespec="milliseconds"),
        "calls": over["calls"],
        "amount": yuan_exact(over["micro"]),
        "leakage": yuan_exact(over["settlement"]),
    }
    return Finding(reason, "info", "", values)


def _full_days(instants: pl.DataFrame, daily: pl.DataFrame) -> pl.DataFrame:
    """Sums of the days after the day of each instant."""
    return (
        daily.join(instants.select(*ACCOUNT, "edge_day"), on=ACCOUNT)
        .filter(pl.col(UsageTotal.usage_date) > pl.col("edge_day"))
        .group_by(ACCOUNT)
        .agg(pl.col(measure).sum().alias(f"full_{measure}") for measure in _SUMS)
    )
