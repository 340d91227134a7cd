"""Caps of a month from rule to credit: which hold, when each is reached, what it takes off.

First prices never change. A number that reaches its cap and has charged calls after it gets adjustments, which explain,
and one credit, which reduces the bill.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import polars as pl

from billing.charging.account_terms import Account, AccountTerms
from billing.charging.cap_credits import CAP_PASSED, CAP_REACHED, REST, call_adjustments, cap_finding, credit_item
from billing.charging.cap_instants import cap_instants
from billing.charging.cap_rules import CapRule, cap_rules
from billing.charging.charge_rows import Item
from billing.charging.month_usage import ACCOUNT, MonthUsage
from billing.charging.running_bill import RunningBill
from billing.core.findings import Finding
from billing.core.money import PARTS
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
    usage: MonthUsage,
    terms: Sequence[AccountTerms],
    fixed_fees: Mapping[Account, int],
    bill: RunningBill,
) -> CapEffect:
    """Apply the caps of a month.

    Args:
        period: the month.
        usage: its calls, as the rules before left them.
        terms: terms of every number.
        fixed_fees: fixed fees of the month, micro-yuan by contract and number.
        bill: the call charges so far; it takes the credits.
    """
    rules, findings = cap_rules(terms, fixed_fees)
    if usage.daily.is_empty():
        return CapEffect(CallAdjustment.empty(), [], findings)
    passed, _ = _over([rule for rule in rules if rule.is_billed_after], usage, period, CAP_PASSED)
    findings.extend(passed)
    reached, adjustments = _over([rule for rule in rules if not rule.is_billed_after], usage, period, CAP_REACHED)
    findings.extend(reached)
    over = _by_account(adjustments)
    credits = []
    for number in terms:
        account = number.account
        if account in over:
            before = bill.billed[account]
            amount = bill.change(number, -Fraction(over[account]["micro"] * PARTS + over[account]["rest"], PARTS))
            credits.append((number, credit_item(number, over[account], before, amount)))
    assert len(credits) == len(over), "a capped number has no terms"
    credits = [(number, item) for number, item in credits if item.amount_micro]
    return CapEffect(CallAdjustment.conform(adjustments), credits, findings)


def _over(
    rules: Sequence[CapRule], usage: MonthUsage, period: Period, reason: str
) -> tuple[list[Finding], pl.DataFrame]:
    """A finding for each number that reaches a cap and has calls over it, and those calls."""
    if not rules:
        return [], CallAdjustment.empty().with_columns(pl.lit(0, pl.Int64).alias(REST))
    daily = usage.daily.join(_accounts(rules), on=ACCOUNT, how="semi", maintain_order="left")
    instants = cap_instants(rules, replace(usage, daily=daily), period)
    adjustments = call_adjustments(instants, daily, period)
    over = _by_account(adjustments)
    findings = [
        cap_finding(reason, *account, row["rule"], row["instant"], over[account])
        for row in instants.iter_rows(named=True)
        if (account := (row["contract_id"], row["service_number"])) in over
    ]
    return findings, adjustments


def _accounts(rules: Sequence[CapRule]) -> pl.DataFrame:
    pairs = sorted({(rule.contract_id, number) for rule in rules for number in rule.numbers})
    return pl.DataFrame(pairs, schema=dict.fromkeys(ACCOUNT, pl.String), orient="row")


def _by_account(adjustments: pl.DataFrame) -> dict[Account, dict[str, int]]:
    columns = {
        "calls": CallAdjustment.call_count,
        "micro": CallAdjustment.amount_micro,
        "rest": REST,
        "settlement": CallAdjustment.settlement_micro,
    }
    sums = adjustments.group_by(ACCOUNT).agg(pl.col(column).sum() for column in columns.values())
    return {(row[0], row[1]): dict(zip(columns, row[2:], strict=True)) for row in sums.iter_rows()}
