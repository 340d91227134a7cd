"""The bytes of a file as received: one pass that hashes them, checks them and keeps a compressed copy.

The facts it finds let the reader skip work a clean file does not need. A file is text in one encoding, found
strictly over the whole file: a byte order mark, else UTF-8, else GB18030 where the layout allows it. Nothing is ever
replaced by a question mark.
"""

import codecs
import gzip
import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from billing.core.findings import refuse
from billing.ingest.kinds import HEAD_BYTES, Kind, kind_of

CHUNK_BYTES = 1 << 20
UNPACKED_LIMIT_BYTES = 64 << 30
OPEN_LIMIT_BYTES = 64 << 20
GZIP_MAGIC = b"\x1f\x8b"
UTF8_BOM = codecs.BOM_UTF8
TEXT_KINDS = ("text", "json")


@dataclass
class TextFacts:
    """What the bytes of a text hold.

    Attributes:
        is_utf8: whether every byte belongs to a UTF-8 character.
        line_count: physical lines; a last line without an end counts.
        has_quote: a double quote stands somewhere.
        has_nul: a NUL byte stands somewhere.
        has_bom_inside: a byte order mark stands after the first three bytes.
        has_lone_cr: a carriage return that no line feed follows.
    """

    is_utf8: bool = True
    line_count: int = 0
    has_quote: bool = False
    has_nul: bool = False
    has_bom_inside: bool = False
    has_lone_cr: bool = False


@dataclass(frozen=True)
class Received:
    """A file as received: digest, how it was packed, and the copy that is kept (None when none was asked for).

    Its kind and facts are those of the bytes as they came, so of a gzip file they say nothing.
    """

    sha256: str
    is_gzip: bool
    has_bom: bool
    kind: Kind
    facts: TextFacts
    raw_copy: Path | None
    raw_form: str | None


class Inspector:
    """Adds up the facts of a text from its chunks, in order."""

    def __init__(self, name: str, kind: Kind = "text") -> None:
        self.facts = TextFacts()
        self._name = name
        # A whole array of JSON may stand on one line; its reader holds a record at a time and no line.
        self._has_lines = kind == "text"
        self.is_text = kind in TEXT_KINDS
        self._tail = b""
        self._cut = b""
        self._seen_bytes = 0
        self._open_bytes = 0

    def add(self, chunk: bytes) -> None:
        """Look at the next bytes.

        Raises:
            Refusal: a line goes on longer than a reader could hold it; a text of records has no such lines.
        """
        facts = self.facts
        end = chunk.rfind(b"\n") if b"\n" in chunk else chunk.rfind(b"\r")
        self._open_bytes = len(chunk) - end - 1 if end >= 0 else self._open_bytes + len(chunk)
        if self._has_lines and self._open_bytes > OPEN_LIMIT_BYTES:
            raise refuse("LINE_WITHOUT_END", f"{self._name}:{facts.line_count + 1}", limit=OPEN_LIMIT_BYTES)
        facts.is_utf8 = facts.is_utf8 and self._is_utf8(chunk)
        facts.line_count += chunk.count(b"\n")
        facts.has_quote = facts.has_quote or b'"' in chunk
        facts.has_nul = facts.has_nul or b"\0" in chunk
        # One byte is searched faster than three; few chunks go on to the second question.
        if not facts.has_bom_inside and (b"\xef" in chunk or b"\xef" in self._tail):
            is_start = self._seen_bytes == len(self._tail)
            facts.has_bom_inside = (self._tail + chunk).find(UTF8_BOM, 1 if is_start else 0) >= 0
        if not facts.has_lone_cr and (b"\r" in chunk or self._tail.endswith(b"\r")):
            seen = self._tail[-1:] + chunk
            facts.has_lone_cr = seen.count(b"\r", 0, -1) != seen.count(b"\r\n")
        self._tail = (self._tail + chunk[-2:])[-2:]
        self._seen_bytes += len(chunk)

    def finish(self) -> TextFacts:
        """The facts, once every byte was seen."""
        facts = self.facts
        facts.is_utf8 = facts.is_utf8 and not self._cut
        facts.has_lone_cr = facts.has_lone_cr or self._tail.endswith(b"\r")
        facts.line_count += bool(self._tail) and not self._tail.endswith(b"\n")
        return facts

    def _is_utf8(self, chunk: bytes) -> bool:
        """Whether the bytes so far are UTF-8, but for a character that the end of the chunk cuts in two."""
        if not self._cut and chunk.isascii():
            return True
        whole = self._cut + chunk
        end = len(whole) - _cut_length(whole)
        self._cut = whole[end:]
        try:
            # Arrow's check is ten times faster than decoding (measured), and makes no text.
            offsets = pa.py_buffer(struct.pack("<ii", 0, end))
            pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(whole)]).validate(full=True)
        except pa.ArrowInvalid:
            return False
        return True


