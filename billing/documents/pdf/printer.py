"""Prints documents as PDF: A4, tagged, archival (PDF/A-2a, PDF/UA-1). The bytes rest on the document alone.

typst is loaded when the first document is printed. It lets other threads run while it works, so documents are printed
by a thread a core; a process that has printed may not fork.
"""

import datetime as dt
import json
import os
import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from billing.core.findings import Refusal, refuse
from billing.documents.model import Document, Field, Notes
from billing.documents.pdf.fonts import font_folders
from billing.documents.pdf.pages import page_values
from billing.documents.pdf.signs import shown

if TYPE_CHECKING:
    import typst

TEMPLATE = Path(__file__).with_name("document.typ")
_WAITING_PER_THREAD = 2
_MISSING = re.compile(r'the text `"(.+?)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
_own = threading.local()


def print_pdf(document: Document) -> bytes:
    """A document as PDF.

    Raises:
        Refusal: GLYPH_MISSING, a character that no font here can show.
        TypstError: anything else that typst says is a fault of ours; a note names the recipient.
    """
    import typst

    told = json.dumps(page_values(document), ensure_ascii=False)
    day = dt.datetime.combine(document.issued_on, dt.time(), dt.UTC)
    try:
        printed = _compiler().compile(
            format="pdf", sys_inputs={"data": told}, pdf_standards=["a-2a", "ua-1"], timestamp=day
        )
    except typst.TypstError as error:
        if missing := _MISSING.search(error.message):
            raise _glyph_missing(document, missing[1]) from error
        error.add_note(f"{document.kind} of {document.recipient_id} {document.recipient_name}")
        raise
    assert isinstance(printed, bytes), "one PDF"
    return printed


def print_pdfs(documents: Iterable[Document]) -> Iterator[tuple[Document, bytes]]:
    """Documents with their PDFs, in order; never more than a few of them are held at once."""
    threads = os.cpu_count() or 1
    waiting = deque[tuple[Document, Future[bytes]]]()
    with ThreadPoolExecutor(threads, thread_name_prefix="print") as pool:
        try:
            for document in documents:
                waiting.append((document, pool.submit(print_pdf, document)))
                if len(waiting) > threads * _WAITING_PER_THREAD:
                    yield _first(waiting)
            while waiting:
                yield _first(waiting)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def missing_characters(texts: Iterable[str]) -> list[str]:
    """The characters of some texts that no font here can show, in order; each is found by a try to print them all."""
    characters = sorted({character for text in texts for character in shown(text)})
    missing: list[str] = []
    while True:
        try:
            print_pdf(_specimen("".join(one for one in characters if one not in missing)))
        except Refusal as refusal:
            found = str(refusal.findings[0].values["character"])
            missing.extend(one for one in found if one not in missing)
        else:
            return missing


def _specimen(text: str) -> Document:
    """A document that says a text and nothing else."""
    return Document(
        kind="bill",
        recipient_id="",
        recipient_name="",
        period="",
        lang="zh",
        standing="final",
        issued_on=dt.date(2000, 1, 1),
        title="-",
        subtitle="",
        seller=[Field("-", "-")],
        recipient=[Field("-", "-")],
        particulars=[Field("-", "-")],
        figures=[],
        sections=[Notes("-", [text])],
    )


def _first(waiting: deque[tuple[Document, Future[bytes]]]) -> tuple[Document, bytes]:
    document, printing = waiting.popleft()
    return document, printing.result()


def _compiler() -> "typst.Compiler":
    """The compiler of this thread; fonts are read once a thread."""
    import typst

    compiler: typst.Compiler | None = getattr(_own, "compiler", None)
    if compiler is None:
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=font_folders())
        compiler = _own.compiler = typst.Compiler(input=str(TEMPLATE), font_paths=fonts)
    return compiler


def _glyph_missing(document: Document, escaped: str) -> Refusal:
    character = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), escaped)
    texts = (text for text in _texts(page_values(document)) if character in text)
    holding = min(texts, key=len, default=character)
    return refuse(
        "GLYPH_MISSING",
        kind=document.kind,
        text=holding,
        recipient_id=document.recipient_id,
        recipient_name=document.recipient_name,
        character=character,
        code_points=" ".join(f"U+{ord(part):04X}" for part in character),
    )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
