"""Delimited text: read in place where the bytes allow it; a field in quotes may go on over several lines.

A record over several lines stands on its first one. A quote that never closes costs only its line: what would make a
record of more than 20 lines or 64 KiB, or of another number of fields than the header has, is none, and reading
resumes at the next line. A file whose quotes close on their lines is not copied for that.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from billing.ingest.forms.work import LINE_SIGN, LineWriter, WorkText
from billing.ingest.layout import Layout
from billing.ingest.lines import LINE_LIMIT_BYTES, LineForm, cells_of, framing_prefixes, is_framing, line_form
from billing.ingest.recognition import Header
from billing.ingest.text import PlainFile, utf8_text

SPAN_LIMIT_LINES = 20


def delimited_text(plain: PlainFile, layout: Layout, header: Header, staging: Path) -> WorkText:
    """The working text of a delimited file, each physical line as it stands."""
    path, facts = utf8_text(plain, staging)
    form = line_form(layout, header.columns, facts)
    framing = is_framing(header.text, header.line, layout)
    framing_least = header.line if layout.has_header else 0
    return WorkText(path, facts, layout, form, framing, framing_least, path, plain.encoding, header)


def joined_text(text: WorkText, staging: Path, name: str) -> WorkText:
    """The same text with every record on its first line, for a file in which a quote goes on over a line end."""
    path = staging / "joined.txt"
    prefixes = framing_prefixes(text.layout)
    header_line = text.header.line if text.header and text.layout.has_header else 0

    def is_framing_line(number: int, line: str) -> bool:
        return line.startswith(prefixes) or number <= header_line

    with (
        text.path.open(encoding="utf-8", newline=None) as source,
        LineWriter(path, name, len(text.form.columns)) as writer,
    ):
        lines = enumerate((line.removesuffix("\n") for line in source), 1)
        for number, line in _records(lines, is_framing_line, text.form):
            writer.put_line(number, line)
        facts = writer.finish(text.facts.line_count)
    form = replace(text.form, facts=facts)
    return replace(text, path=path, framing_path=path, facts=facts, form=form)


def _records(
    lines: Iterator[tuple[int, str]], is_framing_line: Callable[[int, str], bool], form: LineForm
) -> Iterator[tuple[int, str]]:
    """Each line with its number, those that a record spans as one."""
    ahead: deque[tuple[int, str]] = deque()
    while first := ahead.popleft() if ahead else next(lines, None):
        number, line = first
        if line.count('"') % 2 and not is_framing_line(number, line):
            ahead.extend(islice(lines, SPAN_LIMIT_LINES - 1 - len(ahead)))
            following = _following(line, [later for _, later in ahead], form)
            line = LINE_SIGN.join([line, *(ahead.popleft()[1] for _ in range(following))])
        yield number, line


def _following(line: str, ahead: Sequence[str], form: LineForm) -> int:
    """How many of the next lines belong to a record whose first line leaves a quote open; 0 when it is none."""
    joined = line
    for count, later in enumerate(ahead, 1):
        joined += LINE_SIGN + later
        if len(joined) > LINE_LIMIT_BYTES:
            return 0
        if later.count('"') % 2:
            # Quotes inside a field are doubled, so the first odd line closes the field or nothing does.
            return count if cells_of(joined, form) else 0
    return 0
