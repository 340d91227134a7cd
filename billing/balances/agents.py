"""Balances of agents: what is taken back beyond what a month releases is carried, and later months pay it off first.

An agent never pays us: a month pays out what was carried, released and taken back come to together, at least nothing,
and what is less than nothing goes into the next month (domain rule of clawbacks: carried by the agent's account).
"""

import polars as pl

from billing.core.period import Period
from billing.tables.documents import AgentBalance, CommissionLine

_SUM, _LINES = "sum_micro", "line_count"


def agent_balances(period: Period, commission: pl.DataFrame) -> pl.DataFrame:
    """`AgentBalance` rows of a period: agents with lines in it, a carried balance or commission not released yet.

    Args:
        period: the billing period.
        commission: `CommissionLine` rows of earlier closed periods and of this one.
    """
    carried_in, carried_out = pl.col(AgentBalance.carried_in_micro), pl.col(AgentBalance.carried_out_micro)
    months = _months(period, commission)
    total = pl.col(_SUM).cum_sum().over(AgentBalance.agent_id)
    # All that was ever paid out is the highest the running sum has been: paying is what keeps it from falling behind.
    paid = pl.max_horizontal(pl.lit(0), total.cum_max().over(AgentBalance.agent_id))
    return (
        months.with_columns((total - paid).alias(AgentBalance.carried_out_micro))
        .with_columns(
            carried_out.shift(1, fill_value=0).over(AgentBalance.agent_id).alias(AgentBalance.carried_in_micro),
            pl.col(AgentBalance.not_yet_micro).cum_sum().over(AgentBalance.agent_id),
        )
        .with_columns(pl.max_horizontal(pl.lit(0), carried_in + pl.col(_SUM)).alias(AgentBalance.payable_micro))
        .filter(pl.col(AgentBalance.period) == str(period))
        .filter((pl.col(_LINES) > 0) | (carried_in != 0) | (pl.col(AgentBalance.not_yet_micro) != 0))
        .sort(AgentBalance.agent_id)
        .pipe(AgentBalance.conform)
    )


def _months(period: Period, commission: pl.DataFrame) -> pl.DataFrame:
    """Sums by agent and period in order, with a row of the period for every agent there ever was."""
    released, accrued = pl.col(CommissionLine.released_micro), pl.col(CommissionLine.accrued_micro)
    sums = commission.group_by(CommissionLine.agent_id, CommissionLine.period).agg(
        released.filter(released > 0).sum().alias(AgentBalance.earned_micro),
        released.filter(released < 0).sum().alias(AgentBalance.taken_back_micro),
        released.sum().alias(_SUM),
        (accrued.sum() - released.sum()).alias(AgentBalance.not_yet_micro),
        pl.len().cast(pl.Int64).alias(_LINES),
    )
    now = sums.select(CommissionLine.agent_id).unique().with_columns(pl.lit(str(period)).alias(AgentBalance.period))
    measures = [name for name in sums.columns if name not in (CommissionLine.agent_id, CommissionLine.period)]
    return (
        pl.concat([sums, now], how="diagonal")
        .group_by(CommissionLine.agent_id, CommissionLine.period)
        .agg(pl.col(measures).sum())
        .sort(CommissionLine.agent_id, CommissionLine.period)
    )
