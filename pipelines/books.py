"""The books as a folder: paths, the writer lock, opening, and how files become part of them.

Nothing here knows a rule of billing. Opening for writing takes the lock, folds the commits, sweeps what a killed
process left behind and makes `published/` equal to the last commit again.
"""

import datetime as dt
import fcntl
import getpass
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import polars as pl

from billing.core.digests import file_sha256
from billing.core.findings import refuse
from billing.tables.parquet import write_table
from billing.tables.schema import Table
from pipelines.commits import Commit, CommitLog, FileEntry, State, fold, sync_folder

WORK = ".work"
LIBRARIES = ("bill400", "polars", "duckdb", "pyarrow")


class BusyError(Exception):
    """Another process holds the writer lock."""


@dataclass
class Books:
    """A set of books: its folder, its commits and what they add up to."""

    root: Path
    commits: list[Commit]
    state: State
    by: str = field(default_factory=getpass.getuser)

    @property
    def log(self) -> CommitLog:
        """The commit log."""
        return CommitLog(self.root / "commits")

    def path(self, relative: str) -> Path:
        """A path below the books."""
        return self.root / relative

    def paths(self, entries: Sequence[FileEntry]) -> list[Path]:
        """Where files lie."""
        return [self.root / entry.path for entry in entries]

    def overlaid(self, entries: Sequence[FileEntry], replaced: Sequence[str]) -> "Books":
        """The books as they will be once a step under way is committed."""
        gone = set(replaced)
        files = {path: entry for path, entry in self.state.files.items() if path not in gone}
        files.update((entry.path, entry) for entry in entries)
        return replace(self, state=replace(self.state, files=files))

    def as_known_at(self, commit: Commit) -> "Books":
        """The books as they were right after a commit."""
        commits = self.commits[: commit.number]
        return replace(self, commits=commits, state=fold(commits))

    def append(
        self, kind: str, *, files: Sequence[FileEntry] = (), replaces: Sequence[str] = (), facts: Mapping[str, Any]
    ) -> Commit:
        """Commit a step: from here on its files are part of the books."""
        commit = self.log.append(
            self.commits,
            kind=kind,
            by=self.by,
            at=dt.datetime.now(dt.UTC),
            files=files,
            replaces=replaces,
            facts=facts,
            versions=library_versions(),
        )
        self.commits.append(commit)
        self.state = fold(self.commits)
        return commit


class Workbench:
    """Where a step writes before it commits; `settle` moves everything to its final name, durable."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.folder = books.root / WORK / secrets.token_hex(8)
        self.folder.mkdir(parents=True)
        self.entries: list[FileEntry] = []
        self.settled = 0
        self.laid_down: list[Path] = []

    def place(self, relative: str) -> Path:
        """Where to write the file that will lie at a path below the books."""
        path = self.folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(
        self, frame: pl.DataFrame, table: type[Table], relative: str, key: Mapping[str, Any], name: str = ""
    ) -> FileEntry:
        """Write a small table and remember it for the commit, under the table's name or another."""
        write_table(frame, table, self.place(relative))
        return self.add(relative, name or table.name, key, frame.height)

    def add(self, relative: str, table: str, key: Mapping[str, Any], rows: int, sha256: str = "") -> FileEntry:
        """Remember a file that was written at `place(relative)`."""
        digest = sha256 or file_sha256(self.folder / relative)
        entry = FileEntry(relative, table, digest, rows, key)
        self.entries.append(entry)
        return entry

    def withdraw(self, entries: Iterable[FileEntry]) -> None:
        """Take files off the bench again, those that were laid down too: this step will not name them.

        What an earlier commit names stays: the kept copy of a file that was taken back and comes again, for instance.
        """
        gone = {entry.path for entry in entries}
        self.settled -= sum(entry.path in gone for entry in self.entries[: self.settled])
        self.entries = [entry for entry in self.entries if entry.path not in gone]
        named = {entry.path for commit in self.books.commits for entry in commit.files}
        for path in gone - named:
            self.books.path(path).unlink(missing_ok=True)

    def settle(self) -> list[FileEntry]:
        """Give every file its final name, durable; they are part of the books once a commit names them.

        A step may settle early and go on writing: what no commit names does not exist, wherever it lies.
        """
        folders: set[Path] = set()
        for entry in self.entries[self.settled :]:
            target = self.books.root / entry.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with (self.folder / entry.path).open("rb") as stream:
                os.fsync(stream.fileno())
            (self.folder / entry.path).replace(target)
            folders.update({target.parent, target.parent.parent})
        for folder in sorted(folders):
            sync_folder(folder)
        self.laid_down.extend(self.books.root / entry.path for entry in self.entries[self.settled :])
        self.settled = len(self.entries)
        return self.entries

    def discard(self) -> None:
        """Leave nothing behind: neither the workbench nor files laid down that no commit names after all."""
        shutil.rmtree(self.folder, ignore_errors=True)
        # Asked from the disk: an append may fail after its commit was made.
        named = {entry.path for commit in self.books.log.read() for entry in commit.files} if self.laid_down else set()
        for path in self.laid_down:
            if path.relative_to(self.books.root).as_posix() not in named:
                path.unlink(missing_ok=True)


@contextmanager
def workbench(books: Books) -> Iterator[Workbench]:
    """A workbench that is cleared away however the step ends."""
    bench = Workbench(books)
    try:
        yield bench
    finally:
        bench.discard()


@contextmanager
def open_books(root: Path, *, write: bool, wait_seconds: float = 0) -> Iterator[Books]:
    """Open books for reading, or for writing under the lock.

    Raises:
        Refusal: no books there, or the commit chain is broken.
        BusyError: another process is writing.
    """
    if not (root / "books.toml").exists():
        raise refuse("NOT_BOOKS", str(root), folder=root)
    if not write:
        yield _folded(root)
        return
    with (root / "lock").open("a") as lock:
        _take(lock.fileno(), wait_seconds)
        books = _folded(root)
        shutil.rmtree(root / WORK, ignore_errors=True)
        yield books


def _folded(root: Path) -> Books:
    commits = CommitLog(root / "commits").read()
    return Books(root, commits, fold(commits))


def _take(descriptor: int, wait_seconds: float) -> None:
    until = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() >= until:
                raise BusyError from error
            time.sleep(0.2)


def library_versions() -> dict[str, str]:
    """Versions of the engine and of the libraries that decide bytes."""
    return {name: metadata.version(name) for name in LIBRARIES} | {"python": sys.version.split()[0]}


def shipped(folder: str) -> Path:
    """A folder that ships with the project: inside the installed package, or beside the checkout."""
    import billing

    package = Path(billing.__file__).parent
    inside = package / "_shipped" / folder
    return inside if inside.is_dir() else package.parent / folder
