"""How a record came and was read, and what became of one that is no call by itself."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl

from billing.ingest.pieces import KEY_SEPARATOR
from billing.ingest.raw_lines import read_raw_lines
from billing.tables.calls import LINES_PER_FILE, NOT_OURS, Cdr, Joined, Waiting
from billing.tables.parquet import scan_tables
from pipelines.books import Books
from pipelines.parts import Part
from pipelines.waiting import WaitingPart, held_records, joins, record_fates


def call_name(day: dt.date | None, cdr_id: int) -> str:
    """How a call is printed: `2026-10-03/17-204813`."""
    return f"{day or 'undated'}/{cdr_id // LINES_PER_FILE}-{cdr_id % LINES_PER_FILE}"


def explain_record(books: Books, part: WaitingPart, cdr_id: int) -> dict[str, Any]:
    """A record that is no call by itself: which call it went into, or why there is none yet."""
    rows = scan_tables(books.paths([part.records]), Waiting).filter(pl.col(Cdr.cdr_id) == cdr_id).collect()
    if rows.is_empty():
        return {}
    record = rows.row(0, named=True)
    if record[Waiting.call_key]:
        record[Waiting.call_key] = record[Waiting.call_key].replace(KEY_SEPARATOR, " ")
    explained = as_received(books, part, record)
    into = joins(books).filter(pl.col(Joined.cdr_id) == cdr_id).collect()
    if into.height:
        call = into.row(0, named=True)
        name = call_name(call[Joined.call_date], call[Joined.into_cdr_id])
        return explained | {"fate": call[Joined.fate], "into": name}
    held = held_records(books, [part]).filter(pl.col(Cdr.cdr_id) == cdr_id)
    if held.height:
        return explained | {"fate": "suspense", "reason": held["reason"][0]}
    fates = record_fates(books).filter(pl.col(Cdr.cdr_id) == cdr_id)
    is_ours = record[Cdr.outcome] != NOT_OURS
    return explained | {"fate": fates["fate"][0] if fates.height else "waiting" if is_ours else "not a call of ours"}


def as_received(books: Books, part: Part | WaitingPart, row: Mapping[str, Any]) -> dict[str, Any]:
    """What a call or record is called, how it came and how it was read."""
    cdr_id = row[Cdr.cdr_id]
    source = books.state.sources[part.file_number]
    kept = books.path(source.raw_path) if source.raw_path else None
    raw = read_raw_lines(kept, source.encoding, [cdr_id % LINES_PER_FILE]) if kept else {}
    return {
        "call": call_name(part.day, cdr_id),
        "billing_period": part.billing_period,
        "source": {
            "file": source.file_name,
            "line": cdr_id % LINES_PER_FILE,
            "layout": source.layout,
            "sha256": source.sha256,
            "text": next(iter(raw.values()), None),
        },
        "received": {name: value for name, value in row.items() if value is not None and name != Cdr.cdr_id},
    }
