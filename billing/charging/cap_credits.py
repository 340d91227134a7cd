"""What a cap takes off: the calls it makes free, and one credit a number that brings the bill down to the kept calls.

Domain rule: calls over the cap cost the customer nothing and us all the same (leakage). First prices stay as they are;
the bill is reduced by the credit alone. Usage lines and credit together are the kept calls' exact sum, rounded half up
once: the credit is that rounded sum less the rounded usage lines.
"""

import datetime as dt

import polars as pl

from billing.charging.account_terms import AccountTerms
from billing.charging.cap_measures import ACCOUNT
from billing.charging.charge_rows import Item
from billing.core.findings import Finding
from billing.core.money import round_to_fen, yuan_exact
from billing.core.period import Period
from billing.tables.calls import CallAdjustment, UsageTotal

CAP_REACHED = "CAP_REACHED"
_FULL_DAYS = ("full_calls", "full_micro", "full_settlement")


def cap_credit(exact_micro: int, over_micro: int, usage_lines_micro: int) -> int:
    """The credit of a number, zero or negative, whole fen.

    Args:
        exact_micro: exact sum of the month's calls.
        over_micro: exact sum of those over the cap.
        usage_lines_micro: the usage lines as billed, rounded.
    """
    return min(0, round_to_fen(exact_micro - over_micro) - usage_lines_micro)


def call_adjustments(instants: pl.DataFrame, daily: pl.DataFrame, period: Period) -> pl.DataFrame:
    """The calls over a cap: for each capped number the range after its instant, and single calls at the instant.

    Args:
        instants: `cap_instants`.
        daily: `daily_measures` of the same numbers.
        period: the month.

    Returns:
        `CallAdjustment` rows ordered by key, always with their number, also where a contract shares the cap.
        `call_count` counts calls that would have been charged; ranges without any are left out.
    """
    tied = pl.col("tied").list.eval
    ranges = (
        instants.join(_full_days(instants, daily), on=ACCOUNT, how="left", maintain_order="left")
        .with_columns(pl.col(_FULL_DAYS).fill_null(0))
        .with_columns(
            pl.col("instant").alias(CallAdjustment.started_after),
            pl.lit(None, pl.Int64).alias(CallAdjustment.cdr_id),
            *(
                (pl.col(edge) + pl.col(full) - tied(pl.element().struct.field(field)).list.sum()).alias(column)
                for edge, full, field, column in (
                    ("over_calls", "full_calls", "calls", CallAdjustment.call_count),
                    ("over_micro", "full_micro", "micro", CallAdjustment.amount_micro),
                    ("over_settlement_micro", "full_settlement", "settlement", CallAdjustment.settlement_micro),
                )
            ),
        )
    )
    singles = (
        instants.explode("tied", empty_as_null=False)
        .drop("cdr_id", strict=False)
        .unnest("tied")
        .with_columns(
            pl.lit(None, pl.Datetime("ms")).alias(CallAdjustment.started_after),
            pl.col("calls").alias(CallAdjustment.call_count),
            pl.col("micro").alias(CallAdjustment.amount_micro),
            pl.col("settlement").alias(CallAdjustment.settlement_micro),
        )
    )
    key = pl.format("{}/{}/{}/" + str(period), *ACCOUNT, "rule").alias(CallAdjustment.rule_key)
    both = (CallAdjustment.conform(frame.with_columns(key)) for frame in (ranges, singles))
    return (
        pl.concat(both)
        .filter(pl.col(CallAdjustment.call_count) > 0)
        .sort(CallAdjustment.rule_key, CallAdjustment.cdr_id, nulls_last=False)
    )


def credit_item(terms: AccountTerms, exact_micro: int, over: dict[str, int], usage_lines_micro: int) -> Item:
    """The credit charge of a capped number; `over` holds calls, micro and settlement of its adjustments."""
    amount = cap_credit(exact_micro, over["micro"], usage_lines_micro)
    explanation = {
        "over_cap": yuan_exact(over["micro"]),
        "kept": yuan_exact(exact_micro - over["micro"]),
        "usage_lines": yuan_exact(usage_lines_micro),
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
    contract_id: str, service_number: str, rule: str, instant: dt.datetime, over: dict[str, int]
) -> Finding:
    """The record that a number reached its cap and calls were still connected."""
    values = {
        "contract": contract_id,
        "number": service_number,
        "rule": rule,
        "instant": instant.isoformat(sep=" ", timespec="milliseconds"),
        "calls": over["calls"],
        "amount": yuan_exact(over["micro"]),
        "leakage": yuan_exact(over["settlement"]),
    }
    return Finding(CAP_REACHED, "info", "", values)


def _full_days(instants: pl.DataFrame, daily: pl.DataFrame) -> pl.DataFrame:
    """Sums of the days after the day of each instant."""
    return (
        daily.join(instants.select(*ACCOUNT, "edge_day"), on=ACCOUNT)
        .filter(pl.col(UsageTotal.usage_date) > pl.col("edge_day"))
        .group_by(ACCOUNT)
        .agg(
            pl.col("calls").sum().alias("full_calls"),
            pl.col(UsageTotal.amount_micro).sum().alias("full_micro"),
            pl.col(UsageTotal.settlement_micro).sum().alias("full_settlement"),
        )
    )
