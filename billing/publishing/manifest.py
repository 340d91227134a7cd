"""The manifest of a published period: every file with its hash, rows and money, and the digest finance signs off.

Closes chain by the hash of the manifest before. The audit pack's bytes are not promised, so it is listed with the
digest of its content instead.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from billing.core.digests import canonical_json, file_sha256, json_sha256, table_digest
from billing.publishing.pack_content import PackDiffers, pack_content
from billing.tables.documents import Invoice

MANIFEST = "manifest.json"
AUDIT_PACK = "audit.duckdb"
_GIVEN_AT_CLOSE = {Invoice.name: (Invoice.invoice_number,)}
"""Columns that only close fills in; a draft and its close share their digest without them."""


def content_digest(tables: Mapping[str, pl.DataFrame]) -> str:
    """One digest over the published tables; a draft and its close share it, since given numbers are left out.

    Args:
        tables: rows as published, by table name.
    """
    return json_sha256({name: table_digest(rows.drop(_GIVEN_AT_CLOSE.get(name, ()))) for name, rows in tables.items()})


def totals_of(rows: pl.DataFrame | pl.LazyFrame) -> dict[str, Any]:
    """Row count and money totals of published rows; totals are exact decimal text."""
    lazy = rows.lazy()
    money = [name for name, dtype in lazy.collect_schema().items() if isinstance(dtype, pl.Decimal)]
    sums = lazy.select(pl.len().alias("rows"), pl.col(money).cast(pl.Decimal(38, 6)).sum()).collect().row(0, named=True)
    return {"rows": sums.pop("rows"), "totals": {name: f"{total:.6f}" for name, total in sorted(sums.items())}}


def write_manifest(folder: Path, head: Mapping[str, Any], tables: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """List every file of a folder and write `manifest.json` into it.

    Args:
        folder: the complete published folder.
        head: period, status, engine, previous.
        tables: rows as published, by table name.

    Returns:
        The manifest.
    """
    files: dict[str, Any] = {}
    for path in _published_files(folder):
        name = path.relative_to(folder).as_posix()
        if name == AUDIT_PACK:
            files[name] = {"content": pack_content(path, folder / "calls")}
            continue
        files[name] = {"sha256": file_sha256(path), "bytes": path.stat().st_size}
        if path.parent.name == "tables":
            files[name].update(totals_of(tables[path.stem]))
        elif path.suffix == ".parquet":
            files[name].update(totals_of(pl.scan_parquet(path, glob=False)))
    manifest = {**head, "content_digest": content_digest(tables), "files": files}
    (folder / MANIFEST).write_text(canonical_json(manifest) + "\n", "utf-8")
    return manifest


def manifest_sha256(folder: Path) -> str:
    """Hash of a folder's manifest: what the next close chains to."""
    return file_sha256(folder / MANIFEST)


def check_manifest(folder: Path) -> list[str]:
    """Files that differ from the manifest: altered, missing, or not listed; in order of name.

    The audit pack is compared by content: its rows, and its calls against the published call files.
    """
    listed: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
    found = {path.relative_to(folder).as_posix(): path for path in _published_files(folder)}
    differing = set(listed) ^ set(found)
    for name in set(listed) & set(found):
        if name == AUDIT_PACK:
            same = _pack_is(found[name], folder / "calls", listed[name]["content"])
        else:
            same = file_sha256(found[name]) == listed[name]["sha256"]
        if not same:
            differing.add(name)
    return sorted(differing)


def _pack_is(path: Path, calls: Path, content: Mapping[str, Any]) -> bool:
    try:
        return pack_content(path, calls) == content
    except (duckdb.Error, PackDiffers):
        return False


def _published_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
