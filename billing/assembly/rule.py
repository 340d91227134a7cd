"""How the records of one source make calls, as its layout declares it."""

from dataclasses import dataclass
from typing import Literal

SEAM_MS = 2000
"""How far the end of a piece and the start of the next may lie apart, both cut to seconds."""


@dataclass(frozen=True)
class AssemblyRule:
    """How records make calls.

    Attributes:
        kind: what the records are; `tellings` are whole calls that a later record may correct.
        window_hours: records with one key that start so far apart are of two calls.
        first_number: number of the first piece, None where pieces are not numbered.
        charged: which leg is the call.
        is_corrected: whether of several tellings the one with the highest number holds.
    """

    kind: Literal["pieces", "events", "legs", "tellings"]
    window_hours: int
    first_number: int | None = None
    charged: Literal["answered", "earliest", "ours"] | None = None
    is_corrected: bool = False
