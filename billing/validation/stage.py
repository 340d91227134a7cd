"""Judge a batch: the calls of all files that one command reads, by the rules of calls and of files.

Great Expectations judges; DuckDB scans the staged parts once for all rules of calls. A call that breaks a rule waits
in suspense under the first it breaks; a file that breaks a critical rule is not read, unless somebody answers for it
by name; a rule that cannot run stops everything.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from billing.core.findings import Finding, refuse
from billing.core.money import round_to_fen, yuan_exact
from billing.tables.calls import LINES_PER_FILE, Cdr, SourceHour, Suspense
from billing.validation.facts import (
    NUMBERS,
    PRICES,
    RECEIVED,
    Known,
    StagedPart,
    late_days,
    lay_out,
    source_hours,
    work_out_facts,
)
from billing.validation.rules import Rule, share_rules

RULES_FOLDER = "billing/validation/rules"
MEMORY_LIMIT = "1GB"
_PAGE_HEADINGS = (
    "文件 File",
    "记录 Records",
    "来话 Calls",
    "重复 Duplicates",
    "待处理 Suspense",
    "未满足的规则 Rules not met",
    "结论 Verdict",
)
HELD = pl.Schema(
    {
        str(Suspense.cdr_id): pl.Int64,
        str(Suspense.usage_date): pl.Date,
        str(Suspense.rule_id): pl.String,
        str(Suspense.reason): pl.String,
        str(Suspense.service_number): pl.String,
        str(Suspense.talk_ms): pl.Int64,
    }
)


@dataclass(frozen=True)
class Override:
    """Who answers for a critical rule that a file breaks, and why."""

    rule_id: str
    by: str
    reason: str


@dataclass(frozen=True)
class FileVerdict:
    """What the gate says of one file.

    Attributes:
        file_number: the file.
        facts: its row of facts.
        broken: ids of the rules of files it breaks.
        refused: those of them for which nothing of it may be read.
        findings: each broken rule, explained.
    """

    file_number: int
    facts: Mapping[str, Any]
    broken: Sequence[str]
    refused: Sequence[str]
    findings: Sequence[Finding]


@dataclass(frozen=True)
class Judgement:
    """What the rules say of a batch.

    Attributes:
        files: the verdict of each file, by number.
        counts: calls that break a rule of calls, by rule id, over the batch.
        held: calls that wait, each once under the first rule it breaks, in order of key (`HELD`).
        hours: `SourceHour` rows.
        validations: the library's results by table, as JSON.
        page: HTML of both, with nothing of a caller in it.
    """

    files: Mapping[int, FileVerdict]
    counts: Mapping[str, int]
    held: pl.DataFrame
    hours: pl.DataFrame
    validations: Mapping[str, Any]
    page: str


def judge_batch(
    parts: Sequence[StagedPart],
    received: pl.DataFrame,
    known: Known,
    rules: Sequence[Rule],
    *,
    scratch: Path,
    overrides: Sequence[Override] = (),
    reached: Callable[[str], None] = lambda _: None,
) -> Judgement:
    """Judge the files of a batch.

    Args:
        parts: staged parts of all files.
        received: what is known of each file (`RECEIVED` without `late_day`).
        known: what the books know.
        rules: of calls and of files, each in the order of precedence.
        scratch: a folder for what does not fit into memory.
        overrides: critical rules that somebody answers for, in all files of the batch.
        reached: is told the name of each step when it is done: loaded, judged, told.

    Raises:
        Refusal: a rule's SQL cannot run; nothing of the batch may be billed then.
    """
    of_calls = [rule for rule in rules if rule.scope == "call"]
    of_files = [*share_rules(of_calls), *(rule for rule in rules if rule.scope == "file")]
    check_rules(tuple(of_calls), tuple(of_files))
    from billing.validation.gx.loading import load

    load()
    from billing.validation.gx.page import write_page
    from billing.validation.gx.suites import as_json, judging, run_suite

    late = late_days(parts)
    days = pl.col("file_number").replace_strict(late, default=None, return_dtype=pl.Date)
    received = received.with_columns(late_day=days).select(pl.col(name).cast(kind) for name, kind in RECEIVED.items())
    reached("loaded")
    with _database(scratch) as connection, judging(connection) as source:
        lay_out(connection, parts, received, known)
        calls = run_suite(source, "calls", of_calls)
        _stop_if_broken(calls.errored)
        work_out_facts(connection, of_calls)
        results = {"calls": calls.validation}
        if of_files:
            files = run_suite(source, "files", of_files)
            _stop_if_broken(files.errored)
            results["files"] = files.validation
        reached("judged")
        verdicts = _verdicts(connection, of_files, overrides)
        held = _held(connection, of_calls, [number for number, verdict in verdicts.items() if verdict.refused])
        hours = source_hours(connection)
        page = write_page(results, _PAGE_HEADINGS, [_page_row(verdict) for verdict in verdicts.values()])
    reached("told")
    told = {table: as_json(validation) for table, validation in results.items()}
    return Judgement(verdicts, calls.counts, held, hours, told, page)


@functools.cache
def check_rules(of_calls: tuple[Rule, ...], of_files: tuple[Rule, ...]) -> None:
    """Try every rule on no rows, in the very form in which it will run.

    Great Expectations asks a rule that raises many times over; here it is asked once, and costs nothing.

    Raises:
        Refusal: naming the rule and what DuckDB says.
    """
    with duckdb.connect() as connection:
        connection.register("no_calls", Cdr.empty().to_arrow())
        connection.execute(
            "create view calls as select *, date '2000-01-01' as earliest_billable,"
            " date '2000-01-01' as latest_billable, date '2000-01-01' as file_late_day from no_calls"
        )
        for rule in of_calls:
            _try(connection, rule, "calls")
        flags = ", ".join(f'({rule.sql})::boolean as "{rule.id}"' for rule in of_calls)
        carried = f"cdr_id, usage_date, service_number, talk_ms{', ' if flags else ''}{flags}"
        connection.execute(f"create table failing_calls as select {carried} from calls")
        tables = {
            "received": pl.DataFrame(schema=RECEIVED),
            "known_number": pl.DataFrame(schema=NUMBERS),
            "price": pl.DataFrame(schema=PRICES),
            "history": SourceHour.empty(),
        }
        for name, frame in tables.items():
            connection.register(name, frame.to_arrow())
        work_out_facts(connection, of_calls)
        for rule in of_files:
            _try(connection, rule, "files")


def _try(connection: duckdb.DuckDBPyConnection, rule: Rule, table: str) -> None:
    try:
        # Beside a column a rule that adds rows up cannot stand.
        key = "cdr_id" if rule.scope == "call" else "file_number"
        connection.sql(f"select {key}, not coalesce(({rule.sql})::boolean, false) from {table}").fetchall()
        _, verdict = connection.sql(f"select {key}, ({rule.sql}) from {table}").types
        if verdict != "BOOLEAN":
            raise duckdb.BinderException(f"it gives {verdict}, not true or false")
    except duckdb.Error as error:
        raise refuse("RULE_BROKEN", f"{RULES_FOLDER}/{rule.scope}s.yaml", rule=rule.id, problem=error) from error


def _database(scratch: Path) -> duckdb.DuckDBPyConnection:
    """A database in memory, for one batch."""
    return duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "temp_directory": str(scratch)})


def _stop_if_broken(errored: Mapping[str, str]) -> None:
    """On calls a predicate can still fail that ran on none, a cast for instance."""
    for rule_id, problem in errored.items():
        raise refuse("RULE_BROKEN", RULES_FOLDER, rule=rule_id, problem=problem)


def _verdicts(
    connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule], overrides: Sequence[Override]
) -> dict[int, FileVerdict]:
    accepted = {override.rule_id for override in overrides}
    query = "from failing_files" if rules else "select file_number from files where false"
    failing = pl.DataFrame(connection.sql(query).to_arrow_table())
    broken_by = {row["file_number"]: [rule for rule in rules if row[rule.id]] for row in failing.iter_rows(named=True)}
    verdicts = {}
    for facts in pl.DataFrame(connection.sql("from files order by file_number").to_arrow_table()).iter_rows(named=True):
        broken = broken_by.get(facts["file_number"], [])
        refused = [rule.id for rule in broken if rule.severity == "critical" and rule.id not in accepted]
        findings = [_finding(rule, facts, is_accepted=rule.id in accepted) for rule in broken]
        ids = [rule.id for rule in broken]
        verdicts[facts["file_number"]] = FileVerdict(facts["file_number"], facts, ids, refused, findings)
    return verdicts


def _finding(rule: Rule, facts: Mapping[str, Any], *, is_accepted: bool) -> Finding:
    value = facts["held_value_micro"]
    values = {**facts, "rule": rule.id, "held_value": "-" if value is None else yuan_exact(round_to_fen(value))}
    if rule.reason == "FILE_REFUSED_BY_RULE":
        values["count"] = facts[f"breaches_{rule.id.removesuffix('_SHARE')}"]
    return Finding(rule.reason, "warning" if is_accepted else rule.severity, facts["file_name"], values)


def _page_row(verdict: FileVerdict) -> list[str]:
    facts = verdict.facts
    numbers = (facts[name] for name in ("record_count", "call_count", "duplicate_count", "held_count"))
    said = "拒收 refused" if verdict.refused else "接收 accepted"
    return [facts["file_name"], *map(str, numbers), ", ".join(verdict.broken) or "-", said]


def _held(connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule], refused: Sequence[int]) -> pl.DataFrame:
    """Calls that wait, of the files that are read, each under the first rule it breaks."""
    suspending = [rule for rule in rules if rule.action == "suspend"]
    numbers = ", ".join(map(str, refused)) or "0"
    query = f"from breaking where is_held and cdr_id // {LINES_PER_FILE} not in ({numbers})"
    found = pl.DataFrame(connection.sql(query).to_arrow_table())
    if found.is_empty() or not suspending:
        return pl.DataFrame(schema=HELD)
    rule_id = pl.coalesce(*(pl.when(pl.col(rule.id)).then(pl.lit(rule.id)) for rule in suspending))
    reasons = {rule.id: rule.reason for rule in suspending}
    return (
        found.with_columns(rule_id.alias(Suspense.rule_id))
        .with_columns(pl.col(Suspense.rule_id).replace_strict(reasons, return_dtype=pl.String).alias(Suspense.reason))
        .select(pl.col(name).cast(dtype) for name, dtype in HELD.items())
        .sort(Suspense.cdr_id)
    )
