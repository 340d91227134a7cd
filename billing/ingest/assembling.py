"""How a layout says that several records tell one call: pieces of a long call, events, legs, corrected records.

Words of the file become roles here; what is made of them is the business of `billing.assembly`.
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

WAIT_HOURS = 48


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PieceNumber(_Strict):
    """The column with the number of a piece, and the number of the first one."""

    column: str
    first: int = Field(default=1, ge=0, le=1)


class PlaceWords(_Strict):
    """The source's words for where in its call a piece stands; an empty cell may be a word, too."""

    column: str
    words: dict[str, Literal["single", "first", "middle", "last"]] = Field(min_length=1)


class RoleWords(_Strict):
    """The source's words for what an event tells; `none` is one that adds nothing."""

    column: str
    words: dict[str, Literal["start", "end", "cancel", "none"]] = Field(min_length=1)


class Pieces(_Strict):
    """A long call comes in pieces, one after the other in time."""

    kind: Literal["pieces"]
    by: list[str] = Field(min_length=1)
    place: PlaceWords
    number: PieceNumber | None = None
    wait_hours: int = Field(default=WAIT_HOURS, ge=1, le=744)

    def columns(self) -> list[str]:
        """The columns it reads beside `by`."""
        return [self.place.column, *([self.number.column] if self.number else [])]

    @model_validator(mode="after")
    def _has_ends(self) -> Self:
        meanings = set(self.place.words.values())
        if "last" not in meanings:
            raise ValueError("place.words has no word for the last piece")
        if self.number is None and "first" not in meanings:
            raise ValueError("without number, place.words needs a word for the first piece")
        return self


class Events(_Strict):
    """A call is told by what happened: it began, it ended."""

    kind: Literal["events"]
    by: list[str] = Field(min_length=1)
    role: RoleWords
    wait_hours: int = Field(default=WAIT_HOURS, ge=1, le=744)

    def columns(self) -> list[str]:
        """The columns it reads beside `by`."""
        return [self.role.column]

    @model_validator(mode="after")
    def _has_ends(self) -> Self:
        if missing := {"start", "end"} - set(self.role.words.values()):
            raise ValueError(f"role.words has no word for {', '.join(sorted(missing))}")
        return self


class Legs(_Strict):
    """Every leg of a call has a record; one of them is charged.

    Attributes:
        charged: `answered` (of several the one with most talk, of none the earliest), `earliest`, or `ours`: as
            `answered`, but only among legs to a number that may be ours.
    """

    kind: Literal["legs"]
    by: list[str] = Field(min_length=1)
    charged: Literal["answered", "earliest", "ours"]

    def columns(self) -> list[str]:
        """The columns it reads beside `by`."""
        return []


Assemble = Pieces | Events | Legs


class Corrections(_Strict):
    """A record may come again corrected: of several tellings the one with the highest number holds."""

    column: str
    newest: Literal["highest"]
