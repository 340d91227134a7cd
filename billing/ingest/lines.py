"""Lines to cells: every physical line that is a record becomes exactly one row, whatever is in it.

A plain line splits on the delimiter in one vectorised step. A line that is not plain (quotes where none are due, a
field too many or too few, a NUL, a byte order mark, more than 64 KiB) goes to a strict reader, one line at a time;
what that reader refuses has no cells and is not readable. Line numbers are those of the file.
"""

import csv
import functools
import re
from dataclasses import dataclass

import polars as pl

from billing.ingest.layout import Layout
from billing.ingest.received import TextFacts

LINE_LIMIT_BYTES = 64 << 10
LINE_INDEX = "line_index"
LINE = "line"
IS_PLAIN = "is_plain"
IS_READABLE = "is_readable"
CELL = "cell:"
"""Before the name of a column whose text stands in a frame."""
_PARTS = "parts"


@dataclass(frozen=True)
class LineForm:
    """How the lines of one file are cut.

    Attributes:
        delimiter: one character.
        is_quoted: every field of a plain line stands in double quotes.
        columns: the header's columns, all of them.
        used: those that values are taken from.
        facts: what the bytes hold; work a clean file does not need is skipped.
    """

    delimiter: str
    is_quoted: bool
    columns: tuple[str, ...]
    used: tuple[str, ...]
    facts: TextFacts


def line_form(layout: Layout, columns: tuple[str, ...], facts: TextFacts) -> LineForm:
    """The form of a file's lines; a file without a single quote is not a quoted one, whatever the layout says."""
    is_quoted = layout.quoting == "always" and facts.has_quote
    return LineForm(layout.delimiter, is_quoted, columns, tuple(layout.used_columns()), facts)


def is_framing(header: str, header_line: int, layout: Layout) -> pl.Expr:
    """Whether a line is no record: blank, a comment, a header record, a trailer, the column header, or before that.

    A header that stands again in the middle (files joined) is framing too, also behind its byte order mark, and in
    or out of quotes.
    """
    line = pl.col(LINE)
    framing = pl.lit(value=False)
    if layout.has_header:
        framing = pl.col(LINE_INDEX) < header_line
        for text in _same_headers(header, layout):
            framing |= (line == text) | (line == "\ufeff" + text)
    framing |= blank_lines()
    for prefix in framing_prefixes(layout):
        framing |= line.str.starts_with(prefix)
    return framing


def blank_lines() -> pl.Expr:
    """Whether a line holds nothing; only one that starts with a blank or is empty can, and both sort before `!`."""
    line = pl.col(LINE)
    return (line < "!") & (line.str.strip_chars() == "")


def framing_prefixes(layout: Layout) -> tuple[str, ...]:
    """How lines begin that are no records of calls."""
    stated = [record.prefix for record in (layout.header_record, layout.trailer) if record]
    return tuple([layout.comment_prefix, *stated] if layout.comment_prefix else stated)


def _same_headers(header: str, layout: Layout) -> list[str]:
    """The header line as it stands, and as it may stand again where some fields of the file are quoted."""
    if layout.form != "delimited":
        return [header]
    cells = next(csv.reader([header], delimiter=layout.delimiter), [])
    bare = layout.delimiter.join(cells)
    quoted = layout.delimiter.join(f'"{cell}"' for cell in cells)
    return list(dict.fromkeys([header, bare, quoted]))


def split_plain(records: pl.LazyFrame, form: LineForm) -> pl.LazyFrame:
    """Add the used cells and `is_plain`; where that is false the cells mean nothing."""
    line = pl.col(LINE)
    body = line.str.strip_prefix('"').str.strip_suffix('"') if form.is_quoted else line
    separator = f'"{form.delimiter}"' if form.is_quoted else form.delimiter
    count = len(form.columns)
    # One more part than there are columns: it is null exactly when the line has none too many.
    parts = pl.col(_PARTS).struct
    has_count = parts.field(f"field_{count - 1}").is_not_null() & parts.field(f"field_{count}").is_null()
    return records.with_columns(body.str.split_exact(separator, count).alias(_PARTS)).select(
        LINE_INDEX,
        LINE,
        (has_count & _has_plain_characters(line, form)).alias(IS_PLAIN),
        *(parts.field(f"field_{form.columns.index(name)}").alias(CELL + name) for name in form.used),
    )


def read_strictly(records: pl.DataFrame, form: LineForm) -> pl.DataFrame:
    """`line_index`, the used cells and `is_readable` of any lines; cells of a line without structure are null."""
    split = split_plain(records.lazy().select(LINE_INDEX, LINE), form).collect()
    plain, odd = split.filter(IS_PLAIN), split.filter(~pl.col(IS_PLAIN))
    rows = [cells_of(line, form) for line in odd[LINE]]
    names = [CELL + name for name in form.used]
    empty = (None,) * len(names)
    cells = pl.DataFrame([row or empty for row in rows], schema=dict.fromkeys(names, pl.String), orient="row")
    readable = pl.Series(IS_READABLE, [row is not None for row in rows], pl.Boolean)
    both = [
        plain.select(LINE_INDEX, *names, pl.lit(True).alias(IS_READABLE)),
        odd.select(LINE_INDEX).hstack(cells).with_columns(readable),
    ]
    return pl.concat(both).sort(LINE_INDEX)


def _has_plain_characters(lines: pl.Expr, form: LineForm) -> pl.Expr:
    """Whether a line can be cut on the separator alone, as far as its characters go."""
    facts = form.facts
    is_plain = lines.str.len_bytes() <= LINE_LIMIT_BYTES
    if form.is_quoted:
        # n fields in quotes hold 2n quotes, so a line with that count that splits into n has none inside a field.
        quotes = lines.str.count_matches('"', literal=True)
        is_plain &= (quotes == 2 * len(form.columns)) & lines.str.starts_with('"') & lines.str.ends_with('"')
    elif facts.has_quote:
        is_plain &= ~lines.str.contains('"', literal=True)
    if facts.has_nul:
        is_plain &= ~lines.str.contains("\0", literal=True)
    if facts.has_bom_inside:
        is_plain &= ~lines.str.contains("\ufeff", literal=True)
    return is_plain


def cells_of(line: str, form: LineForm) -> tuple[str, ...] | None:
    """The used cells of one line read strictly; None when it has no such structure."""
    if len(line.encode()) > LINE_LIMIT_BYTES or "\0" in line or "\ufeff" in line:
        return None
    fields = fields_of(line, form.delimiter)
    if fields is None or len(fields) != len(form.columns):
        return None
    used = tuple(fields[form.columns.index(name)] for name in form.used)
    # A quote in a bare cell is kept by the reader, and with it a value that looks like another.
    has_quote = any('"' in cell and not cell.strip().startswith('="') for cell in used)
    return None if has_quote and not _well_quoted(form.delimiter).fullmatch(line) else used


def fields_of(line: str, delimiter: str) -> list[str] | None:
    """The fields of one line read strictly; None when its quotes make no sense."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


@functools.cache
def _well_quoted(delimiter: str) -> re.Pattern[str]:
    """Lines whose quotes stand around whole cells, or doubled in them; without a way back, so its time is linear."""
    cell = rf'(?:"(?:[^"]|"")*+"|[^"{re.escape(delimiter)}]*+)'
    return re.compile(rf"{cell}(?:{re.escape(delimiter)}{cell})*+")
