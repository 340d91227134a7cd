"""What rules of the month took of one call: its adjustments, and how much of its price each of them is."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from billing.core.period import Period
from billing.tables.calls import CallAdjustment, RatedCall

Row = Mapping[str, Any]


def taken_of_call(rules: Iterable[Row], rated: Row, started_at: dt.datetime) -> list[tuple[Row, int]]:
    """The rules that took something of a call, in their order, each with what it took in millionths of a yuan.

    Args:
        rules: `CallAdjustment` rows, ordered by key.
        rated: the `RatedCall` row.
        started_at: when the call started.
    """
    found: list[tuple[Row, int]] = []
    left = rated[RatedCall.amount_micro]
    if rated[RatedCall.free_reason] is not None:
        return found
    whose = (rated[RatedCall.contract_id], rated[RatedCall.service_number])
    month = f"/{Period.of(started_at.date())}"
    for rule in rules:
        is_own = (rule[CallAdjustment.contract_id], rule[CallAdjustment.service_number]) == whose
        if not is_own or not rule[CallAdjustment.rule_key].endswith(month):
            continue
        after, before = rule[CallAdjustment.started_after], rule[CallAdjustment.started_before]
        is_named = rule[CallAdjustment.cdr_id] == rated[RatedCall.cdr_id]
        is_inside = after is not None and started_at > after and (before is None or started_at < before)
        if left and (is_named or is_inside):
            taken = min(left, rule[CallAdjustment.amount_micro]) if is_named else left
            left -= taken
            found.append((rule, taken))
    return found
