"""Findings: explained problems about data, kept as values. Exceptions are for our own faults and for refusals.

A finding carries a reason code and the values of its sentence; the words live in the message catalogue, so the same
finding prints in Chinese or English as `file:line: REASON: what, for which key; what to do`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from billing.core.messages import render

Severity = Literal["critical", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")


@dataclass(frozen=True)
class Finding:
    """One explained problem.

    Attributes:
        reason: stable code, a key of the message catalogue.
        severity: critical stops, warning is shown and goes on, info is for the record.
        where: `file:line`, `file:sheet!cell` or empty.
        values: what fills the sentence.
    """

    reason: str
    severity: Severity = "critical"
    where: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def text(self, lang: str) -> str:
        """The message in one language."""
        sentence = render(self.reason, lang, self.values)
        return f"{self.where}: {self.reason}: {sentence}" if self.where else f"{self.reason}: {sentence}"

    def as_json(self, lang: str) -> dict[str, Any]:
        """The finding as JSON values; keys stay English."""
        return {
            "reason": self.reason,
            "severity": self.severity,
            "where": self.where,
            "values": {key: str(value) for key, value in self.values.items()},
            "message": self.text(lang),
        }


class Refusal(Exception):
    """A rule refuses the command: the books stay as they were. Carries one or more findings."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__("; ".join(finding.text("en") for finding in findings))
        self.findings = findings


def refuse(reason: str, where: str = "", **values: object) -> Refusal:
    """A refusal with one critical finding; the caller raises it."""
    return Refusal(Finding(reason, "critical", where, values))


@dataclass(frozen=True)
class Outcome:
    """What every stage returns: its tables by name, and what it found."""

    tables: Mapping[str, pl.DataFrame]
    findings: Sequence[Finding] = ()
