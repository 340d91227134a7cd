"""Which caps hold for which numbers in a month: the plan's reading, the agreed amount.

Domain rule: an amount cap must say whether fixed fees count (`fee_base`), a count cap whether every attempt counts; an
amount agreed for a number replaces the plan's only where the plan has that reading.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from billing.charging.account_terms import Account, AccountTerms
from billing.charging.discounts import sum_before_discount
from billing.core.findings import Finding
from billing.core.money import PARTS

CAP_READING_MISSING = "CAP_READING_MISSING"
CAP_TERMS_DISAGREE = "CAP_TERMS_DISAGREE"
RuleName = Literal["cap_amount", "cap_count"]
CAP_RULES: tuple[RuleName, ...] = ("cap_amount", "cap_count")
Measure = Literal["amount_micro", "attempts", "answered"]
Crossing = Literal["whole", "truncate", "none"]


@dataclass(frozen=True)
class CapRule:
    """One cap of one number or of the numbers of one contract that share it.

    Attributes:
        limit: calls for a count cap, parts of a millionth of a yuan for an amount cap.
        before: what already counts before the first call: fixed fees when fee_base is all, else zero.
        measure: what a call adds.
        crossing: what becomes of the call that reaches the cap, and of calls under way then.
        is_billed_after: whether calls over the cap are billed all the same.
    """

    rule: RuleName
    contract_id: str
    numbers: tuple[str, ...]
    scope: Literal["number", "contract"]
    limit: int
    before: int
    measure: Measure
    crossing: Crossing = "whole"
    is_billed_after: bool = False


def cap_rules(terms: Sequence[AccountTerms], fixed_fees: Mapping[Account, int]) -> tuple[list[CapRule], list[Finding]]:
    """The caps of the month, and what makes one unreadable.

    Args:
        terms: terms of every number.
        fixed_fees: fixed fees of the month by contract and number, micro-yuan.

    Returns:
        Rules in a fixed order, and critical findings: an agreed cap under a plan that has none; numbers that share a
        cap of their contract but state different ones (the lowest is used).
    """
    rules: list[CapRule] = []
    findings: list[Finding] = []
    shared: dict[tuple[str, RuleName], list[CapRule]] = {}
    for number in terms:
        for rule in _rules_of(number, fixed_fees.get(number.account, 0), findings):
            if rule.scope == "contract":
                shared.setdefault((rule.contract_id, rule.rule), []).append(rule)
            else:
                rules.append(rule)
    for group in shared.values():
        if len({(rule.limit, rule.measure, rule.is_billed_after) for rule in group}) > 1:
            values = {"contract": group[0].contract_id, "rule": group[0].rule}
            findings.append(Finding(CAP_TERMS_DISAGREE, "critical", "", values))
        rules.append(_shared_rule(group))
    return rules, findings


def _rules_of(terms: AccountTerms, fixed_micro: int, findings: list[Finding]) -> list[CapRule]:
    rules = []
    numbers = (terms.service_number,)
    amount, count = terms.version.cap_amount, terms.version.cap_count
    if amount is not None:
        agreed_micro = amount.amount if terms.cap_amount_micro is None else terms.cap_amount_micro
        before = fixed_micro if amount.fee_base == "all" else 0
        limit = _limit_parts(terms, agreed_micro - before)
        if limit is not None:
            before *= PARTS
            rule = CapRule(
                "cap_amount", terms.contract_id, numbers, amount.scope, before + limit, before, "amount_micro"
            )
            rules.append(replace(rule, crossing=amount.crossing, is_billed_after=amount.after == "bill"))
    if count is not None:
        calls = count.calls if terms.cap_count is None else terms.cap_count
        rule = CapRule("cap_count", terms.contract_id, numbers, count.scope, calls, 0, count.count)
        rules.append(replace(rule, is_billed_after=count.after == "bill"))
    stated = {"cap_amount": (terms.cap_amount_micro, amount), "cap_count": (terms.cap_count, count)}
    for name, (agreed, reading) in stated.items():
        if agreed is not None and reading is None:
            values = {"contract": terms.contract_id, "number": terms.service_number, "plan": terms.rate_id}
            findings.append(Finding(CAP_READING_MISSING, "critical", "", values | {"rule": name}))
    return rules


def _limit_parts(terms: AccountTerms, for_calls_micro: int) -> int | None:
    """First prices that fill what the cap leaves for calls, in parts; None where discounts leave nothing to fill it."""
    discounts = [discount for discount in terms.version.discounts if discount.position == "before_cap"]
    filled_at = sum_before_discount(discounts, Fraction(for_calls_micro))
    return None if filled_at is None else math.ceil(filled_at * PARTS)


def _shared_rule(group: Sequence[CapRule]) -> CapRule:
    """The cap that numbers of a contract fill together; fixed fees of those that count them come first."""
    lowest = min(group, key=lambda rule: (rule.limit, rule.measure))
    numbers = tuple(sorted(rule.numbers[0] for rule in group))
    before = sum(rule.before for rule in group)
    return replace(lowest, numbers=numbers, before=before)
