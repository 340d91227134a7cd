"""Records of a file to rows of `Cdr`, one for one and in order.

Plain rows, nearly all of a file, are read in vectorised steps that repair nothing. A row that shows anything odd (no
plain structure, blanks around a cell, a value that could not be read) is read again by the careful steps, and only
then named unreadable. On plain rows both give the same: a test holds that.
"""

from collections.abc import Sequence
from functools import partial

import polars as pl

from billing.ingest.fields import (
    EPOCHS,
    IS_NOT_OURS,
    derive,
    mark_bad,
    named_fields,
    number_fields,
    read_numbers,
    read_values,
    settle_outcome,
)
from billing.ingest.layout import Layout
from billing.ingest.lines import CELL, IS_PLAIN, IS_READABLE, LINE, LINE_INDEX, LineForm, read_strictly, split_plain
from billing.ingest.numbers import UNREADABLE, is_plain_number, normal_numbers
from billing.tables.calls import LINES_PER_FILE, NOT_OURS, Cdr

UNREADABLE_LINE = "line"
BLANKS = " \t"
_IS_ODD = "is_odd"
_ODD = "odd_"


def read_rows(records: pl.LazyFrame, form: LineForm, layout: Layout, file_number: int) -> pl.LazyFrame:
    """Rows of `Cdr` from lines.

    Args:
        records: `line_index` (line number - 1) and `line`, the records of a file in order.
        form: how the lines are cut.
        layout: how the cells are written.
        file_number: number of the file, from 1; upper half of `cdr_id`.
    """
    others = [name for name in named_fields(layout) if name not in number_fields(layout)]
    settled = (
        split_plain(records, form)
        .pipe(read_values, layout)
        .pipe(mark_bad, layout, others)
        .pipe(derive, layout)
        .pipe(settle_outcome, layout)
        .with_columns(_is_odd(layout, others).alias(_IS_ODD), *_odd_numbers(layout))
    )
    extra = [LINE_INDEX, LINE, _IS_ODD, *(_ODD + name for name in number_fields(layout))]
    batch = pl.struct(*_columns(layout, file_number, pl.lit(None, pl.String)), *extra).alias(LINE)
    flags = {_IS_ODD: pl.Boolean, **{_ODD + name: pl.Boolean for name in number_fields(layout)}}
    shape = pl.Struct({**Cdr.schema(), LINE_INDEX: pl.get_index_type(), LINE: pl.String, **flags})
    repair = partial(_repair, form=form, layout=layout, file_number=file_number)
    return settled.select(batch.map_batches(repair, return_dtype=shape, is_elementwise=True)).unnest(LINE)


def careful_rows(records: pl.DataFrame, form: LineForm, layout: Layout, file_number: int) -> pl.DataFrame:
    """Rows of `Cdr` from lines of any kind: the whole reading, with a name for what cannot be read."""
    cells = read_strictly(records, form).lazy()
    bare = cells.with_columns(pl.col(f"^{CELL}.*$").fill_null("").str.strip_chars(BLANKS))
    settled = (
        bare.pipe(read_values, layout)
        .pipe(read_numbers, layout)
        .pipe(mark_bad, layout, named_fields(layout))
        .with_columns(_clean(name, layout) for name in layout.fields)
        .pipe(derive, layout)
        .pipe(settle_outcome, layout)
    )
    first_bad = pl.coalesce(pl.when(pl.col(f"bad_{name}")).then(pl.lit(name)) for name in named_fields(layout))
    no_line = ~pl.col(IS_READABLE)
    unreadable = pl.when(no_line).then(pl.lit(UNREADABLE_LINE)).when(~pl.col(IS_NOT_OURS)).then(first_bad)
    rows = settled.select(*_columns(layout, file_number, unreadable), no_line.alias("no_line"))
    empty = [pl.when(~pl.col("no_line")).then(pl.col(name)).alias(name) for name in ("talk_ms", "outcome")]
    return rows.with_columns(empty).drop("no_line").collect()


