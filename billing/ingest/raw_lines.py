"""Physical lines of a received file as text, for people who look at suspense: read from the file or its kept copy."""

import codecs
import gzip
import mmap
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from billing.ingest.forms.json_lines import raw_records
from billing.ingest.forms.parquet import ENCODING as PARQUET
from billing.ingest.forms.parquet import raw_rows as parquet_rows
from billing.ingest.forms.xlsx import ENCODING as XLSX
from billing.ingest.forms.xlsx import raw_rows as sheet_rows
from billing.ingest.received import CHUNK_BYTES, GZIP_MAGIC

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
SHOWN_CHARACTERS = 2_000


def read_raw_lines(path: Path, encoding: str, lines: Sequence[int]) -> dict[int, str]:
    """Lines by their physical number, counted from 1.

    Args:
        path: the file as it came, or the copy that was kept of it (zstd or gzip).
        encoding: as it was found: `utf-8` or `gb18030`, or how a file of another form was read.
        lines: numbers of the lines, in any order.

    Returns:
        Line number to text; control characters are escaped, long lines cut. A number without a record is left out.
    """
    wanted = sorted(set(lines))
    found: dict[int, str] = {}
    if not wanted:
        return found
    code, _, form = encoding.partition("/")
    if form.startswith("json"):
        records = raw_records(_text_chunks(path, code), form.removeprefix("json").removeprefix("/"), wanted)
        return {number: _printable(text) for number, text in records.items()}
    if encoding == PARQUET or encoding.startswith(XLSX):
        return _raw_rows(path, encoding, wanted)
    if _is_bare(path, encoding):
        bare = pl.scan_lines(path, name="text", row_index_name="line", row_index_offset=1, glob=False)
        rows = bare.filter(pl.col("line").is_in(wanted)).collect().iter_rows()
        return {line: _shown(text.encode(), encoding) for line, text in rows}
    position, count, rest = 0, 0, b""
    for chunk in _line_chunks(path):
        block = rest + chunk
        inside = block.count(b"\n")
        if position < len(wanted) and wanted[position] <= count + inside:
            texts = block.split(b"\n")
            while position < len(wanted) and wanted[position] <= count + inside:
                found[wanted[position]] = _shown(texts[wanted[position] - count - 1], encoding)
                position += 1
        # Of a line without an end only the part that is shown is kept, however long it goes on.
        rest = block[block.rfind(b"\n") + 1 :][:CHUNK_BYTES]
        count += inside
        if position == len(wanted):
            return found
    if rest and position < len(wanted) and wanted[position] == count + 1:
        found[wanted[position]] = _shown(rest, encoding)
    return found


def open_as_received(kept: Path) -> Any:  # noqa: ANN401 - two kinds of binary stream
    """The bytes of a kept file as they came: a copy packed by us is unpacked, one that came packed is not."""
    with kept.open("rb") as stream:
        is_ours = stream.read(4) == ZSTD_MAGIC
    return pa.CompressedInputStream(str(kept), "zstd") if is_ours else kept.open("rb")


def _raw_rows(path: Path, encoding: str, wanted: Sequence[int]) -> dict[int, str]:
    """Rows of a Parquet file or a sheet."""
    with _unpacked(path) as file:
        if encoding == PARQUET:
            rows = parquet_rows(file, wanted)
        else:
            rows = sheet_rows(file, encoding.removeprefix(XLSX), wanted)
    return {number: _printable(text) for number, text in rows.items()}


def _is_bare(path: Path, encoding: str) -> bool:
    """Whether Polars counts the lines as we do, only faster: UTF-8, not packed, no carriage return."""
    with path.open("rb") as stream:
        if encoding != "utf-8" or stream.read(4).startswith((GZIP_MAGIC, ZSTD_MAGIC)):
            return False
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(b"\r") < 0


def _line_chunks(path: Path) -> Iterator[bytes]:
    """Chunks with one kind of line end; a carriage return at a seam waits for what follows it."""
    with path.open("rb") as head:
        magic = head.read(4)
    held = b""
    with _opened(path, magic) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            block = held + chunk
            held = b"\r" if block.endswith(b"\r") else b""
            block = block[: len(block) - len(held)]
            yield block.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in block else block
    if held:
        yield b"\n"


def _text_chunks(path: Path, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)("backslashreplace")
    yield from (decoder.decode(chunk) for chunk in _line_chunks(path))


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The bytes of a file as a file that can be read from any place."""
    with path.open("rb") as head:
        magic = head.read(4)
    if not magic.startswith((GZIP_MAGIC, ZSTD_MAGIC)):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare"
        with _opened(path, magic) as packed, bare.open("wb") as target:
            while chunk := packed.read(CHUNK_BYTES):
                target.write(chunk)
        yield bare


def _opened(path: Path, magic: bytes) -> Any:  # noqa: ANN401 - three kinds of binary stream
    if magic.startswith(GZIP_MAGIC):
        return gzip.open(path)
    return pa.CompressedInputStream(str(path), "zstd") if magic == ZSTD_MAGIC else path.open("rb")


def _shown(line: bytes, encoding: str) -> str:
    return _printable(line[: 4 * SHOWN_CHARACTERS].decode(encoding, errors="backslashreplace").lstrip("\ufeff"))


def _printable(text: str) -> str:
    text = text[:SHOWN_CHARACTERS]
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)[:SHOWN_CHARACTERS]
