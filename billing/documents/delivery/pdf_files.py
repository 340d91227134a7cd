"""Finished PDFs, changed as files: a copy under a password, many joined into one. What they say is never touched.

pikepdf belongs to the extra `secure`; it is loaded when something is asked of it.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from billing.core.findings import refuse

if TYPE_CHECKING:
    import pikepdf

_BOTH_SIDES = 2


@dataclass(frozen=True)
class Section:
    """PDFs to be joined under a title; titles that begin alike share their outer bookmarks.

    Attributes:
        titles: from the outermost bookmark to its own.
        content: the PDF.
    """

    titles: Sequence[str]
    content: bytes


def require_extra() -> None:
    """Make sure that pikepdf is there, before anything is written.

    Raises:
        Refusal: EXTRA_MISSING.
    """
    try:
        import pikepdf  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise refuse("EXTRA_MISSING", extra="secure") from error


def encrypted(content: bytes, password: str) -> bytes:
    """A copy under AES-256 that opens with a password. Its bytes differ every time; the plain PDF is the record."""
    import pikepdf

    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as document:
        # R=6 is AES-256 as ISO 32000-2 has it.
        document.save(target, encryption=pikepdf.Encryption(owner=password, user=password, R=6, aes=True))
    return target.getvalue()


def page_count(content: bytes) -> int:
    """How many pages a PDF has."""
    import pikepdf

    with pikepdf.open(io.BytesIO(content)) as document:
        return len(document.pages)


def sheets(pages: int) -> int:
    """Sheets of paper that so many pages take, printed on both sides."""
    return -(-pages // _BOTH_SIDES)


def joined(sections: Iterable[Section], title: str, lang: str) -> bytes:
    """One PDF of many, each on a sheet of its own when both sides are printed; equal PDFs give equal bytes.

    Args:
        sections: in their order.
        title: of the whole.
        lang: of its text, as PDF readers name it.
    """
    import pikepdf

    whole = pikepdf.new()
    whole.Root.Lang = pikepdf.String(lang)
    places: list[tuple[Sequence[str], int]] = []
    sources = []
    for section in sections:
        source = pikepdf.open(io.BytesIO(section.content))
        sources.append(source)
        places.append((section.titles, len(whole.pages)))
        whole.pages.extend(source.pages)
        if len(source.pages) % _BOTH_SIDES:
            _, _, width, height = (Decimal(str(side)) for side in source.pages[-1].mediabox.as_list())
            whole.add_blank_page(page_size=(width, height))
    _bookmark(whole, places)
    whole.docinfo["/Title"] = pikepdf.String(title)
    target = io.BytesIO()
    whole.save(target, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    for source in sources:
        source.close()
    return target.getvalue()


def _bookmark(whole: "pikepdf.Pdf", places: Iterable[tuple[Sequence[str], int]]) -> None:
    import pikepdf

    with whole.open_outline() as outline:
        open_now: list[tuple[str, pikepdf.OutlineItem]] = []
        for titles, page in places:
            same = 0
            while same < min(len(open_now), len(titles) - 1) and open_now[same][0] == titles[same]:
                same += 1
            del open_now[same:]
            for title in titles[same:]:
                mark = pikepdf.OutlineItem(title, page)
                (open_now[-1][1].children if open_now else outline.root).append(mark)
                open_now.append((title, mark))
