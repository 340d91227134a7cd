"""Load and snapshot what prices the calls: catalog, rate plans, layouts and books.toml of a folder.

A run never reads the working folders twice: it takes a content-addressed snapshot, and everything later (publishing
again, verify, explain) reads that.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from billing.catalog.reading import read_catalog
from billing.core.digests import file_sha256, json_sha256
from billing.core.findings import Finding, Refusal
from billing.rate_book.book import RateBook, read_price_book
from billing.rate_book.check import check_book
from billing.rate_book.policy import read_policy
from billing.tables.catalog import CATALOG_TABLES
from pipelines.books import Books, Workbench

SNAPSHOT_TABLE = "snapshot"
SCHEMAS = "schemas"
"""Folder of the JSON Schemas beside the plans: they help an editor and price nothing."""
_FOLDERS = ("catalog", "rate_plans", "layouts")


@dataclass(frozen=True)
class LoadedBook:
    """A rate book and what was found while it was read and checked."""

    book: RateBook
    findings: Sequence[Finding]


def load_rate_book(folder: Path) -> LoadedBook:
    """Read and check policy, price book and catalog.

    Raises:
        Refusal: with every critical finding; the warnings of the same reading come with it.
    """
    catalog = read_catalog(folder / "catalog")
    findings: list[Finding] = list(catalog.findings)
    try:
        policy = read_policy(folder / "books.toml")
    except Refusal as refusal:
        raise Refusal(*refusal.findings, *findings) from refusal
    try:
        prices = read_price_book(folder / "rate_plans")
    except Refusal as refusal:
        raise Refusal(*refusal.findings, *findings) from refusal
    book = RateBook(prices, {table.name: catalog.frame(table) for table in CATALOG_TABLES}, policy)
    if catalog.is_usable:
        findings.extend(check_book(book, catalog.where))
    if any(finding.severity == "critical" for finding in findings):
        raise Refusal(*findings)
    return LoadedBook(book, findings)


def snapshot_files(root: Path) -> dict[str, str]:
    """What a snapshot of the working folders would hold: relative path to SHA-256."""
    paths = [root / "books.toml"]
    for folder in _FOLDERS:
        paths.extend(path for path in sorted((root / folder).rglob("*")) if path.is_file() and path.name[0] not in ".~")
    paths = [path for path in paths if path.parent.name != SCHEMAS]
    return {path.relative_to(root).as_posix(): file_sha256(path) for path in paths}


def snapshot_digest(files: dict[str, str]) -> str:
    """The name of a snapshot: what is in it."""
    return json_sha256(files)[:16]


def take_snapshot(books: Books, bench: Workbench) -> str:
    """Copy the working folders into `snapshots/<digest>/`, unless the books hold that snapshot already.

    Returns:
        The digest; the book is loaded from the copy.
    """
    files = snapshot_files(books.root)
    digest = snapshot_digest(files)
    if any(entry.key["snapshot"] == digest for entry in books.state.of_table(SNAPSHOT_TABLE)):
        return digest
    for relative, sha256 in files.items():
        target = f"snapshots/{digest}/{relative}"
        shutil.copyfile(books.path(relative), bench.place(target))
        bench.add(target, SNAPSHOT_TABLE, {"snapshot": digest}, 0, sha256)
    return digest


def load_snapshot(books: Books, bench: Workbench, digest: str) -> LoadedBook:
    """The book of a snapshot, taken just now or held before: what a file says later in the run moves nothing.

    Raises:
        Refusal: as `load_rate_book`.
    """
    taken = bench.folder / "snapshots" / digest
    return load_rate_book(taken if taken.exists() else books.path(f"snapshots/{digest}"))


def book_of_snapshot(books: Books, digest: str) -> RateBook:
    """The rate book as a run used it."""
    return load_rate_book(books.path(f"snapshots/{digest}")).book
