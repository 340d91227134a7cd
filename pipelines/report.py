"""What the close report of a period is made of, from the lake and the facts of its commit; and what a run changed.

A draft's files are swept some days after the next one, so what changed against it is worked out while both are there
and kept in the commit: the page comes out the same from the commit alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from billing.core.period import Period
from billing.documents.report.inputs import GateBatch, GateFile, GateRule, ReportInputs
from billing.tables.calls import Suspense, UsageTotal
from billing.tables.documents import CallAnalysis, Conservation, Invoice, InvoiceLine
from billing.validation.rules import Rule, breaches, load_rules, share_rules
from pipelines.books import Books, library_versions
from pipelines.gate import prices_of, results_of
from pipelines.parts import Part
from pipelines.past import is_billed_here, stored
from pipelines.suspense import held_by_reason

_OF_MONTH_BEFORE = (Conservation, Invoice, CallAnalysis)
_COMPARED = (
    (Conservation.amount_micro, "price"),
    (Conservation.record_count, "count"),
)
"""What a control figure is, and the kind of value it is printed as; the first that it has."""


def report_inputs(
    books: Books,
    period: Period,
    tables: Mapping[str, pl.DataFrame],
    parts: Sequence[Part],
    facts: Mapping[str, Any],
    *,
    status: str,
    previous_manifest: str | None,
) -> ReportInputs:
    """Everything the report of a period tells.

    Args:
        books: the books as the commit leaves them.
        period: the billing period.
        tables: the period's tables as they are published.
        parts: the period's parts.
        facts: of the commit.
        status: draft or closed.
        previous_manifest: hash of the manifest of the period closed before.
    """
    before, rules = period.shifted(-1), load_rules()
    return ReportInputs(
        period=period,
        status=status,
        engine=library_versions()["bill400"],
        tables=tables,
        previous=(
            {table.name: stored(books, table, str(before)) for table in _OF_MONTH_BEFORE}
            if is_billed_here(books, before)
            else None
        ),
        held=held_by_reason(tables[Suspense.name], prices_of(tables[UsageTotal.name].lazy())),
        batches=_batches(books, parts, rules),
        rules=[GateRule(rule.id, rule.severity, rule.action, rule.sentence) for rule in (*rules, *share_rules(rules))],
        facts=facts,
        previous_manifest=previous_manifest,
        has_documents=bool(facts.get("documents")),
    )


def changes_against(books: Books, period: Period, tables: Mapping[str, pl.DataFrame]) -> dict[str, Any] | None:
    """What a new draft changes against the one that stands, while its files are still there.

    Returns:
        `against` (digest of that draft), `figures` that differ (figure, kind, before, now), and how many `bills`
        changed, were added, are gone; None when there is no draft yet.
    """
    last = books.state.runs.get(str(period))
    if last is None:
        return None
    then, now = stored(books, Conservation, str(period)), tables[Conservation.name]
    old = _by_bill(*(stored(books, table, str(period)) for table in (Invoice, InvoiceLine)))
    new = _by_bill(tables[Invoice.name], tables[InvoiceLine.name])
    return {"against": last.facts["draft_digest"], "figures": _figures(then, now), "bills": _bills(old, new)}


def _figures(then: pl.DataFrame, now: pl.DataFrame) -> list[dict[str, Any]]:
    before, after = ({row[0]: row for row in frame.iter_rows()} for frame in (then, now))
    columns = list(Conservation.schema())
    found = []
    for figure in (*after, *(name for name in before if name not in after)):
        either = after.get(figure) or before[figure]
        for column, kind in _COMPARED:
            index = columns.index(column)
            values = [rows[figure][index] if figure in rows else None for rows in (before, after)]
            if either[index] is not None:
                if values[0] != values[1]:
                    found.append({"figure": figure, "kind": kind, "before": values[0], "now": values[1]})
                break
    return found


def _bills(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, int]:
    return {
        "changed": sum(before[key] != after[key] for key in before.keys() & after.keys()),
        "added": len(after.keys() - before.keys()),
        "gone": len(before.keys() - after.keys()),
    }


def _by_bill(invoices: pl.DataFrame, lines: pl.DataFrame) -> dict[str, list[Any]]:
    """Every bill with all that stands on it: a line may move where the total stays."""
    bills: dict[str, list[Any]] = {row[0]: [row] for row in invoices.drop(Invoice.invoice_number).iter_rows()}
    for row in lines.sort(InvoiceLine.key).iter_rows():
        bills[row[0]].append(row)
    return bills


def _batches(books: Books, parts: Sequence[Part], rules: Sequence[Rule]) -> list[GateBatch]:
    """What the gate said of each batch that brought calls of the period, by page."""
    of_calls = {rule.id: breaches(rule) for rule in rules if rule.scope == "call"}
    found = results_of(books, {part.file_number for part in parts})
    return [GateBatch(page, [_file(result, of_calls) for result in results]) for page, results in sorted(found.items())]


def _file(result: Mapping[str, Any], of_calls: Mapping[str, str]) -> GateFile:
    facts = result["facts"]
    counts = {rule: facts[column] for rule, column in of_calls.items() if facts.get(column)}
    of_files = {rule: None for rule in result["broken"] if rule not in counts}
    answers = [f"{each['rule_id']}, {each['by']}: {each['reason']}" for each in result["overrides"]]
    return GateFile(facts["file_name"], of_files | counts, answers)
