"""What a table is: a class whose attributes are its columns.

A column is a string (its name), so `pl.col(Cdr.talk_ms)` and `on=[Cdr.cdr_id]` work, and it knows its type, words and
unit. Every stored table is forced through `conform`, so a type never drifts and no integer is narrower than 64 bits.
"""

import functools
from typing import Any, ClassVar

import polars as pl
import pyarrow as pa

MICRO_YUAN = "1e-6 CNY"
FEN_UNITS = "1e-6 CNY, whole fen"


class Column(str):
    """A column name that carries its type, description (English, Chinese) and unit."""

    dtype: pl.DataType
    en: str
    zh: str
    unit: str

    def __new__(cls, name: str, dtype: pl.DataType, en: str, zh: str, unit: str = "") -> "Column":
        """A column; `unit` is empty where the value has none."""
        column = super().__new__(cls, name)
        column.dtype, column.en, column.zh, column.unit = dtype, en, zh, unit
        return column

    @property
    def is_money(self) -> bool:
        """Whether the column holds millionths of a yuan."""
        return self.unit in (MICRO_YUAN, FEN_UNITS)

    @property
    def is_fen(self) -> bool:
        """Whether the money is always whole fen, so it is published with two places."""
        return self.unit == FEN_UNITS


class _Declared:
    """A column before it knows its name: the attribute gives it."""

    def __init__(self, dtype: pl.DataType, en: str, zh: str, unit: str) -> None:
        self.dtype, self.en, self.zh, self.unit = dtype, en, zh, unit


def column(dtype: Any, en: str, zh: str, unit: str = "") -> Any:  # noqa: ANN401 - becomes a Column
    """Declare a column of a table class."""
    return _Declared(dtype() if isinstance(dtype, type) else dtype, en, zh, unit)


def text(en: str, zh: str) -> Any:  # noqa: ANN401
    """A text column."""
    return column(pl.String, en, zh)


def integer(en: str, zh: str, unit: str) -> Any:  # noqa: ANN401
    """A 64-bit count or measure."""
    return column(pl.Int64, en, zh, unit)


def money(en: str, zh: str) -> Any:  # noqa: ANN401
    """Money to the millionth of a yuan."""
    return column(pl.Int64, en, zh, MICRO_YUAN)


def fen(en: str, zh: str) -> Any:  # noqa: ANN401
    """Money in whole fen, kept in millionths of a yuan like all money."""
    return column(pl.Int64, en, zh, FEN_UNITS)


def day(en: str, zh: str) -> Any:  # noqa: ANN401
    """A calendar day."""
    return column(pl.Date, en, zh)


def instant(en: str, zh: str) -> Any:  # noqa: ANN401
    """A civil time in Asia/Shanghai, to the millisecond."""
    return column(pl.Datetime("ms"), en, zh, "Asia/Shanghai")


class Table:
    """Base of every table: `name`, `key`, a description, and columns as attributes."""

    name: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
    en: ClassVar[str]
    zh: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]

    def __init_subclass__(cls) -> None:
        """Give every declared column its attribute's name; a table made of another has that one's columns first."""
        columns: list[Column] = list(getattr(cls, "columns", ()))
        for name, declared in list(vars(cls).items()):
            if isinstance(declared, _Declared):
                named = Column(name, declared.dtype, declared.en, declared.zh, declared.unit)
                setattr(cls, name, named)
                columns.append(named)
        cls.columns = tuple(columns)

    @classmethod
    @functools.cache
    def schema(cls) -> pl.Schema:
        """Column names and types, in order."""
        return pl.Schema({str(column): column.dtype for column in cls.columns})

    @classmethod
    @functools.cache
    def arrow_schema(cls) -> pa.Schema:
        """The schema with description and unit on every field, as it is written to Parquet."""
        types = cls.empty().to_arrow().schema
        fields = [
            types.field(str(column)).with_metadata({"description": column.en, "unit": column.unit})
            for column in cls.columns
        ]
        return pa.schema(fields)

    @classmethod
    def empty(cls) -> pl.DataFrame:
        """No rows."""
        return pl.DataFrame(schema=cls.schema())

    @classmethod
    def conform(cls, frame: pl.DataFrame) -> pl.DataFrame:
        """Exactly this table's columns, order and types.

        Raises:
            ValueError: a column is missing or of a type that would lose something; integers may only be widened.
        """
        return cls.conform_lazy(frame.lazy()).collect()

    @classmethod
    def conform_lazy(cls, frame: pl.LazyFrame) -> pl.LazyFrame:
        """`conform` for a lazy frame; the check reads the plan's schema, no rows."""
        found = frame.collect_schema()
        missing = [column for column in cls.columns if column not in found]
        if missing:
            raise ValueError(f"table {cls.name} lacks {', '.join(missing)}")
        lossy = [column for column in cls.columns if not _fits(found[column], column.dtype)]
        if lossy:
            kinds = ", ".join(f"{column} is {found[column]}" for column in lossy)
            raise ValueError(f"table {cls.name}: {kinds}")
        return frame.select(pl.col(str(column)).cast(column.dtype) for column in cls.columns)

    @classmethod
    def of_rows(cls, rows: list[dict[str, Any]]) -> pl.DataFrame:
        """A frame of this table from dictionaries that have exactly its columns."""
        return pl.DataFrame(rows, schema=cls.schema(), orient="row") if rows else cls.empty()


def _fits(found: pl.DataType, wanted: pl.DataType) -> bool:
    """Whether a cast keeps every value: the type itself, nulls, a narrower integer, a time of another precision."""
    if found in (wanted, pl.Null):
        return True
    if isinstance(wanted, pl.Int64):
        return found.is_integer()
    return isinstance(wanted, pl.Datetime) and isinstance(found, pl.Datetime) and found.time_zone is None
