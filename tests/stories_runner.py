"""Runs a story of `cdr_samples/`: books made from its files, its steps in order, its expected tables against ours.

A story folder holds `story.toml`, what finance keeps (`catalog/`, and `rate_plans/`, `layouts/`, `books.toml` where the
shipped ones do not do), files of call records as a carrier sends them, and `expected/`.

    period = "2026-10"          # whose published tables `expected/*.csv` names
    first_period = "2026-09"    # first period of the books; `period` when left out
    steps = [...]               # ingest inbox/ (if there is one) and run `period` when left out

Steps are `["ingest", FOLDER]`, `["run", PERIOD]`, `["close", PERIOD]` and `["put", FOLDER]` (copy a folder of the story
over the books, as finance edits them). A third word says what must come of a step: `refused` (nothing of the books may
change) or `unchanged` (it finds nothing to do). `expected/<period>/*.csv` names tables of other periods.

An expected table is compared in the columns it names, as sorted rows, amounts as amounts. `findings.csv` is compared
in the severities it names.
"""

import csv
import datetime as dt
import io
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import polars as pl

from billing.core.digests import file_sha256
from billing.core.findings import Finding, Refusal
from billing.core.period import Period
from billing.documents.stage import make_documents
from pipelines.books import open_books
from pipelines.close import close_month
from pipelines.documents import EARLIER, tables_of
from pipelines.ingest_files import ingest_files
from pipelines.init_books import make_folders
from pipelines.past import rows_before
from pipelines.progress import Progress
from pipelines.rate_book_of import book_of_snapshot
from pipelines.run_month import run_month
from tests.documents.adding_up import check_document

STORIES = Path(__file__).resolve().parents[1] / "cdr_samples"
COMPANY, KEY = "示例通信有限公司", "0123456789abcdef0123456789abcdef"
BOOKS_PARTS = ("catalog", "rate_plans", "layouts", "books.toml")
INBOX = "inbox"
FINDINGS, FINDING_COLUMNS = "findings", ("reason", "where", "severity")
OUTCOMES = ("done", "refused", "unchanged")
TEXT = "utf-8-sig"

Row = tuple[str, ...]


@dataclass
class Told:
    """A story as it went: its books, and everything that was found on the way."""

    root: Path
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """One expected table beside what came out, both in the columns that the expected file names."""

    path: Path
    columns: Row
    expected: list[Row]
    found: list[Row]

    @property
    def name(self) -> str:
        """The file below the story's folder, as it is shown."""
        return self.path.relative_to(STORIES).as_posix()

    @property
    def agrees(self) -> bool:
        """Whether the same rows stand on both sides."""
        return sorted(self.expected) == sorted(self.found)

    def difference(self) -> str:
        """Rows that stand on one side only, as CSV; `-` is expected, `+` came out."""
        missing, surplus = list(self.expected), []
        for row in self.found:
            if row in missing:
                missing.remove(row)
            else:
                surplus.append(row)
        lines = [f"{mark} {_line(row)}" for mark, rows in (("-", missing), ("+", surplus)) for row in sorted(rows)]
        return "\n".join([f"{self.name}", f"  {_line(self.columns)}", *lines])

    def accept(self) -> None:
        """Write what came out; a file that agrees keeps the order of its rows."""
        if not self.agrees:
            self.path.write_text("".join(f"{_line(row)}\n" for row in (self.columns, *self.found)), "utf-8")


def story_names() -> list[str]:
    """Every story, by name."""
    return sorted(path.name for path in STORIES.iterdir() if path.is_dir() and path.name[0] not in "._")


def tell_story(name: str, folder: Path) -> list[Comparison]:
    """Run a story in an empty folder.

    Returns:
        Every expected table beside what came out.

    Raises:
        AssertionError: a step was refused, or was not, against the story's word.
    """
    story = STORIES / name
    facts = tomllib.loads((story / "story.toml").read_text("utf-8"))
    strangers = facts.keys() - {"period", "first_period", "steps"}
    assert not strangers, f"{name}/story.toml: unknown {', '.join(sorted(strangers))}"
    period = facts["period"]
    first = Period.parse(facts.get("first_period", period))
    told = Told(folder / "books")
    make_folders(told.root, first=first, lang="zh", company=COMPANY, key=KEY, is_sample=True)
    _put(story, told.root)
    ordinary = [["ingest", INBOX]] * (story / INBOX).is_dir() + [["run", period]]
    for step in facts.get("steps", ordinary):
        _take_step(story, told, *step)
    _check_documents(told.root)
    return _compare(story, told, period)


