"""Which records are the same call: decided once, at ingest, from what the records say, never from a hash alone.

Same source and call id with starts less than the layout's window apart is the same call; without an id, equal caller,
number, start and talk time is. Equal in every field: a copy, dropped. Otherwise a conflict: nobody knows which is
right, so both wait, unless the other is part of a closed month; then only the new record does.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from billing.tables.calls import NOT_OURS, Cdr, Duplicate
from billing.tables.parquet import scan_tables

DEFAULT_WINDOW_HOURS = 12
CANDIDATES_AT_ONCE = 500_000
"""Keys whose whole rows are compared in one go, so that a month sent again needs no more memory than a day of it."""
_CONTENT = [str(column) for column in Cdr.columns if column != Cdr.cdr_id]
_CONFLICT = pl.Schema(
    {name: Cdr.schema()[name] for name in (Cdr.cdr_id, Cdr.usage_date, Cdr.service_number, Cdr.talk_ms)}
)
_CALL = ["source", "call_id", "key_caller", "key_number", "key_start", "key_talk"]
"""Who wrote it and its id; caller, number, start and talk time where the source gives no id."""


@dataclass(frozen=True)
class Copies:
    """What identity found.

    Attributes:
        duplicates: `Duplicate` rows of new records.
        conflicts: cdr_id, usage_date, service_number, talk_ms of records that contradict another of the same call.
    """

    duplicates: pl.DataFrame
    conflicts: pl.DataFrame


@dataclass(frozen=True)
class _File:
    path: Path
    is_new: bool
    is_closed: bool


def find_copies(
    new: Mapping[dt.date, Sequence[Path]],
    stored: Mapping[dt.date, Sequence[Path]],
    *,
    known: pl.Series,
    given_up: pl.Series,
    closed: Collection[Path],
    window_hours: Mapping[str, int] | None = None,
    carry_out: Callable[[Callable[[dt.date], Copies], Iterable[dt.date]], Iterable[Copies]] = map,
) -> Copies:
    """Find copies and conflicts among new records, and against stored ones a day around.

    Args:
        new: files of `Cdr` rows that come in, by usage date.
        stored: files the books hold, by usage date.
        known: cdr_id of stored records that are copies themselves.
        given_up: cdr_id of stored records that were written off: a copy of one is a copy, and it contradicts nothing.
        closed: stored files that belong to a closed month.
        window_hours: by source, how far apart two calls with one id must start to be two; 12 hours when not named.
        carry_out: does a piece of work for each day, one after the other or side by side.
    """

    def copies_of(day: dt.date) -> Copies:
        around = [day + dt.timedelta(days=offset) for offset in (-1, 0, 1)]
        files = [_File(path, True, False) for near in around for path in new.get(near, ())]
        files += [_File(path, False, path in closed) for near in around for path in stored.get(near, ())]
        # Three days of hashes are all that is held.
        hashes = {file.path: _key_hashes(file.path) for file in files}
        mine = pl.concat([hashes[path] for path in new[day]])
        duplicates, conflicts = [Duplicate.empty()], [pl.DataFrame(schema=_CONFLICT)]
        for keys in _repeated(mine, pl.concat(hashes.values())):
            records = _whole_rows(files, hashes, keys, known)
            duplicates.append(_copies(records, day))
            standing = records.filter(~pl.col("first_copy").is_in(given_up.implode()))
            conflicts.append(_contradictions(standing, dict(window_hours or {})))
        return Copies(pl.concat(duplicates), pl.concat(conflicts))

    found = list(carry_out(copies_of, sorted(new)))
    duplicates = pl.concat([Duplicate.empty(), *(copies.duplicates for copies in found)])
    conflicts = pl.concat([pl.DataFrame(schema=_CONFLICT), *(copies.conflicts for copies in found)])
    return Copies(
        duplicates.unique(Duplicate.cdr_id, keep="first", maintain_order=True).sort(Duplicate.cdr_id),
        conflicts.unique(Cdr.cdr_id, keep="first", maintain_order=True).sort(Cdr.cdr_id),
    )


def _key_hashes(path: Path) -> pl.Series:
    """A transient hash of what may identify each record of a file, in order; equal calls have equal hashes."""
    rows = scan_tables([path], Cdr)
    call_id = pl.col(Cdr.call_id)
    hashes, has_id = rows.select(call_id.hash(seed=0), call_id.is_not_null().alias("has_id")).collect().get_columns()
    if has_id.all():
        return hashes
    without = pl.struct(Cdr.service_number, Cdr.started_at, Cdr.talk_ms).hash(seed=1)
    return rows.select(without).collect().to_series().zip_with(~has_id, hashes)


def _repeated(mine: pl.Series, around: pl.Series) -> Iterator[pl.Series]:
    """The hashes of new records of a day that occur more than once around it, in portions; nearly always none."""
    ordered = around.sort()
    twice = ordered.filter(ordered == ordered.shift(1)).unique(maintain_order=True)
    if twice.is_empty():
        return
    twice = twice.filter(twice.is_in(mine.implode()))
    for first in range(0, len(twice), CANDIDATES_AT_ONCE):
        yield twice.slice(first, CANDIDATES_AT_ONCE)


def _whole_rows(
    files: Sequence[_File], hashes: Mapping[Path, pl.Series], keys: pl.Series, known: pl.Series
) -> pl.DataFrame:
    """The records that have one of these hashes and an identity at all; whole rows decide, not the hash."""
    frames = [Cdr.empty().with_columns(is_new=pl.lit(False), is_closed=pl.lit(False))]
    for file in files:
        chosen = hashes[file.path].is_in(keys.implode())
        if not chosen.any():
            continue
        ids = scan_tables([file.path], Cdr).select(Cdr.cdr_id).collect().to_series().filter(chosen)
        is_readable = pl.col(Cdr.unreadable).is_null() & pl.col(Cdr.started_at).is_not_null()
        # By id, so that the reader looks at the other columns of the chosen rows only.
        rows = scan_tables([file.path], Cdr).filter(pl.col(Cdr.cdr_id).is_in(ids.implode()))
        rows = rows.filter(is_readable, pl.col(Cdr.outcome).ne_missing(NOT_OURS))
        if not file.is_new:
            rows = rows.filter(~pl.col(Cdr.cdr_id).is_in(known.implode()))
        frames.append(rows.with_columns(is_new=pl.lit(file.is_new), is_closed=pl.lit(file.is_closed)).collect())
    first = pl.col(Cdr.cdr_id).min().over(_CONTENT)
    return pl.concat(frames).with_columns(first_copy=first)


def _copies(records: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """New records of the day that repeat an earlier one in every field."""
    is_copy = pl.col("is_new") & (pl.col(Cdr.cdr_id) != pl.col("first_copy"))
    copies = records.filter(is_copy, pl.col(Cdr.usage_date) == day)
    return Duplicate.conform(copies.with_columns(pl.col("first_copy").alias(Duplicate.repeats_cdr_id)))


def _contradictions(records: pl.DataFrame, windows: Mapping[str, int]) -> pl.DataFrame:
    """Records that say something else of the same call than the one before or after them, one of the two being new.

    In a row of records, each less than the window after the one before, every record has such a neighbour; so the
    result does not depend on the order in which they came.
    """
    has_id = pl.col(Cdr.call_id).is_not_null()
    key = {"key_caller": Cdr.caller, "key_number": Cdr.service_number, "key_start": Cdr.started_at}
    ordered = (
        records.filter(pl.col(Cdr.cdr_id) == pl.col("first_copy"))
        .with_columns(pl.when(~has_id).then(pl.col(value)).alias(name) for name, value in key.items())
        .with_columns(key_talk=pl.when(~has_id).then(pl.col(Cdr.talk_ms)))
        .sort(*_CALL, Cdr.started_at, Cdr.cdr_id)
    )
    hours = pl.col(Cdr.source).replace_strict(windows, default=DEFAULT_WINDOW_HOURS, return_dtype=pl.Int64)
    start = pl.col(Cdr.started_at)
    gap = (start - start.shift(1)).dt.total_milliseconds()
    same_call = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in _CALL)
    joined = ordered.with_columns(joins_before=same_call & (gap < hours * 3_600_000).fill_null(False))
    is_new = pl.col("is_new")
    with_before = pl.col("joins_before") & (is_new | is_new.shift(1, fill_value=False))
    with_after = pl.col("joins_before").shift(-1, fill_value=False) & (is_new | is_new.shift(-1, fill_value=False))
    return joined.filter(with_before | with_after, is_new | ~pl.col("is_closed")).select(_CONFLICT.names())
