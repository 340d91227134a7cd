"""Which records are the same call: decided once, at ingest, from what the records say, never from a hash alone.

Same source and call id with starts less than the layout's window apart is the same call; without an id, equal caller,
number, start and talk time is. Equal in every field: a copy, dropped. Otherwise a conflict: nobody knows which is
right, so both wait, unless the other is part of a closed month; then only the new record does.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from billing.tables.calls import NOT_OURS, Cdr, Duplicate
from billing.tables.parquet import scan_tables

DEFAULT_WINDOW_HOURS = 12
_CONTENT = [column for column in Cdr.columns if column != Cdr.cdr_id]
_CONFLICT = pl.Schema({name: Cdr.schema()[name] for name in (Cdr.cdr_id, Cdr.usage_date, Cdr.service_number)})


@dataclass(frozen=True)
class Copies:
    """What identity found.

    Attributes:
        duplicates: `Duplicate` rows of new records.
        conflicts: cdr_id, usage_date, service_number of records that contradict another of the same call.
    """

    duplicates: pl.DataFrame
    conflicts: pl.DataFrame


def find_copies(
    new: Mapping[dt.date, Sequence[Path]],
    stored: Mapping[dt.date, Sequence[Path]],
    *,
    known: pl.Series,
    closed: Collection[Path],
    window_hours: Mapping[str, int] | None = None,
) -> Copies:
    """Find copies and conflicts among new records, and against stored ones a day around.

    Args:
        new: files of `Cdr` rows that come in, by usage date.
        stored: files the books hold, by usage date.
        known: cdr_id of stored records that are copies themselves.
        closed: stored files that belong to a closed month.
        window_hours: by source, how far apart two calls with one id must start to be two; 12 hours when not named.
    """
    windows = dict(window_hours or {})
    duplicates, conflicts = [Duplicate.empty()], [pl.DataFrame(schema=_CONFLICT)]
    keys_of: dict[Path, pl.DataFrame] = {}
    for day in sorted(new):
        around = [day + dt.timedelta(days=offset) for offset in (-1, 0, 1)]
        files = [(path, True) for near in around for path in new.get(near, ())]
        files += [(path, False) for near in around for path in stored.get(near, ())]
        keys_of = {path: keys_of[path] if path in keys_of else _hashed_keys(path) for path, _ in files}
        records = _candidates(files, keys_of, known, closed)
        if records.height:
            copies, contradicting = _decide(records, day, windows)
            duplicates.append(copies)
            conflicts.append(contradicting)
    return Copies(
        pl.concat(duplicates).unique(Duplicate.cdr_id, keep="first", maintain_order=True).sort(Duplicate.cdr_id),
        pl.concat(conflicts).unique(Cdr.cdr_id, keep="first", maintain_order=True).sort(Cdr.cdr_id),
    )


def _hashed_keys(path: Path) -> pl.DataFrame:
    """cdr_id and a transient hash of the key of a file's records; kept for the three days in hand only."""
    return scan_tables([path], Cdr).pipe(_identifiable).select(Cdr.cdr_id, key=_key().hash(seed=0)).collect()


def _candidates(
    files: Sequence[tuple[Path, bool]], keys_of: Mapping[Path, pl.DataFrame], known: pl.Series, closed: Collection[Path]
) -> pl.DataFrame:
    """Whole rows of the records whose key occurs more than once: the hash picks them, whole rows decide."""
    keys = pl.concat([keys_of[path]["key"] for path, _ in files])
    twice = keys.filter(keys.is_duplicated()).unique()
    if twice.is_empty():
        return pl.DataFrame(schema=Cdr.schema())
    frames = []
    for path, is_new in files:
        ids = keys_of[path].filter(pl.col("key").is_in(twice.implode()))[Cdr.cdr_id]
        if not is_new:
            ids = ids.filter(~ids.is_in(known.implode()))
        if len(ids):
            rows = scan_tables([path], Cdr).filter(pl.col(Cdr.cdr_id).is_in(ids.implode())).collect()
            frames.append(rows.with_columns(is_new=pl.lit(is_new), is_closed=pl.lit(path in closed)))
    return pl.concat(frames) if frames else pl.DataFrame(schema=Cdr.schema())


def _identifiable(records: pl.LazyFrame) -> pl.LazyFrame:
    readable = pl.col(Cdr.unreadable).is_null() & pl.col(Cdr.started_at).is_not_null()
    return records.filter(readable & (pl.col(Cdr.outcome) != NOT_OURS))


def _key() -> pl.Expr:
    """Who wrote it and its id; caller, number, start and talk time where the source gives no id."""
    has_id = pl.col(Cdr.call_id).is_not_null()
    start = pl.when(~has_id).then(pl.col(Cdr.started_at))
    talk = pl.when(~has_id).then(pl.col(Cdr.talk_ms))
    caller = pl.when(~has_id).then(pl.col(Cdr.caller))
    number = pl.when(~has_id).then(pl.col(Cdr.service_number))
    return pl.struct(Cdr.source, Cdr.call_id, start=start, talk=talk, caller=caller, number=number)


def _decide(records: pl.DataFrame, day: dt.date, windows: Mapping[str, int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Compare whole records call by call; only new records of the day in hand are decided on, once."""
    grouped = (
        records.with_columns(key=_key())
        .sort("key", Cdr.started_at, Cdr.cdr_id)
        .with_columns(call=_same_call(windows).over("key"))
        .with_columns(content=pl.struct(_CONTENT))
        .sort(Cdr.cdr_id)
    )
    of_call = ["key", "call"]
    judged = grouped.with_columns(
        first_copy=pl.col(Cdr.cdr_id).min().over([*of_call, "content"]),
        has_new=pl.col("is_new").any().over(of_call),
    ).with_columns(contents=pl.col("first_copy").n_unique().over(of_call))
    today = pl.col(Cdr.usage_date) == day
    copies = judged.filter(pl.col("is_new") & today & (pl.col(Cdr.cdr_id) != pl.col("first_copy")))
    held = judged.filter(
        (pl.col("contents") > 1) & pl.col("has_new") & (pl.col(Cdr.cdr_id) == pl.col("first_copy")),
        pl.col("is_new") | ~pl.col("is_closed"),
    )
    return (
        Duplicate.conform(copies.with_columns(pl.col("first_copy").alias(Duplicate.repeats_cdr_id))),
        held.select(_CONFLICT.names()),
    )


def _same_call(windows: Mapping[str, int]) -> pl.Expr:
    """Number of the call within a key, records in order of start: a new one begins where the window is passed."""
    hours = pl.col(Cdr.source).replace_strict(windows, default=DEFAULT_WINDOW_HOURS, return_dtype=pl.Int64)
    gap = pl.col(Cdr.started_at).diff().dt.total_milliseconds()
    return (gap.fill_null(0) >= hours * 3_600_000).cast(pl.Int64).cum_sum()
