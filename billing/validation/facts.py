"""What a batch is judged by: its calls as a view, and a row of facts for each of its files."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import duckdb
import polars as pl

from billing.tables.calls import LINES_PER_FILE, NOT_OURS, Cdr, SourceHour
from billing.validation.rules import Rule, breaches

RECEIVED = pl.Schema(
    {
        "file_number": pl.Int64,
        "file_name": pl.String,
        "source": pl.String,
        "record_count": pl.Int64,
        "duplicate_count": pl.Int64,
        "waiting_count": pl.Int64,
        "stated_records": pl.Int64,
        "stated_talk_seconds": pl.Int64,
        "found_talk_seconds": pl.Int64,
        "sequence": pl.Int64,
        "expected_sequence": pl.Int64,
        "late_day": pl.Date,
    }
)
"""What is known of a file before its calls are looked at; what it does not state is null.

`waiting_count` are its records that are no calls by themselves: only the calls that were made of them are judged.
"""
PRICES = pl.Schema({"service_number": pl.String, "micro_per_minute": pl.Int64})
NUMBERS = pl.Schema({"service_number": pl.String})
FACTS = {
    "record_count": ("records of the file", "文件记录数"),
    "duplicate_count": ("records that were received before", "此前已收到的记录数"),
    "waiting_count": (
        "records that are not calls by themselves; the calls made of them may be of other files' records, too",
        "本身不是完整通话、需合并的记录数（合并成的通话可能含其他文件的记录）",
    ),
    "stated_records": ("records as the file itself states", "文件自己声明的记录数"),
    "stated_talk_seconds": ("talk time as the file itself states, s", "文件自己声明的通话秒数"),
    "found_talk_seconds": ("talk time of all its records, where it states one, s", "全部记录的通话秒数（有声明时）"),
    "sequence": ("number of the file in its source's sequence", "文件在来源中的序号"),
    "expected_sequence": ("number that was due after the last file of the source", "按上一文件应有的序号"),
    "late_day": ("day on or before which nine in ten of its calls start", "九成话单不晚于此日"),
    "call_count": ("calls to numbers of ours", "本公司号码的来话数"),
    "answered_count": ("of these answered", "其中接通"),
    "short_count": ("of these shorter than 3 s", "其中短于3秒"),
    "unanswered_count": ("calls that nobody answered, platform included", "未接来话（含平台未接）"),
    "talk_without_answer": ("of these with talk time", "其中带通话时长"),
    "whole_minute_count": ("calls that start on a full minute", "开始时间为整分的来话"),
    "unknown_count": ("calls to numbers that stand in no catalog", "号码未登记的来话"),
    "days_known": ("how many of the last four same weekdays the books know, at least", "可对比的同星期几天数（最少）"),
    "hours_unusual": ("hours with far fewer or more calls than usual", "话务量异常的时段数"),
    "mean_talk_ms": (
        "mean talk time of answered calls on the day furthest from the usual, ms",
        "平均通话时长（偏离最大之日，毫秒）",
    ),
    "usual_talk_ms": ("mean talk time of the same weekdays before it, ms", "此前同星期几的平均通话时长（毫秒）"),
    "twin_count": ("calls of a sample that a second source of the batch tells as well", "抽样中另一来源也有的来话"),
    "clock_offset_ms": ("median difference of their starts, ms", "两来源时间差的中位数（毫秒）"),
    "held_count": ("calls that wait in suspense", "转入待处理的来话"),
    "held_value_micro": ("what they are worth at the last prices, 1e-6 CNY", "其估算金额（百万分之一元）"),
}
"""The facts of a file, in words; beside them stand `breaches_<rule>`, calls that break each rule of calls."""
LATE_SHARE = 90
"""Of a hundred calls of a file so many start on its late day or before."""


@dataclass(frozen=True)
class StagedPart:
    """One staged part of a file that is judged: a Parquet file of `Cdr` rows of one day."""

    path: Path
    file_number: int
    day: dt.date | None
    rows: int


@dataclass(frozen=True)
class Known:
    """What the books know that a batch is compared with.

    Attributes:
        earliest, latest: calls of these days can be billed, `latest` exclusive.
        numbers: `service_number` of all numbers of ours; None when they are not known, no number is strange then.
        prices: what a minute of a number cost when it was last billed (`PRICES`).
        history: `SourceHour` rows of the same sources, on the batch's days and the same weekdays before them.
    """

    earliest: dt.date
    latest: dt.date
    numbers: pl.DataFrame | None
    prices: pl.DataFrame
    history: pl.DataFrame


def late_days(parts: Sequence[StagedPart]) -> dict[int, dt.date]:
    """By file the day that nine in ten of its calls start on or before: a few wrong clocks do not move it."""
    by_file: dict[int, list[tuple[dt.date, int]]] = {}
    for part in parts:
        if part.day:
            by_file.setdefault(part.file_number, []).append((part.day, part.rows))
    found = {}
    for number, days in by_file.items():
        needed = -(-sum(rows for _, rows in days) * LATE_SHARE // 100)
        for day, rows in sorted(days):
            needed -= rows
            if needed <= 0:
                found[number] = day
                break
    return found


def lay_out(
    connection: duckdb.DuckDBPyConnection, parts: Sequence[StagedPart], received: pl.DataFrame, known: Known
) -> None:
    """Make the tables and the view `calls` that rules are run on."""
    tables = {"received": received, "price": known.prices, "history": known.history}
    if known.numbers is not None:
        tables["known_number"] = known.numbers
    if not parts:
        # Files with a header and nothing else, or with records of which no call came about.
        tables["no_calls"] = Cdr.empty()
    for name, frame in tables.items():
        connection.register("given", frame.to_arrow())
        connection.execute(f"create table {name} as from given")
        connection.unregister("given")
    paths = ", ".join("'" + str(part.path).replace("'", "''") + "'" for part in parts)
    connection.execute(
        f"""
        create view calls as
        select c.*, date '{known.earliest}' as earliest_billable, date '{known.latest}' as latest_billable,
            r.late_day as file_late_day
        from {f"read_parquet([{paths}])" if parts else "no_calls"} c
        join received r on r.file_number = c.cdr_id // {LINES_PER_FILE}
        where c.outcome is distinct from '{NOT_OURS}'
        """
    )
    if known.numbers is None:
        connection.execute("create table known_number as select distinct service_number from calls")


def work_out_facts(connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule]) -> None:
    """Make `files`, a row of facts a file, from the calls and from what the rules of calls have found."""
    held = " or ".join(f'"{rule.id}"' for rule in rules if rule.action == "suspend") or "false"
    connection.execute(f"create view breaking as select *, {held} as is_held from failing_calls")
    counts = "".join(f', count(*) filter ("{rule.id}") as {breaches(rule)}' for rule in rules)
    connection.execute(
        f"""
        create table breaches as
        select file_number{counts} from received left join breaking on cdr_id // {LINES_PER_FILE} = file_number
        group by file_number
        """
    )
    connection.execute(resources.files("billing.validation").joinpath("facts.sql").read_text("utf-8"))


def source_hours(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """`SourceHour` rows of the batch."""
    query = """
        select source, usage_date, hour, file_number, call_count, answered_count, talk_ms
        from hours join received using (file_number) where usage_date is not null
        order by file_number, usage_date, hour
    """
    return SourceHour.conform(pl.DataFrame(connection.sql(query).to_arrow_table()))
