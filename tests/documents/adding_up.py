"""What holds of every document, whatever it tells: sums are the sums of what stands above them, words are words."""

import json
import re
from dataclasses import asdict

from billing.documents.model import Document, Grid, Ladder

_SUMMED = ("money", "count", "seconds", "price")
_CODES = re.compile(
    r"\b(?:doc|kind|reading|figure|bill|how|item|statement|allowance)\.[a-z_]"
    r'|"(?:by_day|first_month|true_up|monthly_function_fee|value_added|cap_credit|[a-z]+_[a-z_]+)"'
)
_OURS = ("leakage", "1e-6")


def check_document(document: Document) -> int:
    """Check a document; how many sums were looked at.

    Raises:
        AssertionError: a total is no sum of its column, a result of a ladder no sum of its steps, or a code is told.
    """
    checked = 0
    where = f"{document.kind} of {document.recipient_id}"
    for section in document.sections:
        if isinstance(section, Grid) and section.totals:
            for index, (column, total) in enumerate(zip(section.columns, section.totals, strict=True)):
                if column.kind in _SUMMED and total is not None:
                    assert total == sum(row[index] or 0 for row in section.rows), f"{where}: {section.title}"
                    checked += 1
        if isinstance(section, Ladder):
            so_far = 0
            for step in section.steps:
                if step.sign == "=":
                    assert step.value == so_far, f"{where}: {step.label}"
                    checked += 1
                elif step.sign:
                    so_far += step.value
    told = words_of(document)
    assert not (found := _CODES.search(told)), f"{where}: {told[found.start() - 80 : found.end() + 40]}"
    assert not any(ours in told for ours in _OURS), where
    return checked


def words_of(document: Document) -> str:
    """Every word and value that a reader sees, as JSON text."""
    values = asdict(document)
    seen = {name: value for name, value in values.items() if name not in ("kind", "recipient_id", "recipient_name")}
    return json.dumps(_seen(seen), default=str, ensure_ascii=False)


def _seen(value: object) -> object:
    if isinstance(value, dict):
        return [_seen(inner) for key, inner in value.items() if key not in ("kind", "sign", "lang", "standing")]
    return [_seen(inner) for inner in value] if isinstance(value, list | tuple) else value
