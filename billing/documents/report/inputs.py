"""What a close report is made of: tables and facts, nothing else; whoever has them makes the same page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from billing.core.period import Period


@dataclass(frozen=True)
class GateFile:
    """What the gate said of a file: rules it breaks, with the calls that do (None: a rule of whole files)."""

    file_name: str
    broken: Mapping[str, int | None]
    answers: Sequence[str] = ()


@dataclass(frozen=True)
class GateBatch:
    """Files that were judged together; `page` is the batch's page in the published folder."""

    page: str
    files: Sequence[GateFile]


@dataclass(frozen=True)
class GateRule:
    """A rule of the gate: what good calls or files satisfy, by language, and what happens to others."""

    rule_id: str
    severity: str
    action: str
    sentence: Mapping[str, str]


@dataclass(frozen=True)
class ReportInputs:
    """A period, as its report sees it.

    Attributes:
        period: the billing period.
        status: draft or closed.
        engine: version of the engine.
        tables: the document tables, call_adjustment, conservation, usage_total, source_file, suspense.
        previous: conservation, invoice and call_analysis of the month before when it is closed, else None.
        held: what waits in suspense by reason: reason, count, talk_ms, value_micro of those that can be valued (None:
            of none of them), unvalued_count.
        batches: what the gate said, batch by batch.
        rules: every rule of the gate, in its order.
        facts: of the commit: draft_digest, snapshot, digests of the tables, changes against the run before.
        previous_manifest: hash of the manifest of the period closed before; None for the first.
        has_documents: whether bills, statements and settlement sheets were made.
    """

    period: Period
    status: str
    engine: str
    tables: Mapping[str, pl.DataFrame]
    previous: Mapping[str, pl.DataFrame] | None
    held: pl.DataFrame
    batches: Sequence[GateBatch]
    rules: Sequence[GateRule]
    facts: Mapping[str, Any]
    previous_manifest: str | None
    has_documents: bool
