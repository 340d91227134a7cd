"""From the list price of the calls to the margin: each step is a kind of charge, and the sums stand between them.

The audit pack has the same steps as the view `waterfall`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from billing.tables.documents import Charge, CommissionLine, Invoice, SettlementLine

CHARGED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("gross_usage", ("usage",)),
    ("rounding", ("rounding",)),
    ("allowance_credit", ("allowance_credit",)),
    ("tier_credit", ("tier_credit",)),
    ("cap_credit", ("cap_credit",)),
    ("discount", ("discount",)),
    ("true_up", ("true_up",)),
    ("fees", ("recurring", "one_off")),
    ("metered", ("metered",)),
    ("service_credit", ("service_credit",)),
    ("adjustment", ("adjustment",)),
    ("late_usage", ("late_usage",)),
    ("late_fee", ("late_fee",)),
)
"""Steps up to the bills, and the kinds of charges in each; every kind stands once."""


@dataclass(frozen=True)
class FallStep:
    """A step: a change, or a sum of what stands before it."""

    figure: str
    amount_micro: int
    role: Literal["start", "change", "sum"] = "change"


def waterfall(tables: Mapping[str, pl.DataFrame]) -> list[FallStep]:
    """Every step, those of nothing too.

    Args:
        tables: charge, invoice, settlement_line, commission_line.
    """
    charges = tables[Charge.name]
    by_kind = dict(charges.group_by(Charge.kind).agg(pl.col(Charge.amount_micro).sum()).iter_rows())
    steps = [
        FallStep(figure, sum(by_kind.get(kind, 0) for kind in kinds), "change" if index else "start")
        for index, (figure, kinds) in enumerate(CHARGED)
    ]
    invoices = tables[Invoice.name]
    net = int(invoices[Invoice.net_micro].sum())
    settled = int(tables[SettlementLine.name][SettlementLine.net_micro].sum())
    earned = int(tables[CommissionLine.name][CommissionLine.accrued_micro].sum())
    return [
        *steps,
        FallStep("revenue_gross", int(invoices[Invoice.gross_micro].sum()), "sum"),
        FallStep("vat", -int(invoices[Invoice.tax_micro].sum())),
        FallStep("revenue_net", net, "sum"),
        FallStep("settlement_net", -settled),
        FallStep("commission", -earned),
        FallStep("margin", net - settled - earned, "sum"),
    ]
