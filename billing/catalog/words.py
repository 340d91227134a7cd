"""The header words of the catalog files, read from headers.yaml: which words mean which column and kind of value.

A header is one word, one meaning: where people write the same thing in two ways (first day outside, last valid day),
each way has its own header, so no value is ever guessed.
"""

import functools
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from billing.tables.catalog import CATALOG_TABLES
from billing.tables.schema import Column, Table

LANGUAGE_INDEX = {"en": 0, "zh": 1}
EXAMPLE_MARKS = ("EXAMPLE", "示例")
"""A row whose key begins so is an example of the template and is skipped."""


@dataclass(frozen=True)
class Reading:
    """One kind of value and the header words that ask for it."""

    kind: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class ColumnWords:
    """How a catalog column is written in files.

    Attributes:
        column: the table's column.
        required: the header must be there and no cell may be empty.
        readings: the kinds of value it may come as, each with its words; templates use the first.
        choices: a closed set: stored value -> (English, Chinese); empty where any value goes.
        example: the example row's cell (English, Chinese).
    """

    column: Column
    required: bool
    readings: tuple[Reading, ...]
    choices: Mapping[str, tuple[str, str]]
    example: tuple[str, str]

    def header(self, lang: str) -> str:
        """The header that templates print."""
        return self.readings[0].words[LANGUAGE_INDEX[lang]]


@dataclass(frozen=True)
class TableWords:
    """How a catalog table is written: its file's stem, whether books need it, its columns."""

    table: type[Table]
    file: str
    required: bool
    columns: tuple[ColumnWords, ...]

    def find(self, header: str) -> tuple[ColumnWords, Reading] | None:
        """The column and reading a header asks for, if it is one of ours."""
        return self._by_word.get(folded(header))

    @functools.cached_property
    def _by_word(self) -> dict[str, tuple[ColumnWords, Reading]]:
        return {
            folded(word): (column, reading)
            for column in self.columns
            for reading in column.readings
            for word in reading.words
        }


def folded(word: str) -> str:
    """A header without case, blanks and letter width, so that `失效日（不含）` and `失效日 (不含)` are one."""
    return "".join(unicodedata.normalize("NFKC", word).casefold().split())


@functools.cache
def catalog_words() -> tuple[TableWords, ...]:
    """The words of every catalog table, in the tables' order."""
    entries = yaml.safe_load(resources.files("billing.catalog").joinpath("headers.yaml").read_text("utf-8"))
    return tuple(_table_words(table, entries[table.name]) for table in CATALOG_TABLES)


def words_of(table: type[Table]) -> TableWords:
    """The words of one catalog table."""
    return next(words for words in catalog_words() if words.table is table)


def _table_words(table: type[Table], entry: Mapping[str, Any]) -> TableWords:
    columns = tuple(_column_words(column, entry["columns"][column]) for column in table.columns)
    return TableWords(table, entry["file"], entry.get("required", False), columns)


def _column_words(column: Column, entry: Mapping[str, Any]) -> ColumnWords:
    readings = tuple(Reading(reading["kind"], tuple(reading["words"])) for reading in entry["readings"])
    choices = {str(value): (words[0], words[1]) for value, words in entry.get("choices", {}).items()}
    example = (str(entry["example"][0]), str(entry["example"][1]))
    return ColumnWords(column, entry.get("required", False), readings, choices, example)