def _clean(name: str, layout: Layout) -> pl.Expr:
    """A value without what stands for unreadable, and without the zero that stands for never."""
    is_value = ~pl.col(f"bad_{name}")
    if layout.fields[name].form in EPOCHS:
        is_value &= pl.col(CELL + layout.fields[name].column) != "0"
    return pl.when(is_value).then(pl.col(name)).alias(name)


def _is_odd(layout: Layout, names: Sequence[str]) -> pl.Expr:
    """Whether anything about a row but its telephone numbers asks for the careful reading."""
    bad = [pl.col(f"bad_{name}") for name in names]
    never = [pl.col(CELL + field.column) == "0" for field in layout.fields.values() if field.form in EPOCHS]
    texts = [field.column for field in layout.fields.values() if field.form == "text"]
    texts += [layout.identity.column] if layout.identity.column else []
    texts += [layout.not_ours.column] if layout.not_ours else []
    # A padded word would miss the table; where the table has an answer for every word, that must be caught here.
    texts += [layout.outcome.column] if layout.outcome.other else []
    padded = [_is_padded(pl.col(CELL + column)) for column in dict.fromkeys(texts)]
    return pl.any_horizontal(~pl.col(IS_PLAIN), *bad, *never, *padded)


def _odd_numbers(layout: Layout) -> list[pl.Expr]:
    """For every telephone number whether it needs the long way to its normal form."""
    return [
        (pl.col(name).is_not_null() & ~is_plain_number(pl.col(name), name == "service_number")).alias(_ODD + name)
        for name in number_fields(layout)
    ]


def _is_padded(cell: pl.Expr) -> pl.Expr:
    """Whether a blank stands before or after; everything that sorts before `!` starts with a blank or a control."""
    return ((cell < "!") & (cell != "")) | cell.str.ends_with(" ") | cell.str.ends_with("\t")


def _repair(rows: pl.Series, form: LineForm, layout: Layout, file_number: int) -> pl.Series:
    """A batch of rows with odd numbers rewritten and odd rows read carefully; a clean batch passes as it is."""
    names = [name for name in number_fields(layout) if rows.struct.field(_ODD + name).any()]
    if not names and not rows.struct.field(_IS_ODD).any():
        return rows
    frame = rows.struct.unnest()
    for name in names:
        frame = _rewrite_odd(frame, name)
    odd = frame.filter(_IS_ODD)
    again = careful_rows(odd.select(LINE_INDEX, LINE), form, layout, file_number)
    again = again.hstack(odd.drop(again.columns))
    # The id grows with the line, so it restores the order.
    return pl.concat([frame.filter(~pl.col(_IS_ODD)), again]).sort(Cdr.cdr_id).to_struct(rows.name)


def _rewrite_odd(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Odd numbers of one column in their normal form; a row whose number makes no sense becomes odd itself."""
    is_odd = frame[_ODD + name]
    numbers = normal_numbers(frame[name].filter(is_odd), is_service=name == "service_number")
    places = pl.int_range(frame.height, dtype=pl.get_index_type(), eager=True).filter(is_odd)
    # A copy: `scatter` writes into the series it is called on.
    frame = frame.with_columns(frame[name].clone().scatter(places, numbers))
    return frame.with_columns(pl.col(_IS_ODD) | (pl.col(name) == UNREADABLE).fill_null(False))


def _columns(layout: Layout, file_number: int, unreadable: pl.Expr) -> list[pl.Expr]:
    """The columns of `Cdr` from settled values."""
    computed = {
        Cdr.cdr_id: pl.col(LINE_INDEX).cast(pl.Int64) + 1 + file_number * LINES_PER_FILE,
        Cdr.usage_date: pl.col("started_at").dt.date(),
        Cdr.source: pl.lit(layout.source_name),
        Cdr.outcome: pl.when(IS_NOT_OURS).then(pl.lit(NOT_OURS)).otherwise(pl.col("outcome")),
        Cdr.unreadable: unreadable,
    }
    return [computed.get(column, pl.col(str(column))).alias(str(column)) for column in Cdr.columns]
