"""Fixed-width text: every line that is neither blank nor framing is a record, and one of a wrong length is broken."""

from pathlib import Path

from billing.ingest.file_form import Encoding, FixedWidth, FramingRecord
from billing.ingest.fixed_cells import cut
from billing.ingest.forms.work import LineWriter, WorkText, written_text
from billing.ingest.layout import Layout
from billing.ingest.text import PlainFile, utf8_text


def fixed_width_text(plain: PlainFile, layout: Layout, staging: Path) -> WorkText:
    """The working text of a fixed-width file: its columns, cut line by line."""
    fixed = layout.fixed_width
    assert fixed is not None, "the form has it"
    source, facts = utf8_text(plain, staging)
    target = staging / "cells.txt"
    framing_least = 0
    with source.open(encoding="utf-8", newline=None) as lines, LineWriter(target, plain.name, len(fixed.columns)) as to:
        for number, line in enumerate((line.removesuffix("\n") for line in lines), 1):
            if not line.strip() or _is_framing(line, layout, fixed, plain.encoding):
                framing_least += 1
            else:
                to.put(number, cut(line, fixed, plain.encoding))
        written = to.finish(facts.line_count)
    columns = tuple(fixed.columns)
    return written_text(
        target, written, layout, columns, plain.encoding, framing_least=framing_least, framing_path=source
    )


def _is_framing(line: str, layout: Layout, fixed: FixedWidth, encoding: Encoding) -> bool:
    """Whether a line is a comment, or a header record or trailer of the right length."""
    records = [record for record in (layout.header_record, layout.trailer) if record]
    if any(is_framing_record(line, record, fixed, encoding) for record in records):
        return True
    return bool(layout.comment_prefix) and line.startswith(str(layout.comment_prefix))


def is_framing_record(line: str, record: FramingRecord, fixed: FixedWidth | None, encoding: Encoding) -> bool:
    """Whether a line is a header record or trailer: its beginning, and its length where one is declared."""
    if not line.startswith(record.prefix):
        return False
    if record.length is None or fixed is None:
        return True
    return record.length == (len(line.encode(encoding)) if fixed.unit == "bytes" else len(line))
