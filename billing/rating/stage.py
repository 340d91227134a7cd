"""Rate the calls of one part: number, contract, price, blocks, money, and what the carrier gets.

Stateless: a call's price depends on the call and the rating row of its day alone. Every call that reached one of our
numbers becomes a rated call, free ones with their reason; a call whose number or price is unknown goes to suspense.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from billing.core.digests import json_sha256
from billing.rate_book.rating_rows import CLASS, TEST_CALLERS, block_columns
from billing.rating.blocks import price_blocks
from billing.rating.first_price import (
    BILLABLE_MS,
    BLOCKS_PRICE,
    CHARGED_MS,
    IS_BILLABLE,
    with_billable_time,
    with_first_price,
)
from billing.rating.straddle import has_splits, with_pieces
from billing.tables.calls import NOT_OURS, TEST_CALL, Cdr, RatedCall, Suspense, UsageTotal

RATING_VERSION = 2
"""Raised by hand when the same inputs would rate otherwise; a golden digest test catches a forgotten raise."""

NUMBER_UNKNOWN = "NUMBER_UNKNOWN"
NO_CONTRACT_AT_CALL = "NO_CONTRACT_AT_CALL"
NO_PRICE = "NO_PRICE"
IS_TEST = "is_test"
_CLASS_KEY = "class_key"
_NAMES = ("service_number", "contract_id", "rate_id", "settlement_rate_id")
"""Columns of a rating row that say whether there is a price."""


@dataclass(frozen=True)
class RatedPart:
    """Lazy tables of one part: its rated calls, and the calls that cannot be rated (cdr_id, usage_date, reason...)."""

    rated: pl.LazyFrame
    unrated: pl.LazyFrame


def rate_calls(calls: pl.LazyFrame, rows: pl.DataFrame, known_numbers: pl.Series) -> RatedPart:
    """Rate calls of one usage date.

    Args:
        calls: `Cdr` rows of the part, duplicates and suspense already taken out.
        rows: `rating_rows` of that date.
        known_numbers: every number of the catalog, to tell an unknown number from one without a contract that day.

    Returns:
        Lazy `RatedCall` rows in the order of the calls, and lazy `Suspense` rows without raw text.
    """
    ours = calls.filter(pl.col(Cdr.outcome) != NOT_OURS).with_columns(_is_test(rows).alias(IS_TEST))
    rows = rows.drop(TEST_CALLERS, strict=False)
    joined = _with_rows(ours, rows)
    has_price = pl.col("rate_id").is_not_null() & pl.col("settlement_rate_id").is_not_null()
    return RatedPart(
        rated=joined.filter(has_price).pipe(_priced, rows),
        unrated=joined.filter(~has_price).pipe(_unrated, known_numbers),
    )


def _with_rows(calls: pl.LazyFrame, rows: pl.DataFrame) -> pl.LazyFrame:
    """Each call with the rating row of its number and start, nulls where there is none.

    Every column of a join costs as much as pricing does (measured), and of a schedule most columns are equal in all
    rows: those stand in for every call without being joined. Without a row there is no price, whatever they say.
    """
    on = [str(Cdr.service_number)]
    if CLASS in rows.columns:
        rows, named = _of_every_class(rows)
        own = pl.col(Cdr.call_class)
        calls = calls.with_columns(pl.when(own.is_in(named)).then(own).otherwise(pl.lit("")).alias(_CLASS_KEY))
        on.append(_CLASS_KEY)
    equal = [name for name in rows.columns if name not in (*_NAMES, _CLASS_KEY) and rows[name].n_unique() == 1]
    joined = rows.drop(equal)
    cuts = rows["since_ms"].unique().sort().to_list()[1:]
    if cuts:
        # A number has a row for each of its windows; put into the slots between all cuts of the day, one row fits each.
        clock = (pl.col(Cdr.started_at) - pl.col(Cdr.started_at).dt.truncate("1d")).dt.total_milliseconds()
        calls = calls.with_columns(_slot(clock, cuts))
        edges = pl.DataFrame({"edge": [0, *cuts]}, schema={"edge": pl.Int64}).with_columns(_slot(pl.col("edge"), cuts))
        joined = rows.join_where(edges, pl.col("edge") >= pl.col("since_ms"), pl.col("edge") < pl.col("until_ms"))
        joined = joined.drop("edge", *equal)
        on.append("slot")
    return calls.join(joined.lazy(), on=on, how="left", maintain_order="left").with_columns(
        pl.lit(rows[name][0], rows.schema[name]).alias(name) for name in equal
    )


def _of_every_class(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """A row for every class that any plan of the day names: where a number has none, its row for any other class."""
    rows = rows.with_columns(pl.col(CLASS).fill_null("")).rename({CLASS: _CLASS_KEY})
    own, others = rows.filter(pl.col(_CLASS_KEY) != ""), rows.filter(pl.col(_CLASS_KEY) == "")
    named = own.select(_CLASS_KEY).unique().sort(_CLASS_KEY)
    filled = others.drop(_CLASS_KEY).join(named, how="cross").select(rows.columns)
    missing = filled.join(own, on=("service_number", _CLASS_KEY), how="anti", maintain_order="left")
    return pl.concat([others, own, missing]), named[_CLASS_KEY].to_list()


def _is_test(rows: pl.DataFrame) -> pl.Expr:
    """Whether a call comes from a number from which lines are tested that day."""
    if TEST_CALLERS not in rows.columns or rows.is_empty():
        return pl.lit(value=False)
    return pl.col(Cdr.caller).is_in(rows[TEST_CALLERS][0].to_list()).fill_null(value=False)


def _slot(clock: pl.Expr, cuts: Sequence[int]) -> pl.Expr:
    """How many cuts of the day lie at or before a time of day."""
    return pl.sum_horizontal((clock >= cut).cast(pl.Int64) for cut in cuts).alias("slot")


def _priced(joined: pl.LazyFrame, rows: pl.DataFrame) -> pl.LazyFrame:
    talk, is_free = pl.col(Cdr.talk_ms), pl.col("is_trial") | pl.col(IS_TEST)
    # The carrier is paid from the landing number's answer on, whatever the customer's plan counts from.
    settled = pl.when(pl.col(Cdr.outcome) == "answered").then(talk).otherwise(0)
    timed = joined.pipe(with_billable_time, rows)
    retail = price_blocks("retail", _width(rows, "retail"), pl.col(CHARGED_MS))
    carrier = price_blocks("carrier", _width(rows, "carrier"), settled)
    free_reason = (
        pl.when(IS_TEST).then(pl.lit(TEST_CALL))
        .when(~pl.col(IS_BILLABLE)).then(pl.lit("not_answered"))
        .when(pl.col(BILLABLE_MS) == 0).then(pl.lit("zero_seconds"))
        .when(pl.col(CHARGED_MS) == 0).then(pl.lit("free_seconds"))
        .when("is_trial").then(pl.lit("trial"))
    )  # fmt: skip
    return (
        timed.with_columns(
            free_reason.alias("free_reason"),
            pl.when(IS_BILLABLE).then(pl.col(BILLABLE_MS)).otherwise(talk).alias("usage_ms"),
            retail.billed_seconds.alias("billed_seconds"),
            retail.block_count.alias("block_count"),
            retail.price_micro.alias(BLOCKS_PRICE),
            carrier.billed_seconds.alias("settlement_billed_seconds"),
            carrier.price_micro.alias("settlement_micro"),
        )
        .pipe(_split_at_edges, rows)
        .pipe(with_first_price, rows)
        .with_columns(
            pl.when(is_free).then(pl.col("billed_seconds")).otherwise(0).alias("free_seconds"),
            pl.when(is_free).then(0).otherwise(pl.col("amount_micro")).alias("amount_micro"),
            pl.when(is_free).then(0).otherwise(pl.col("rest_parts")).alias("rest_parts"),
        )
        .with_columns((pl.col("billed_seconds") - pl.col("free_seconds")).alias("charged_seconds"))
        .pipe(RatedCall.conform_lazy)
    )


def _split_at_edges(calls: pl.LazyFrame, rows: pl.DataFrame) -> pl.LazyFrame:
    if not has_splits(rows):
        return calls
    return with_pieces(calls, rows, CHARGED_MS, BILLABLE_MS, _width(rows, "retail"))


def _unrated(joined: pl.LazyFrame, known_numbers: pl.Series) -> pl.LazyFrame:
    is_known = pl.col(Cdr.service_number).is_in(known_numbers.implode())
    reason = (
        pl.when(~is_known).then(pl.lit(NUMBER_UNKNOWN))
        .when(pl.col("contract_id").is_null()).then(pl.lit(NO_CONTRACT_AT_CALL))
        .otherwise(pl.lit(NO_PRICE))
    )  # fmt: skip
    return joined.select(
        Cdr.cdr_id,
        Cdr.usage_date,
        reason.alias(Suspense.reason),
        pl.lit(None, pl.String).alias(Suspense.rule_id),
        Cdr.service_number,
        Cdr.talk_ms,
        pl.lit(None, pl.String).alias(Suspense.raw_text),
        pl.col(Cdr.usage_date).alias(Suspense.first_seen),
    )


def total_usage(rated: pl.LazyFrame) -> pl.LazyFrame:
    """Sum rated calls by day, number, price and outcome.

    Returns:
        `UsageTotal` rows ordered by their key.
    """
    measures = [
        UsageTotal.usage_ms,
        UsageTotal.billed_seconds,
        UsageTotal.charged_seconds,
        UsageTotal.block_count,
        UsageTotal.amount_micro,
        UsageTotal.rest_parts,
        UsageTotal.settlement_billed_seconds,
        UsageTotal.settlement_micro,
    ]
    # On one civil day a number has one contract, so it needs no grouping of its own; prices may change by the hour.
    grouping = [
        UsageTotal.usage_date,
        UsageTotal.service_number,
        UsageTotal.rate_id,
        UsageTotal.outcome,
        UsageTotal.free_reason,
    ]
    follows = [UsageTotal.contract_id, UsageTotal.settlement_rate_id]
    return (
        rated.group_by(grouping)
        .agg(
            pl.len().cast(pl.Int64).alias(UsageTotal.call_count),
            *(pl.col(column).first() for column in follows),
            *(pl.col(measure).sum() for measure in measures),
        )
        .sort(UsageTotal.key)
        .pipe(UsageTotal.conform_lazy)
    )


def rating_fingerprint(cdr_sha256: str, left_out: pl.Series, rows: pl.DataFrame) -> str:
    """What a rated part rests on: its calls, the calls left out of it, its compiled rows, the rating version."""
    return json_sha256(
        {
            "cdr": cdr_sha256,
            "left_out": left_out.sort().to_list(),
            "rows": rows.sort(
                "service_number", "since_ms", *[name for name in (CLASS,) if name in rows.columns]
            ).rows(),
            "columns": rows.columns,
            "rating": RATING_VERSION,
        }
    )


def _width(rows: pl.DataFrame, prefix: str) -> int:
    index = 0
    while block_columns(prefix, index)[0] in rows.columns:
        index += 1
    return index
