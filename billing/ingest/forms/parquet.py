"""Parquet to a working text: typed columns become the text that the one reader of values understands.

A row stands on its number behind the header, which is row 1. Text is taken as it is, whole numbers of any width by
their digits. An instant (a timestamp with a zone) is one whatever the layout's zone; a timestamp without is of that
zone. A column of floating point numbers is refused: what once was a telephone number or an id may be another one there.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from billing.core.findings import refuse
from billing.ingest.forms.work import LINE_SIGN, SEPARATOR, TextWriter, WorkText, written_text
from billing.ingest.layout import TIMES, Layout
from billing.ingest.recognition import recognise_columns
from billing.ingest.text import PlainFile
from billing.tables.calls import LINES_PER_FILE

BATCH_ROWS = 100_000
EXCERPT_ROWS = 1_000
GROUP_LIMIT_BYTES = 2 << 30
"""What the used columns of one row group may unpack to."""
WALL_CLOCK = "%Y-%m-%d %H:%M:%S%.3f"
ENCODING = "parquet"


def parquet_text(plain: PlainFile, layouts: Sequence[Layout], staging: Path, *, is_excerpt: bool) -> WorkText:
    """Recognise a Parquet file by the names of its columns and write its working text.

    Args:
        plain: the file.
        layouts: what it may be; all of form `parquet`.
        staging: where the text goes.
        is_excerpt: only the first rows are wanted.

    Raises:
        Refusal: the file is damaged, no layout fits, or a column has a type that no value can be read from.
    """
    with _opened(plain) as file:
        schema = file.schema_arrow
        layout = recognise_columns(schema.names, layouts, f"{plain.name}:1")
        columns = tuple(layout.used_columns())
        if file.metadata.num_rows >= LINES_PER_FILE - 1:
            raise refuse("FILE_TOO_LONG", plain.name, lines=file.metadata.num_rows + 1, limit=LINES_PER_FILE - 1)
        _refuse_large(file.metadata, columns, plain.name)
        forms = {column: _form(schema.field(column), layout, plain.name) for column in columns}
        target = staging / "cells.txt"
        with TextWriter(target, plain.name) as writer:
            # The header is row 1 and no record.
            writer.add(b"\n")
            for batch in _batches(file, columns, EXCERPT_ROWS if is_excerpt else None):
                writer.add(_lines(batch, columns))
            facts = writer.finish()
    fields = {
        name: field.model_copy(update={"form": forms[field.column] or field.form})
        for name, field in layout.fields.items()
    }
    return written_text(target, facts, layout.model_copy(update={"fields": fields}), columns, ENCODING, framing_least=1)


def raw_rows(path: Path, wanted: Sequence[int]) -> dict[int, str]:
    """Rows as `column=value; ...`, by number behind the header.

    Args:
        path: the unpacked file.
        wanted: numbers, in order.
    """
    found: dict[int, str] = {}
    first = 2
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            inside = [number for number in wanted if first <= number < first + batch.num_rows]
            for number in inside:
                row = batch.slice(number - first, 1).to_pylist()[0]
                found[number] = as_pairs(row)
            first += batch.num_rows
            if not wanted or first > wanted[-1]:
                break
    return found


def as_pairs(row: Mapping[str, Any]) -> str:
    """A row as `column=value; ...`, empty cells left out."""
    return "; ".join(f"{name}={value}" for name, value in row.items() if value is not None and value != "")


@contextmanager
def _opened(plain: PlainFile) -> Iterator[pq.ParquetFile]:
    """The file; whatever Arrow finds wrong in it while it is open refuses it."""
    try:
        with pq.ParquetFile(plain.path) as file:
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno:
            # A fault of the machine, such as a full disk, and none of the file.
            raise
        raise refuse("PARQUET_DAMAGED", plain.name, problem=str(error).split("\n")[0]) from None


def _refuse_large(metadata: pq.FileMetaData, columns: Sequence[str], name: str) -> None:
    """Refuse row groups that a batch could not be taken from in bounded memory."""
    for group in range(metadata.num_row_groups):
        chunks = [metadata.row_group(group).column(index) for index in range(metadata.num_columns)]
        size = sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema in columns)
        if size > GROUP_LIMIT_BYTES:
            raise refuse("PARQUET_TOO_LARGE", name, limit=GROUP_LIMIT_BYTES)


def _form(field: pa.Field, layout: Layout, name: str) -> str:
    """The form in which values of a column are written; empty when it is the layout's.

    Raises:
        Refusal: no value can be read from a column of this type.
    """
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    holds_time = field.name in {layout.fields[time].column for time in TIMES if time in layout.fields}
    if pa.types.is_timestamp(kind) and holds_time:
        return "epoch_ms" if kind.tz else WALL_CLOCK
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    if is_text or pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return ""
    reason = "PARQUET_FLOAT_COLUMN" if pa.types.is_floating(kind) else "PARQUET_TYPE"
    raise refuse(reason, f"{name}:1", column=field.name, type=field.type)


def _batches(file: pq.ParquetFile, columns: Sequence[str], limit: int | None) -> Iterator[pa.RecordBatch]:
    rows = 0
    for batch in file.iter_batches(batch_size=limit or BATCH_ROWS, columns=list(columns)):
        # Bytes that are no text are found by nobody else.
        batch.validate(full=True)
        yield batch
        rows += batch.num_rows
        if limit and rows >= limit:
            return


def _lines(batch: pa.RecordBatch, columns: Sequence[str]) -> bytes:
    """Rows as lines of the working text, in the order of the columns."""
    # The columns alone: what is said about them beside their values may be no text.
    table = pa.Table.from_arrays([_in_utc(batch.column(name)) for name in columns], list(columns))
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame), "a table is a frame"
    cells = [_text(pl.col(name), kind) for name, kind in frame.schema.items()]
    # An empty text would be written in quotes.
    texts = frame.select(cells).with_columns(pl.when(pl.all() != "").then(pl.all()))
    return texts.write_csv(include_header=False, separator=SEPARATOR).encode()


def _in_utc(values: pa.Array) -> pa.Array:
    """The same instants; a zone that is an offset alone is not known everywhere."""
    kind = values.type
    return values.cast(pa.timestamp(kind.unit, "UTC")) if pa.types.is_timestamp(kind) and kind.tz else values


def _text(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    if isinstance(kind, pl.Datetime):
        if kind.time_zone:
            return column.dt.timestamp("ms").cast(pl.String)
        return column.dt.strftime(WALL_CLOCK)
    text = column.cast(pl.String)
    for end in ("\r\n", "\n", "\r"):
        text = text.str.replace_all(end, LINE_SIGN, literal=True)
    return text
