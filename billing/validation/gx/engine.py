"""How Great Expectations runs its queries on a DuckDB connection of ours.

The library knows DuckDB only through SQLAlchemy and closes a connection before it has fetched the rows, by which a
DuckDB result is lost; so one connection stays open here, and there are no transactions to roll back. Sharing our
connection also lets rules see the tables made for the batch.
"""

import contextlib
import types
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import duckdb_sqlalchemy
import sqlalchemy as sa
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from sqlalchemy.dialects import postgresql

CONNECTIONS: dict[str, duckdb.DuckDBPyConnection] = {}
"""Connections by the name of their data source, as long as a batch is judged."""


class _Autocommit(duckdb_sqlalchemy.ConnectionWrapper):
    """Only reads: a rollback would drop what is not fetched yet, an open transaction would not see later tables."""

    def begin(self) -> None:
        """Nothing to begin."""

    def commit(self) -> None:
        """Nothing to commit."""

    def rollback(self) -> None:
        """Nothing to take back."""


def engine_of(connection_string: str) -> sa.Engine:
    """An engine over one cursor of the connection that a string names."""
    connection = CONNECTIONS[connection_string.partition("://")[2]]
    return sa.create_engine("duckdb://", creator=lambda: _Autocommit(connection.cursor()), poolclass=sa.pool.StaticPool)


_DIALECT = types.ModuleType("duckdb_types")
_DIALECT.__dict__.update(dialect=postgresql.dialect, VARCHAR=sa.String, BIGINT=sa.BigInteger, BOOLEAN=sa.Boolean)


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """Runs metrics on one open connection."""

    _connection: sa.Connection | None = None

    def __init__(self, *args: Any, **values: Any) -> None:  # noqa: ANN401 - the library's own
        super().__init__(*args, **values)
        self.dialect_module = _DIALECT

    def _setup_engine(
        self,
        kwargs: Mapping[str, Any],
        connection_string: str | None = None,
        **_others: Any,  # noqa: ANN401
    ) -> None:
        assert connection_string is not None, "the data source gives it"
        self.engine = engine_of(connection_string)

    @contextlib.contextmanager
    def get_connection(self) -> Iterator[sa.Connection]:
        """The one connection, left open."""
        if self._connection is None or self._connection.closed:
            self._connection = self.engine.connect()
        yield self._connection

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.engine.dispose()
