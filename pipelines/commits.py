"""The commit log: what happened to the books, in order. A file no commit names does not exist.

Each step writes its data files first and then one file `commits/<n>.json`, created only if it does not exist; that
creation is the one moment at which the step happens. Commits are chained by hash. State is their fold.
"""

import datetime as dt
import hashlib
import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from billing.core.digests import canonical_json, json_sha256
from billing.core.findings import refuse

_NAME = re.compile(r"[0-9]{6,}\.json")
FIRST_HASH = "0" * 64


@dataclass(frozen=True)
class FileEntry:
    """A data file as a commit names it: path below the books, table, hash, rows, totals, and what it is the part of."""

    path: str
    table: str
    sha256: str
    rows: int
    key: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The entry as it stands in the commit."""
        return {"path": self.path, "table": self.table, "sha256": self.sha256, "rows": self.rows, "key": self.key}


@dataclass(frozen=True)
class Commit:
    """One step of the books' life."""

    number: int
    kind: str
    at: str
    by: str
    attempt: str
    previous: str
    digest: str
    files: Sequence[FileEntry]
    replaces: Sequence[str]
    facts: Mapping[str, Any]
    versions: Mapping[str, str]


class CommitLog:
    """The folder `commits/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, number: int) -> Path:
        """Where a commit lies."""
        return self.folder / f"{number:06d}.json"

    def read(self) -> list[Commit]:
        """Every commit in order, the chain checked.

        Raises:
            Refusal: a commit is missing, unreadable, or does not continue the one before it.
        """
        commits: list[Commit] = []
        previous = FIRST_HASH
        for number in range(1, self._last() + 1):
            commit = self._read_one(number)
            if commit.previous != previous or commit.number != number:
                raise refuse("COMMIT_CHAIN_BROKEN", f"commits/{number:06d}.json", number=number)
            commits.append(commit)
            previous = commit.digest
        return commits

    def append(
        self,
        commits: Sequence[Commit],
        *,
        kind: str,
        by: str,
        at: dt.datetime,
        files: Sequence[FileEntry],
        replaces: Sequence[str],
        facts: Mapping[str, Any],
        versions: Mapping[str, str],
    ) -> Commit:
        """Make a step part of the books.

        Raises:
            Refusal: another process has taken the number; nothing of this step is part of the books then.
        """
        number = len(commits) + 1
        attempt = secrets.token_hex(16)
        body = {
            "number": number,
            "kind": kind,
            "at": at.isoformat(timespec="seconds"),
            "by": by,
            "attempt": attempt,
            "previous": commits[-1].digest if commits else FIRST_HASH,
            "files": [entry.as_json() for entry in sorted(files, key=lambda entry: entry.path)],
            "replaces": sorted(replaces),
            "facts": facts,
            "versions": versions,
        }
        body["seal"] = json_sha256(body)
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".{attempt}"
        with draft.open("wb") as stream:
            stream.write(canonical_json(body).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(draft, self.path(number))
        except FileExistsError as error:
            raise refuse("COMMIT_TAKEN", f"commits/{number:06d}.json", number=number) from error
        finally:
            draft.unlink()
        sync_folder(self.folder)
        return self._read_one(number)

    def _last(self) -> int:
        numbers = [int(path.stem) for path in self.folder.glob("*.json") if _NAME.fullmatch(path.name)]
        return max(numbers, default=0)

    def _read_one(self, number: int) -> Commit:
        path = self.path(number)
        try:
            raw = path.read_bytes()
            body = json.loads(raw)
            seal = body.pop("seal")
            if json_sha256(body) != seal:
                raise ValueError("its seal does not fit")
            files = [FileEntry(**entry) for entry in body["files"]]
            return Commit(
                number=body["number"],
                kind=body["kind"],
                at=body["at"],
                by=body["by"],
                attempt=body["attempt"],
                previous=body["previous"],
                digest=hashlib.sha256(raw).hexdigest(),
                files=files,
                replaces=body["replaces"],
                facts=body["facts"],
                versions=body["versions"],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise refuse("COMMIT_UNREADABLE", f"commits/{number:06d}.json", problem=error) from error


@dataclass(frozen=True)
class SourceFact:
    """A file that was read, as its ingest commit tells it."""

    file_number: int
    file_name: str
    sha256: str
    byte_count: int
    layout: str
    encoding: str
    source: str
    raw_path: str
    record_count: int
    framing_count: int
    not_ours_count: int
    first_seen: str | None
    stated_records: int | None = None
    stated_talk_seconds: int | None = None
    found_talk_seconds: int | None = None
    sequence: int | None = None
    commit: int = 0


@dataclass
class State:
    """What the commits add up to."""

    files: dict[str, FileEntry] = field(default_factory=dict)
    sources: dict[int, SourceFact] = field(default_factory=dict)
    runs: dict[str, Commit] = field(default_factory=dict)
    closes: dict[str, Commit] = field(default_factory=dict)
    last_file_number: int = 0
    invoice_counts: dict[str, int] = field(default_factory=dict)

    def of_table(self, table: str) -> list[FileEntry]:
        """Live files of a table, by path."""
        return sorted((entry for entry in self.files.values() if entry.table == table), key=lambda entry: entry.path)

    def published(self, period: str) -> Commit | None:
        """The commit that says what is published for a period."""
        return self.closes.get(period) or self.runs.get(period)


def fold(commits: Sequence[Commit]) -> State:
    """Add the commits up."""
    state = State()
    for commit in commits:
        for path in commit.replaces:
            state.files.pop(path, None)
        state.files.update((entry.path, entry) for entry in commit.files)
        for fact in commit.facts.get("sources", ()):
            source = SourceFact(**fact, commit=commit.number)
            state.sources[source.file_number] = source
            state.last_file_number = max(state.last_file_number, source.file_number)
        for number in commit.facts.get("taken_back_files", ()):
            state.sources.pop(number, None)
        if commit.kind == "run":
            state.runs[commit.facts["period"]] = commit
        if commit.kind == "close":
            state.closes[commit.facts["period"]] = commit
            year = commit.facts["period"][:4]
            state.invoice_counts[year] = state.invoice_counts.get(year, 0) + commit.facts["invoice_count"]
    return state


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
