"""The rule catalogue: read, checked, and nowhere else. A predicate stands once, in `rules/`."""

from dataclasses import dataclass, field
from decimal import Decimal
from importlib import resources
from typing import Literal

import yaml

from billing.core.findings import Severity

Scope = Literal["call", "file"]
Action = Literal["suspend", "note", "refuse"]


@dataclass(frozen=True)
class Rule:
    """One rule, of calls or of whole files.

    Attributes:
        id: stable id.
        scope: what it judges: a call, or a file by the facts computed of it.
        severity: critical stops the file, warning is shown, info is counted.
        action: suspend (the call waits), refuse (the file is not read), note (it goes on).
        reason: stable code: of the suspense entry, or of the finding about the file.
        sentence: what a good row satisfies, by language.
        owner: who mends it.
        sql: what good rows satisfy, over the columns of the table `calls` or `files`; null is a breach.
        mostly: share of a file's calls that must satisfy it, else the file is refused; None when it never is.
    """

    id: str
    scope: Scope
    severity: Severity
    action: Action
    reason: str
    sentence: dict[str, str] = field(hash=False)
    owner: str
    sql: str
    mostly: Decimal | None = None


def load_rules() -> list[Rule]:
    """The shipped rules, those of calls first, each in the order of precedence.

    Raises:
        TypeError: a rule lacks a field or has one too many.
    """
    rules = [_rule(entry, scope) for scope in ("call", "file") for entry in _entries(f"{scope}s.yaml")]
    assert len({rule.id for rule in rules}) == len(rules), "a rule id stands once"
    return rules


def share_rules(rules: list[Rule]) -> list[Rule]:
    """For each rule of calls that most calls of a file must satisfy, the rule of files that says so."""
    return [
        Rule(
            id=f"{rule.id}_SHARE",
            scope="file",
            severity="critical",
            action="refuse",
            reason="FILE_REFUSED_BY_RULE",
            sentence={
                "en": f"of at least {rule.mostly:%} of the file's calls {rule.sentence['en']}",
                "zh": f"文件中至少{rule.mostly:%}的话单满足：{rule.sentence['zh']}",
            },
            owner=rule.owner,
            # Calls that were put together tell of several files, never of one.
            sql=f"coalesce(waiting_count, 0) > 0 or call_count - {breaches(rule)} >= call_count * {rule.mostly}",
        )
        for rule in rules
        if rule.mostly is not None
    ]


def breaches(rule: Rule) -> str:
    """The column of `files` with the number of the file's calls that break a rule of calls."""
    return f"breaches_{rule.id}"


def _entries(name: str) -> list[dict[str, str]]:
    folder = resources.files("billing.validation").joinpath("rules")
    entries: list[dict[str, str]] = yaml.safe_load(folder.joinpath(name).read_text("utf-8"))
    return entries


def _rule(entry: dict[str, str], scope: Scope) -> Rule:
    mostly = entry.pop("mostly", None)
    return Rule(**entry, scope=scope, mostly=None if mostly is None else Decimal(mostly))  # type: ignore[arg-type]
