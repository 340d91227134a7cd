"""Publish a period: the complete folder that finance, agents and auditors open, and its manifest.

The folder is written where the caller says, usually beside the old one; the caller swaps it in. Nothing in it names a
clock, a user, a machine or an absolute path, and callers' numbers appear only masked.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl

from billing.core.period import Period
from billing.publishing.audit_pack import MAX_ROWS_INSIDE, write_audit_pack
from billing.publishing.calls import PartPaths, publish_calls, scan_calls
from billing.publishing.manifest import AUDIT_PACK, write_manifest
from billing.publishing.tables import PACKED_TABLES, PERIOD_TABLES, publish_table, write_document_table
from billing.rate_book.book import RateBook

Status = Literal["draft", "closed"]


def publish_period(
    folder: Path,
    period: Period,
    tables: Mapping[str, pl.DataFrame],
    parts: Sequence[PartPaths],
    book: RateBook,
    *,
    pages: Mapping[str, str],
    documents: Iterable[tuple[str, bytes]] = (),
    engine: str,
    status: Status,
    previous_manifest: str | None,
    with_calls: bool = True,
) -> dict[str, Any]:
    """Write `invoices/ statements/ settlement/ tables/ calls/ audit.duckdb close_report.html manifest.json`.

    Args:
        folder: an empty or absent folder.
        period: the billing period.
        tables: the period's tables by name, money in millionths of a yuan; one that is missing is published empty.
        parts: the period's parts.
        book: catalog tables and the pseudonym key come from here.
        pages: relative file name to HTML.
        documents: relative file name and bytes of each document, written as they come.
        engine: version of the engine.
        status: draft or closed.
        previous_manifest: hash of the manifest of the period closed before; None for the first.
        with_calls: publish the calls too; a quick draft may leave them out.

    Returns:
        The manifest.
    """
    known = {**book.tables, **tables}
    rows = {}
    for table in PACKED_TABLES:
        frame = known.get(table.name, table.empty())
        if table in PERIOD_TABLES:
            rows[table] = write_document_table(frame, table, folder / "tables")
        else:
            rows[table] = publish_table(frame, table)
    for name, text in sorted(pages.items()):
        _write(folder, name, text.encode("utf-8"))
    for name, content in documents:
        _write(folder, name, content)
    calls = publish_calls(parts, book.policy.pseudonym_key, folder / "calls") if with_calls else []
    call_count = scan_calls(calls).select(pl.len()).collect().item()
    write_audit_pack(folder / AUDIT_PACK, rows, calls, rows_inside=with_calls and call_count <= MAX_ROWS_INSIDE)
    head = {"period": str(period), "status": status, "engine": engine, "previous": previous_manifest}
    return write_manifest(folder, head, {table.name: rows[table] for table in PERIOD_TABLES})


def _write(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"document {name!r} would lie outside the published folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
