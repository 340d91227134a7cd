"""Put calls together: a pure function of the records of some keys, so order and files change nothing.

Records with one key, each starting less than the window after the one before, are a set: the records of one call.
What a set comes to hangs on all of its records: it is whole, it waits for more, or its records contradict each other.
"""

from dataclasses import dataclass

import polars as pl

from billing.assembly import events, legs, pieces, tellings
from billing.assembly.rule import AssemblyRule
from billing.assembly.verdicts import CONTRADICTS, FATE, SET, VERDICT, WHOLE
from billing.tables.calls import Cdr, Duplicate, Waiting

KINDS = {"pieces": pieces, "events": events, "legs": legs, "tellings": tellings}
_CONTENT = [str(column) for column in Waiting.columns if column != Waiting.cdr_id]


@dataclass(frozen=True)
class Assembly:
    """What the records come to.

    Attributes:
        duplicates: `Duplicate` rows of records equal to another in every column.
        records: the others: cdr_id, usage_date, set_id, verdict (whole, waits, contradicts), fate (joined, replaced).
        calls: `Cdr` rows of the whole sets, and set_id; each bears the id of one of its records.
    """

    duplicates: pl.DataFrame
    records: pl.DataFrame
    calls: pl.DataFrame


def assemble_calls(records: pl.DataFrame, rule: AssemblyRule, new_from: int = 0) -> Assembly:
    """Put together what can be put together.

    Args:
        records: every `Waiting` row of the keys that are looked at, readable and ours, of one source.
        rule: how its records make calls.
        new_from: records with this id or a higher one come in just now. A call bears the id of such a record: of the
            one that is the call, where one is, else of the last.
    """
    first_copy = records.with_columns(first_copy=pl.col(Cdr.cdr_id).min().over(_CONTENT))
    is_copy = pl.col(Cdr.cdr_id) != pl.col("first_copy")
    copies = first_copy.filter(is_copy).with_columns(pl.col("first_copy").alias(Duplicate.repeats_cdr_id))
    told = (
        first_copy.filter(~is_copy)
        .drop("first_copy")
        .pipe(_number_sets, rule.window_hours)
        .pipe(_settle_corrections, rule)
    )
    kind = KINDS[rule.kind]
    live = told.filter(pl.col(FATE) == "joined")
    verdicts = kind.judge(live, rule).join(
        told.group_by(SET).agg(pl.col("clashes").any(), pl.col(Cdr.cdr_id).max().alias("highest")), on=SET
    )
    verdicts = verdicts.with_columns(
        pl.when("clashes").then(pl.lit(CONTRADICTS)).otherwise(VERDICT).alias(VERDICT)
    ).sort(SET)
    whole = verdicts.filter(pl.col(VERDICT) == WHOLE).select(SET, "highest")
    formed = kind.form(live.join(whole, on=SET, how="semi", maintain_order="left"), rule)
    own_id = pl.col(Cdr.cdr_id) if Cdr.cdr_id in formed.columns else pl.lit(None, pl.Int64)
    calls = formed.join(whole, on=SET, maintain_order="left").with_columns(
        pl.when(own_id >= new_from).then(own_id).otherwise("highest").alias(Cdr.cdr_id),
        pl.col(Cdr.started_at).dt.date().alias(Cdr.usage_date),
        pl.lit(None, pl.String).alias(Cdr.unreadable),
    )
    assert calls.height == whole.height, "a whole set is one call"
    return Assembly(
        Duplicate.conform(copies),
        told.join(verdicts.select(SET, VERDICT), on=SET, maintain_order="left").select(
            Cdr.cdr_id, Cdr.usage_date, SET, VERDICT, FATE
        ),
        calls.select(*Cdr.schema().names(), SET),
    )


def _number_sets(records: pl.DataFrame, window_hours: int) -> pl.DataFrame:
    """Add the number of each record's set."""
    ordered = records.sort(Waiting.call_key, Waiting.started_at, Waiting.cdr_id)
    start = pl.col(Waiting.started_at)
    is_other = pl.col(Waiting.call_key).ne_missing(pl.col(Waiting.call_key).shift(1))
    is_later = (start - start.shift(1)).dt.total_milliseconds() >= window_hours * 3_600_000
    return ordered.with_columns((is_other | is_later.fill_null(value=True)).cum_sum().cast(pl.Int64).alias(SET))


def _settle_corrections(records: pl.DataFrame, rule: AssemblyRule) -> pl.DataFrame:
    """Add the fate, and whether two tellings of one record are equally new and yet differ."""
    if not rule.is_corrected:
        return records.with_columns(pl.lit("joined").alias(FATE), clashes=pl.lit(value=False))
    same_record = [SET, *KINDS[rule.kind].same_record(rule)]
    newest = pl.col(Waiting.correction_number).max().over(same_record)
    told = records.with_columns(is_newest=pl.col(Waiting.correction_number) == newest)
    fate = pl.when("is_newest").then(pl.lit("joined")).otherwise(pl.lit("replaced"))
    clashes = pl.col("is_newest") & (pl.col("is_newest").sum().over(same_record) > 1)
    return told.with_columns(fate.alias(FATE), clashes=clashes).drop("is_newest")
