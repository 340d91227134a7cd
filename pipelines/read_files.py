"""Files to staged parts: which files were never read before, and each of them read and placed for the commit."""

import datetime as dt
import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from billing.core.digests import file_sha256
from billing.core.findings import refuse
from billing.core.period import Period
from billing.ingest.layout import Layout
from billing.ingest.received import GZIP_MAGIC
from billing.ingest.stage import FileReading, read_cdr_file
from billing.tables.calls import Cdr
from pipelines.assemble import records_of
from pipelines.books import Books, Workbench
from pipelines.commits import SourceFact
from pipelines.held_back import Accepted
from pipelines.parts import Part, billing_period, part_key

RAW_TABLE = "raw"
CLOSED_FORMS = (GZIP_MAGIC, b"PK", b"PAR1")
"""First bytes of gzip, workbooks and Parquet, whose readers see when their end is missing."""
AT_REST_SECONDS = 60
"""A file without an end in its last line is taken as complete when nobody has written to it for so long."""


def list_files(paths: Iterable[Path]) -> list[Path]:
    """Files in the order given, folders opened up in the order of names; hidden and temporary files are passed over."""
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise refuse("PATH_MISSING", path=path)
        found = sorted(entry for entry in path.rglob("*") if entry.is_file()) if path.is_dir() else [path]
        files.extend(entry for entry in found if entry.name[0] not in ".~" and entry.suffix not in (".tmp", ".part"))
    return files


@dataclass
class FilesFound:
    """What paths hold: files to read with their numbers, files read before, and those whose names cannot be shown."""

    unread: list[tuple[int, Path]] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def find_files(books: Books, paths: Iterable[Path]) -> FilesFound:
    """Files whose bytes were never read before, each with its number; a file is hashed only if its size occurs twice.

    A file that was read under an older version of its layout counts as read: reading it again would contradict itself.
    """
    found = FilesFound()
    known: dict[int, set[str]] = {}
    for source in books.state.sources.values():
        known.setdefault(source.byte_count, set()).add(source.sha256)
    files = [(path, path.stat().st_size) for path in list_files(paths)]
    sizes = Counter(size for _, size in files)
    for path, size in files:
        if not path.name.isprintable():
            found.unreadable.append(os.fsencode(path.name).decode("gb18030", "backslashreplace"))
            continue
        if size in known or sizes[size] > 1:
            sha256 = file_sha256(path)
            if sha256 in known.setdefault(size, set()):
                found.known.append(path.name)
                continue
            known[size].add(sha256)
        found.unread.append((books.state.last_file_number + len(found.unread) + 1, path))
    return found


def read_file(
    bench: Workbench,
    path: Path,
    number: int,
    layouts: Sequence[Layout],
    open_from: Period,
    *,
    layout_id: str | None,
    keep_raw: bool,
) -> Accepted:
    """Read one file onto the bench.

    Args:
        bench: where its parts and its kept copy are placed.
        path: the file as it came.
        number: its number in the books.
        layouts: what it may be.
        open_from: the first period that is not closed.
        layout_id: read under this layout instead of recognising it.
        keep_raw: keep a compressed copy.

    Raises:
        Refusal: the file as a whole cannot be read.
    """
    staging = bench.folder / "staging" / str(number)
    before = path.stat()
    try:
        reading = read_cdr_file(
            path,
            file_number=number,
            layouts=layouts,
            staging=staging,
            raw_copy=bench.folder / "raw" / str(number) if keep_raw else None,
            layout_id=layout_id,
        )
    except Exception as error:
        # A file that changes contradicts itself in many ways; that it changed is what a person must know.
        if _has_changed(path, before):
            raise refuse("FILE_CHANGED", path.name) from error
        raise
    if _has_changed(path, before):
        raise refuse("FILE_CHANGED", path.name)
    _refuse_unfinished(path, before)
    if reading.is_assembled:
        held, waiting = records_of(bench, reading, path, number, layouts, open_from)
        return Accepted(
            path, _fact(reading, before.st_size, number, _keep_raw(bench, reading, number)), [], waiting, held
        )
    parts = [
        place_part(bench, staged.path, number, day, open_from, rows=staged.rows, not_ours=staged.not_ours)
        for day, staged in reading.parts.items()
    ]
    return Accepted(path, _fact(reading, before.st_size, number, _keep_raw(bench, reading, number)), parts)


def _keep_raw(bench: Workbench, reading: FileReading, number: int) -> str:
    """Put the kept copy on the bench; its place, empty when none was made."""
    if not reading.raw_copy:
        return ""
    raw_path = f"lake/raw/{reading.sha256}.{reading.raw_form}"
    reading.raw_copy.replace(bench.place(raw_path))
    bench.add(raw_path, RAW_TABLE, {"file": number}, reading.record_count)
    return raw_path


def _has_changed(path: Path, before: os.stat_result) -> bool:
    """Whether a file is not what it was when reading began."""
    try:
        after = path.stat()
    except FileNotFoundError:
        return True
    return (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns)


def _refuse_unfinished(path: Path, seen: os.stat_result) -> None:
    """Refuse a file that somebody may still be writing: half a line can be a whole record with a shorter time.

    A file that is packed, binary or one JSON value says itself whether it is complete.
    """
    age = time.time() - seen.st_mtime
    if not seen.st_size or abs(age) >= AT_REST_SECONDS:
        return
    with path.open("rb") as stream:
        head = stream.read(4)
        stream.seek(-1, os.SEEK_END)
        last = stream.read(1)
    if not head.startswith(CLOSED_FORMS) and last not in b"\r\n" and (head[:1] + last) not in (b"[]", b"{}"):
        raise refuse("FILE_STILL_WRITTEN", path.name, seconds=max(int(age), 0))


def place_part(
    bench: Workbench, staged: Path, number: int, day: dt.date | None, open_from: Period, *, rows: int, not_ours: int
) -> Part:
    """Put a staged part where the books keep it."""
    relative = f"lake/cdr/{day or 'undated'}/{number:06d}.parquet"
    staged.replace(bench.place(relative))
    period = billing_period(day, open_from)
    key = part_key(day, number) | {"billing_period": period, "not_ours": not_ours}
    return Part(day, number, period, bench.add(relative, Cdr.name, key, rows), None, None, None)


def _fact(reading: FileReading, byte_count: int, number: int, raw_path: str) -> SourceFact:
    return SourceFact(
        file_number=number,
        file_name=reading.file_name,
        sha256=reading.sha256,
        byte_count=byte_count,
        layout=reading.layout,
        encoding=reading.encoding,
        source=reading.source,
        raw_path=raw_path,
        record_count=reading.record_count,
        framing_count=reading.framing_count,
        not_ours_count=reading.not_ours_count,
        first_seen=reading.first_seen.isoformat() if reading.first_seen else None,
        stated_records=reading.stated_records,
        stated_talk_seconds=reading.stated_talk_seconds,
        found_talk_seconds=reading.found_talk_seconds,
        sequence=reading.sequence,
    )
