"""Digests that mean the same on every machine: of files, of JSON values, of small tables.

An engine's own hash function is never stored: it may change between versions.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl


def bytes_sha256(content: bytes) -> str:
    """SHA-256 of bytes, as hex."""
    return hashlib.sha256(content).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def canonical_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """JSON with sorted keys and no spare blanks, so that equal values are equal bytes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def json_sha256(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """SHA-256 of a JSON value in canonical form."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def table_digest(frame: pl.DataFrame) -> str:
    """Order-free content digest of a small table: its rows as text, sorted, hashed with the column names."""
    text = frame.select(pl.all().cast(pl.String).fill_null("\x00")).select(
        pl.concat_str(pl.all(), separator="\x1f").alias("row")
    )
    digest = hashlib.sha256("\x1f".join(frame.columns).encode())
    for row in text.to_series().sort():
        digest.update(b"\x1e" + row.encode())
    return digest.hexdigest()
