"""Judge staged calls by the row rules: one scan counts the breaches and finds the rows to hold back.

What comes in: staged parts of one file. What goes out: breaches per rule, and every row that waits, under the first
rule it breaks. A rule that cannot run stops the batch.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from billing.core.findings import Finding, refuse
from billing.tables.calls import NOT_OURS, Cdr, Suspense
from billing.validation.rules import Rule

_OURS = f"outcome is distinct from '{NOT_OURS}'"
RULES_FILE = "billing/validation/rules.yaml"
_HELD = pl.Schema(
    {
        str(Suspense.cdr_id): pl.Int64,
        str(Suspense.usage_date): pl.Date,
        str(Suspense.rule_id): pl.String,
        str(Suspense.reason): pl.String,
        str(Suspense.service_number): pl.String,
    }
)


@dataclass(frozen=True)
class Judgement:
    """What the rules say of the rows of one file.

    Attributes:
        rows: rows the rules apply to; those that are no calls of ours are left out.
        counts: breaches by rule id, rows that break several counted under each.
        held: cdr_id, usage_date, rule_id, reason, service_number of the rows that wait, each once, in key order.
    """

    rows: int
    counts: Mapping[str, int]
    held: pl.DataFrame


def judge_part(paths: Sequence[Path], rules: Sequence[Rule], *, memory_limit: str = "1GB") -> Judgement:
    """Judge the staged parts of one file.

    Args:
        paths: Parquet files of `Cdr` rows.
        rules: in the order of precedence.
        memory_limit: what DuckDB may use.

    Raises:
        Refusal: a rule's SQL cannot run; nothing of the file may be billed then.
    """
    check_rules(tuple(rules))
    if not paths:
        # A file with a header and no records.
        return Judgement(0, {rule.id: 0 for rule in rules}, pl.DataFrame(schema=_HELD))
    names = [str(path) for path in paths]
    with _database(memory_limit).cursor() as connection:
        try:
            rows = _count(connection, names)
            broken = pl.DataFrame(connection.sql(_breaches(rules), params=[names]).to_arrow_table())
        except (duckdb.BinderException, duckdb.ConversionException, duckdb.OutOfRangeException) as error:
            # On rows a predicate can still fail that ran on none, a cast for instance.
            raise refuse("RULE_BROKEN", RULES_FILE, rule=" ".join(rule.id for rule in rules), problem=error) from error
    counts = {rule.id: int(broken[rule.id].sum()) if broken.height else 0 for rule in rules}
    assert rows >= broken.height, "a row is judged once"
    return Judgement(rows, counts, _first_reason(broken, rules))


@functools.cache
def _database(memory_limit: str) -> duckdb.DuckDBPyConnection:
    """An empty database in memory, made once: opening one takes as long as judging a small file."""
    # Nothing is spilled to disk: a scan with a filter needs no room.
    return duckdb.connect(config={"memory_limit": memory_limit, "temp_directory": ""})


@functools.cache
def check_rules(rules: tuple[Rule, ...]) -> None:
    """Try every rule on no rows, in the very form in which it will run.

    Raises:
        Refusal: naming the rule and what DuckDB says.
    """
    with duckdb.connect() as connection:
        connection.register("no_calls", Cdr.empty().to_arrow())
        for rule in rules:
            try:
                connection.sql(_breaches([rule], "no_calls")).fetchall()
                (verdict,) = connection.sql(f"select ({rule.sql}) from no_calls").types
                if verdict != "BOOLEAN":
                    raise duckdb.BinderException(f"it gives {verdict}, not true or false")
            except duckdb.Error as error:
                raise refuse("RULE_BROKEN", RULES_FILE, rule=rule.id, problem=error) from error


def judge_file(judgement: Judgement, rules: Sequence[Rule], file_name: str) -> list[Finding]:
    """Whether so many rows break a rule that the file as a whole is not what it should be."""
    findings = []
    for rule in rules:
        good = judgement.rows - judgement.counts[rule.id]
        if rule.mostly is not None and judgement.rows and good < rule.mostly * judgement.rows:
            values = {"rule": rule.id, "code": rule.reason, "count": judgement.counts[rule.id], "rows": judgement.rows}
            findings.append(Finding("FILE_REFUSED_BY_RULE", "critical", file_name, values))
    return findings


def _count(connection: duckdb.DuckDBPyConnection, names: list[str]) -> int:
    """Rows the rules apply to."""
    query = f"select count(*) from read_parquet(?) where {_OURS}"
    return int(connection.sql(query, params=[names]).fetchall()[0][0])


def _breaches(rules: Sequence[Rule], calls: str = "read_parquet(?)") -> str:
    """SQL for the rows that break any rule, a boolean a rule; rows that are not ours are exempt, here once for all."""
    flags = ", ".join(f'not coalesce(({rule.sql})::boolean, false) as "{rule.id}"' for rule in rules)
    anything = " or ".join(f'"{rule.id}"' for rule in rules)
    return (
        f"select * from (select cdr_id, usage_date, service_number, {flags} from {calls}"
        f" where {_OURS}) where {anything}"
    )


def _first_reason(broken: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    suspending = [rule for rule in rules if rule.action == "suspend"]
    if broken.is_empty() or not suspending:
        return pl.DataFrame(schema=_HELD)
    rule_id = pl.coalesce(*(pl.when(pl.col(rule.id)).then(pl.lit(rule.id)) for rule in suspending))
    reasons = {rule.id: rule.reason for rule in suspending}
    return (
        broken.with_columns(rule_id.alias(Suspense.rule_id))
        .filter(pl.col(Suspense.rule_id).is_not_null())
        .with_columns(pl.col(Suspense.rule_id).replace_strict(reasons, return_dtype=pl.String).alias(Suspense.reason))
        .select(pl.col(name).cast(dtype) for name, dtype in _HELD.items())
        .sort(Suspense.cdr_id)
    )
