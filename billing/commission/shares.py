"""A share that a rule earns on one source, how tiers divide it, and how much of it is paid out.

Domain rules: half up to the fen once a statement line; two tiers divide one commission, the tail goes to tier 1; what
arose and what may be paid out are two figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from billing.core.money import BASIS_POINTS, MICRO_PER_FEN, allot_total, round_ratio, share_of
from billing.core.period import Period
from billing.tables.documents import CommissionLine

Row = dict[str, Any]
RuleName = Literal["full_prepayment", "annual_payment", "monthly_function_fee"]
YEAR_4_ON = "YEAR_4_ON"
TRIAL = "TRIAL"
REFUND = "REFUND"
"""Reasons of lines: why nothing was earned, or that the line takes back what was."""


@dataclass(frozen=True)
class Payee:
    """An agent and, below tier 1, the agent above with whom each commission is divided."""

    agent_id: str
    parent_agent_id: str | None
    share_bp: int
    scheme: str


@dataclass(frozen=True)
class EarnedShare:
    """What a rule earns on a receipt or a function fee, before tiers divide it.

    Attributes:
        scheme: scheme@start.
        collected: (paid, billed) of the bill the share hangs on; (1, 1) when the money is already here.
        reason: why nothing was earned, else None.
    """

    contract_id: str
    customer_id: str
    payee: Payee
    rule: RuleName
    scheme: str
    contract_year: int | None
    base_micro: int
    rate_bp: int
    source: str
    collected: tuple[int, int] = (1, 1)
    reason: str | None = None


def split_tiers(commission_micro: int, share_bp: int) -> tuple[int, int]:
    """Divide a commission between tier 1 and tier 2 by largest remainder, the tail to tier 1.

    Args:
        commission_micro: the whole commission, whole fen.
        share_bp: what the tier-2 agent keeps.

    Returns:
        Tier 1's part and tier 2's part.
    """
    upper, lower = allot_total(commission_micro, (BASIS_POINTS - share_bp, share_bp))
    return upper, lower


def released_part(accrued_micro: int, paid_micro: int, billed_micro: int) -> int:
    """How much of a share may be paid out in all: in proportion to what was paid of the bill, half up to the fen.

    A bill of zero or less leaves nothing to collect, so all is released.
    """
    if billed_micro <= 0 or paid_micro >= billed_micro:
        return accrued_micro
    return round_ratio(accrued_micro * max(0, paid_micro), billed_micro * MICRO_PER_FEN) * MICRO_PER_FEN


def share_lines(share: EarnedShare, period: Period) -> list[Row]:
    """Commission lines of a share: one, or one for each tier."""
    commission = 0 if share.reason else share_of(share.base_micro, share.rate_bp)
    payee = share.payee
    if payee.parent_agent_id is None:
        parts = [(payee.agent_id, BASIS_POINTS, commission)]
    else:
        upper, lower = split_tiers(commission, payee.share_bp)
        parts = [
            (payee.agent_id, payee.share_bp, lower),
            (payee.parent_agent_id, BASIS_POINTS - payee.share_bp, upper),
        ]
    return [_line(share, period, *part) for part in parts]


def release_line(original: Mapping[str, Any], released_micro: int, period: Period) -> Row:
    """A line that only releases what arose earlier; its source is the key of the original line."""
    key = original[CommissionLine.commission_key]
    return dict(original) | {
        CommissionLine.commission_key: f"{key}/released/{period}",
        CommissionLine.period: str(period),
        CommissionLine.accrued_micro: 0,
        CommissionLine.released_micro: released_micro,
        CommissionLine.source: key,
    }


def _line(share: EarnedShare, period: Period, agent_id: str, share_bp: int, accrued: int) -> Row:
    return {
        CommissionLine.commission_key: f"{agent_id}/{share.contract_id}/{share.rule}/{share.source}",
        CommissionLine.period: str(period),
        CommissionLine.agent_id: agent_id,
        CommissionLine.contract_id: share.contract_id,
        CommissionLine.customer_id: share.customer_id,
        CommissionLine.rule: share.rule,
        CommissionLine.scheme: share.scheme,
        CommissionLine.contract_year: share.contract_year,
        CommissionLine.base_micro: share.base_micro,
        CommissionLine.rate_bp: share.rate_bp,
        CommissionLine.share_bp: share_bp,
        CommissionLine.accrued_micro: accrued,
        CommissionLine.released_micro: released_part(accrued, *share.collected),
        CommissionLine.source: share.source,
        CommissionLine.reason: share.reason,
    }
