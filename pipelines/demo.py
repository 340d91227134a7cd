"""`demo`: books with the sample company and a month of realistic calls, run and closed.

Every step leaves something whole behind or nothing, so the same command on a folder that an interrupted demo left goes
on where it stopped.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from billing.catalog.reading import read_catalog
from billing.core.findings import Finding, refuse
from billing.core.messages import render
from billing.core.period import Period
from billing.sample_company.calls import write_sample_calls
from billing.sample_company.catalog import write_sample_catalog
from pipelines.books import open_books
from pipelines.checkout import mend_checkouts
from pipelines.close import close_month
from pipelines.commits import Commit
from pipelines.ingest_files import IngestReport, ingest_files
from pipelines.init_books import make_folders
from pipelines.progress import Progress
from pipelines.run_month import RunReport, run_month

PERIOD = Period(2026, 10)
MARK = ".demo.json"


@dataclass(frozen=True)
class DemoReport:
    """What the demo made; a part is None when an earlier, interrupted demo had made it."""

    is_resumed: bool
    counts: dict[str, int]
    ingest: IngestReport | None
    run: RunReport | None
    close: Commit
    findings: Sequence[Finding]


def make_demo(root: Path, *, calls: int, seed: int, lang: str, progress: Progress, wait_seconds: float) -> DemoReport:
    """Make the demo, or go on with it.

    Raises:
        Refusal: the folder holds something else.
    """
    wanted = {"calls": calls, "seed": seed, "lang": lang}
    is_resumed = _start(root, wanted, seed=seed, lang=lang)
    with progress.stage("sample"):
        _fill(root, calls=calls, seed=seed)
    with open_books(root, write=True, wait_seconds=wait_seconds) as books:
        findings = mend_checkouts(books, root / ".work" / "mend", progress)
        ingest = run = None
        if str(PERIOD) not in books.state.closes:
            ingest = ingest_files(books, [root / "inbox"], progress)
            run = run_month(books, PERIOD, progress)
            close_month(books, PERIOD, progress)
        catalog = read_catalog(root / "catalog")
        counts = {
            "customers": catalog.customers.height,
            "numbers": catalog.numbers.height,
            "agents": catalog.agents.height,
            "calls": calls,
        }
        return DemoReport(is_resumed, counts, ingest, run, books.state.closes[str(PERIOD)], findings)


def _start(root: Path, wanted: dict[str, object], *, seed: int, lang: str) -> bool:
    """Make the folders, or recognise our own; True when an earlier demo is gone on with."""
    mark = root / MARK
    if mark.exists():
        if json.loads(mark.read_text("utf-8")) != wanted:
            raise refuse("FOLDER_NOT_EMPTY", folder=root)
        if (root / "books.toml").exists():
            return True
        shutil.rmtree(root)
    key = hashlib.sha256(f"demo {seed}".encode()).hexdigest()[:32]
    company = render("toml.demo_company", lang)
    make_folders(root, first=PERIOD, lang=lang, company=company, key=key, is_sample=True, mark=wanted)
    return False


def _fill(root: Path, *, calls: int, seed: int) -> None:
    """Catalog and inbox, each made beside and moved in whole."""
    if not any((root / "catalog").iterdir()):
        beside = root / ".work" / "catalog"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        write_sample_catalog(beside, seed=seed, period=PERIOD)
        (root / "catalog").rmdir()
        beside.rename(root / "catalog")
    if not any((root / "inbox").iterdir()):
        beside = root / ".work" / "inbox"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        write_sample_calls(beside, period=PERIOD, calls=calls, seed=seed, catalog=read_catalog(root / "catalog"))
        (root / "inbox").rmdir()
        beside.rename(root / "inbox")
