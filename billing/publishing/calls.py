"""Published calls: one file a part, the rated call with its times, its caller masked and pseudonymised.

Polars joins and writes, DuckDB hashes the callers. A part is read a row group at a time, so memory does not grow with
it, and rows keep the order of the rated calls, so the same part gives the same bytes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
from polars.io.plugins import register_io_source

from billing.core.money import decimal_expr
from billing.publishing.masking import mask_number, pseudonyms
from billing.publishing.shapes import PublishedCall
from billing.tables.calls import Cdr, RatedCall
from billing.tables.parquet import ROW_GROUP_SIZE, scan_tables, write_table


@dataclass(frozen=True)
class PartPaths:
    """Where one part lies: the calls of one usage date that one ingest brought.

    Attributes:
        name: `<usage_date>-<file>`, unique among the parts of a period; names the published file.
        cdr: its calls as received.
        rated_call: its rated calls.
    """

    name: str
    cdr: Path
    rated_call: Path


def publish_calls(parts: Sequence[PartPaths], pseudonym_key: str, folder: Path) -> list[Path]:
    """Write `<name>.parquet` for every part.

    Args:
        parts: the parts of the period.
        pseudonym_key: key of the callers' pseudonyms.
        folder: where the files go.

    Returns:
        The files written, in order of name.
    """
    paths = []
    with duckdb.connect() as connection:
        pseudonym = pseudonyms(connection, pseudonym_key)
        for part in sorted(parts, key=lambda part: part.name):
            paths.append(folder / f"{part.name}.parquet")
            write_table(_stream(part, pseudonym), PublishedCall, paths[-1])
    return paths


def scan_calls(paths: Sequence[Path]) -> pl.LazyFrame:
    """The rows of published call files."""
    return scan_tables(paths, PublishedCall)


def _stream(part: PartPaths, pseudonym: Callable[[pl.Series], pl.Series]) -> pl.LazyFrame:
    """The part's published rows as a lazy frame that makes them a row group at a time."""

    def batches(*_: object) -> Iterator[pl.DataFrame]:
        rated = scan_tables([part.rated_call], RatedCall)
        for offset in range(0, rated.select(pl.len()).collect().item(), ROW_GROUP_SIZE):
            yield _published_calls(rated.slice(offset, ROW_GROUP_SIZE).collect(), part.cdr, pseudonym)

    return register_io_source(batches, schema=PublishedCall.schema())


def _published_calls(rated: pl.DataFrame, cdr: Path, pseudonym: Callable[[pl.Series], pl.Series]) -> pl.DataFrame:
    ids = rated[RatedCall.cdr_id]
    received = (
        scan_tables([cdr], Cdr)
        .filter(pl.col(Cdr.cdr_id).is_between(ids.min(), ids.max()))
        .select(Cdr.cdr_id, Cdr.caller, Cdr.landing_number, Cdr.started_at, Cdr.answered_at, Cdr.ended_at)
    )
    month = pl.col(RatedCall.usage_date).dt.strftime("%Y-%m")
    usage_key = pl.concat_str(month, RatedCall.contract_id, RatedCall.service_number, RatedCall.rate_id, separator="|")
    calls = (
        rated.lazy()
        .join(received, on=RatedCall.cdr_id, how="inner", maintain_order="left")
        .with_columns(
            usage_key.alias(PublishedCall.usage_key),
            mask_number(pl.col(Cdr.caller)).alias(PublishedCall.caller_masked),
            pl.col(Cdr.caller).map_batches(pseudonym, pl.String, is_elementwise=True).alias(PublishedCall.caller_key),
            mask_number(pl.col(Cdr.landing_number)).alias(PublishedCall.landing_masked),
            pl.col(RatedCall.usage_ms).alias(PublishedCall.talk_ms),
            decimal_expr(pl.col(RatedCall.amount_micro), 6).alias(PublishedCall.amount),
            decimal_expr(pl.col(RatedCall.settlement_micro), 6).alias(PublishedCall.settlement_amount),
        )
        .pipe(PublishedCall.conform_lazy)
        .collect()
    )
    assert calls.height == rated.height, "a rated call is not among those received, or twice"
    return calls