def _cut_length(block: bytes) -> int:
    """How many bytes at the end belong to a character that is not complete."""
    for length in range(1, min(4, len(block) + 1)):
        byte = block[-length]
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return length if needed > length else 0
        if byte < 0x80:
            return 0
    return 0


def receive(path: Path, raw_copy: Path | None) -> Received:
    """Hash, check and keep one file in a single pass.

    Args:
        path: the file as it came, plain or gzip.
        raw_copy: where to keep it, without an ending: `.zst` or `.gz` is added. None keeps nothing.

    Raises:
        Refusal: the file is empty, is UTF-16, or its name says gzip and its bytes do not.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    is_gzip = head.startswith(GZIP_MAGIC)
    kind = kind_of(head)
    _check_head(path, head, is_gzip)
    raw_form = None if raw_copy is None else "gz" if is_gzip else "zst"
    kept = raw_copy.with_name(f"{raw_copy.name}.{raw_form}") if raw_copy else None
    digest = hashlib.sha256()
    inspector = Inspector(path.name, kind)
    try:
        for chunk in _kept(_chunks(path), kept, is_gzip):
            digest.update(chunk)
            if not is_gzip and inspector.is_text:
                inspector.add(chunk)
    except BaseException:
        if kept:
            kept.unlink(missing_ok=True)
        raise
    has_bom = head.startswith(UTF8_BOM)
    return Received(digest.hexdigest(), is_gzip, has_bom, kind, inspector.finish(), kept, raw_form)


def _check_head(path: Path, head: bytes, is_gzip: bool) -> None:
    if not head:
        raise refuse("FILE_EMPTY", f"{path.name}:1")
    if path.suffix.lower() == ".gz" and not is_gzip:
        raise refuse("NOT_GZIP", path.name)
    refuse_utf16(head, path.name)


def refuse_utf16(head: bytes, name: str) -> None:
    """Refuse a text that starts with a UTF-16 or UTF-32 byte order mark, in one line and not row by row."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise refuse("FILE_IS_UTF16", f"{name}:1")


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def _kept(chunks: Iterable[bytes], target: Path | None, is_packed: bool) -> Iterator[bytes]:
    """The chunks, each written to the kept copy by a second thread while the caller looks at it."""
    if target is None:
        yield from chunks
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    sink = pa.OSFile(str(target), "wb") if is_packed else pa.CompressedOutputStream(str(target), "zstd")
    with sink, ThreadPoolExecutor(1) as writer:
        pending: Future[object] | None = None
        for chunk in chunks:
            following = writer.submit(sink.write, chunk)
            yield chunk
            # One chunk is in flight at most, so memory stays that of two.
            if pending:
                pending.result()
            pending = following
        if pending:
            pending.result()


def unpack(path: Path, target: Path, limit_bytes: int = UNPACKED_LIMIT_BYTES) -> TextFacts:
    """Unpack a gzip file and look at what is in it.

    Raises:
        Refusal: it is cut off or damaged, or unpacks to more than the limit.
    """
    inspector = Inspector(path.name)
    size = 0
    try:
        with gzip.open(path) as packed, target.open("wb") as plain:
            while chunk := packed.read(CHUNK_BYTES):
                if not size:
                    inspector = Inspector(path.name, kind_of(chunk))
                size += len(chunk)
                if size > limit_bytes:
                    raise refuse("GZIP_TOO_LARGE", path.name, limit=limit_bytes)
                if inspector.is_text:
                    inspector.add(chunk)
                plain.write(chunk)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        # A cut-off gzip raises EOFError, which is no OSError.
        raise refuse("GZIP_DAMAGED", path.name, problem=str(error)) from None
    return inspector.finish()
