"""The text of a file: its encoding, its first lines, and a working copy where the bytes cannot be read in place.

A working copy is UTF-8 without a byte order mark, its lines ended by a line feed. Physical lines are counted the same
way everywhere: LF, CRLF and a lone CR each end one.
"""

import codecs
import io
from dataclasses import dataclass
from pathlib import Path

from billing.core.findings import Refusal, refuse
from billing.ingest.file_form import Encoding
from billing.ingest.kinds import HEAD_BYTES as KIND_BYTES
from billing.ingest.kinds import Kind, kind_of
from billing.ingest.received import CHUNK_BYTES, Inspector, Received, TextFacts, refuse_utf16, unpack

HEAD_BYTES = 256 << 10


@dataclass(frozen=True)
class PlainFile:
    """The unpacked bytes of a file: what they are, their facts, and of a text the one encoding that fits all of it.

    Of a file that is no text the facts and the encoding say nothing.
    """

    name: str
    path: Path
    kind: Kind
    facts: TextFacts
    has_bom: bool
    encoding: Encoding


def plain_file(path: Path, received: Received, staging: Path) -> PlainFile:
    """The bytes to read: the file itself, or what a gzip file holds, unpacked into `staging`."""
    plain, facts, has_bom, kind = path, received.facts, received.has_bom, received.kind
    if received.is_gzip:
        plain = staging / "unpacked.txt"
        facts = unpack(path, plain)
        with plain.open("rb") as stream:
            head = stream.read(KIND_BYTES)
        if not head:
            raise refuse("FILE_EMPTY", f"{path.name}:1")
        refuse_utf16(head, path.name)
        has_bom, kind = head.startswith(codecs.BOM_UTF8), kind_of(head)
    if has_bom and not facts.is_utf8:
        raise refuse("FILE_NOT_TEXT", f"{path.name}:1", encodings="utf-8", problem="the byte order mark says UTF-8")
    return PlainFile(path.name, plain, kind, facts, has_bom, "utf-8" if facts.is_utf8 else "gb18030")


def head_lines(plain: PlainFile) -> list[str]:
    """The first lines of a file as text.

    Raises:
        Refusal: they are neither UTF-8 nor GB18030.
    """
    with plain.path.open("rb") as stream:
        raw = stream.read(HEAD_BYTES)
    decoder = codecs.getincrementaldecoder(plain.encoding)("strict")
    try:
        text = decoder.decode(raw)
    except UnicodeDecodeError as error:
        raise _not_text(plain, 1 + raw.count(b"\n", 0, error.start), error) from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if len(raw) < HEAD_BYTES or len(lines) == 1 else lines[:-1]


def utf8_text(plain: PlainFile, staging: Path) -> tuple[Path, TextFacts]:
    """A file as UTF-8 with plain line ends, and its facts: in place when the bytes allow it, else a copy in `staging`.

    Raises:
        Refusal: a byte fits neither UTF-8 nor GB18030.
    """
    if plain.encoding == "utf-8" and not plain.has_bom and not plain.facts.has_lone_cr:
        return plain.path, plain.facts
    copy = staging / "utf8.txt"
    return copy, _transcode(plain, copy)


def _transcode(plain: PlainFile, target: Path) -> TextFacts:
    decoder = codecs.getincrementaldecoder("utf-8-sig" if plain.has_bom else plain.encoding)("strict")
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    inspector = Inspector(plain.name, plain.kind)
    with plain.path.open("rb", buffering=0) as source, target.open("wb", buffering=0) as copy:
        while True:
            chunk = source.read(CHUNK_BYTES)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                line = inspector.facts.line_count + 1 + error.object.count(b"\n", 0, error.start)
                raise _not_text(plain, line, error) from None
            encoded = newlines.decode(text, final=not chunk).encode()
            inspector.add(encoded)
            copy.write(encoded)
            if not chunk:
                return inspector.finish()


def _not_text(plain: PlainFile, line: int, error: UnicodeDecodeError) -> Refusal:
    tried = "utf-8" if plain.encoding == "utf-8" else "utf-8, gb18030"
    return refuse("FILE_NOT_TEXT", f"{plain.name}:{line}", encodings=tried, problem=error.reason)
