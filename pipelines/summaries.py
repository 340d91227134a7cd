"""What commands print: aligned tables that know that a Chinese character is two columns wide, and JSON."""

import datetime as dt
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from billing.core.findings import Finding
from billing.core.messages import catalogue, render
from billing.core.money import yuan_exact
from billing.tables.documents import Conservation
from pipelines.ingest_files import IngestReport

SHOWN_A_REASON = 10
KEYS_OF_OURS = frozenset({"line_key", "usage_key", "invoice_key", "line_number"})
"""Keys that join tables; a person reading an explanation has no use for them."""


def width(text: str) -> int:
    """Columns a text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int] = frozenset()) -> list[str]:
    """Lines of an aligned table; `right` names the columns that are aligned right."""
    cells = [list(headings), *(list(row) for row in rows)]
    widths = [max(width(row[index]) for row in cells) for index in range(len(headings))]
    lines = []
    for row in cells:
        padded = []
        for index, cell in enumerate(row):
            blank = " " * (widths[index] - width(cell))
            padded.append(blank + cell if index in right else cell + blank)
        lines.append("  " + "  ".join(padded).rstrip())
    return lines


def conservation_lines(period: str, frame: pl.DataFrame, lang: str) -> list[str]:
    """The certificate as it is printed."""
    rows = [
        (
            render(f"figure.{row[Conservation.figure]}", lang),
            _number(row[Conservation.record_count]),
            _number(row[Conservation.billed_seconds]),
            "" if row[Conservation.amount_micro] is None else yuan_exact(row[Conservation.amount_micro], grouped=True),
        )
        for row in frame.iter_rows(named=True)
    ]
    headings = [render(f"heading.{name}", lang) for name in ("figure", "count", "seconds", "amount")]
    title = render("summary.conservation", lang, {"period": period})
    return [title, *table(headings, rows, frozenset({1, 2, 3}))]


def conservation_json(frame: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """The certificate by figure; money in yuan as text."""
    figures = {}
    for row in frame.iter_rows(named=True):
        amount = row[Conservation.amount_micro]
        figures[row[Conservation.figure]] = {
            "count": row[Conservation.record_count],
            "billed_seconds": row[Conservation.billed_seconds],
            "amount": None if amount is None else yuan_exact(amount),
        }
    return figures


def ingest_lines(report: IngestReport, lang: str) -> list[str]:
    """Each file with its records by fate, and the sum."""
    lines = [render("summary.file_known", lang, {"file": name}) for name in report.known]
    for source in report.read:
        fates = report.fates[source.file_number]
        accepted = source.record_count - sum(fates.values()) - source.not_ours_count
        values = {
            "file": source.file_name,
            "records": source.record_count,
            "not_ours": source.not_ours_count,
            "accepted": accepted,
            "framing": source.framing_count,
            "layout": source.layout,
            "encoding": source.encoding,
            **fates,
        }
        code = "summary.file_fates_together" if "joined" in fates else "summary.file_fates"
        lines.append(render(code, lang, values))
    values = {
        "files": len(report.read),
        "records": sum(source.record_count for source in report.read),
        "known": len(report.known),
        "refused": len(report.refused),
    }
    return [*lines, render("summary.ingest", lang, values)]


def ingest_json(report: IngestReport) -> dict[str, Any]:
    """The report as JSON values."""
    read = [
        {
            "file": source.file_name,
            "file_number": source.file_number,
            "sha256": source.sha256,
            "layout": source.layout,
            "encoding": source.encoding,
            "records": source.record_count,
            "framing": source.framing_count,
            "not_ours": source.not_ours_count,
            **report.fates[source.file_number],
        }
        for source in report.read
    ]
    gate = {"cpu_ms": report.cpu_ms}
    return {"read": read, "known": report.known, "refused": report.refused, "gate": gate}


def finding_lines(findings: Sequence[Finding], lang: str) -> list[str]:
    """Findings, worst first, at most a handful of each reason, with what was left out counted."""
    order = {"critical": 0, "warning": 1, "info": 2}
    seen: Counter[tuple[str, str]] = Counter()
    lines = []
    for finding in sorted(findings, key=lambda finding: order[finding.severity]):
        seen[finding.severity, finding.reason] += 1
        if seen[finding.severity, finding.reason] <= SHOWN_A_REASON:
            lines.append(f"{render(f'severity.{finding.severity}', lang)}: {plain(finding.text(lang))}")
    for (severity, reason), count in seen.items():
        if count > SHOWN_A_REASON:
            values = {
                "count": count - SHOWN_A_REASON,
                "severity": render(f"severity.{severity}", lang),
                "reason": reason,
            }
            lines.append(render("summary.more_findings", lang, values))
    return lines


def plain_value(value: Any) -> Any:  # noqa: ANN401 - JSON of anything
    """Values JSON does not know, as text."""
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value.isoformat()
    return str(value)


def nested_lines(value: Any, lang: str, indent: int = 0) -> list[str]:  # noqa: ANN401 - any JSON value
    """A JSON value as indented lines a person reads: keys in words, keys of ours left to the JSON form."""
    blank = "  " * indent
    lines: list[str] = []
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value, start=1):
        label = _label(key, lang)
        if key in KEYS_OF_OURS or inner in (None, {}, []):
            continue
        if isinstance(inner, dict) and not any(isinstance(entry, dict | list) for entry in inner.values()) and indent:
            told = {name: entry for name, entry in inner.items() if entry is not None}
            pairs = (f"{_label(name, lang)} {_shown(name, entry, lang)}" for name, entry in told.items())
            lines.append(f"{blank}{label}: " + ", ".join(pairs))
        elif isinstance(inner, list) and not any(isinstance(entry, dict | list) for entry in inner):
            lines.append(f"{blank}{label}: " + "; ".join(_shown(key, entry, lang) for entry in inner))
        elif isinstance(inner, dict | list):
            lines.append(f"{blank}{label}:")
            lines.extend(nested_lines(inner, lang, indent + 1))
        else:
            lines.append(f"{blank}{label}: {_shown(key, inner, lang)}")
    return lines


def _label(key: Any, lang: str) -> str:  # noqa: ANN401 - a name or a position
    return catalogue().get(f"explain.{key}", {}).get(lang, str(key))


def _shown(key: Any, value: Any, lang: str) -> str:  # noqa: ANN401
    """A value in words: rates as percent, codes that the catalogue knows by their name."""
    if key == "vat_rate_bp":
        return f"{value // 100}%"
    codes = {"item": f"item.{value}", "kind": f"kind.{value}", "fate": f"fate.{value}"}
    if words := catalogue().get(codes.get(key, "")):
        return words[lang]
    return plain(str(plain_value(value)))


def plain(text: str) -> str:
    """Text from files, safe for a terminal: control characters are escaped."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
