"""A document as the template takes it: every value a text, every length a whole number, nothing left to work out."""

from collections.abc import Sequence
from typing import Any

from billing.core.messages import render
from billing.documents.model import Document, Field, Figure, Kind
from billing.documents.pdf.columns import PAGE_WIDTH, WIDE, breakable, text_width
from billing.documents.pdf.sections import section_values
from billing.documents.pdf.signs import shown
from billing.documents.printed import printed

_WIDEST_IN_MARGIN = 20 * WIDE
_FIGURE_SIZES = (140, 130, 120, 110, 100, 90, 80)
_FIGURE_PADDING, _GUTTER = 22_000, 8_000
_SMALL_FIGURE = 110
_MOST_FIGURES, _FEW_FIGURES = 5, 4
"""Boxes in a row, while amounts are not smaller than that; otherwise in several rows."""
_FIELD_SIZE = 9
_WIDEST_LABEL = 100
_PARTICULARS = (150, 230)

Page = dict[str, Any]


def page_values(document: Document) -> Page:
    """What the template reads, as JSON values."""
    lang = document.lang
    number = next((_plain(one, lang) for one in document.particulars[:1]), ("", ""))
    author = next((shown(str(one.value)) for one in document.seller[:1]), "")
    draft = render("pdf.draft", lang) if document.standing == "draft" else None
    return {
        "lang": lang,
        "name": shown(f"{document.title} {document.period} {document.recipient_name}"),
        "author": author,
        "date": [document.issued_on.year, document.issued_on.month, document.issued_on.day],
        "title": breakable(shown(document.title)),
        "subtitle": breakable(shown(document.subtitle)),
        "watermark": draft,
        "banner": render("doc.draft", lang) if draft else None,
        "stamp": render("pdf.reprint", lang) if document.standing == "reprint" else None,
        "seller": [_field(one, lang) for one in document.seller],
        "recipient": [_field(one, lang) for one in document.recipient],
        "particulars": [_field(one, lang) for one in document.particulars],
        "recipient-labels": _label_width(document.recipient),
        "particulars-labels": _label_width(document.particulars),
        "particulars-width": _particulars_width(document.particulars, lang),
        "figures": [_figure(one, lang) for one in document.figures],
        **_figure_layout(document.figures, lang),
        "capitals": _field(document.capitals, lang) if document.capitals else None,
        "sections": [section_values(one, lang) for one in document.sections],
        "signatures": [breakable(shown(one)) for one in document.signatures],
        "sign": [render("pdf.signature", lang), render("pdf.signed_on", lang)],
        "running-title": _cut(shown(document.title)),
        "running": f"{_cut(shown(document.recipient_name))}  {_cut(number[1])}",
        "number": _cut(" ".join(number)),
        "check": render("pdf.check_code", lang, {"code": document.check_code}),
        "page": render("pdf.page", lang, {"page": "{page}", "pages": "{pages}"}),
    }


def _cut(text: str) -> str:
    """A text short enough to stand beside two others at the head of a page."""
    if text_width(text) <= _WIDEST_IN_MARGIN:
        return text
    return (
        next(text[:end] for end in range(len(text), 0, -1) if text_width(text[:end]) < _WIDEST_IN_MARGIN - WIDE) + "…"
    )


def _plain(one: Field, lang: str) -> tuple[str, str]:
    return shown(one.label), shown(printed(one.value, one.kind, lang))


def _field(one: Field, lang: str) -> tuple[str, str]:
    label, text = _plain(one, lang)
    return label, breakable(text)


def _amount(value: int, kind: Kind, lang: str) -> str:
    text = printed(value, kind, lang)
    return f"¥ {text}" if kind == "money" else text


def _figure(one: Figure, lang: str) -> Page:
    return {"label": shown(one.label), "value": _amount(one.value, one.kind, lang), "strong": one.strong}


def _figure_layout(figures: Sequence[Figure], lang: str) -> Page:
    """Boxes in a row, the largest size of print in which every amount stands on one line, and the height of a box."""
    widest = max((text_width(_amount(one.value, one.kind, lang)) for one in figures), default=0)
    columns = max(min(len(figures), _MOST_FIGURES), 1)
    if widest * _SMALL_FIGURE // 10 > _room(columns) or len(figures) > columns:
        rows = max(-(-len(figures) // _FEW_FIGURES), 1)
        columns = max(-(-len(figures) // rows), 1)
    room = _room(columns)
    size = next((size for size in _FIGURE_SIZES if widest * size // 10 <= room), _FIGURE_SIZES[-1])
    longest = max((text_width(shown(one.label)) for one in figures), default=0) * 75 // 10
    lines = -(-longest // room)
    return {"figure-columns": columns, "figure-size": size, "figure-height": 34 + 9 * max(lines, 1)}


def _room(columns: int) -> int:
    """Width inside one of so many boxes, thousandths of a point."""
    return (PAGE_WIDTH - _GUTTER * (columns - 1)) // columns - _FIGURE_PADDING


def _label_width(fields: Sequence[Field]) -> int:
    """Width of the labels of a box, points."""
    widest = max((text_width(shown(one.label)) for one in fields), default=0)
    return min(widest * _FIELD_SIZE // WIDE + 2, _WIDEST_LABEL)


def _particulars_width(fields: Sequence[Field], lang: str) -> int:
    """Width of the box of particulars, points."""
    widest = max((text_width(_plain(one, lang)[1]) for one in fields), default=0)
    least, most = _PARTICULARS
    return min(max(_label_width(fields) + 12 + widest * _FIELD_SIZE // WIDE, least), most)
