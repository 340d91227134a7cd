"""The working text: what every form of a file becomes, and the one thing that rows are read from.

It is UTF-8, one record a line. A record stands on the number by which the file is quoted: its first physical line, the
row of a sheet or of a Parquet file (the header is row 1). Numbers without a record are blank lines, which are framing.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from billing.ingest.layout import Layout
from billing.ingest.lines import LineForm, blank_lines
from billing.ingest.received import CHUNK_BYTES, Inspector, TextFacts
from billing.ingest.recognition import Header

SEPARATOR = "\x1f"
"""Between the cells of a line we write: the unit separator, which no field of a call holds."""
LINE_SIGN = "␤"
"""Stands for a line end inside a value, so that the value stays on its line."""


@dataclass(frozen=True)
class WorkText:
    """A text to read rows from.

    Attributes:
        path: where it lies: the file itself when its bytes can be read in place.
        facts: what its bytes hold.
        layout: the layout, its fields in the forms in which this text writes them.
        form: how its lines are cut.
        framing: whether a line is no record.
        framing_least: how many lines are framing when nothing but the header is.
        framing_path: where the lines stand that are no records, header record and trailer among them.
        encoding: how the file was written, as it is told and stored.
        header: the column header of a delimited text.
    """

    path: Path
    facts: TextFacts
    layout: Layout
    form: LineForm
    framing: pl.Expr
    framing_least: int
    framing_path: Path
    encoding: str
    header: Header | None = None


def written_text(
    path: Path,
    facts: TextFacts,
    layout: Layout,
    columns: Sequence[str],
    encoding: str,
    *,
    framing_least: int = 0,
    framing_path: Path | None = None,
) -> WorkText:
    """The working text that a `LineWriter` has written: the named columns, blank lines between."""
    form = LineForm(SEPARATOR, is_quoted=False, columns=tuple(columns), used=tuple(columns), facts=facts)
    return WorkText(path, facts, layout, form, blank_lines(), framing_least, framing_path or path, encoding)


def one_line(value: str) -> str:
    """A value without line ends."""
    if "\n" in value or "\r" in value:
        value = value.replace("\r\n", LINE_SIGN).replace("\n", LINE_SIGN).replace("\r", LINE_SIGN)
    return value


class TextWriter:
    """Writes a working text chunk by chunk and looks at its bytes."""

    def __init__(self, path: Path, name: str) -> None:
        self._stream = path.open("wb", buffering=0)
        self._inspector = Inspector(name)

    def add(self, chunk: bytes) -> None:
        """Write some more."""
        self._inspector.add(chunk)
        self._stream.write(chunk)

    def finish(self) -> TextFacts:
        """End the text; what its bytes hold."""
        self.close()
        return self._inspector.finish()

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class LineWriter:
    """Writes a working text record by record, in order of their numbers."""

    def __init__(self, path: Path, name: str, columns: int) -> None:
        self._writer = TextWriter(path, name)
        self._columns = columns
        self._lines: list[str] = []
        self._held = 0
        self._last = 0

    @property
    def last(self) -> int:
        """Number of the last record."""
        return self._last

    def put(self, number: int, cells: Sequence[str] | None) -> None:
        """Write one record; None is one that has no cells and cannot be read."""
        self.put_line(number, self._broken() if cells is None else self._line(cells))

    def put_line(self, number: int, line: str) -> None:
        """Write one line as it is, blank lines before it."""
        assert number > self._last, "records come in order"
        self._lines.extend([""] * (number - self._last - 1))
        self._lines.append(line)
        self._held += len(line) + number - self._last
        self._last = number
        if self._held >= CHUNK_BYTES:
            self._flush()

    def finish(self, last: int = 0) -> TextFacts:
        """End the text, with blank lines up to a last number; what its bytes hold."""
        if last > self._last:
            self.put_line(last, "")
        self._flush()
        return self._writer.finish()

    def _line(self, cells: Sequence[str]) -> str:
        line = SEPARATOR.join(cells)
        if '"' in line or "\n" in line or "\r" in line or line.count(SEPARATOR) >= self._columns:
            target = io.StringIO()
            csv.writer(target, delimiter=SEPARATOR, lineterminator="").writerow([one_line(cell) for cell in cells])
            line = target.getvalue()
        try:
            line.encode()
        except UnicodeEncodeError:
            # Half of a character, as JSON can name one.
            return self._broken()
        return line

    def _broken(self) -> str:
        """A line that no reader takes for a record: one cell too many."""
        return "!" + SEPARATOR * self._columns

    def _flush(self) -> None:
        if self._lines:
            self._writer.add(("\n".join(self._lines) + "\n").encode())
            self._lines, self._held = [], 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
