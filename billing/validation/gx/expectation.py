"""A rule of ours as an expectation, and an engine that judges all of them in one scan and keeps the rows that fail.

Great Expectations asks for the number of failing rows of every expectation of a batch at once. The engine answers by
writing the failing rows into a table, one boolean a rule, and counting there; so the counts that are judged and the
rows that are held back come from the same scan and cannot differ.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import sqlalchemy as sa
from great_expectations.compatibility import pydantic
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import (
    ColumnMapMetricProvider,
    column_condition_partial,
)

from billing.validation.gx.engine import DuckDBExecutionEngine

METRIC = "row_rule.satisfied"

Table = Literal["calls", "files"]
"""What rules are run on."""


def satisfied(sql: str) -> sa.ColumnElement[bool]:
    """Whether a row satisfies a rule; null does not."""
    return sa.func.coalesce(sa.literal_column(f"({sql})", sa.Boolean), sa.false())


class RowRuleSatisfied(ColumnMapMetricProvider):
    """The metric: rows that satisfy a SQL condition."""

    condition_metric_name = METRIC
    condition_value_keys = ("sql", "rule_id")
    filter_column_isnull = False

    @column_condition_partial(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(cls, column: Any, sql: str, rule_id: str, **_others: Any) -> sa.ColumnElement[bool]:  # noqa: ANN401, N805
        return satisfied(sql)


class ExpectRowToSatisfy(ColumnMapExpectation):
    """Every row satisfies a rule. `column` is the key by which failing rows are kept."""

    rule_id: str = pydantic.Field(description="id of the rule")
    sql: str = pydantic.Field(description="condition that good rows satisfy; null does not")
    map_metric: ClassVar[str] = METRIC
    success_keys: ClassVar[tuple[str, ...]] = ("sql", "rule_id", "mostly")
    args_keys: ClassVar[tuple[str, ...]] = ("column", "rule_id", "sql")


class KeepingEngine(DuckDBExecutionEngine):
    """Writes failing rows to `failing_<table>`: the columns of `CARRIED` for the table, and a boolean a rule."""

    CARRIED: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "calls": ("cdr_id", "usage_date", "service_number", "talk_ms"),
        "files": ("file_number",),
    }

    def resolve_metric_bundle(self, metric_fn_bundle: Iterable[Any]) -> dict[Any, Any]:
        """Answer our metric in one scan, leave all others to the library."""
        ours: list[Any] = []
        others: list[Any] = []
        for entry in metric_fn_bundle:
            is_ours = entry.metric_configuration.metric_name == f"{METRIC}.unexpected_count"
            (ours if is_ours else others).append(entry)
        answers = dict(super().resolve_metric_bundle(others)) if others else {}
        return answers | (self._judge(ours) if ours else {})

    def _judge(self, ours: list[Any]) -> dict[Any, int]:
        configurations = [entry.metric_configuration for entry in ours]
        batch_id = configurations[0].metric_domain_kwargs["batch_id"]
        table = batch_id.rsplit("-", 1)[-1]
        rules = [configuration.metric_value_kwargs["rule_id"] for configuration in configurations]
        fails = [sa.not_(satisfied(entry.metric_value_kwargs["sql"])) for entry in configurations]
        columns: list[Any] = [sa.column(name) for name in self.CARRIED[table]]
        # Flags stand in an inner query, so that each condition is computed once.
        judged = sa.select(*columns, *(fail.label(rule) for rule, fail in zip(rules, fails, strict=True)))
        inner = judged.select_from(sa.table(table)).subquery()
        rows = sa.select(inner).where(sa.or_(*(inner.c[rule] for rule in rules)))
        text = rows.compile(self.engine, compile_kwargs={"literal_binds": True}).string
        failing = sa.table(f"failing_{table}", *(sa.column(rule) for rule in rules))
        with self.get_connection() as connection:
            connection.exec_driver_sql(f"create or replace table failing_{table} as {text}")
            counts = connection.execute(sa.select(*(sa.func.count().filter(failing.c[rule]) for rule in rules)))
            found = counts.fetchone()
        assert found is not None, "a count gives one row"
        return {entry.id: int(count) for entry, count in zip(configurations, found, strict=True)}
