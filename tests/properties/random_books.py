"""Small books drawn by chance, billed without a command line: files in, the month's tables out."""

import datetime as dt
import functools
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from hypothesis import strategies as st

from billing.core.digests import table_digest
from billing.core.period import Period
from billing.ingest.layout import load_layouts
from billing.tables.calls import CallAdjustment, RatedCall
from billing.tables.documents import DOCUMENT_TABLES, Conservation
from pipelines import ingest_files as ingest
from pipelines.books import open_books
from pipelines.monthly_run import Month, compute_month
from pipelines.parts import parts_of
from pipelines.progress import Progress
from pipelines.rate_book_of import load_rate_book
from tests.commands.corner_shop import HEADER, NUMBERS, PERIOD, STRANGER, write_calls
from tests.commands.records_of_calls import open_switch_shop

OCTOBER = Period.parse(PERIOD)
Files = Sequence[tuple[str, Sequence[str]]]

FIRST_OF = {
    "days": (1, 2, 31),
    "seconds": (0, 1, 32_400, 43_199, 43_200, 86_399),
    "talks": (0, 1, 59, 60, 61, 180, 181, 600, 3601),
}


@st.composite
def call_lines(draw, call_id, days=FIRST_OF["days"]):
    """One line of a call file: mostly a good call, sometimes a broken one or one of a stranger's number."""
    kind = draw(st.sampled_from(["good"] * 12 + ["stranger", "late", "broken", "negative", "unreadable"]))
    day = 30 if kind == "late" else draw(st.sampled_from(days))
    month = 9 if kind == "late" else 10
    second = draw(st.sampled_from(FIRST_OF["seconds"]))
    start = dt.datetime.combine(dt.date(2026, month, day), dt.time()) + dt.timedelta(seconds=second)
    outcome = draw(st.sampled_from(["answered"] * 4 + ["no_answer", "busy", "ivr_only"]))
    talk = draw(st.sampled_from(FIRST_OF["talks"]))
    answered = start + dt.timedelta(seconds=draw(st.integers(0, 9))) if outcome == "answered" else None
    ended = (answered or start) + dt.timedelta(seconds=-5 if kind == "negative" else talk)
    number = STRANGER if kind == "stranger" else draw(st.sampled_from(NUMBERS))
    if kind == "broken":
        return f"{call_id},139"
    begun = "yesterday" if kind == "unreadable" else start
    return f"{call_id},139{draw(st.integers(0, 99)):08d},{number},,{begun},{answered or ''},{ended},{outcome}"


@st.composite
def batches_of_lines(draw, least=1, most=30):
    """Lines of a month: calls, some of them again, some of them again with another content."""
    lines = [draw(call_lines(f"K{index}")) for index in range(draw(st.integers(least, most)))]
    good = [line for line in lines if line.count(",") == 7]
    for line in draw(st.lists(st.sampled_from(good), max_size=4)) if good else []:
        change = draw(st.sampled_from(["copy", "copy", "other caller"]))
        lines.append(line if change == "copy" else line.replace(",139", ",138", 1))
    return lines


@dataclass(frozen=True)
class Billed:
    """A month that was billed: its tables, every rated call, and how many lines were read."""

    month: Month
    rated: pl.DataFrame
    records: int

    def content(self) -> dict[str, str]:
        """Digest of every table, without references to files."""
        tables = {table.name: self.month.tables[table.name] for table in (*DOCUMENT_TABLES, Conservation)}
        adjustments = self.month.tables[CallAdjustment.name].drop(CallAdjustment.cdr_id)
        tables |= {CallAdjustment.name: adjustments, "usage": self.month.usage}
        tables["rated"] = self.rated.drop(RatedCall.cdr_id)
        return {name: table_digest(frame) for name, frame in tables.items()}


@functools.cache
def _template() -> Path:
    root = open_switch_shop(Path(tempfile.mkdtemp(prefix="shop-")) / "books")
    settings = root / "books.toml"
    settings.write_text(settings.read_text("utf-8").replace("keep_raw = true", "keep_raw = false"), "utf-8")
    return root


@functools.cache
def _book():
    return load_rate_book(_template())


def bill(batches: Sequence[Files], header: str = HEADER) -> Billed:
    """Ingest batches of files, all under one header, one after another and bill the month.

    The rate book and the layouts are the same for all, so they are read once.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(shutil.copytree(_template(), Path(folder) / "books"))
        progress = Progress("en", is_shown=False)
        with open_books(root, write=True) as books:
            for number, files in enumerate(batches):
                paths = [write_calls(root / "inbox" / f"{number}" / name, lines, header) for name, lines in files]
                report = ingest.ingest_files(books, paths, progress)
                assert not report.refused, "a file with too many broken lines is another story"
            month = compute_month(books, _book().book, OCTOBER, progress)
            parts = parts_of(books.state, PERIOD)
            files = [part.rated for part in parts if part.rated]
            rated = pl.concat([RatedCall.empty(), *(pl.read_parquet(p, glob=False) for p in books.paths(files))])
            return Billed(month, rated, sum(part.cdr.rows for part in parts))


def without_reading_again(monkeypatch) -> None:
    """Let ingests take rate book and layouts from memory, and not wait for a disk."""
    layouts = load_layouts(_template() / "layouts")
    monkeypatch.setattr(ingest, "load_rate_book", lambda folder: _book())
    monkeypatch.setattr(ingest, "load_layouts", lambda folder: layouts)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
