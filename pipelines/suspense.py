"""Suspense as a work list: what waits, since when, from which line, worth about how much, and what to do about it."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from billing.core.findings import refuse
from billing.core.messages import catalogue
from billing.core.money import round_to_fen_expr
from billing.core.period import Period
from billing.tables.calls import LINES_PER_FILE, Cdr, Suspense
from pipelines.books import Books
from pipelines.gate import last_prices
from pipelines.parts import held_by_ingest, left_out, parts_of, unrated_of
from pipelines.waiting import held_records, waiting_parts

OPEN_FATE = "suspense"
UNDATED = "undated"
LIST_COLUMNS = (
    "key", "reason", "period", "first_seen", "age_days", "file", "line", "service_number", "talk_ms", "value_micro",
    "valued_by", "raw_text",
)  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """Which records of the list are meant; what is empty does not choose.

    Attributes:
        keys: as they are printed, `2026-10-03/17-204813`.
        codes: reasons.
        period: billing period.
        files: names of files.
    """

    keys: Collection[str] = ()
    codes: Collection[str] = ()
    period: str | None = None
    files: Collection[str] = ()


def open_suspense(books: Books) -> pl.DataFrame:
    """`Suspense` rows of everything that waits, from ingest and from rating, with the billing period of its part."""
    parts = parts_of(books.state)
    settled = left_out(books).filter(pl.col("fate") != OPEN_FATE)
    rows = pl.concat([held_by_ingest(books), unrated_of(books, parts)]).join(settled, on=Cdr.cdr_id, how="anti")
    of_records = waiting_parts(books.state)
    rows = pl.concat([rows, held_records(books, of_records)])
    places = {(part.file_number, part.day): part.billing_period for part in of_records}
    places |= {(part.file_number, part.day): part.billing_period for part in parts}
    periods = pl.DataFrame(
        [(*place, period) for place, period in places.items()],
        schema={"file_number": pl.Int64, "usage_date": pl.Date, "period": pl.String},
        orient="row",
    )
    return (
        rows.with_columns(file_number=pl.col(Suspense.cdr_id) // LINES_PER_FILE)
        .join(periods, on=["file_number", "usage_date"], how="left", nulls_equal=True, maintain_order="left")
        .sort(Suspense.cdr_id)
    )


def work_list(books: Books, today: dt.date, chosen: Chosen = Chosen()) -> pl.DataFrame:
    """The work list.

    Args:
        books: the books.
        today: ages count to this day.
        chosen: which records; all when it chooses nothing.

    Raises:
        Refusal: a reason that does not exist, or a file that was never read.

    Returns:
        `LIST_COLUMNS`, most valuable first. `value_micro` is an estimate: minutes begun times the last price of the
        number, or the median of all numbers (`valued_by` says which); null where the talk time cannot be read or
        nothing was billed yet.
    """
    for code in chosen.codes:
        if code not in catalogue():
            raise refuse("CODE_UNKNOWN", code=code)
    names = {number: source.file_name for number, source in books.state.sources.items()}
    for name in chosen.files:
        if name not in names.values():
            raise refuse("FILE_UNKNOWN", file=name)
    rows = open_suspense(books)
    day = pl.col(Suspense.usage_date).dt.to_string("%Y-%m-%d").fill_null(UNDATED)
    line = pl.col(Suspense.cdr_id) % LINES_PER_FILE
    listed = valued(rows, last_prices(books)).with_columns(
        key=pl.format("{}/{}-{}", day, "file_number", line),
        line=line,
        file=pl.col("file_number").replace_strict(names, default="", return_dtype=pl.String),
        age_days=(pl.lit(today) - pl.col(Suspense.first_seen)).dt.total_days(),
    )
    return (
        listed.filter(_is_chosen(chosen))
        .sort("value_micro", Suspense.cdr_id, descending=[True, False], nulls_last=True)
        .select(Suspense.cdr_id, Suspense.usage_date, *LIST_COLUMNS)
    )


def _is_chosen(chosen: Chosen) -> pl.Expr:
    conditions = [pl.lit(value=True)]
    for column, values in (("key", chosen.keys), ("reason", chosen.codes), ("file", chosen.files)):
        if values:
            conditions.append(pl.col(column).is_in(list(values)))
    if chosen.period:
        conditions.append(pl.col("period") == chosen.period)
    return pl.all_horizontal(conditions)


def valued(rows: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """`Suspense` rows with `value_micro` and `valued_by`, as `work_list` tells them; `prices` as the gate has them."""
    middle = prices["micro_per_minute"].quantile(0.5, "lower")
    minutes = (pl.col(Suspense.talk_ms) + 59_999) // 60_000
    own = pl.col("micro_per_minute")
    return (
        rows.join(prices, on=Suspense.service_number, how="left", maintain_order="left")
        .with_columns(
            value_micro=round_to_fen_expr(
                minutes * own.fill_null(pl.lit(None if middle is None else int(middle), pl.Int64))
            ),
            valued_by=pl.when(own.is_not_null()).then(pl.lit("number")).when(middle is not None).then(pl.lit("median")),
        )
        .with_columns(valued_by=pl.when(pl.col("value_micro").is_not_null()).then("valued_by"))
    )


def worth(listed: pl.DataFrame) -> tuple[int | None, int]:
    """What records of the list come to, in micro, and how many cannot be valued; None where that is all of them."""
    values = listed["value_micro"]
    unvalued = values.null_count()
    return (None if unvalued and unvalued == values.len() else int(values.sum())), unvalued


def by_reason(listed: pl.DataFrame) -> pl.DataFrame:
    """The list summed up: reason, count, talk_ms, value_micro, unvalued_count, age_days of the oldest; by value."""
    return _summed(listed, pl.col("age_days").max())


def held_by_reason(rows: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """`Suspense` rows summed up: reason, count, talk_ms, value_micro, unvalued_count; most valuable first."""
    return _summed(valued(rows, prices))


def _summed(listed: pl.DataFrame, *more: pl.Expr) -> pl.DataFrame:
    value = pl.col("value_micro")
    sums = (
        pl.len().alias("count"),
        pl.col("talk_ms").sum(),
        pl.when(value.is_not_null().any()).then(value.sum()),
        value.is_null().sum().cast(pl.Int64).alias("unvalued_count"),
    )
    return (
        listed.group_by("reason")
        .agg(*sums, *more)
        .sort("value_micro", "count", "reason", descending=[True, True, False], nulls_last=True)
    )


def of_period(books: Books, period: Period) -> pl.DataFrame:
    """What waits of a period, summed up by reason, with its value: the leakage that a summary shows."""
    return by_reason(work_list(books, period.end, Chosen(period=str(period))))
