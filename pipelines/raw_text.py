"""Beside every record in suspense the line as it was received, so that a person sees what the file said."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from billing.ingest.raw_lines import read_raw_lines
from billing.tables.calls import LINES_PER_FILE, Suspense
from pipelines.books import Books

RawFiles = Mapping[int, tuple[Path, str]]
"""By file number: where a file or its kept copy lies, and how it is encoded."""


def kept_files(books: Books) -> RawFiles:
    """The copies that the books keep of the files they have read."""
    sources = books.state.sources.items()
    return {number: (books.path(source.raw_path), source.encoding) for number, source in sources if source.raw_path}


def with_raw_text(suspense: pl.DataFrame, files: RawFiles) -> pl.DataFrame:
    """`Suspense` rows with their line as it was received; null where no file is at hand any more."""
    texts: dict[int, str] = {}
    for (number,), rows in suspense.group_by(pl.col(Suspense.cdr_id) // LINES_PER_FILE):
        file_number = int(str(number))
        if file_number in files:
            found = read_raw_lines(*files[file_number], (rows[Suspense.cdr_id] % LINES_PER_FILE).to_list())
            texts.update((file_number * LINES_PER_FILE + line, text) for line, text in found.items())
    raw = pl.DataFrame({"cdr_id": list(texts), "text": list(texts.values())}, {"cdr_id": pl.Int64, "text": pl.String})
    joined = suspense.join(raw, on=Suspense.cdr_id, how="left", maintain_order="left")
    return Suspense.conform(joined.with_columns(pl.col("text").alias(Suspense.raw_text)))
