"""What a document says, before it is a PDF or a workbook: values with their kinds, words in one language.

A document is made once from the tables; everything that prints it reads this and nothing else, so a PDF and its
workbook cannot tell different amounts. Values stay what they are (money in millionths of a yuan, shares in basis
points); `printed.py` says how each kind is written.
"""

import datetime as dt
import functools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from billing.core.digests import json_sha256

Kind = Literal["text", "count", "money", "price", "percent", "seconds", "date"]
"""text, count (whole number), money (micro, whole fen), price (micro, as many places as it needs), percent (basis
points), seconds, date."""
Value = str | int | dt.date | None
Lang = Literal["zh", "en"]
Standing = Literal["draft", "final", "reprint"]


@dataclass(frozen=True)
class Field:
    """A label and a value beside it."""

    label: str
    value: Value
    kind: Kind = "text"


@dataclass(frozen=True)
class Figure:
    """An amount that is read first; the strong one is what is to be paid."""

    label: str
    value: int
    kind: Kind = "money"
    strong: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a grid: numbers stand right, text left; `share` is its part of the width, text columns only.

    A column that is `under` another is one of its own in a workbook; on paper its value stands small below that of the
    column before, and its heading is left out.
    """

    heading: str
    kind: Kind = "text"
    share: int = 0
    under: bool = False


@dataclass(frozen=True)
class Grid:
    """A table with a title; `totals` is its last line. `sheet` names the sheet of its own it has in the workbook.

    `limit` is how many rows paper shows; of a longer grid it has so many and says that the workbook has all. With 0
    paper has the title and that pointer only.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    totals: Sequence[Value] | None = None
    note: str = ""
    sheet: str = ""
    limit: int = 2_000


@dataclass(frozen=True)
class Bars:
    """A small chart of one measure; `told` says in words what it shows. `lying` bars have long labels.

    A bar without a value is of a time that nothing is known of.
    """

    title: str
    told: str
    bars: Sequence[tuple[str, int | None]]
    kind: Kind = "count"
    marked: str = ""
    lying: bool = False


@dataclass(frozen=True)
class Meter:
    """How much of something is used; both in the same kind."""

    label: str
    used: int
    total: int
    kind: Kind
    told: str = ""


@dataclass(frozen=True)
class Meters:
    """Meters under a title."""

    title: str
    meters: Sequence[Meter]


@dataclass(frozen=True)
class Step:
    """A line of a ladder: + adds, - takes away, = is the sum of what stands above it, no sign tells only.

    The value is signed as it adds up, so that of a `-` step is below zero; paper has the sign before it.
    """

    label: str
    value: int
    sign: Literal["+", "-", "=", ""]
    told: str = ""


@dataclass(frozen=True)
class Ladder:
    """From one amount to another, step by step."""

    title: str
    steps: Sequence[Step]


@dataclass(frozen=True)
class Notes:
    """Paragraphs of words."""

    title: str
    lines: Sequence[str]


Section = Grid | Bars | Meters | Ladder | Notes


@dataclass(frozen=True)
class Document:
    """A document for one recipient.

    Attributes:
        kind: bill, statement, settlement, credit_note, or the cover list of bills that are printed for us.
        recipient_id: customer, agent or carrier.
        recipient_name: as it is printed.
        period: billing period, 2026-10.
        lang: zh or en.
        standing: draft, final, or a reprint of a final document.
        issued_on: the first day after the period; no clock.
        title: what it is.
        subtitle: what it is not, or of which business.
        seller: our side: name first.
        recipient: their side: name first.
        particulars: number, period, dates.
        figures: what is read first.
        capitals: the amount to be paid in Chinese capitals, with its label.
        sections: in the order in which they are read.
        signatures: who signs, each a line to sign on.
    """

    kind: Literal["bill", "statement", "settlement", "credit_note", "cover"]
    recipient_id: str
    recipient_name: str
    period: str
    lang: Lang
    standing: Standing
    issued_on: dt.date
    title: str
    subtitle: str
    seller: Sequence[Field]
    recipient: Sequence[Field]
    particulars: Sequence[Field]
    figures: Sequence[Figure]
    capitals: Field | None = None
    sections: Sequence[Section] = ()
    signatures: Sequence[str] = field(default=())

    @functools.cached_property
    def check_code(self) -> str:
        """Twelve digits by which a PDF, its workbook and a reprint are seen to say the same; a draft has others."""
        told = asdict(self) | {"standing": "draft" if self.standing == "draft" else ""}
        return json_sha256(_plain(told))[:12]


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value of the model
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, dt.date) else value
