"""Calls rated again in SQL, with formulas of this package's own, summed by day, number and price.

What comes in: the calls as received, the ids left out as duplicates or suspense, and the compiled rating rows of the
day. Nothing of the first route's code is shared, only the shapes of the tables.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import polars as pl

from billing.tables.calls import NOT_OURS, UsageTotal

KEY = ("usage_date", "service_number", "contract_id", "rate_id", "settlement_rate_id")
MEASURES = ("call_count", "billed_seconds", "amount_micro", "settlement_micro")


def recompute_day(cdr_paths: Sequence[Path], left_out_ids: pl.Series, rating_rows: pl.DataFrame) -> pl.DataFrame:
    """Rate the calls of one day again.

    Args:
        cdr_paths: the day's call files.
        left_out_ids: `cdr_id` of the calls not to rate: duplicates and suspense.
        rating_rows: the compiled rating rows of the day.

    Returns:
        `KEY` and `MEASURES`, ordered by key; calls without a contract or price are not in it.
    """
    if not cdr_paths:
        return pl.DataFrame(schema={name: UsageTotal.schema()[name] for name in (*KEY, *MEASURES)})
    with duckdb.connect() as connection:
        connection.register("rates", rating_rows.to_arrow())
        connection.register("left_out", left_out_ids.cast(pl.Int64).alias("cdr_id").to_frame().to_arrow())
        query = _DAY.format(
            billed=_steps("retail", rating_rows.columns, "seconds"),
            price=_steps("retail", rating_rows.columns, "micro"),
            cost=_steps("carrier", rating_rows.columns, "micro"),
        )
        files = [str(path) for path in cdr_paths]
        totals = pl.from_arrow(connection.sql(query, params={"files": files, "not_ours": NOT_OURS}).to_arrow_table())
    assert isinstance(totals, pl.DataFrame)
    return totals.cast({name: UsageTotal.schema()[name] for name in (*KEY, *MEASURES)})


def _steps(prefix: str, columns: Sequence[str], unit: str) -> str:
    """SQL for the sum over the steps of a schedule of blocks begun x what a block counts (seconds or price)."""
    terms = []
    for index in range(sum(name.startswith(prefix) and name.endswith("_from") for name in columns)):
        step, following = f"{prefix}{index}", f"{prefix}{index + 1}"
        end = f"least(talk_ms, {following}_from * 1000)" if f"{following}_from" in columns else "talk_ms"
        used = f"greatest({end} - {step}_from * 1000, 0)"
        length = f"({step}_seconds * 1000)"
        blocks = f"(({used}) // {length} + CASE WHEN ({used}) % {length} > 0 THEN 1 ELSE 0 END)"
        terms.append(f"{blocks} * {step}_{unit}")
    return " + ".join(terms)


_DAY = """
WITH kept AS (
  SELECT cdr_id, usage_date, service_number, outcome, CAST(talk_ms AS BIGINT) AS talk_ms
  FROM read_parquet($files)
  WHERE cdr_id NOT IN (SELECT cdr_id FROM left_out) AND outcome <> $not_ours
),
priced AS (
  SELECT kept.*, rates.* EXCLUDE (service_number)
  FROM kept JOIN rates ON rates.service_number = kept.service_number
  WHERE rates.rate_id IS NOT NULL AND rates.settlement_rate_id IS NOT NULL
),
rated AS (
  SELECT
    usage_date, service_number, contract_id, rate_id, settlement_rate_id,
    CASE WHEN outcome = 'answered' THEN {billed} ELSE 0 END AS billed_seconds,
    CASE WHEN outcome = 'answered' AND NOT is_trial THEN {price} ELSE 0 END AS amount_micro,
    CASE WHEN outcome = 'answered' THEN {cost} ELSE 0 END AS settlement_micro
  FROM priced
)
SELECT
  usage_date, service_number, contract_id, rate_id, settlement_rate_id,
  count(*) AS call_count,
  CAST(sum(billed_seconds) AS BIGINT) AS billed_seconds,
  CAST(sum(amount_micro) AS BIGINT) AS amount_micro,
  CAST(sum(settlement_micro) AS BIGINT) AS settlement_micro
FROM rated
GROUP BY ALL
ORDER BY ALL
"""


def compare_usage(recomputed: pl.DataFrame, usage: pl.DataFrame) -> pl.DataFrame:
    """Compare the second route with the first.

    Args:
        recomputed: `recompute_day` of one or more days, stacked.
        usage: `UsageTotal` rows of the same days.

    Returns:
        One row for each key and measure that differs: key, measure, first, second; empty when the routes agree. A key
        that one route lacks counts as zero there.
    """
    with duckdb.connect() as connection:
        connection.register("second", recomputed.to_arrow())
        connection.register("usage", usage.to_arrow())
        rows = pl.from_arrow(connection.sql(_COMPARE).to_arrow_table())
    assert isinstance(rows, pl.DataFrame)
    return rows


_KEY_SQL = ", ".join(KEY)
_SAME_KEY = " AND ".join(f"first.{name} IS NOT DISTINCT FROM second.{name}" for name in KEY)
_COMPARE = f"""
WITH first AS (
  SELECT {_KEY_SQL}, {", ".join(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in MEASURES)}
  FROM usage GROUP BY ALL
),
paired AS (
  SELECT
    {", ".join(f"coalesce(first.{name}, second.{name}) AS {name}" for name in KEY)},
    {", ".join(f"coalesce(first.{n}, 0) AS first_{n}, coalesce(second.{n}, 0) AS second_{n}" for n in MEASURES)}
  FROM first FULL JOIN second ON {_SAME_KEY}
)
{
    " UNION ALL ".join(
        f"SELECT {_KEY_SQL}, '{name}' AS measure, first_{name} AS first, second_{name} AS second FROM paired "
        f"WHERE first_{name} <> second_{name}"
        for name in MEASURES
    )
}
ORDER BY ALL
"""
