"""A month of calls, written as carriers send them: three layouts, a file a carrier and day or week, with dirt.

Memory is bounded by one chunk whatever the month's size; the same seed, period, catalog and number of calls give the
same lines in the same files.
"""

import datetime as dt
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from billing.core.period import Period
from billing.sample_company import dirt
from billing.sample_company.call_columns import CallMaker
from billing.sample_company.call_files import CallFile, call_totals, write_call_files, write_lines
from billing.sample_company.formats import CARRIER_FORMATS, PLAIN, FileFormat, file_format
from billing.sample_company.traffic import (
    LATE_DAYS,
    CalledNumber,
    CatalogFrames,
    Stretch,
    called_numbers,
    carrier_order,
    month_plan,
)

DAILY_FROM_CALLS = 200_000
"""Smaller months come in files of a week, larger ones in files of a day."""


@dataclass(frozen=True)
class _Source:
    """One carrier: how it writes, its days, its files."""

    form: FileFormat
    makers: list[CallMaker]
    files: list[CallFile]


def write_sample_calls(
    folder: Path, *, period: Period, calls: int, seed: int, catalog: CatalogFrames
) -> dict[str, Any]:
    """Write a month of calls in three layouts, with the dirt of real files.

    Args:
        folder: gets one folder a carrier; made when missing.
        period: the month the calls belong to, but for the late ones.
        calls: how many calls are made; copies and outbound legs come on top. From 2,000 up every kind of dirt occurs.
        seed: same seed, same lines.
        catalog: frames of carriers, numbers (with their carriers) and subscriptions.

    Returns:
        What was written, as JSON values: `calls`; `records`, lines without headers in all files but the identical
        copy; `lines`, those records by kind (`clean`, a kind of dirt, `outbound_leg`, and `repeated`, which are the
        lines of the extended copy that stood in its original, whatever their kind there); `rated_calls`,
        `rated_talk_seconds` and `answered_calls` of distinct readable calls to numbers somebody has;
        `identical_copy` and `extended_copy` with the files they repeat, the latter with the repeated lines by kind;
        `files`, each with layout and records.
    """
    numbers, order = called_numbers(catalog), carrier_order(catalog)
    plan = month_plan(numbers, order, period, calls)
    cycle = dirt.dirt_cycle(seed, calls)
    days_a_file = 1 if calls >= DAILY_FROM_CALLS else 7
    sources: list[_Source] = []
    for index, carrier_id in enumerate(order):
        makers = [_maker(seed, stretch, cycle, numbers, period) for stretch in plan if stretch.carrier_id == carrier_id]
        form = file_format(CARRIER_FORMATS[index % len(CARRIER_FORMATS)])
        sources.append(_Source(form, makers, write_call_files(folder / carrier_id, form, makers, days_a_file)))
    return _with_copies(folder, sources, calls)


def write_plain_calls(folder: Path, *, period: Period, calls: int, seed: int, catalog: CatalogFrames) -> dict[str, Any]:
    """Write a month of calls as plain UTF-8 CSV of eight columns, one file a day, no file twice.

    Args and result are those of `write_sample_calls`, without the copies.
    """
    numbers = [replace(number, carrier_id=PLAIN) for number in called_numbers(catalog)]
    cycle = dirt.dirt_cycle(seed, calls)
    makers = [_maker(seed, stretch, cycle, numbers, period) for stretch in month_plan(numbers, [PLAIN], period, calls)]
    return _report(folder, write_call_files(folder, file_format(PLAIN), makers, 1), calls)


def _maker(seed: int, stretch: Stretch, cycle: pl.Series, numbers: Sequence[CalledNumber], period: Period) -> CallMaker:
    mine = [number for number in numbers if number.carrier_id == stretch.carrier_id]
    before = period.start - dt.timedelta(days=LATE_DAYS + 1)
    steady = tuple(number for number in mine if number.is_held_throughout(before, stretch.day))
    idle = tuple(number for number in mine if not number.is_held(stretch.day))
    # A kind of dirt that no number of the carrier can have on the day stays clean, so that its count is true.
    for kind, pool in (("late", steady), ("unsubscribed", idle)):
        if not pool:
            cycle = cycle.replace(dirt.code(kind), dirt.CLEAN)
    return CallMaker(
        seed, stretch, cycle, tuple(number for number in mine if number.is_held(stretch.day)), steady, idle
    )


def _with_copies(folder: Path, sources: Sequence[_Source], calls: int) -> dict[str, Any]:
    """Send one file of the first carrier and one of the second again, and report on everything."""
    first, second = sources[0], sources[min(1, len(sources) - 1)]
    identical = _identical_copy(first.files[0])
    extended = _extended_copy(second, calls)
    report = _report(folder, [*(file for source in sources for file in source.files), extended], calls)
    original, copy = (str(path.relative_to(folder)) for path in (first.files[0].path, identical))
    report["files"][copy] = report["files"][original]
    report["identical_copy"] = {"file": copy, "of": original}
    original, copy = (str(path.relative_to(folder)) for path in (second.files[0].path, extended.path))
    report["extended_copy"] = {"file": copy, "of": original, "repeated": dict(second.files[0].lines)}
    return report


def _identical_copy(file: CallFile) -> Path:
    """The same bytes under another name, as when a mail is sent twice."""
    copy = file.path.with_name(file.path.name.replace(".csv", "_重发.csv", 1))
    shutil.copyfile(file.path, copy)
    return copy


def _extended_copy(source: _Source, serial: int) -> CallFile:
    """The same lines once more and one call more, as when a carrier corrects an export; all but that call repeat."""
    file, maker, form = source.files[0], source.makers[0], source.form
    extra = replace(maker, stretch=replace(maker.stretch, count=1, first=serial), cycle=pl.Series([dirt.CLEAN]))
    copy = CallFile(file.path.with_name(file.path.name.replace(".csv", "_v2.csv", 1)), file.layout)
    shutil.copyfile(file.path, copy.path)
    call = extra.chunk(0, 1)
    with copy.path.open("ab") as stream:
        write_lines(stream, form, form.lines(call))
    copy.lines = Counter(clean=1, repeated=file.records)
    copy.totals = call_totals(call)
    return copy


def _report(folder: Path, files: Sequence[CallFile], calls: int) -> dict[str, Any]:
    lines: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for file in files:
        lines += file.lines
        totals += file.totals
    return {
        "calls": calls,
        "records": lines.total(),
        "lines": {kind: lines[kind] for kind in ("clean", *dirt.kinds(), "outbound_leg", "repeated")},
        **{key: totals[key] for key in ("rated_calls", "rated_talk_seconds", "answered_calls")},
        "files": {
            str(file.path.relative_to(folder)): {"layout": file.layout, "records": file.records} for file in files
        },
    }
