"""Weigh new records with everything the books hold of the same calls, and say what becomes of each.

A whole set becomes a call; one that made a call before and now comes to another is put together again; one that
contradicts itself is held back. A call of a closed month stands: then only the new record is held.
"""

import datetime as dt
from dataclasses import dataclass

import polars as pl

from billing.assembly.rule import AssemblyRule
from billing.assembly.stage import Assembly, assemble_calls
from billing.assembly.verdicts import CONTRADICTS, FATE, SET, VERDICT, WAITS
from billing.core.period import Period
from billing.tables.calls import LINES_PER_FILE, Cdr, Duplicate, Joined, Suspense, Waiting
from billing.tables.parquet import scan_tables
from pipelines.books import Books
from pipelines.held_back import IDENTITY_CONFLICT, suspense_rows
from pipelines.parts import Part, billing_period, left_out, parts_of
from pipelines.waiting import can_be_part, given_up, joins, waiting_parts

_DECISION, _CALL, _PERIOD = "decision", "earlier_call", "earlier_period"
FORM, FOLLOW, HOLD, HOLD_NEW, WAIT = "form", "follow", "hold", "hold_new", "wait"
_CONTENT = [str(column) for column in Cdr.columns if column != Cdr.cdr_id]


@dataclass(frozen=True)
class Weighed:
    """What becomes of new records and of the calls they touch.

    Attributes:
        calls: `Cdr` rows that were made.
        joined: `Joined` rows, of earlier records too.
        superseded: `Joined` rows of calls made before and now again.
        duplicates: `Duplicate` rows of new records.
        held: `Suspense` rows of records that contradict each other or a call.
        conflicts: `Suspense` rows of calls made before that are contradicted.
    """

    calls: pl.DataFrame
    joined: pl.DataFrame
    superseded: pl.DataFrame
    duplicates: pl.DataFrame
    held: pl.DataFrame
    conflicts: pl.DataFrame


def weigh(books: Books, new: pl.DataFrame, rule: AssemblyRule, source: str, open_from: Period) -> Weighed:
    """Weigh some new records.

    Args:
        books: the books, in which the new files lie, though no commit names them yet.
        new: `Waiting` rows, all that come in of their keys.
        rule: how records make calls.
        source: who wrote them.
        open_from: the first period that is not closed.
    """
    if new.is_empty():
        none = Joined.empty()
        return Weighed(Cdr.empty(), none, none, Duplicate.empty(), Suspense.empty(), Suspense.empty())
    stored = _stored_of(books, new, source)
    new_from = min(new[Cdr.cdr_id])
    assembly = assemble_calls(pl.concat([new, stored]), rule, new_from)
    is_new = pl.col(Cdr.cdr_id) >= new_from
    # A copy of a record touches nothing: its set was weighed when the record came.
    records = assembly.records.filter(is_new.any().over(SET))
    before = joins(books).filter(pl.col(Joined.cdr_id).is_in(stored[Cdr.cdr_id].implode())).collect()
    calls = _calls_before(books, before)
    decided = _decide(records, assembly, before, calls)
    formed = assembly.calls.join(decided.filter(pl.col(_DECISION) == FORM), on=SET, how="semi", maintain_order="left")
    joined = _joined(decided, formed, calls, new_from, open_from)
    is_held = (pl.col(_DECISION) == HOLD) | ((pl.col(_DECISION) == HOLD_NEW) & is_new)
    free = decided.filter(is_held).join(before, on=Cdr.cdr_id, how="anti", maintain_order="left")
    numbers = pl.concat([new, stored]).select(Cdr.cdr_id, Cdr.service_number, Cdr.talk_ms)
    touched = calls.join(decided.select(Cdr.cdr_id, SET, FATE, _DECISION), on=Cdr.cdr_id, maintain_order="left")
    again = touched.filter(pl.col(_DECISION) == FORM).join(_made(formed), on=SET, maintain_order="left")
    contradicted = touched.filter(pl.col(_DECISION) == HOLD, ~pl.col("is_closed"))
    return Weighed(
        calls=formed,
        joined=joined,
        superseded=_as_joined(again.with_columns(_period_of("call_date", open_from))),
        duplicates=assembly.duplicates.filter(is_new),
        held=suspense_rows(free.join(numbers, on=Cdr.cdr_id, maintain_order="left"), IDENTITY_CONFLICT),
        conflicts=suspense_rows(contradicted, IDENTITY_CONFLICT),
    )


