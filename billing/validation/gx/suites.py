"""Run rules as a suite of expectations over a table of the batch's database."""

import functools
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import great_expectations as gx
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult

from billing.validation.gx.engine import CONNECTIONS
from billing.validation.gx.expectation import ExpectRowToSatisfy, Table
from billing.validation.gx.source import DuckDBDatasource
from billing.validation.rules import Rule

KEYS: dict[Table, str] = {"calls": "cdr_id", "files": "file_number"}
_NAME = "batch"


@dataclass(frozen=True)
class SuiteResult:
    """What a suite said.

    Attributes:
        failed: rules whose expectation did not hold, by id.
        errored: what went wrong, by id of the rules that could not be judged.
        counts: failing rows by rule id.
        validation: the library's own result.
    """

    failed: frozenset[str]
    errored: dict[str, str]
    counts: dict[str, int]
    validation: ExpectationSuiteValidationResult


@functools.cache
def _context() -> Any:  # noqa: ANN401 - the library's context
    """One context a process, nothing of it on disk."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    assert DuckDBDatasource.__fields__["type"].default == "duckdb", "the class statement registers the source"
    return context


@contextmanager
def judging(connection: duckdb.DuckDBPyConnection) -> Iterator[Any]:
    """A data source over a connection, for as long as a batch is judged."""
    CONNECTIONS[_NAME] = connection
    source = _context().data_sources.add_duckdb(_NAME, connection_string=f"duckdb://{_NAME}")
    try:
        yield source
    finally:
        source.get_execution_engine().close()
        _context().data_sources.delete(_NAME)
        del CONNECTIONS[_NAME]


def run_suite(source: Any, table: Table, rules: Sequence[Rule]) -> SuiteResult:  # noqa: ANN401
    """Judge a table by rules; the rows that fail stand in `failing_<table>` afterwards.

    A rule that could not run is told apart from one that did not hold: it stops everything, whatever its severity.
    """
    suite = gx.ExpectationSuite(name=table, expectations=[_expectation(rule, KEYS[table]) for rule in rules])
    asset = source.add_table_asset(table, table_name=table)
    batch = asset.add_batch_definition_whole_table("all").get_batch()
    # No sample values: callers' numbers would land in results and pages. They also cost a scan each.
    form = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
    validation = batch.validate(suite, result_format=form)
    errored, counts, failed = {}, {}, set()
    for result in validation.results:
        rule_id = result.expectation_config.meta["rule_id"]
        if problem := _problem(result.exception_info):
            errored[rule_id] = problem
        else:
            counts[rule_id] = int(result.result["unexpected_count"])
            failed |= set() if result.success else {rule_id}
    assert errored.keys() | counts.keys() == {rule.id for rule in rules}, "every rule was judged or failed to run"
    return SuiteResult(frozenset(failed), errored, counts, validation)


def _expectation(rule: Rule, key: str) -> ExpectRowToSatisfy:
    sentence = f"{rule.sentence['zh']} / {rule.sentence['en']}"
    return ExpectRowToSatisfy(
        column=key,
        rule_id=rule.id,
        sql=rule.sql,
        severity=rule.severity,
        meta={"rule_id": rule.id, "reason": rule.reason, "owner": rule.owner},
        description=f"{rule.id} {rule.reason} [{rule.severity}, {rule.action}]: {sentence}",
    )


def _problem(information: dict[str, Any] | None) -> str:
    """What a rule died of; empty when it ran. The library tells it in two shapes."""
    if not information:
        return ""
    entries = [information] if "raised_exception" in information else list(information.values())
    told = [str(entry["exception_message"]) for entry in entries if entry.get("raised_exception")]
    return "; ".join(told)


def as_json(validation: ExpectationSuiteValidationResult) -> dict[str, Any]:
    """A result as JSON values; without the clocks that the library puts in, equal batches give equal results."""
    values: dict[str, Any] = json.loads(json.dumps(validation.to_json_dict(), default=str))
    version = values["meta"]["great_expectations_version"]
    return {name: values[name] for name in ("success", "statistics", "results")} | {"great_expectations": version}
