"""The catalog as the rest of the engine gets it: one typed table each, and where every row stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from billing.catalog.words import words_of
from billing.core.findings import Finding
from billing.tables.schema import Table

Places = Mapping[str, Mapping[tuple[Any, ...], str]]


@dataclass(frozen=True)
class Catalog:
    """What finance keeps, checked.

    Attributes:
        carriers ... adjustments: the tables, each under its file's name; rows that could not be read are not in them,
            so a catalog with a critical finding must not be used.
        places: table name -> key -> where the row stands, for messages.
        findings: everything that was found, the critical ones among it.
        incomplete: names of tables whose file lost rows or could not be read.
    """

    carriers: pl.DataFrame
    agents: pl.DataFrame
    customers: pl.DataFrame
    contracts: pl.DataFrame
    numbers: pl.DataFrame
    subscriptions: pl.DataFrame
    allowance_purchases: pl.DataFrame
    quantities: pl.DataFrame
    metered_items: pl.DataFrame
    service_events: pl.DataFrame
    test_callers: pl.DataFrame
    number_resources: pl.DataFrame
    receipts: pl.DataFrame
    adjustments: pl.DataFrame
    places: Places = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    incomplete: frozenset[str] = frozenset()

    def frame(self, table: type[Table]) -> pl.DataFrame:
        """The rows of one catalog table."""
        frame: pl.DataFrame = getattr(self, words_of(table).file)
        return frame

    def where(self, table: type[Table], row: Mapping[str, Any]) -> str:
        """Where a row stands: `file:line` or `file:sheet!cell`; empty when it came from no file."""
        return self.places.get(table.name, {}).get(tuple(row[column] for column in table.key), "")

    @property
    def is_usable(self) -> bool:
        """Whether nothing critical was found."""
        return all(finding.severity != "critical" for finding in self.findings)
