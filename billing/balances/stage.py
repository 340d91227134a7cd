"""Balances at the end of a month, for the figures that a bill and a statement are read for.

Everything is worked out from the beginning of the books, from closed bills, closed commission and the receipts known
now: a receipt that was entered late moves the opening balance of the next month, never a closed one.
"""

import polars as pl

from billing.balances.accounts import account_balances, changed_hands
from billing.balances.agents import agent_balances
from billing.core.findings import Outcome
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.documents import AccountBalance, AgentBalance


def carry_balances(
    period: Period, invoices: pl.DataFrame, lines: pl.DataFrame, commission: pl.DataFrame, book: RateBook
) -> Outcome:
    """What contracts owe and agents are paid at the end of a period.

    Args:
        period: the billing period.
        invoices: `Invoice` rows of earlier closed periods and of this one.
        lines: their `InvoiceLine` rows.
        commission: `CommissionLine` rows of earlier closed periods and of this one.
        book: the rate book: contracts, receipts, the first period of the books.

    Returns:
        Tables `account_balance` and `agent_balance` in key order. Findings: CONTRACT_CHANGED_HANDS.
    """
    return Outcome(
        {
            AccountBalance.name: account_balances(period, invoices, lines, book),
            AgentBalance.name: agent_balances(period, commission),
        },
        tuple(changed_hands(invoices, lines, book)),
    )
