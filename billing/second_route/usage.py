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
MEASURES = ("call_count", "billed_seconds", "amount_micro", "rest_parts", "settlement_micro")


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
        is_split = "at_edge" in rating_rows.columns
        query = _DAY.format(
            billed=_steps("retail", rating_rows.columns, "seconds"),
            price=_steps("retail", rating_rows.columns, "micro"),
            cost=_steps("carrier", rating_rows.columns, "micro", "own_ms"),
            first=_FIRST_MS,
            edges=_edges(rating_rows.columns),
            split_billed=_pieces(rating_rows.columns, "seconds"),
            split_parts=_pieces(rating_rows.columns, "micro"),
            splits="at_edge IS NOT NULL" if is_split else "FALSE",
            is_test="list_contains(test_callers, caller)" if "test_callers" in rating_rows.columns else "FALSE",
            own_class="kept.call_class" if _all_have(cdr_paths, "call_class") else "NULL",
            class_of_row="rates.call_class" if "call_class" in rating_rows.columns else "NULL",
            # Left to itself DuckDB writes every expression out where it is used, and pieces grow past all bounds.
            held="MATERIALIZED" if is_split else "NOT MATERIALIZED",
        )
        files = [str(path) for path in cdr_paths]
        totals = pl.from_arrow(connection.sql(query, params={"files": files, "not_ours": NOT_OURS}).to_arrow_table())
    assert isinstance(totals, pl.DataFrame)
    return totals.cast({name: UsageTotal.schema()[name] for name in (*KEY, *MEASURES)})


def _all_have(cdr_paths: Sequence[Path], column: str) -> bool:
    """Whether call files have a column; those of an older version lack some."""
    return all(column in pl.read_parquet_schema(path) for path in cdr_paths)


def _steps(prefix: str, columns: Sequence[str], unit: str, time: str = "talk_ms") -> str:
    """SQL for the sum over the steps of a schedule of blocks begun x what a block counts (seconds or price)."""
    terms = []
    for index in range(sum(name.startswith(prefix) and name.endswith("_from") for name in columns)):
        step, following = f"{prefix}{index}", f"{prefix}{index + 1}"
        end = f"least({time}, {following}_from * 1000)" if f"{following}_from" in columns else time
        used = f"greatest({end} - {step}_from * 1000, 0)"
        length = f"({step}_seconds * 1000)"
        blocks = f"(({used}) // {length} + CASE WHEN ({used}) % {length} > 0 THEN 1 ELSE 0 END)"
        terms.append(f"{blocks} * {step}_{unit}")
    return " + ".join(terms)


_FIRST_MS = """
  date_diff('millisecond', date_trunc('day', started_at),
    coalesce(CASE WHEN from_platform THEN coalesce(platform_answered_at, answered_at) END, answered_at, started_at))
  + counted_ms"""


def _piece_count(columns: Sequence[str]) -> int:
    return sum(name.startswith("split") and name.endswith("_until") for name in columns)


def _edges(columns: Sequence[str]) -> str:
    """SQL for the columns `split<j>_a` and `_b`: where each piece begins and ends within the charged time."""
    terms, since = [""], "0"
    for piece in range(_piece_count(columns)):
        for edge, name in ((since, "a"), (f"split{piece}_until", "b")):
            inside = f"least(greatest({edge}, first_ms), first_ms + talk_ms) - first_ms"
            whole = "0" if name == "a" else f"CASE WHEN {_ends_in(since, piece)} THEN talk_ms ELSE 0 END"
            terms.append(f"CASE WHEN at_edge = 'end' THEN {whole} ELSE {inside} END AS split{piece}_{name}")
        starts = f"first_ms >= {since} AND first_ms < split{piece}_until"
        bears = f"CASE WHEN at_edge = 'end' THEN {_ends_in(since, piece)} ELSE {starts} END"
        terms.append(f"({bears}) AND talk_ms > 0 AS split{piece}_first")
        since = f"split{piece}_until"
    return ", ".join(terms)


def _ends_in(since: str, piece: int) -> str:
    return f"(first_ms + talk_ms > {since} AND first_ms + talk_ms <= split{piece}_until)"


def _pieces(columns: Sequence[str], unit: str) -> str:
    """SQL for the sum over the pieces of two days of blocks begun in each x what a block counts, and connect fees."""
    terms = ["0"]
    for piece in range(_piece_count(columns)):
        prefix = f"split{piece}_"
        begin, end = f"{prefix}a", f"{prefix}b"
        own = [name for name in columns if name.startswith(prefix)]
        alone = _steps(prefix, own, unit, f"({end} - {begin})")
        through = f"({_steps(prefix, own, unit, end)}) - ({_steps(prefix, own, unit, begin)})"
        blocks = f"CASE WHEN at_edge = 'restart' THEN {alone} ELSE {through} END"
        if unit == "micro":
            fee = f"CASE WHEN {prefix}first THEN {prefix}connect ELSE 0 END"
            blocks = f"({blocks})::HUGEINT * (600000 // {prefix}divisor) + ({fee})::HUGEINT * 600000"
        terms.append(f"({blocks})")
    return " + ".join(terms)


