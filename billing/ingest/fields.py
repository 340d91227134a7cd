"""Cells to values: text becomes times, milliseconds, numbers and outcomes, or is marked as unreadable.

Pure `LazyFrame -> LazyFrame` steps over one frame that holds the cells (`cell:<column>`), the values by the name of
their field, and `bad_<field>`: the cell is not empty and has another form than the declared one. Nothing is guessed.
Each step adds plain columns for the next: an expression nested in another would be computed again at every mention.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import polars as pl

from billing.core.period import ZONE
from billing.ingest.layout import EPOCHS, NUMBERS, TIMES, CallClassWords, FieldForm, Layout, OutcomeWords
from billing.ingest.lines import CELL
from billing.ingest.numbers import UNREADABLE, normal_numbers
from billing.ingest.times import has_offset, plain_width, time_pattern
from billing.tables.calls import Cdr

IS_NOT_OURS = "is_not_ours"
READ_ORDER = ("call_id", *NUMBERS, *TIMES, "talk_ms", "call_class", "outcome")
ANSWERED = ("answered", "ivr_only")
SERVICE_NUMBER = "service_number"
DIGITS_LIMIT = 13
"""Digits of a whole number: more are no duration and no time, and products stay far from 64 bits."""
MICROSECOND_DIGITS = 16
CLOCK_START, CLOCK_END = dt.date(2000, 1, 1), dt.date(2100, 1, 1)
"""Outside these a clock was read in the wrong unit, or was never set."""
CLOCKS_AGREE_MS = 2000
"""How far a stated duration and its times may differ, both cut to seconds; the gate's rule says the same."""
_NO_ID = r'^[0-9]+(?:[.,][0-9]+)?[Ee][+][0-9]{1,3}$|^="'
_OFFSET_MS = 8 * 3600 * 1000
"""Asia/Shanghai against UTC, without change in all the years a clock may show."""


def named_fields(layout: Layout) -> list[str]:
    """The fields that a cell of the file can make unreadable, in the order of the table's columns."""
    always = {"call_id", "outcome"} | ({"call_class"} if layout.call_class else set())
    return [name for name in READ_ORDER if name in layout.fields or name in always]


def read_values(cells: pl.LazyFrame, layout: Layout) -> pl.LazyFrame:
    """Add every field in its type: null where the cell is empty or unreadable, or the layout has no such field.

    Telephone numbers are added as received; `read_numbers` gives them their form.
    """
    id_column, rule = layout.identity.column, layout.not_ours
    absent = [name for name in (*NUMBERS, *TIMES, "talk_ms") if name not in layout.fields]
    not_ours = pl.col(CELL + rule.column).is_in(rule.values) if rule else pl.lit(False)
    return cells.with_columns(
        (_call_id(layout, id_column) if id_column else pl.lit(None, pl.String)).alias("call_id"),
        *(_value(field, layout.zone).alias(name) for name, field in layout.fields.items()),
        *(pl.lit(None, Cdr.schema()[name]).alias(name) for name in absent),
        _word(layout.outcome).alias("outcome"),
        (_word(layout.call_class) if layout.call_class else pl.lit(None, pl.String)).alias("call_class"),
        not_ours.alias(IS_NOT_OURS),
    )


def number_fields(layout: Layout) -> list[str]:
    """The fields that hold telephone numbers in need of one form."""
    return [name for name in NUMBERS if name in layout.fields and layout.fields[name].form == "number"]


