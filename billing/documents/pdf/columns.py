"""How wide the columns of a grid are, worked out from its texts in whole numbers, so that nothing is printed outside.

Numbers and short texts get what they need; what is left goes to the long texts, which wrap. When that does not fit,
headings take more lines, then the print gets smaller, and in the end words are broken anywhere.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product

PAGE_WIDTH = 493_000
"""Width between the margins: 174 mm in thousandths of a point."""
PADDING = 10_500
SIZES = (85, 80, 75, 70, 65, 60)
"""Sizes of print, tenths of a point, the best first."""
LONGEST_WORD = 20
BREAK = "\u200b"
"""Where a line may be broken inside a word; it has no width and no ink."""

WIDE = 1_000
_WIDTHS = {chr(code): 600 for code in range(0x20, 0x250)} | {"\u2212": 600, BREAK: 0}
_WIDTHS |= dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZ", 710) | dict.fromkeys("mwMW%@&¼½¾©®ÆŒ", 1_010)
_WIDTHS |= dict.fromkeys(" ,.:;!|'`ijlftrI()[]", 400)
"""Widths of bold characters in thousandths of the size of print, rounded up; of all others, as of Chinese, `WIDE`."""

_SHORT = 12 * WIDE
_SHORT_HEADING = 5 * WIDE
_WHOLE, _ROOMY, _TIGHT = 24 * WIDE, 11 * WIDE, 4 * WIDE
"""What a long text asks for: not to wrap, to wrap well, to be there at all."""
_TRIED = ((85, _WHOLE), (80, _WHOLE), *product(SIZES, (_ROOMY, _TIGHT)))
_WORDS = re.compile(r"[^\s\u2e80-\uffef-]+-?|[\u2e80-\uffef]")
_UNIT = re.compile(r"(.+?)([(（][^(（]{1,12}[)）])")


@dataclass(frozen=True)
class Layout:
    """Size of print in tenths of a point, widths that add up to the page, and how long an unbroken word may be."""

    size: int
    widths: Sequence[int]
    word: int


@dataclass(frozen=True)
class Texts:
    """A column: its heading, its texts, small texts below them, whether it is of numbers, the part of width it asks."""

    heading: str
    texts: Sequence[str]
    below: Sequence[str]
    is_number: bool
    share: int

    @cached_property
    def widest(self) -> int:
        """Width of the widest text."""
        return max(map(text_width, self.texts), default=0)

    @cached_property
    def wished(self) -> int:
        """Width in which nothing of it wraps."""
        return max(self.widest, max(map(text_width, self.below), default=0))

    @property
    def is_long(self) -> bool:
        """Whether it may wrap."""
        return not self.is_number and (self.share > 0 or self.wished > _SHORT)

    @property
    def weight(self) -> int:
        """Its part of what is left of the page when every column has what it needs."""
        return (self.share or self.wished // WIDE) if self.is_long else 0

    def least(self, asked: int) -> int:
        """What it needs in thousandths of the size of print, if a long text may ask for so much."""
        heading = _several_lines(self.heading) if asked == _TIGHT else _two_lines(self.heading)
        words = max(heading, _longest_word(self.below))
        if not self.is_long:
            return max(words, self.widest)
        return max(words, min(self.wished, asked), _longest_word(self.texts))


def text_width(text: str) -> int:
    """How wide a text is at most, in thousandths of the size of print."""
    return sum([_WIDTHS.get(sign, WIDE) for sign in text])


def breakable(text: str, word: int = LONGEST_WORD) -> str:
    """A text whose words longer than `word` characters may be broken anywhere."""
    if len(text) <= word:
        return text
    return re.sub(rf"[^\s\u2e80-\uffef]{{{word + 1},}}", lambda run: BREAK.join(run[0]), text)


def parts(heading: str) -> tuple[str, str]:
    """A heading, and apart from it the unit in brackets at its end, which is never broken: 金额, (元)."""
    found = _UNIT.fullmatch(heading)
    return (found[1], found[2]) if found else (heading, "")


def grid_layout(columns: Sequence[Texts]) -> Layout:
    """Widths for the columns of a grid."""
    for size, asked in _TRIED:
        widths = [column.least(asked) * size // 10 + PADDING for column in columns]
        if sum(widths) <= PAGE_WIDTH:
            return Layout(size, _spread(widths, [column.weight for column in columns]), LONGEST_WORD)
    return Layout(SIZES[-1], [PAGE_WIDTH // len(columns)] * len(columns), 1)


def _spread(widths: Sequence[int], weights: Sequence[int]) -> list[int]:
    """Widths with what is left of the page given out by weight, evenly where no column has any."""
    if not any(weights):
        weights = [1] * len(widths)
    left, whole = PAGE_WIDTH - sum(widths), sum(weights)
    ends = [left * sum(weights[:place]) // whole for place in range(len(weights) + 1)]
    return [width + end - start for width, (start, end) in zip(widths, pairwise(ends), strict=True)]


def _two_lines(heading: str) -> int:
    """A long heading takes two lines: its unit goes to the second, or half of it; no word is broken."""
    whole = text_width(heading)
    if whole <= _SHORT_HEADING:
        return whole
    words, unit = parts(heading)
    return max(map(text_width, (words, unit))) if unit else max(_longest_word((heading,)), whole // 2 + WIDE)


def _several_lines(heading: str) -> int:
    words, unit = parts(heading)
    return max(_longest_word((words,)), text_width(unit))


def _longest_word(texts: Sequence[str]) -> int:
    runs = (run for text in texts for run in _WORDS.findall(text))
    return max((text_width(run[:LONGEST_WORD]) for run in runs), default=0)
