"""The rule catalogue: read, checked, and nowhere else. A predicate stands once, in rules.yaml."""

from dataclasses import dataclass, field
from decimal import Decimal
from importlib import resources
from typing import Literal

import yaml

from billing.core.findings import Severity


@dataclass(frozen=True)
class Rule:
    """One row rule.

    Attributes:
        id: stable id.
        severity: critical, warning or info.
        action: suspend (the row waits) or note (it is billed and counted).
        reason: code of the suspense entry.
        sentence: what a good row satisfies, by language.
        owner: who mends it.
        sql: what good rows satisfy, over the columns of `Cdr`; null is a breach.
        mostly: share of good rows below which the whole file is refused, None when it never is.
    """

    id: str
    severity: Severity
    action: Literal["suspend", "note"]
    reason: str
    sentence: dict[str, str] = field(hash=False)
    owner: str
    sql: str
    mostly: Decimal | None = None


def load_rules() -> list[Rule]:
    """The shipped rules in the order of precedence.

    Raises:
        TypeError: a rule lacks a field or has one too many.
    """
    entries = yaml.safe_load(resources.files("billing.validation").joinpath("rules.yaml").read_text("utf-8"))
    rules = []
    for entry in entries:
        mostly = entry.pop("mostly", None)
        rules.append(Rule(**entry, mostly=None if mostly is None else Decimal(mostly)))
    assert len({rule.id for rule in rules}) == len(rules), "a rule id stands once"
    return rules
