"""Caps of a month from rule to credit: which hold, when each is reached, what it takes off.

First prices never change. A number that reaches its cap and has charged calls after it gets adjustments, which explain,
and one credit, which reduces the bill.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from billing.charging.account_terms import Account, AccountTerms
from billing.charging.cap_credits import call_adjustments, cap_finding, credit_item
from billing.charging.cap_instants import cap_instants
from billing.charging.cap_measures import ACCOUNT, CallsOf, daily_measures
from billing.charging.cap_rules import CapRule, cap_rules
from billing.charging.charge_rows import Item
from billing.core.findings import Finding
from billing.core.period import Period
from billing.tables.calls import CallAdjustment


@dataclass(frozen=True)
class CapEffect:
    """What caps did in a month: `CallAdjustment` rows, a credit a number, and what was found."""

    adjustments: pl.DataFrame
    credits: Sequence[tuple[AccountTerms, Item]]
    findings: Sequence[Finding]


def apply_caps(
    period: Period,
    usage: pl.DataFrame,
    terms: Sequence[AccountTerms],
    fixed_fees: Mapping[Account, int],
    usage_lines: Mapping[Account, int],
    calls_of: CallsOf,
) -> CapEffect:
    """Apply the caps of a month.

    Args:
        period: the month.
        usage: `UsageTotal` rows of the month.
        terms: terms of every number.
        fixed_fees: fixed fees of the month, micro-yuan by contract and number.
        usage_lines: usage as billed, whole fen by contract and number.
        calls_of: gives calls around a crossing day.
    """
    rules, findings = cap_rules(terms, fixed_fees)
    if not rules or usage.is_empty():
        return CapEffect(CallAdjustment.empty(), [], findings)
    daily = daily_measures(usage.join(_accounts(rules), on=ACCOUNT, how="semi"))
    instants = cap_instants(rules, _trials(terms), daily, calls_of, period)
    adjustments = call_adjustments(instants, daily, period)
    over = _by_account(adjustments)
    exact = dict(_pairs(daily.group_by(ACCOUNT).agg(pl.col("amount_micro").sum())))
    reached = {(row["contract_id"], row["service_number"]): row for row in instants.iter_rows(named=True)}
    credits = []
    for number in terms:
        account = number.account
        if account in over:
            credits.append((number, credit_item(number, exact[account], over[account], usage_lines[account])))
            findings.append(cap_finding(*account, reached[account]["rule"], reached[account]["instant"], over[account]))
    assert len(credits) == len(over), "a capped number has no terms"
    return CapEffect(adjustments, [(number, item) for number, item in credits if item.amount_micro], findings)


def _accounts(rules: Sequence[CapRule]) -> pl.DataFrame:
    pairs = sorted({(rule.contract_id, number) for rule in rules for number in rule.numbers})
    return pl.DataFrame(pairs, schema=dict.fromkeys(ACCOUNT, pl.String), orient="row")


def _trials(terms: Sequence[AccountTerms]) -> pl.DataFrame:
    trials = {number.contract_id: number.trial_until for number in terms}
    rows = sorted(trials.items(), key=lambda trial: trial[0])
    return pl.DataFrame(rows, schema={"contract_id": pl.String, "trial_until": pl.Date}, orient="row")


def _by_account(adjustments: pl.DataFrame) -> dict[Account, dict[str, int]]:
    sums = adjustments.group_by(ACCOUNT).agg(
        pl.col(CallAdjustment.call_count).sum().alias("calls"),
        pl.col(CallAdjustment.amount_micro).sum().alias("micro"),
        pl.col(CallAdjustment.settlement_micro).sum().alias("settlement"),
    )
    names = ("calls", "micro", "settlement")
    return {(row[0], row[1]): dict(zip(names, row[2:], strict=True)) for row in sums.iter_rows()}


def _pairs(sums: pl.DataFrame) -> list[tuple[Account, int]]:
    return [((row[0], row[1]), row[2]) for row in sums.iter_rows()]
