"""Records of a file to rows of `Cdr`, one for one and in order.

Plain rows, nearly all of a file, are read in vectorised steps that repair nothing. A row that shows anything odd (no
plain structure, blanks around a cell, a value that could not be read) is read again by the careful steps, and only
then named unreadable. On plain rows both give the same: a test holds that.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from billing.ingest.fields import (
    EPOCHS,
    IS_NOT_OURS,
    SERVICE_NUMBER,
    derive,
    mark_bad,
    named_fields,
    number_fields,
    read_numbers,
    read_values,
    settle_outcome,
)
from billing.ingest.layout import Layout
from billing.ingest.lines import (
    CELL,
    IS_PLAIN,
    IS_READABLE,
    LINE_INDEX,
    LineForm,
    line_blocks,
    read_strictly,
    split_plain,
)
from billing.ingest.numbers import UNREADABLE, is_plain_number, normal_numbers
from billing.tables.calls import LINES_PER_FILE, NOT_OURS, Cdr

UNREADABLE_LINE = "line"
BLANKS = " \t"
_IS_ODD = "is_odd"
_ODD = "odd_"


class RowSource:
    """The rows of one text as a source for Polars; it counts the framing lines it passes over."""

    def __init__(self, text: Path, framing: pl.Expr, form: LineForm, layout: Layout, file_number: int) -> None:
        self.framing_count = 0
        self._text, self._framing = text, framing
        self._form, self._layout, self._file_number = form, layout, file_number

    def scan(self) -> pl.LazyFrame:
        """Rows of `Cdr` in the order of the lines. To be read once.

        `register_io_source` is marked unstable in Polars 2.1; this is its only use.
        """
        return register_io_source(self._batches, schema=Cdr.schema())

    def _batches(
        self, columns: list[str] | None, predicate: pl.Expr | None, row_limit: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        assert predicate is None and row_limit is None, "the source is read whole"
        for lines in line_blocks(self._text):
            records = lines.filter(~self._framing)
            self.framing_count += lines.height - records.height
            rows = read_rows(records, self._form, self._layout, self._file_number)
            yield rows.select(columns) if columns else rows


def read_rows(records: pl.DataFrame, form: LineForm, layout: Layout, file_number: int) -> pl.DataFrame:
    """Rows of `Cdr` from lines.

    Args:
        records: `line_index` (line number - 1) and `line`, in order.
        form: how the lines are cut.
        layout: how the cells are written.
        file_number: number of the file, from 1; upper half of `cdr_id`.
    """
    others = [name for name in named_fields(layout) if name not in number_fields(layout)]
    settled = (
        split_plain(records.lazy(), form)
        .pipe(read_values, layout)
        .pipe(mark_bad, layout, others)
        .pipe(derive, layout)
        .pipe(settle_outcome, layout)
    )
    flags = [_is_odd(layout, others).alias(_IS_ODD), *_odd_numbers(layout)]
    rows = settled.select(*_columns(layout, file_number, pl.lit(None, pl.String)), *flags).collect()
    for name in number_fields(layout):
        if rows[_ODD + name].any():
            rows = _rewrite_odd(rows, name)
    is_odd = rows[_IS_ODD]
    rows = rows.select(Cdr.schema().names())
    if not is_odd.any():
        return rows
    again = careful_rows(records.filter(is_odd), form, layout, file_number)
    # The id grows with the line, so it restores the order.
    return pl.concat([rows.filter(~is_odd), again]).sort(Cdr.cdr_id)


def careful_rows(records: pl.DataFrame, form: LineForm, layout: Layout, file_number: int) -> pl.DataFrame:
    """Rows of `Cdr` from lines of any kind: the whole reading, with a name for what cannot be read."""
    cells = read_strictly(records, form).lazy()
    bare = cells.with_columns(pl.col(f"^{CELL}.*$").fill_null("").str.strip_chars(BLANKS))
    values = bare.pipe(read_values, layout).collect().pipe(read_numbers, layout)
    settled = (
        values.lazy()
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
        (pl.col(name).is_not_null() & ~is_plain_number(pl.col(name), name == SERVICE_NUMBER)).alias(_ODD + name)
        for name in number_fields(layout)
    ]


def _is_padded(cell: pl.Expr) -> pl.Expr:
    """Whether a blank stands before or after; everything that sorts before `!` starts with a blank or a control."""
    return ((cell < "!") & (cell != "")) | cell.str.ends_with(" ") | cell.str.ends_with("\t")


def _rewrite_odd(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Odd numbers of one column in their normal form; a row whose number makes no sense becomes odd itself."""
    is_odd = frame[_ODD + name]
    numbers = normal_numbers(frame[name].filter(is_odd), is_service=name == SERVICE_NUMBER)
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
