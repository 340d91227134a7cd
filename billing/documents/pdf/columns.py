"""How wide the columns of a grid are, worked out from its texts in whole numbers, so that nothing is printed outside.

Numbers and short texts get what they need; what is left goes to the long texts, which wrap. When that does not fit, the
grid is printed smaller, and in the end its words are broken anywhere.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

PAGE_WIDTH = 493_000
"""Width between the margins: 174 mm in thousandths of a point."""
PADDING = 10_300
SIZES = (85, 80, 75, 70, 65, 60)
"""Sizes of print, tenths of a point, in the order in which they are tried."""
BREAK = "\u200b"
"""Where a line may be broken inside a word; it has no width and no ink."""

_DIGIT, _POINT, _LATIN, _WIDE = 580, 320, 620, 1_000
"""Widths in thousandths of the size of print, bold, rounded up."""
_SHORT = 12_000
_LONGEST_WORD = 20
_LEAST = 4_500
_UNIT = re.compile(r"(.+)([(（].+[)）])")
_WORDS = re.compile(r"[^\s\u2e80-\uffef-]+-?|[\u2e80-\uffef]")


@dataclass(frozen=True)
class Layout:
    """Size of print in tenths of a point, widths that add up to the page, and how long an unbroken word may be."""

    size: int
    widths: Sequence[int]
    word: int


def text_width(text: str) -> int:
    """How wide a text is at most, in thousandths of the size of print."""
    if text.isascii():
        points = text.count(",") + text.count(".")
        letters = sum(map(str.isalpha, text))
        return _POINT * points + _LATIN * letters + _DIGIT * (len(text) - points - letters)
    return sum(_WIDE if ord(sign) > 0x2E7F else _LATIN for sign in text)


def breakable(text: str, word: int = _LONGEST_WORD) -> str:
    """A text whose words longer than `word` characters may be broken anywhere."""
    if len(text) <= word:
        return text
    return re.sub(rf"[^\s\u2e80-\uffef]{{{word + 1},}}", lambda run: BREAK.join(run[0]), text)


def grid_layout(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[bool], shares: Sequence[int]
) -> Layout:
    """Widths for a grid.

    Args:
        headings: of the columns.
        rows: every line of texts, that of the totals included.
        right: which columns hold numbers.
        shares: parts of the width that texts ask for; 0 for none.
    """
    widest = [max((text_width(row[place]) for row in rows), default=0) for place in range(len(headings))]
    is_long = [not right[place] and (shares[place] > 0 or widest[place] > _SHORT) for place in range(len(headings))]
    for word, sizes in ((_LONGEST_WORD, SIZES), (1, SIZES[-1:])):
        least = [
            max(_heading_width(heading), _longest_word([row[place] for row in rows], word) if long else widest[place])
            if word > 1
            else _LEAST
            for place, (heading, long) in enumerate(zip(headings, is_long, strict=True))
        ]
        for size in sizes:
            widths = [need * size // 10 + PADDING for need in least]
            if sum(widths) <= PAGE_WIDTH:
                return Layout(size, _spread(widths, _weights(is_long, shares, widest)), word)
    return Layout(SIZES[-1], [1] * len(headings), 1)


def _weights(is_long: Sequence[bool], shares: Sequence[int], widest: Sequence[int]) -> list[int]:
    """Who gets the width that is left: long texts by their shares, or all columns where none is long."""
    if not any(is_long):
        return [1] * len(is_long)
    return [
        share or max(width // _WIDE, 1) if long else 0
        for long, share, width in zip(is_long, shares, widest, strict=True)
    ]


def _spread(widths: Sequence[int], weights: Sequence[int]) -> list[int]:
    """Widths with what is left of the page given out by weight."""
    left, whole = PAGE_WIDTH - sum(widths), sum(weights)
    ends = [left * sum(weights[:place]) // whole for place in range(len(weights) + 1)]
    return [width + end - start for width, (start, end) in zip(widths, pairwise(ends), strict=True)]


def _heading_width(heading: str) -> int:
    """A long heading may take two lines: its unit goes to the second, or half of it; no word is broken."""
    whole = text_width(heading)
    if whole <= 5 * _WIDE:
        return whole
    if unit := _UNIT.fullmatch(heading):
        return max(map(text_width, unit.groups()))
    words = max((text_width(word) for word in _WORDS.findall(heading)), default=0)
    return max(words, whole // 2 + _WIDE)


def _longest_word(texts: Sequence[str], word: int) -> int:
    runs = (run for text in texts for run in _WORDS.findall(text))
    return max((text_width(run[:word]) for run in runs), default=_LEAST)
