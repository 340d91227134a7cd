"""The data source over a DuckDB connection of ours; the class statement itself registers it with the library."""

import builtins
from typing import ClassVar, Literal

import sqlalchemy as sa
from great_expectations.datasource.fluent.interfaces import DataAsset
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource, TableAsset
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine

from billing.validation.gx.engine import engine_of
from billing.validation.gx.expectation import KeepingEngine


class DuckDBDatasource(SQLDatasource):
    """`context.data_sources.add_duckdb(name, connection_string="duckdb://name")`, a name of `CONNECTIONS`."""

    type: Literal["duckdb"] = "duckdb"
    asset_types: ClassVar[list[builtins.type[DataAsset]]] = [TableAsset]

    @property
    def execution_engine_type(self) -> builtins.type[SqlAlchemyExecutionEngine]:
        """What runs the metrics."""
        return KeepingEngine

    def _create_engine(self) -> sa.Engine:
        return engine_of(str(self.connection_string))