def read_numbers(read: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Give numbers their normal form; one that makes no sense is `UNREADABLE`, null is a caller that was withheld."""
    return read.with_columns(normal_numbers(read[name], name == SERVICE_NUMBER) for name in number_fields(layout))


def mark_bad(read: pl.LazyFrame, layout: Layout, names: Sequence[str], *, careful: bool = True) -> pl.LazyFrame:
    """Add `bad_<field>` for some named fields; never null where the cells are not null.

    Where it is not careful, a value that is unusual but good may be marked, never one that is bad left unmarked.
    """
    return read.with_columns(_is_bad(name, layout, careful).alias(f"bad_{name}") for name in names)


def derive(read: pl.LazyFrame, layout: Layout) -> pl.LazyFrame:
    """Times and talk the layout says to compute from the others."""
    rules = layout.derived
    talk = pl.duration(milliseconds=pl.col("talk_ms"), time_unit="ms")
    derived = []
    if rules.answered_at:
        derived.append(pl.when(pl.col("talk_ms") > 0).then(pl.col("ended_at") - talk).alias("answered_at"))
    if rules.ended_at:
        first = pl.coalesce("answered_at", "started_at") if rules.ended_at == "start + talk" else pl.col("answered_at")
        derived.append((first + talk).alias("ended_at"))
    if rules.talk_ms:
        derived.append((pl.col("ended_at") - pl.col("answered_at")).dt.total_milliseconds().alias("talk_ms"))
    return read.with_columns(derived)


def settle_outcome(read: pl.LazyFrame, layout: Layout) -> pl.LazyFrame:
    """Whether the call was answered, by the layout's rule; an answer time and talk only where it was.

    A call that was not answered and yet has talk keeps both, so that a rule of the gate can hold it back.
    """
    answered_by = {"talk": pl.col("talk_ms") > 0, "answer_time": pl.col("answered_at").is_not_null()}
    if (by := answered_by.get(layout.outcome.answered_by)) is not None:
        # Where talk tells, and the file leaves it out, nothing tells; its word would be that of a call without talk.
        is_open = by.is_null() if "talk_ms" in layout.fields else pl.lit(value=False)
        outcome = pl.when(by).then(pl.lit("answered")).when(~is_open).then(pl.col("outcome"))
        bad = (pl.col("bad_outcome") & ~by.fill_null(False)) | is_open
        read = read.with_columns(outcome.alias("outcome"), bad.alias("bad_outcome"))
    talk, was_answered = pl.col("talk_ms"), pl.col("outcome").is_in(ANSWERED)
    return (
        read.with_columns(was_answered.alias("was_answered"))
        .with_columns(
            pl.when(pl.col("was_answered") | (talk > 0)).then(pl.col("answered_at")).alias("answered_at"),
            pl.when(pl.col("outcome") != "answered").then(talk.fill_null(0)).otherwise(talk).alias("talk_ms"),
        )
        .with_columns(_settled_talk(layout).alias("talk_ms"))
    )


def _settled_talk(layout: Layout) -> pl.Expr:
    """Talk of an answered call: from answer to end where both stand; the file's duration where one is missing.

    Where the two differ by more than clocks explain, the file's is kept beside the times, and a rule holds the call.
    """
    talk = pl.col("talk_ms")
    has_none = "talk_ms" not in layout.fields
    if has_none or layout.derived.talk_ms or layout.derived.answered_at or layout.derived.ended_at:
        return talk
    lasted = (pl.col("ended_at") - pl.col("answered_at")).dt.total_milliseconds()
    agrees = ((lasted - talk).abs() <= CLOCKS_AGREE_MS).fill_null(lasted.is_not_null())
    is_stated = (pl.col("outcome") == "answered") & ~pl.col("bad_talk_ms")
    return pl.when(is_stated & agrees).then(lasted).otherwise(talk)


def _word(rule: OutcomeWords | CallClassWords) -> pl.Expr:
    """What a word stands for; null where the table does not have it, and for an empty cell that tells no class.

    Compared word by word: `replace_strict` builds its table anew for every small batch (measured: five times slower).
    """
    word = pl.col(CELL + rule.column)
    found: Any = pl
    if isinstance(rule, CallClassWords):
        found = found.when(word == "").then(pl.lit(None, pl.String))
    for text, meaning in rule.words.items():
        found = found.when(word == text).then(pl.lit(meaning))
    chain: pl.Expr = found.otherwise(pl.lit(rule.other, pl.String))
    return chain


def normalised(cell: pl.Expr, layout: Layout, column: str) -> pl.Expr:
    """A cell of the column with the call id in the one form the layout wants; cells of other columns as they are."""
    if column == layout.identity.column:
        if "remove_blanks" in layout.identity.normalise:
            cell = cell.str.replace_all(r"\s+", "")
        if "upper" in layout.identity.normalise:
            cell = cell.str.to_uppercase()
    return cell


def _call_id(layout: Layout, column: str) -> pl.Expr:
    """The source's own id, null when the cell is empty."""
    call_id = normalised(pl.col(CELL + column), layout, column)
    return pl.when(call_id != "").then(call_id) if layout.identity.normalise else _filled(column)


def _filled(column: str) -> pl.Expr:
    """A cell, null when it is empty."""
    return pl.when(pl.col(CELL + column) != "").then(pl.col(CELL + column))


def _value(field: FieldForm, zone: str) -> pl.Expr:
    """A cell in its declared form; null when it is empty or has another form."""
    cell = pl.col(CELL + field.column)
    if field.form in ("number", "text"):
        return _filled(field.column)
    if field.form in EPOCHS:
        count = _digits(cell)
        instant = {"epoch_s": count * 1000, "epoch_ms": count, "epoch_us": count // 1000}[field.form]
        return (instant + _OFFSET_MS).cast(pl.Datetime("ms"))
    if field.form in ("seconds", "milliseconds"):
        return _digits(cell) * (1000 if field.form == "seconds" else 1)
    if has_offset(field.form):
        instant = cell.str.to_datetime(field.form, strict=False, time_unit="ms", time_zone="UTC")
        return instant.dt.convert_time_zone(ZONE).dt.replace_time_zone(None)
    instant = cell.str.to_datetime(field.form, strict=False, time_unit="ms")
    if zone == ZONE:
        return instant
    instant = instant.dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    return instant.dt.convert_time_zone(ZONE).dt.replace_time_zone(None)


def _digits(cell: pl.Expr) -> pl.Expr:
    """A whole number; what `_is_bad_digits` catches beside it is of no account."""
    return cell.cast(pl.Int64, strict=False)


def _is_bad_digits(cell: pl.Expr, value: pl.Expr, limit: int = DIGITS_LIMIT) -> pl.Expr:
    """Whether a cell is more or less than a few ASCII digits: `+5`, `-0`, `1e5`, `5.0`, `007`, none of them is read.

    A leading 0 is refused since 000126 is 126 seconds or 1 min 26 s; signs sort before the digits.
    """
    is_bare = (cell >= "1") | (cell == "0")
    return (cell != "") & (value.is_null() | ~is_bare | (cell.str.len_bytes() > limit))


def _midnight(day: dt.date) -> pl.Expr:
    return pl.lit(day).cast(pl.Datetime("ms"))


def _is_bad(name: str, layout: Layout, careful: bool) -> pl.Expr:
    value = pl.col(name)
    if name == "outcome":
        return value.is_null()
    if name == "call_class":
        assert layout.call_class is not None, "the field is named by its rule"
        return value.is_null() & (pl.col(CELL + layout.call_class.column) != "")
    if name == "call_id":
        # What a spreadsheet makes of a long id, its digits are gone; and how it guards one, so that it is another text.
        # Unless it is careful it looks for two characters only: a table of texts is built anew for every small batch.
        suspect = value.str.contains("+", literal=True) | value.str.starts_with("=")
        return (value.str.contains(_NO_ID) if careful else suspect).fill_null(False)
    field = layout.fields[name]
    cell = pl.col(CELL + field.column)
    if name in NUMBERS:
        return (value == UNREADABLE).fill_null(False)
    if name == "talk_ms":
        return _is_bad_digits(cell, value)
    is_off = ~value.is_between(_midnight(CLOCK_START), _midnight(CLOCK_END), closed="left").fill_null(True)
    if field.form in EPOCHS:
        # Zero is how switches write `never`.
        limit = MICROSECOND_DIGITS if field.form == "epoch_us" else DIGITS_LIMIT
        return _is_bad_digits(cell, value, limit) | (is_off & (cell != "0"))
    return ((cell != "") & (value.is_null() | _has_other_form(cell, field.form, careful))) | is_off


def _has_other_form(cell: pl.Expr, form: str, careful: bool) -> pl.Expr:
    """Whether a time is written in another form than the declared one, which its parser may not mind."""
    if not careful and (width := plain_width(form)):
        # A 60th second would slip into the next minute, and with it into the next day or month.
        return (cell.str.len_bytes() != width) | cell.str.ends_with("60")
    return ~cell.str.contains(time_pattern(form))
