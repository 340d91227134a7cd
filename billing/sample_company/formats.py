"""The call columns as the lines of a file: a carrier's Chinese export, VOS3000, FreeSWITCH, or a plain CSV.

What is wrong with a call is wrong in its line: cut off, with fields too many, with a damaged or oddly spelled number.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import polars as pl
import yaml

from billing.sample_company import dirt
from billing.sample_company.call_columns import CALLER, DIRT, OUTCOME, SERIAL, SERVICE_NUMBER
from billing.sample_company.fields import Field, fields, leg_fields

LINE = "line"
CARRIER_FORMATS = ("carrier_400_zh", "vos3000", "freeswitch_csv")
"""Dealt out to the carriers in the order finance lists them."""
PLAIN = "plain_csv"
OUTBOUND_EVERY = 100
"""One in so many calls of a FreeSWITCH file is followed by the leg its platform dialled, which is no call of ours."""


@dataclass(frozen=True)
class FileFormat:
    """How one kind of file is written.

    Attributes:
        layout: id of the layout that reads it.
        name: file name with {days} as compact days.
        header: the column names.
        words: its words for outcomes.
        encoding, line_end, compression: of the file.
        is_quoted: every field stands in quotes.
        has_outbound: legs dialled by the platform are in the file too.
    """

    layout: str
    name: str
    header: tuple[str, ...]
    words: dict[str, str]
    encoding: str = "utf-8"
    line_end: str = "\n"
    compression: str = ""
    is_quoted: bool = False
    has_outbound: bool = False

    def header_line(self) -> bytes:
        """The first line of a file."""
        return (self._joined(self.header) + self.line_end).encode(self.encoding)

    def lines(self, calls: pl.DataFrame) -> pl.DataFrame:
        """One column, LINE: the file's line of every call, with what is wrong in it, and its dialled leg behind it."""
        intact = self._line(fields(self.layout, self.header, self.words))
        kind = pl.col(DIRT)
        line = (
            pl.when(kind == dirt.code("too_few_fields"))
            .then(intact.str.head(intact.str.len_chars() // 2))
            .when(kind == dirt.code("too_many_fields"))
            .then(pl.concat_str(intact, pl.lit("," + self._joined(("", "")))))
            .when(self.legs())
            .then(pl.concat_str(intact, pl.lit(self.line_end), self._line(leg_fields(self.header, self.words))))
            .otherwise(intact)
        )
        return calls.with_columns(_spelled_caller(), _spelled_number()).select(line.alias(LINE))

    def legs(self) -> pl.Expr:
        """Which calls are followed by the line of a leg the platform dialled; none where the format has no legs."""
        is_dialled = (pl.col(SERIAL) % OUTBOUND_EVERY == 0) & (pl.col(OUTCOME) == "answered")
        return pl.lit(self.has_outbound) & is_dialled & (pl.col(DIRT) == dirt.CLEAN)

    def _line(self, values: Sequence[Field]) -> pl.Expr:
        """The fields with separators and quotes between them; neighbouring texts are put together first."""
        quote = '"' if self.is_quoted else ""
        parts: list[pl.Expr] = []
        pending = quote
        for index, value in enumerate(values):
            pending += f"{quote},{quote}" if index else ""
            if isinstance(value, str):
                pending += value
                continue
            parts.extend((pl.lit(pending), value))
            pending = ""
        return pl.concat_str(*parts, pl.lit(pending + quote), ignore_nulls=True)

    def _joined(self, values: Sequence[str]) -> str:
        return ",".join(f'"{value}"' if self.is_quoted else value for value in values)


@functools.cache
def file_format(layout: str) -> FileFormat:
    """The format of a layout, from formats.yaml."""
    entries = yaml.safe_load(resources.files(__package__).joinpath("formats.yaml").read_text("utf-8"))
    return FileFormat(layout=layout, **(entries[layout] | {"header": tuple(entries[layout]["header"])}))


def _spelled_caller() -> pl.Expr:
    """Callers with a country code, and those a spreadsheet has damaged."""
    caller = pl.col(CALLER)
    prefix = pl.when(pl.col(SERIAL) % 2 == 0).then(pl.lit("+86")).otherwise(pl.lit("0086"))
    return (
        pl.when((pl.col(DIRT) == dirt.code("spelled_caller")) & (caller != ""))
        .then(pl.concat_str(prefix, caller.str.strip_prefix("0")))
        .when(pl.col(DIRT) == dirt.code("scientific_caller"))
        .then(pl.lit("1.38E+10"))
        .otherwise(caller)
        .alias(CALLER)
    )


def _spelled_number() -> pl.Expr:
    number, dash = pl.col(SERVICE_NUMBER), pl.lit("-")
    dashed = pl.concat_str(number.str.slice(0, 3), dash, number.str.slice(3, 3), dash, number.str.slice(6))
    is_spelled = pl.col(DIRT) == dirt.code("spelled_number")
    return pl.when(is_spelled).then(dashed).otherwise(number).alias(SERVICE_NUMBER)
