"""Answered calls on days on which the catalog says that a number was suspended: billed, and told."""

from collections.abc import Sequence

import polars as pl

from billing.charging.account_terms import AccountTerms
from billing.charging.service_events import NO_DAYS
from billing.core.findings import Finding
from billing.tables.calls import UsageTotal

CALLS_WHILE_SUSPENDED = "CALLS_WHILE_SUSPENDED"


def suspended_calls(terms: Sequence[AccountTerms], daily: pl.DataFrame) -> list[Finding]:
    """One warning a number with answered calls while it was suspended.

    Args:
        terms: terms of every number.
        daily: what the calls of each contract, number and day come to, as `MonthUsage` has it.
    """
    found = []
    for number in terms:
        days = number.event_days.get("suspension", NO_DAYS)
        if days:
            calls = daily.filter(
                pl.col(UsageTotal.contract_id) == number.contract_id,
                pl.col(UsageTotal.service_number) == number.service_number,
                pl.col(UsageTotal.usage_date).is_in(sorted(days)),
            )
            if count := int(calls["answered"].sum()):
                values = {"contract": number.contract_id, "number": number.service_number, "count": count}
                found.append(Finding(CALLS_WHILE_SUSPENDED, "warning", "", values))
    return found
