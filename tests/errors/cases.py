"""Cases of the error catalogue: text files that break one thing and say what a person must then read.

    One sentence: what is broken and why it must be told.

    books: stocked | ingested | drafted | closed
    replace PATH: OLD => NEW            (also: append PATH: TEXT, take PATH: TEXT, delete PATH, gzip PATH, cut PATH,
    write PATH                           encode PATH: ENCODING, do COMMAND, lock, zip PATH,
    grow-while-read PATH)
        lines of the file                (a CSV for PATH.parquet and PATH.xlsx; `column:double` holds floats)
    $ run BOOKS 2026-10
    exit: 1
    says: rate_plans/tax/vat.yaml:3: REASON: what, for which key; what to do

`says` lists every critical message, in English; `also` names one among the others, and stands alone for a warning.
`…` stands for anything.
"""

import fcntl
import gzip
import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from billing.ingest.stage import FileReading, read_cdr_file
from pipelines import read_files
from tests.commands.corner_shop import bill400

ANYTHING = "…"


@dataclass
class Case:
    """One case."""

    sentence: str
    books: str = ""
    actions: list[tuple[str, list[str]]] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    exit: int = 0
    says: list[str] = field(default_factory=list)
    also: list[str] = field(default_factory=list)


def read_case(path: Path) -> Case:
    """Read a case file."""
    lines = path.read_text("utf-8").splitlines()
    case = Case(lines[0])
    for line in lines[1:]:
        word, _, rest = line.partition(" ")
        if line.startswith("    "):
            case.actions[-1][1].append(line[4:])
        elif word == "books:":
            case.books = rest
        elif word == "$":
            case.command = rest.split()
        elif word == "exit:":
            case.exit = int(rest)
        elif word == "says:":
            case.says.append(rest)
        elif word == "also:":
            case.also.append(rest)
        elif line:
            case.actions.append((line, []))
    assert case.books and case.command and (case.says or case.also), f"{path.name} is no whole case"
    return case


@contextmanager
def broken(case: Case, books: Path) -> Iterator[None]:
    """The books as the case wants them."""
    with ExitStack() as stack:
        for action, block in case.actions:
            _act(action, block, books, stack)
        yield


def _act(action: str, block: list[str], books: Path, stack: ExitStack) -> None:
    word, _, rest = action.partition(" ")
    if word == "lock":
        fcntl.flock(stack.enter_context((books / "lock").open("a")), fcntl.LOCK_EX)
        return
    if word == "do":
        bill400(*rest.replace("BOOKS", str(books)).split())
        return
    place, _, what = rest.partition(": ")
    path = books / place
    if word == "replace":
        old, new = what.replace("\\n", "\n").split(" => ")
        text = path.read_text("utf-8")
        assert old in text, f"{place} does not hold {old!r}"
        path.write_text(text.replace(old, new), "utf-8")
    elif word == "take":
        lines = path.read_text("utf-8").splitlines(keepends=True)
        kept = [line for line in lines if what not in line]
        assert len(kept) < len(lines), f"{place} does not hold {what!r}"
        path.write_text("".join(kept), "utf-8")
    elif word == "append":
        path.write_text(path.read_text("utf-8") + what + "\n", "utf-8")
    elif word == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".parquet", ".xlsx"):
            _write_table(path, [line.split(",") for line in block])
        else:
            path.write_text("\n".join([*block, ""]), "utf-8")
    elif word == "zip":
        with zipfile.ZipFile(path.with_name(path.name + ".zip"), "w") as archive:
            archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes())
        path.unlink()
    elif word == "delete":
        path.unlink()
    elif word == "gzip":
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        path.unlink()
    elif word == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif word == "grow-while-read":
        stack.enter_context(_growing(path))
    elif word == "encode":
        path.write_bytes(path.read_text("utf-8").encode(what))
    else:
        raise ValueError(f"no action {word}")


def _write_table(path: Path, rows: list[list[str]]) -> None:
    if path.suffix == ".xlsx":
        with xlsxwriter.Workbook(str(path)) as workbook:
            sheet = workbook.add_worksheet()
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
        return
    columns = {}
    for name, *values in zip(*rows, strict=True):
        name, _, kind = name.partition(":")
        columns[name] = pa.array([float(value) for value in values]) if kind else pa.array(values)
    pq.write_table(pa.table(columns), path)


@contextmanager
def _growing(path: Path) -> Iterator[None]:
    """Somebody adds a line to a file whenever it has been read."""

    def read(given: Path, **options: Any) -> FileReading:
        reading = read_cdr_file(given, **options)
        path.write_text(path.read_text("utf-8") + "more\n", "utf-8")
        return reading

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_files, "read_cdr_file", read)
        yield


def fits(expected: str, message: str) -> bool:
    """Whether a message is the expected one."""
    return re.fullmatch(".*".join(re.escape(part) for part in expected.split(ANYTHING)), message, re.DOTALL) is not None
