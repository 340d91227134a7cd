"""Charts as SVG text: colours are classes, so one drawing serves both themes; every chart says in words what it shows.

Coordinates are whole units; whoever reads the amounts reads the table beside the chart.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

from billing.core.money import MICRO_PER_YUAN, round_ratio
from billing.documents.printed import MINUS
from billing.documents.report.words import Said

WIDE = 1180
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 24, 26, 40
_TICKS = 5
_GLYPH, _LABEL = 13, 18
"""Width of a Chinese character in a chart, and height of a label."""
_EXACT_BELOW = 100
"""Amounts of less than so many units are told to the hundredth of one."""
_UNITS = (((10**8, "亿"), (10**4, "万")), ((10**9, "B"), (10**6, "M"), (10**3, "K")))


@dataclass(frozen=True)
class Bar:
    """A bar of a chart that stands: its label, what it adds, and whether it starts from nothing."""

    label: Said
    amount_micro: int
    is_sum: bool


@dataclass(frozen=True)
class Line:
    """A line of a chart and the class that colours it."""

    label: Said
    values: Sequence[int]
    look: str


def line_chart(title: Said, told: Said, marks: Sequence[str], lines: Sequence[Line]) -> Markup:
    """Lines over the same marks, labelled at their ends; amounts in micro."""
    height, plot = 300, 300 - _TOP - _BOTTOM
    room = max(_GLYPH * max(len(line.label.own), len(line.label.other) // 2 + 1) for line in lines) + 16
    right = WIDE - _RIGHT - room
    low, high, ticks = _scale(min(0, *(min(line.values) for line in lines)), max(max(line.values) for line in lines))
    y = _height(plot, low, high)
    last = max(len(marks) - 1, 1)
    xs = [_LEFT + (right - _LEFT) * index // last for index in range(len(marks))]

    parts = list(_grid(ticks, y, right))
    every = max(len(marks) // 6, 1)
    parts += [
        f'<text class="tick mid" x="{xs[index]}" y="{height - 14}">{escape(mark)}</text>'
        for index, mark in enumerate(marks)
        if index % every == 0 or index == last
    ]
    first = lines[0]
    area = " ".join(f"{x},{y(value)}" for x, value in zip(xs, first.values, strict=True))
    parts.append(f'<polygon class="area {first.look}" points="{xs[0]},{y(0)} {area} {xs[-1]},{y(0)}"/>')
    ends = _apart([y(line.values[-1]) for line in lines], _TOP + plot)
    for line, end in zip(lines, ends, strict=True):
        points = " ".join(f"{x},{y(value)}" for x, value in zip(xs, line.values, strict=True))
        parts.append(f'<polyline class="line {line.look}" points="{points}"/>')
        parts.append(_text(line.label, right + 10, end + 4, f"label {line.look}"))
    return _svg(title, told, WIDE, height, parts)


def fall_chart(title: Said, told: Said, bars: Sequence[Bar]) -> Markup:
    """A waterfall: sums stand on the axis, changes hang between them; amounts in micro."""
    height, plot = 320, 320 - _TOP - _BOTTOM
    spans, level = [], 0
    for bar in bars:
        start = 0 if bar.is_sum else level
        level = bar.amount_micro if bar.is_sum else level + bar.amount_micro
        spans.append((start, level))
    edges = [edge for span in spans for edge in span]
    low, high, ticks = _scale(min(0, *edges), max(edges))
    y = _height(plot, low, high)
    slot = (WIDE - _LEFT - _RIGHT) // len(bars)
    wide = slot * 62 // 100

    parts = list(_grid(ticks, y, WIDE - _RIGHT))
    for index, (bar, (start, end)) in enumerate(zip(bars, spans, strict=True)):
        x, top, bottom = _LEFT + slot * index + (slot - wide) // 2, y(max(start, end)), y(min(start, end))
        look = "sum" if bar.is_sum else "up" if bar.amount_micro >= 0 else "down"
        parts.append(f'<rect class="{look}" x="{x}" y="{top}" width="{wide}" height="{max(bottom - top, 2)}" rx="2"/>')
        if index + 1 < len(bars):
            parts.append(f'<line class="link" x1="{x + wide}" x2="{x + slot}" y1="{y(end)}" y2="{y(end)}"/>')
        middle = x + wide // 2
        parts.append(_text(compact(bar.amount_micro), middle, top - 7, "value mid"))
        parts.append(_text(bar.label, middle, height - 14, "label mid"))
    return _svg(title, told, WIDE, height, parts)


def trend(title: Said, told: Said, values: Sequence[int | None]) -> Markup:
    """Small bars, a month each; where there is no month there is no bar."""
    width, height, slot = 300, 72, 300 // max(len(values), 1)
    known = [value for value in values if value is not None]
    low, high = min(0, *known), max(0, *known)
    span = (high - low) or 1
    zero = 4 + (height - 8) * high // span
    parts = [f'<line class="grid" x1="0" x2="{width}" y1="{zero}" y2="{zero}"/>']
    for index, value in enumerate(values):
        if value is None:
            continue
        size = max((height - 8) * abs(value) // span, 1)
        look = "down" if value < 0 else "sum" if index == len(values) - 1 else "past"
        top = zero if value < 0 else zero - size
        parts.append(
            f'<rect class="{look}" x="{slot * index + 3}" y="{top}" width="{slot - 6}" height="{size}" rx="2"/>'
        )
    return _svg(title, told, width, height, parts)


def share_bar(part: int, whole: int, look: str) -> Markup:
    """A lying bar for a row whose label and value stand beside it in words, so it is hidden from readers of words."""
    width = 1000 * max(part, 0) // whole if whole > 0 else 0
    width = max(width, 3) if part > 0 else width
    return Markup(
        '<svg class="bar" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="rail" width="1000" height="8"/><rect class="{look}" width="{width}" height="8"/></svg>'
    )


def compact(micro: int) -> Said:
    """An amount of money that is read off a chart: 12.3万, 123K; small ones to the yuan."""
    return Said(*(_compact(micro, units) for units in _UNITS))


def _compact(micro: int, units: Sequence[tuple[int, str]]) -> str:
    sign = MINUS if micro < 0 else ""
    for size, name in units:
        if abs(micro) >= size * MICRO_PER_YUAN:
            hundredths = round_ratio(abs(micro), size * MICRO_PER_YUAN // 100)
            whole, rest = divmod(hundredths, 100)
            point = f".{rest:02d}".rstrip("0") if rest and whole < _EXACT_BELOW else ""
            return f"{sign}{whole:,}{point}{name}"
    yuan = round_ratio(abs(micro), MICRO_PER_YUAN)
    return f"{sign if yuan else ''}{yuan:,}"


def _scale(low: int, high: int) -> tuple[int, int, list[int]]:
    """Round ends around the amounts, and the ticks between them."""
    step, rough = MICRO_PER_YUAN, max((high - low) // _TICKS, MICRO_PER_YUAN)
    while step * 10 <= rough:
        step *= 10
    step = next(step * times // 2 for times in (2, 4, 5, 10, 20) if step * times // 2 >= rough)
    first = low // step * step
    last = max(-(-high // step), first // step + 1) * step
    return first, last, list(range(first, last + 1, step))


def _height(plot: int, low: int, high: int) -> Callable[[int], int]:
    """Where an amount stands in a chart whose plot is so high."""
    return lambda amount: _TOP + plot * (high - amount) // (high - low)


def _grid(ticks: Sequence[int], y: Callable[[int], int], right: int) -> Iterator[str]:
    for tick in ticks:
        at = y(tick)
        yield f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{at}" y2="{at}"/>'
        yield _text(compact(tick), _LEFT - 8, at + 4, "tick end")


def _apart(ends: Sequence[int], lowest: int) -> list[int]:
    """Labels at the ends of lines, moved so that no two lie on each other, nor one on the marks below the plot."""
    order = sorted(range(len(ends)), key=lambda index: ends[index])
    placed = list(ends)
    for above, below in pairwise(order):
        placed[below] = max(placed[below], placed[above] + _LABEL)
    for index in reversed(order):
        placed[index] = min(placed[index], lowest)
        lowest = placed[index] - _LABEL
    return placed


def _text(said: Said, x: int, y: int, look: str) -> str:
    return f'<text class="{look}" x="{x}" y="{y}"{said.attribute()}>{escape(said.own)}</text>'


def _svg(title: Said, told: Said, width: int, height: int, parts: Sequence[str]) -> Markup:
    head = f"<title{title.attribute()}>{escape(title.own)}</title><desc{told.attribute()}>{escape(told.own)}</desc>"
    return Markup(f'<svg viewBox="0 0 {width} {height}" role="img">{head}{"".join(parts)}</svg>')
