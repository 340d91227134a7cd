"""What each number's calls come to on the bill while the rules of a month are applied one after the other.

Domain rule: usage lines are rounded each for itself; as soon as a rule takes something away, lines and credits together
are the exact sum of what is left, rounded once in the plan's mode. A credit is the difference between two such sums.
"""

from collections.abc import Mapping
from fractions import Fraction

from billing.charging.account_terms import Account, AccountTerms
from billing.core.money import PARTS, fen_of


class RunningBill:
    """Call charges of every number: exact, in millionths of a yuan, and as billed, in whole fen."""

    def __init__(self, exact_parts: Mapping[Account, int], billed_micro: Mapping[Account, int]) -> None:
        self.exact = {account: Fraction(parts, PARTS) for account, parts in exact_parts.items()}
        self.billed = dict(billed_micro)

    def change(self, terms: AccountTerms, by: Fraction) -> int:
        """Take an exact amount away (or add one); returns what that is on the bill, whole fen."""
        account = terms.account
        self.exact[account] = self.exact.get(account, Fraction(0)) + by
        before = self.billed.get(account, 0)
        after = fen_of(self.exact[account], terms.version.call.rounding.mode)
        # Lines of a fraction of a fen each were rounded down one by one; what takes money away never adds it up again.
        self.billed[account] = min(before, after) if by <= 0 else after
        return self.billed[account] - before

    def add(self, account: Account, micro: int) -> None:
        """Add an amount that is a bill line of its own, whole fen."""
        self.exact[account] = self.exact.get(account, Fraction(0)) + micro
        self.billed[account] = self.billed.get(account, 0) + micro