def _check_documents(root: Path) -> None:
    """What people would read of every month that came out: it adds up, and no code of ours stands in it."""
    with open_books(root, write=False) as books:
        for name in sorted({*books.state.runs, *books.state.closes}):
            month, commit = Period.parse(name), books.state.published(name)
            book = book_of_snapshot(books, commit.facts["snapshot"])
            earlier = {table.name: rows_before(books, table, month) for table in EARLIER}
            tables = tables_of(books, book, month)
            for lang in ("zh", "en"):
                for document in make_documents(tables, earlier, book, month, "final", lang=lang):
                    check_document(document)


def _take_step(story: Path, told: Told, verb: str, target: str, outcome: str = "done") -> None:
    assert outcome in OUTCOMES, f"{outcome} is no outcome of a step; one of {', '.join(OUTCOMES)}"
    before = _books_state(told.root)
    try:
        findings, is_refused = _do(story, told.root, verb, target)
    except Refusal as refusal:
        findings, is_refused = refusal.findings, True
    told.findings += findings
    step = f"{verb} {target}"
    reasons = ", ".join(f"{finding.where} {finding.reason}" for finding in findings if finding.severity != "info")
    assert is_refused == (outcome == "refused"), f"{step}: {'' if is_refused else 'not '}refused ({reasons})"
    if outcome != "done":
        assert _books_state(told.root) == before, f"{step} changed the books"


def _do(story: Path, root: Path, verb: str, target: str) -> tuple[Sequence[Finding], bool]:
    """What a step found, and whether it refused a file."""
    if verb == "put":
        _put(story / target, root)
        return [], False
    with open_books(root, write=True) as books:
        if verb == "ingest":
            report = ingest_files(books, [story / target], Progress(is_shown=False))
            return report.findings, bool(report.refused)
        if verb == "run":
            return run_month(books, Period.parse(target), Progress(is_shown=False)).findings, False
        assert verb == "close", f"{verb} is no step"
        close_month(books, Period.parse(target), Progress(is_shown=False))
        return [], False


def _put(source: Path, root: Path) -> None:
    """Copy what finance keeps over the books."""
    for part in BOOKS_PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, root / part, dirs_exist_ok=True)
        elif (source / part).exists():
            shutil.copyfile(source / part, root / part)


def _books_state(root: Path) -> dict[str, str]:
    """Everything that is part of the books: what no commit names is not."""
    files = [path for part in ("commits", "published") for path in (root / part).rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): file_sha256(path) for path in files}


def _compare(story: Path, told: Told, period: str) -> list[Comparison]:
    comparisons = []
    for path in sorted((story / "expected").rglob("*.csv")):
        columns, expected = _read_expected(path)
        whose = period if path.parent.name == "expected" else path.parent.name
        if path.stem == FINDINGS:
            severities = {row[columns.index("severity")] for row in expected}
            assert severities, f"{path.name} names no severity"
            rows = [(found.reason, found.where, found.severity) for found in told.findings]
            named = [row for row in rows if row[-1] in severities]
            table = pl.DataFrame(named, dict.fromkeys(FINDING_COLUMNS, pl.String), orient="row")
        else:
            table = pl.read_parquet(told.root / "published" / whose / "tables" / f"{path.stem}.parquet")
        strangers = [column for column in columns if column not in table.columns]
        assert not strangers, f"{path.name}: no column {', '.join(strangers)}"
        kinds = [table.schema[column] for column in columns]
        expected = [tuple(_plain(cell, kind) for cell, kind in zip(row, kinds, strict=True)) for row in expected]
        found = [tuple(_shown(cell) for cell in row) for row in table.select(columns).iter_rows()]
        comparisons.append(Comparison(path, columns, expected, found))
    assert comparisons, f"{story.name} expects nothing"
    return comparisons


def _read_expected(path: Path) -> tuple[Row, list[Row]]:
    rows = [tuple(row) for row in csv.reader(io.StringIO(path.read_text(TEXT)), strict=True) if row]
    uneven = [row for row in rows if len(row) != len(rows[0])]
    assert not uneven, f"{path.name}: a row has {len(uneven[0])} cells, the header {len(rows[0])}"
    return rows[0], rows[1:]


def _plain(cell: str, kind: pl.DataType) -> str:
    """An expected cell as `_shown` writes it: 7.6 and 7.600000 are 7.60."""
    if kind.is_decimal() and cell:
        try:
            return _shown(Decimal(cell))
        except InvalidOperation as error:
            raise AssertionError(f"{cell!r} is no amount") from error
    return cell


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        exact = cell.normalize()
        return f"{exact:.2f}" if exact == exact.quantize(Decimal("0.01")) else f"{exact:f}"
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ", timespec="milliseconds" if cell.microsecond else "seconds")
    return str(cell)


def _line(row: Row) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(row)
    return text.getvalue()
