"""What a record that is not a call by itself says beside the columns of `Cdr`: whose part it is, and which.

Only layouts that put calls together (`assemble`, `corrections`) read these; for all others nothing is added.
"""

from collections.abc import Mapping

import polars as pl

from billing.ingest.assembling import Events, Legs, Pieces
from billing.ingest.fields import normalised
from billing.ingest.layout import NUMBERS, Layout
from billing.ingest.lines import CELL
from billing.tables.calls import Cdr, Waiting

KEY_SEPARATOR = "\x1f"
"""Between the cells of a key; no switch writes it into one."""
_WHOLE = "^[0-9]{1,15}$"


def record_table(layout: Layout) -> type[Cdr]:
    """What the records of a layout are rows of."""
    return Waiting if layout.is_assembled else Cdr


def text_columns(layout: Layout) -> list[str]:
    """Columns whose cells are compared as text, so that a blank around one matters."""
    if not layout.is_assembled:
        return []
    rule = _role_rule(layout)
    return [*layout.key_columns, *([rule[0]] if rule else [])]


def piece_columns(layout: Layout) -> dict[str, pl.Expr]:
    """The columns of `Waiting` that `Cdr` lacks, from cells without blanks around them; null where unreadable."""
    if not layout.is_assembled:
        return {}
    cells = [normalised(pl.col(CELL + column), layout, column) for column in layout.key_columns]
    is_told = pl.any_horizontal(cell != "" for cell in cells)
    number, correction = _number_column(layout), layout.corrections.column if layout.corrections else None
    return {
        Waiting.call_key: pl.when(is_told).then(pl.concat_str(cells, separator=KEY_SEPARATOR)),
        Waiting.piece_number: _whole_number(number),
        Waiting.role: _role(layout),
        Waiting.correction_number: _whole_number(correction),
    }


def bad_pieces(layout: Layout) -> dict[str, pl.Expr]:
    """By column, whether its cells cannot be read; nothing for a layout whose records are calls."""
    if not layout.is_assembled:
        return {}
    read = piece_columns(layout)
    bad = {str(Waiting.call_key): read[Waiting.call_key].is_null()}
    if not isinstance(layout.assemble, Legs | None):
        bad[Waiting.role] = read[Waiting.role].is_null()
    if number := _number_column(layout):
        # A call that was never cut needs no number.
        is_single = (read[Waiting.role] == "single") & (pl.col(CELL + number) == "")
        bad[Waiting.piece_number] = read[Waiting.piece_number].is_null() & ~is_single.fill_null(False)
    if layout.corrections:
        bad[Waiting.correction_number] = read[Waiting.correction_number].is_null()
    return bad


def matters(name: str, is_bad: pl.Expr, layout: Layout) -> pl.Expr:
    """Where a bad value of a field makes a record unreadable: always, unless the call takes that value from another.

    A leg may go to an extension, which is no number; what an end event says of numbers is not asked.
    """
    is_events = isinstance(layout.assemble, Events)
    if name == Cdr.service_number and (is_events or isinstance(layout.assemble, Legs)):
        # Whether the call that comes of it has a number of ours, a rule of the gate asks.
        return pl.lit(value=False)
    return is_bad & (_role(layout) == "start").fill_null(False) if is_events and name in NUMBERS else is_bad


def _number_column(layout: Layout) -> str | None:
    numbered = isinstance(layout.assemble, Pieces) and layout.assemble.number
    return numbered.column if numbered else None


def _whole_number(column: str | None) -> pl.Expr:
    if column is None:
        return pl.lit(None, pl.Int64)
    cell = pl.col(CELL + column)
    return pl.when(cell.str.contains(_WHOLE)).then(cell.cast(pl.Int64, strict=False))


def _role_rule(layout: Layout) -> tuple[str, Mapping[str, str]] | None:
    """The column that tells the role, and what its words mean."""
    if isinstance(layout.assemble, Pieces):
        return layout.assemble.place.column, layout.assemble.place.words
    return (layout.assemble.role.column, layout.assemble.role.words) if isinstance(layout.assemble, Events) else None


def _role(layout: Layout) -> pl.Expr:
    rule = _role_rule(layout)
    if rule is None:
        return pl.lit(None, pl.String)
    column, words = rule
    return pl.col(CELL + column).replace_strict(dict(words), default=None, return_dtype=pl.String)
