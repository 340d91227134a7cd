"""Published calls: one file a part, the rated call with its times, its caller masked and pseudonymised.

Polars joins and writes, through the one Parquet writer; DuckDB hashes the callers batch by batch inside the same
stream. Rows keep the order of the rated calls, so the same part gives the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from billing.core.money import decimal_expr
from billing.publishing.masking import mask_number, pseudonyms
from billing.publishing.shapes import PublishedCall
from billing.tables.calls import Cdr, RatedCall
from billing.tables.parquet import scan_tables, write_table


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
            caller_key = pl.col(Cdr.caller).map_batches(pseudonym, return_dtype=pl.String, is_elementwise=True)
            paths.append(folder / f"{part.name}.parquet")
            write_table(_published_calls(part, caller_key), PublishedCall, paths[-1])
    return paths


def scan_calls(paths: Sequence[Path]) -> pl.LazyFrame:
    """The rows of published call files."""
    return scan_tables(paths, PublishedCall)


def _published_calls(part: PartPaths, caller_key: pl.Expr) -> pl.LazyFrame:
    received = scan_tables([part.cdr], Cdr).select(
        Cdr.cdr_id, Cdr.caller, Cdr.landing_number, Cdr.started_at, Cdr.answered_at, Cdr.ended_at
    )
    month = pl.col(RatedCall.usage_date).dt.strftime("%Y-%m")
    usage_key = pl.concat_str(month, RatedCall.contract_id, RatedCall.service_number, RatedCall.rate_id, separator="|")
    return (
        scan_tables([part.rated_call], RatedCall)
        .pipe(_marked_sorted)
        .join(_marked_sorted(received), on=RatedCall.cdr_id, how="left", maintain_order="left")
        .with_columns(
            usage_key.alias(PublishedCall.usage_key),
            mask_number(pl.col(Cdr.caller)).alias(PublishedCall.caller_masked),
            caller_key.alias(PublishedCall.caller_key),
            mask_number(pl.col(Cdr.landing_number)).alias(PublishedCall.landing_masked),
            pl.col(RatedCall.usage_ms).alias(PublishedCall.talk_ms),
            decimal_expr(pl.col(RatedCall.amount_micro), 6).alias(PublishedCall.amount),
            decimal_expr(pl.col(RatedCall.settlement_micro), 6).alias(PublishedCall.settlement_amount),
        )
    )


def _marked_sorted(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Tell the engine that rows are in order of id, when they are: it then merges as it reads and holds no table."""
    in_order = rows.select(pl.col(Cdr.cdr_id).is_sorted()).collect().item()
    return rows.set_sorted(Cdr.cdr_id) if in_order else rows
