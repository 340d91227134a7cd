"""The sections of a document as the template takes them: texts, and lengths in per mille."""

from collections.abc import Sequence
from typing import Any

from billing.core.messages import render
from billing.documents.model import Bars, Column, Grid, Kind, Ladder, Meter, Meters, Notes, Section, Step, Value
from billing.documents.pdf.columns import (
    LONGEST_WORD,
    PAGE_WIDTH,
    WIDE,
    Texts,
    breakable,
    grid_layout,
    parts,
    text_width,
)
from billing.documents.pdf.signs import shown
from billing.documents.printed import MINUS, printed

WHOLE = 1_000
_WORDED = ("text", "date")
_BAR_SIZES = (75, 70, 65, 60, 55)
_LABEL = (30, 150)
_LYING_SIZE = 8
_SIGNS = {"+": "+", "-": MINUS, "=": "=", "": ""}

Page = dict[str, Any]


def section_values(section: Section, lang: str) -> Page:
    """What the template reads of one section, as JSON values."""
    match section:
        case Bars(bars=[]) | Meters(meters=[]) | Ladder(steps=[]) | Notes(lines=[]):
            own: Page = {"kind": "empty", "words": render("pdf.no_rows", lang)}
        case Grid():
            own = {"kind": "grid", **_grid(section, lang)}
        case Bars():
            own = {"kind": "bars", **_bars(section, lang)}
        case Meters():
            own = {"kind": "meters", "meters": [_meter(one, lang) for one in section.meters]}
        case Ladder():
            headings = [render("pdf.step", lang), render("pdf.amount", lang)]
            own = {"kind": "ladder", "headings": headings, "steps": [_step(one, lang) for one in section.steps]}
        case Notes():
            own = {"kind": "notes", "lines": [breakable(shown(line)) for line in section.lines]}
    return {"title": breakable(shown(section.title)), **own}


def _grid(grid: Grid, lang: str) -> Page:
    kinds = [column.kind for column in grid.columns]
    rows = [_line(row, kinds, lang) for row in grid.rows[: grid.limit]]
    totals = [] if grid.totals is None else [_line(grid.totals, kinds, lang)]
    places = _places(grid.columns)
    columns = [_texts(grid.columns[own], own, below, rows + totals) for own, below in places]
    layout = grid_layout(columns)
    return {
        "headings": [_heading(column.heading, layout.word) for column in columns],
        "rows": [_cells(row, places, layout.word) for row in rows],
        "totals": [cell for row in totals for cell in _cells(row, places, layout.word)],
        "right": [column.is_number for column in columns],
        "size": layout.size,
        "widths": list(layout.widths),
        "elsewhere": grid.limit == 0 and len(grid.rows) > 0,
        "cut": _cut(grid, lang),
        "note": breakable(shown(grid.note)),
        "empty": render("pdf.no_rows", lang),
    }


def _places(columns: Sequence[Column]) -> list[tuple[int, list[int]]]:
    """Columns of the page: the place of each, and of those whose values stand below its own."""
    places: list[tuple[int, list[int]]] = []
    for place, column in enumerate(columns):
        if column.under:
            places[-1][1].append(place)
        else:
            places.append((place, []))
    return places


def _texts(column: Column, own: int, below: Sequence[int], rows: Sequence[Sequence[str]]) -> Texts:
    return Texts(
        heading=shown(column.heading),
        texts=[row[own] for row in rows],
        below=[row[place] for row in rows for place in below],
        is_number=column.kind not in _WORDED,
        share=column.share,
    )


def _cells(row: Sequence[str], places: Sequence[tuple[int, Sequence[int]]], word: int) -> list[list[str]]:
    """Of every cell the text, and the texts below it."""
    shown_below = [[row[own], *filter(None, (row[place] for place in below))] for own, below in places]
    return [[breakable(text, word) for text in cell] for cell in shown_below]


def _heading(heading: str, word: int) -> tuple[str, str]:
    return parts(heading) if word == LONGEST_WORD else (breakable(heading, word), "")


def _line(row: Sequence[Value], kinds: Sequence[Kind], lang: str) -> list[str]:
    return [shown(printed(value, kind, lang)) for value, kind in zip(row, kinds, strict=True)]


def _cut(grid: Grid, lang: str) -> str:
    if len(grid.rows) <= grid.limit:
        return ""
    rows, sheet = f"{len(grid.rows):,}", shown(grid.sheet or grid.title)
    if grid.limit == 0:
        return render("pdf.rows_elsewhere", lang, {"rows": rows, "sheet": sheet})
    return render("pdf.rows_cut", lang, {"shown": f"{grid.limit:,}", "rows": rows, "sheet": sheet})


def _bars(chart: Bars, lang: str) -> Page:
    """Bars along one axis from the least value to the largest: where each starts and how long it is."""
    values = [value or 0 for _, value in chart.bars]
    least, most = min([0, *values]), max([0, *values])
    span = max(most - least, 1)
    told = [(shown(label), printed(value, chart.kind, lang)) for label, value in chart.bars]
    size, fits = _bar_size(told)
    bars = [
        {
            "label": breakable(label),
            "value": text if fits or chart.lying or label == chart.marked or value == most else "",
            "start": (min(value, 0) - least) * WHOLE // span,
            "length": abs(value) * WHOLE // span,
            "negative": value < 0,
            "marked": label == shown(chart.marked),
        }
        for (label, text), value in zip(told, values, strict=True)
    ]
    return {
        "bars": bars,
        "below": least < 0,
        "zero": -least * WHOLE // span,
        "size": size,
        "lying": chart.lying,
        "label-width": _points([label for label, _ in told]),
        "value-width": _points([text for _, text in told]),
        "told": breakable(shown(chart.told)),
        "alt": f"{shown(chart.told)} " + "; ".join(" ".join(pair) for pair in told),
    }


def _bar_size(told: Sequence[tuple[str, str]]) -> tuple[int, bool]:
    """The size in which labels and values stand side by side, tenths of a point, and whether one is small enough."""
    room = PAGE_WIDTH // max(len(told), 1) - 2 * WIDE
    widest = max((text_width(text) for pair in told for text in pair), default=0)
    fitting = [size for size in _BAR_SIZES if widest * size // 10 <= room]
    return (fitting[0], True) if fitting else (_BAR_SIZES[-1], False)


def _points(texts: Sequence[str]) -> int:
    least, most = _LABEL
    return min(max(max(map(text_width, texts), default=0) * _LYING_SIZE // WIDE + 2, least), most)


def _meter(meter: Meter, lang: str) -> Page:
    value = f"{printed(meter.used, meter.kind, lang)} / {printed(meter.total, meter.kind, lang)}"
    label, told = shown(meter.label), shown(meter.told)
    return {
        "label": breakable(label),
        "value": value,
        "length": min(max(meter.used * WHOLE // meter.total, 0), WHOLE) if meter.total > 0 else 0,
        "over": meter.used > meter.total,
        "told": breakable(told),
        "alt": f"{label}: {value} {told}".strip(),
    }


def _step(step: Step, lang: str) -> Page:
    return {
        "sign": _SIGNS[step.sign],
        "label": breakable(shown(step.label)),
        "value": printed(-step.value if step.sign == "-" else step.value, "money", lang),
        "told": breakable(shown(step.told)),
        "sum": step.sign == "=",
    }
