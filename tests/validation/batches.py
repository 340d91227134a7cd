"""Batches for the gate: files of a few calls, and what the books are said to know."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from billing.tables.calls import LINES_PER_FILE, Cdr, SourceHour
from billing.tables.parquet import write_table
from billing.validation.facts import NUMBERS, PRICES, RECEIVED, Known, StagedPart
from billing.validation.rules import Rule, load_rules
from billing.validation.stage import Judgement, Override, judge_batch

RULES = load_rules()
RULE = {rule.id: rule for rule in RULES}
OF_CALLS = [rule for rule in RULES if rule.scope == "call"]
OF_FILES = [rule for rule in RULES if rule.scope == "file"]
START = dt.datetime.fromisoformat("2026-10-03T10:00:07")
ANSWER, END = START + dt.timedelta(seconds=5), START + dt.timedelta(seconds=65)
GOOD = {
    "usage_date": START.date(), "source": "A", "call_id": "1", "caller": None, "service_number": "4001234567",
    "landing_number": None, "started_at": START, "platform_answered_at": None, "answered_at": ANSWER, "ended_at": END,
    "talk_ms": 60_000, "outcome": "answered", "unreadable": None,
}  # fmt: skip
MISSED = {"answered_at": None, "talk_ms": 0, "outcome": "no_answer"}
EARLIEST, LATEST = dt.date(2026, 5, 1), dt.date(2027, 11, 1)


def known(
    numbers: Sequence[str] | None = ("4001234567",),
    prices: dict[str, int] | None = None,
    history: Sequence[dict[str, Any]] = (),
) -> Known:
    """What the books know: numbers of ours, what a minute cost in millionths, hours of earlier files."""
    rows = [{"service_number": number, "micro_per_minute": price} for number, price in (prices or {}).items()]
    frame = None if numbers is None else pl.DataFrame({"service_number": list(numbers)}, schema=NUMBERS)
    return Known(EARLIEST, LATEST, frame, pl.DataFrame(rows, schema=PRICES), SourceHour.of_rows(list(history)))


def judge_files(
    folder: Path,
    files: Sequence[Sequence[dict[str, Any]]],
    *,
    facts: Sequence[dict[str, Any]] = (),
    rules: Sequence[Rule] = RULES,
    books: Known | None = None,
    overrides: Sequence[Override] = (),
) -> Judgement:
    """Judge files of calls, numbered from 1; `facts` says what is known of each beside its number of records."""
    parts, received = [], []
    for number, rows in enumerate(files, 1):
        calls = [GOOD | row | {"cdr_id": number * LINES_PER_FILE + line} for line, row in enumerate(rows, 1)]
        stated = dict.fromkeys(RECEIVED.names()) | {"file_number": number, "file_name": f"{number}.csv", "source": "A"}
        stated |= {"record_count": len(rows), "duplicate_count": 0}
        stated |= facts[number - 1] if facts else {}
        received.append({name: value for name, value in stated.items() if name != "late_day"})
        frame = pl.DataFrame(calls, schema=Cdr.schema()).with_columns(source=pl.lit(stated["source"]))
        for (day,), own in frame.partition_by("usage_date", as_dict=True, maintain_order=True).items():
            path = folder / f"{number}-{day}.parquet"
            write_table(own, Cdr, path)
            parts.append(StagedPart(path, number, day, own.height))
        if not calls:
            write_table(Cdr.empty(), Cdr, folder / f"{number}.parquet")
            parts.append(StagedPart(folder / f"{number}.parquet", number, None, 0))
    frame = pl.DataFrame(received, schema={name: kind for name, kind in RECEIVED.items() if name != "late_day"})
    return judge_batch(parts, frame, books or known(), rules, scratch=folder / "scratch", overrides=overrides)


def judge(folder: Path, *rows: dict[str, Any], rules: Sequence[Rule] = RULES) -> Judgement:
    """Judge one file of calls."""
    return judge_files(folder, [rows], rules=rules)
