"""What the quality gate said of the files behind a period: by rule, and by batch with its page."""

from collections.abc import Sequence
from dataclasses import dataclass

from billing.documents.report.inputs import GateBatch, GateRule, ReportInputs


@dataclass(frozen=True)
class RuleTold:
    """A rule that some file or call breaks: how many files, how many calls (0 for rules of files)."""

    rule: GateRule
    file_count: int
    call_count: int


@dataclass(frozen=True)
class GateTold:
    """The gate over all batches.

    Attributes:
        broken: rules that are broken, in the gate's order.
        kept: how many are not.
        batches: all of them, by page.
        file_count: files that were judged.
        answers: overrides that somebody answers for: file and `rule, name: reason`.
    """

    broken: Sequence[RuleTold]
    kept: int
    batches: Sequence[GateBatch]
    file_count: int
    answers: Sequence[tuple[str, str]]


def gate_told(told: ReportInputs) -> GateTold:
    """Sum the results of the batches up by rule."""
    files = [file for batch in told.batches for file in batch.files]
    broken = []
    for rule in told.rules:
        of_rule = [file.broken[rule.rule_id] for file in files if rule.rule_id in file.broken]
        if of_rule:
            broken.append(RuleTold(rule, len(of_rule), sum(count or 0 for count in of_rule)))
    answers = [(file.file_name, answer) for file in files for answer in file.answers]
    return GateTold(broken, len(told.rules) - len(broken), told.batches, len(files), answers)