def comes_out_again(books: Books, part: Part) -> bool:
    """Whether the calls of a part, put together again from their records, are those that the books hold."""
    held = scan_tables([books.path(part.cdr.path)], Cdr).collect()
    made = scan_tables(books.paths(books.state.of_table(Joined.name)), Joined).filter(
        pl.col(Joined.into_cdr_id).is_in(held[Cdr.cdr_id].implode())
    )
    ids = made.select(Joined.cdr_id, Joined.usage_date).collect()
    places = set(ids.select(pl.col(Joined.cdr_id) // LINES_PER_FILE, Joined.usage_date).iter_rows())
    entries = [own.records for own in waiting_parts(books.state) if (own.file_number, own.day) in places]
    records = scan_tables(books.paths(entries), Waiting).filter(pl.col(Cdr.cdr_id).is_in(ids[Cdr.cdr_id].implode()))
    again = assemble_calls(records.collect(), AssemblyRule(**part.cdr.key["formed"])).calls
    found, wanted = (frame.select(_CONTENT).sort(_CONTENT) for frame in (again, held))
    return found.equals(wanted)


def _stored_of(books: Books, new: pl.DataFrame, source: str) -> pl.DataFrame:
    """Stored records with the keys of new ones, followed from day to day as far as records lie next to each other."""
    keys = new.select(Waiting.call_key).unique()
    parts = [part for part in waiting_parts(books.state) if part.source == source and part.day]
    found, seen, ahead = [Waiting.empty()], set[dt.date](), _around(new)
    while ahead - seen:
        near = [part.records for part in parts if part.day in ahead - seen]
        seen |= ahead
        rows = scan_tables(books.paths(near), Waiting).filter(can_be_part())
        rows = rows.join(given_up(books), on=Waiting.cdr_id, how="anti", maintain_order="left")
        found.append(rows.join(keys.lazy(), on=Waiting.call_key, how="semi", maintain_order="left").collect())
        ahead = _around(found[-1])
    return pl.concat(found)


def _around(records: pl.DataFrame) -> set[dt.date]:
    """The days of records, the days before and the days after: a window is a day at most."""
    days = records[Waiting.usage_date].unique().to_list()
    return {day + dt.timedelta(days=offset) for day in days for offset in (-1, 0, 1)}


def _calls_before(books: Books, before: pl.DataFrame) -> pl.DataFrame:
    """The calls that stored records are part of now (`Cdr` rows), their periods, and whether they are closed.

    A call that left suspense is closed as well: it was given up, or is billed under another id.
    """
    made = before.select(Joined.into_cdr_id, Joined.call_date).unique(maintain_order=True)
    numbers = pl.col(Joined.into_cdr_id) // LINES_PER_FILE
    wanted = set(made.select(Joined.call_date, numbers).iter_rows())
    parts = [part for part in parts_of(books.state) if (part.day, part.file_number) in wanted]
    frames = [_calls_of(books, part, made[Joined.into_cdr_id]) for part in parts]
    none = Cdr.empty().with_columns(pl.lit("").alias(_PERIOD), is_closed=pl.lit(value=False))
    left = left_out(books).filter(pl.col("fate").is_in(["recycled", "written_off"]))[Cdr.cdr_id]
    has_left = pl.col(Cdr.cdr_id).is_in(left.implode())
    return pl.concat([none, *frames]).with_columns(pl.col("is_closed") | has_left)


def _calls_of(books: Books, part: Part, ids: pl.Series) -> pl.DataFrame:
    rows = scan_tables([books.path(part.cdr.path)], Cdr).filter(pl.col(Cdr.cdr_id).is_in(ids.implode()))
    is_closed = part.billing_period in books.state.closes
    return rows.with_columns(pl.lit(part.billing_period).alias(_PERIOD), is_closed=pl.lit(is_closed)).collect()


def _decide(records: pl.DataFrame, assembly: Assembly, before: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """The records with what is done with their set, and the one call that it made before, if it made one."""
    made = (
        records.join(before.select(Cdr.cdr_id, Joined.into_cdr_id), on=Cdr.cdr_id)
        .select(SET, Joined.into_cdr_id)
        .unique()
        .join(calls.select(pl.col(Cdr.cdr_id).alias(Joined.into_cdr_id), "is_closed"), on=Joined.into_cdr_id)
        .group_by(SET)
        .agg(
            calls_before=pl.len(),
            is_closed=pl.col("is_closed").any(),
            earlier_call=pl.col(Joined.into_cdr_id).min(),
        )
    )
    same = (
        assembly.calls.join(made.filter(pl.col("calls_before") == 1), on=SET)
        .join(calls, left_on=_CALL, right_on=Cdr.cdr_id, suffix="_before")
        .filter(pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_before")) for name in _CONTENT))
        .select(SET, is_same=pl.lit(value=True))
    )
    sets = records.join(made, on=SET, how="left", maintain_order="left").join(
        same, on=SET, how="left", maintain_order="left"
    )
    has_call = pl.col("calls_before").is_not_null()
    decision = (
        pl.when(pl.col(VERDICT) == WAITS, ~has_call)
        .then(pl.lit(WAIT))
        .when(pl.col(VERDICT).is_in([CONTRADICTS, WAITS]))
        .then(pl.lit(HOLD))
        .when(~has_call)
        .then(pl.lit(FORM))
        .when(pl.col("is_same").fill_null(value=False))
        .then(pl.lit(FOLLOW))
        .when("is_closed")
        .then(pl.lit(HOLD_NEW))
        .otherwise(pl.lit(FORM))
    )
    return sets.with_columns(decision.alias(_DECISION))


def _joined(
    decided: pl.DataFrame, formed: pl.DataFrame, calls: pl.DataFrame, new_from: int, open_from: Period
) -> pl.DataFrame:
    """`Joined` rows: of every record of a call that was made, and of new ones that an earlier call takes in."""
    into_new = decided.filter(pl.col(_DECISION) == FORM).join(_made(formed), on=SET, maintain_order="left")
    into_new = into_new.with_columns(_period_of("call_date", open_from))
    is_late = (pl.col(_DECISION) == FOLLOW) & (pl.col(Cdr.cdr_id) >= new_from)
    earlier = calls.select(pl.col(Cdr.cdr_id).alias(_CALL), _PERIOD, pl.col(Cdr.usage_date).alias("call_date"),
                           pl.col("is_closed").alias("stands_closed"))  # fmt: skip
    into_earlier = (
        decided.filter(is_late)
        .join(earlier, on=_CALL, maintain_order="left")
        .with_columns(_period_of(Cdr.usage_date, open_from), pl.col(_CALL).alias(Joined.into_cdr_id))
    )
    # The certificate of a closed month stands; the record is counted in its own.
    period = pl.when("stands_closed").then(Joined.billing_period).otherwise(_PERIOD)
    into_earlier = into_earlier.with_columns(period.alias(Joined.billing_period))
    rows = pl.concat([_as_joined(into_new), _as_joined(into_earlier)])
    return rows.sort(Joined.into_cdr_id, Joined.cdr_id)


def _made(formed: pl.DataFrame) -> pl.DataFrame:
    """Of each set the call that was made: its id and day."""
    return formed.select(SET, pl.col(Cdr.cdr_id).alias(Joined.into_cdr_id), pl.col(Cdr.usage_date).alias("call_date"))


def _as_joined(rows: pl.DataFrame) -> pl.DataFrame:
    is_call = pl.col(Joined.cdr_id) == pl.col(Joined.into_cdr_id)
    return Joined.conform(rows.with_columns(pl.when(is_call).then(pl.lit("call")).otherwise(FATE).alias(Joined.fate)))


def _period_of(day: str, open_from: Period) -> pl.Expr:
    """The billing period of a day, as `billing_period` gives it."""
    month = pl.col(day).dt.strftime("%Y-%m")
    return pl.max_horizontal(month, pl.lit(billing_period(None, open_from))).alias(Joined.billing_period)