_DAY = """
WITH kept AS (
  SELECT
    COLUMNS('^call_class$|^caller$'),
    cdr_id, usage_date, service_number, outcome, started_at, platform_answered_at, answered_at, ended_at,
    CAST(talk_ms AS BIGINT) AS own_ms
  FROM read_parquet($files)
  WHERE cdr_id NOT IN (SELECT cdr_id FROM left_out) AND outcome <> $not_ours
),
classes AS (
  SELECT DISTINCT service_number AS of_number, {class_of_row} AS named FROM rates WHERE {class_of_row} IS NOT NULL
),
priced AS (
  SELECT kept.*, rates.* EXCLUDE (service_number), coalesce({is_test}, FALSE) AS is_test
  FROM kept LEFT JOIN classes ON of_number = kept.service_number AND named = {own_class}
  JOIN rates ON rates.service_number = kept.service_number AND {class_of_row} IS NOT DISTINCT FROM named
    AND date_diff('millisecond', date_trunc('day', started_at), started_at) >= rates.since_ms
    AND date_diff('millisecond', date_trunc('day', started_at), started_at) < rates.until_ms
  WHERE rates.rate_id IS NOT NULL AND rates.settlement_rate_id IS NOT NULL
),
counted AS (
  SELECT *, CASE
    WHEN from_platform AND outcome IN ('answered', 'ivr_only')
      THEN coalesce(date_diff('millisecond', coalesce(platform_answered_at, answered_at), ended_at), own_ms)
    WHEN outcome = 'answered' THEN own_ms
    ELSE 0 END AS counted_ms
  FROM priced
),
charged AS (
  SELECT *,
    CASE WHEN free_if_shorter AND counted_ms <= free_ms THEN 0
         WHEN free_if_shorter THEN counted_ms
         ELSE greatest(counted_ms - free_ms, 0) END AS talk_ms,
    {first} AS begun_ms
  FROM counted
),
pieces AS {held} (
  SELECT *{edges} FROM (SELECT *, begun_ms - talk_ms AS first_ms FROM charged)
),
-- exact price in 600,000ths of a millionth: sixtieths of a minute price, hundredths of a percent
valued AS {held} (
  SELECT
    usage_date, service_number, contract_id, rate_id, settlement_rate_id, is_trial OR is_test AS is_free,
    round_micro, round_mode,
    greatest(round_micro, 1)::HUGEINT * 600000 AS call_unit,
    CASE WHEN {splits} THEN {split_billed} ELSE {billed} END AS billed_seconds,
    CASE WHEN talk_ms <= 0 THEN 0 ELSE
      least(greatest(
        CASE WHEN {splits} THEN {split_parts}
             ELSE ({price})::HUGEINT * 600000 // retail_divisor + connect_micro::HUGEINT * 600000 END,
        least_micro::HUGEINT * 600000), most_micro::HUGEINT * 600000)
      * legs * (10000 - discount_bp) // 10000 END AS exact,
    CASE WHEN outcome = 'answered' THEN {cost} ELSE 0 END AS settlement_micro
  FROM pieces
),
rounded AS (
  SELECT *,
    (exact + 300000) // 600000 AS at_millionth,
    CASE round_mode
      WHEN 'down' THEN exact // call_unit
      WHEN 'up' THEN (exact + call_unit - 1) // call_unit
      WHEN 'half_up' THEN (exact + call_unit // 2) // call_unit
      ELSE exact // call_unit + CASE
        WHEN 2 * (exact % call_unit) > call_unit THEN 1
        WHEN 2 * (exact % call_unit) = call_unit THEN (exact // call_unit) % 2
        ELSE 0 END
    END AS at_call
  FROM valued
),
rated AS (
  SELECT
    usage_date, service_number, contract_id, rate_id, settlement_rate_id, billed_seconds, settlement_micro,
    CASE WHEN is_free THEN 0 WHEN round_micro > 0 THEN at_call * round_micro ELSE at_millionth END AS amount_micro,
    CASE WHEN is_free OR round_micro > 0 THEN 0 ELSE exact - at_millionth * 600000 END AS rest_parts
  FROM rounded
)
SELECT
  usage_date, service_number, contract_id, rate_id, settlement_rate_id,
  count(*) AS call_count,
  CAST(sum(billed_seconds) AS BIGINT) AS billed_seconds,
  CAST(sum(amount_micro) AS BIGINT) AS amount_micro,
  CAST(sum(rest_parts) AS BIGINT) AS rest_parts,
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
