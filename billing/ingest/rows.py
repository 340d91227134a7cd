"""Records of a file to rows of `Cdr`, one for one.

Plain rows, nearly all of a file, are read in vectorised steps that repair nothing. A row that shows anything odd (no
plain structure, blanks around a cell, a number in another form, a value that could not be read) is read again by the
careful steps, and only then named unreadable. On plain rows both give the same: a test holds that.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from billing.ingest.fields import (
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
from billing.ingest.layout import EPOCHS, Layout
from billing.ingest.lines import (
    CELL,
    IS_PLAIN,
    IS_READABLE,
    LINE,
    LINE_INDEX,
    LineForm,
    read_strictly,
    split_plain,
)
from billing.ingest.numbers import is_plain_number
from billing.ingest.pieces import bad_pieces, matters, piece_columns, record_table, text_columns
from billing.ingest.recognition import refuse_other_header
from billing.tables.calls import LINES_PER_FILE, NOT_OURS, Cdr

BATCH_ROWS = 250_000
"""Enough rows that reading the odd ones among them again costs little, few enough to hold."""
UNREADABLE_LINE = "line"
BLANKS = " \t"
_ODD_LINE = "odd_line"


class OpenQuote(Exception):
    """A line of a quoted file leaves a quote open, so it may go on in the next."""


def read_text(
    text: Path,
    framing: pl.Expr,
    form: LineForm,
    layout: Layout,
    file_number: int,
    name: str,
    *,
    is_joined: bool = False,
) -> Iterator[pl.DataFrame]:
    """Rows of `Cdr`, or `Waiting`, of a whole text; of each batch the plain rows first, then the others, in order.

    Putting the others between the plain ones again would move every row once more (measured: a tenth of reading).
    `collect_batches` is marked unstable in Polars 2.1; it is used here and for stated totals.

    Args:
        text: UTF-8, one line a record.
        framing: whether a line is no record.
        form: how the lines are cut.
        layout: how the cells are written.
        file_number: number of the file, from 1; upper half of `cdr_id`.
        name: its name for messages.
        is_joined: a record that spans lines was brought onto one, so what still leaves a quote open is broken.

    Raises:
        OpenQuote: as said; nothing of the text holds then.
        Refusal: another header stands among the records.
    """
    records = pl.scan_lines(text, name=LINE, row_index_name=LINE_INDEX, glob=False).filter(~framing)
    plainly = _read_plainly(records, form, layout, file_number)
    names = record_table(layout).schema().names()
    for rows in plainly.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
        is_plain = rows[_ODD_LINE].is_null()
        if is_plain.all():
            yield rows.select(names)
            continue
        odd = rows.filter(~is_plain).select(LINE_INDEX, pl.col(_ODD_LINE).alias(LINE))
        if form.is_quoted and not is_joined and _leaves_quote_open(odd[LINE]):
            raise OpenQuote
        refuse_other_header(odd, layout, name)
        yield rows.select(names).filter(is_plain)
        yield careful_rows(odd, form, layout, file_number)


def _leaves_quote_open(lines: pl.Series) -> bool:
    """Whether one of some lines has an odd number of quotes."""
    return bool((lines.str.count_matches('"', literal=True) % 2 == 1).any())


def plain_rows(records: pl.DataFrame, form: LineForm, layout: Layout, file_number: int) -> pl.DataFrame:
    """Rows of `Cdr` of the plain ones among lines: `line_index` (line number - 1) and `line`."""
    read = _read_plainly(records.lazy(), form, layout, file_number)
    return read.filter(pl.col(_ODD_LINE).is_null()).select(record_table(layout).schema().names()).collect()


def _read_plainly(records: pl.LazyFrame, form: LineForm, layout: Layout, file_number: int) -> pl.LazyFrame:
    """Every line read as a plain one, and beside it the line itself where that reading may have got it wrong."""
    others = [name for name in named_fields(layout) if name not in number_fields(layout)]
    settled = (
        split_plain(records, form)
        .pipe(read_values, layout)
        .pipe(mark_bad, layout, others, careful=False)
        .pipe(derive, layout)
        .pipe(settle_outcome, layout)
    )
    odd_line = pl.when(_is_odd(layout, others)).then(pl.col(LINE)).alias(_ODD_LINE)
    return settled.select(LINE_INDEX, *_columns(layout, file_number, pl.lit(None, pl.String)), odd_line)


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
    bad = {name: matters(name, pl.col(f"bad_{name}"), layout) for name in named_fields(layout)}
    first_bad = pl.coalesce(
        pl.when(is_bad).then(pl.lit(str(name))) for name, is_bad in (bad | bad_pieces(layout)).items()
    )
    no_line = ~pl.col(IS_READABLE)
    unreadable = pl.when(no_line).then(pl.lit(UNREADABLE_LINE)).when(~pl.col(IS_NOT_OURS)).then(first_bad)
    rows = settled.select(*_columns(layout, file_number, unreadable), no_line.alias("no_line"))
    filled = ["talk_ms", "outcome", *piece_columns(layout)]
    empty = [pl.when(~pl.col("no_line")).then(pl.col(name)).alias(name) for name in filled]
    return rows.with_columns(empty).drop("no_line").collect()


def _clean(name: str, layout: Layout) -> pl.Expr:
    """A value without what stands for unreadable, and without the zero that stands for never."""
    is_value = ~pl.col(f"bad_{name}")
    if layout.fields[name].form in EPOCHS:
        is_value &= pl.col(CELL + layout.fields[name].column) != "0"
    return pl.when(is_value).then(pl.col(name)).alias(name)


def _is_odd(layout: Layout, names: Sequence[str]) -> pl.Expr:
    """Whether anything about a row asks for the careful reading."""
    bad = [pl.col(f"bad_{name}") for name in names]
    never = [pl.col(CELL + field.column) == "0" for field in layout.fields.values() if field.form in EPOCHS]
    texts = [field.column for field in layout.fields.values() if field.form == "text"]
    texts += [layout.identity.column] if layout.identity.column else []
    texts += [layout.not_ours.column] if layout.not_ours else []
    texts += text_columns(layout)
    bad += bad_pieces(layout).values()
    # A padded word would miss the table; where the table has an answer for every word, that must be caught here.
    texts += [rule.column for rule in (layout.outcome, layout.call_class) if rule and rule.other]
    padded = [_is_padded(pl.col(CELL + column)) for column in dict.fromkeys(texts)]
    numbers = [_is_odd_number(name) for name in number_fields(layout)]
    # A line that cannot be judged is odd, too.
    return pl.any_horizontal(~pl.col(IS_PLAIN), *bad, *never, *padded, *numbers).fill_null(True)


def _is_odd_number(name: str) -> pl.Expr:
    """Whether a telephone number needs the long way to its normal form."""
    number = pl.col(name)
    return number.is_not_null() & ~is_plain_number(number, is_service=name == SERVICE_NUMBER)


def _is_padded(cell: pl.Expr) -> pl.Expr:
    """Whether a blank stands before or after; everything that sorts before `!` starts with a blank or a control."""
    return ((cell < "!") & (cell != "")) | cell.str.ends_with(" ") | cell.str.ends_with("\t")


def _columns(layout: Layout, file_number: int, unreadable: pl.Expr) -> list[pl.Expr]:
    """The columns of `Cdr` from settled values, and those of `Waiting` where records are not calls."""
    computed = {
        Cdr.cdr_id: pl.col(LINE_INDEX).cast(pl.Int64) + 1 + file_number * LINES_PER_FILE,
        Cdr.usage_date: pl.col("started_at").dt.date(),
        Cdr.source: pl.lit(layout.source_name),
        Cdr.outcome: pl.when(IS_NOT_OURS).then(pl.lit(NOT_OURS)).otherwise(pl.col("outcome")),
        Cdr.unreadable: unreadable,
    }
    computed |= piece_columns(layout)
    return [computed.get(column, pl.col(str(column))).alias(str(column)) for column in record_table(layout).columns]
