"""One sheet into one typed table: headers matched by their words, cells read one by one.

Every problem is collected with its place, so that all of a file's problems come out together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from billing.catalog.cell_text import CellError, has_wide_digits
from billing.catalog.cells import read_cell
from billing.catalog.sheets import Cell, Row, Sheet
from billing.catalog.words import EXAMPLE_MARKS, ColumnWords, Reading, TableWords
from billing.core.findings import Finding

Key = tuple[Any, ...]


@dataclass(frozen=True)
class TableReading:
    """What one file gave: its rows that could be read, where each stands, and what was found.

    Attributes:
        frame: the table's rows, in the file's order.
        places: key -> `file:line` or `file:sheet!cell`.
        findings: problems and notes, in the file's order.
        columns: the columns that the file's header names.
    """

    frame: pl.DataFrame
    places: dict[Key, str]
    findings: list[Finding]
    columns: frozenset[str] = frozenset()

    @property
    def is_incomplete(self) -> bool:
        """Whether the file lost rows, or could not be read at all."""
        return any(finding.severity == "critical" for finding in self.findings)


@dataclass(frozen=True)
class _Header:
    """The header row: its number, and which column stands where."""

    row: int
    width: int
    columns: dict[int, tuple[ColumnWords, Reading]]


def read_table(sheet: Sheet, words: TableWords) -> TableReading:
    """Read the rows of one catalog file.

    A header that is wrong stops the file, since its columns mean nothing; a cell that is wrong drops its row, and the
    rest is read on, so that all problems come out together.
    """
    findings = list(sheet.notes)
    header, problems = _read_header(sheet, words)
    findings.extend(problems)
    rows: list[dict[str, Any]] = []
    places: dict[Key, str] = {}
    seen: dict[Key, dict[str, Any]] = {}
    for row in sheet.rows if header else ():
        if header is None or row.number <= header.row or row.is_blank:
            continue
        values, problems = _read_row(sheet, words, header, row)
        findings.extend(problems)
        if values is None:
            continue
        key = tuple(values[column] for column in words.table.key)
        place = sheet.where(row.number)
        if key in seen:
            findings.append(_repeated(seen[key] == values, words, key, place, places[key]))
            continue
        seen[key], places[key] = values, place
        rows.append(values)
    columns = frozenset(str(column.column) for column, _ in header.columns.values()) if header else frozenset()
    return TableReading(words.table.of_rows(rows), places, findings, columns)


def _read_header(sheet: Sheet, words: TableWords) -> tuple[_Header | None, list[Finding]]:
    """The header row, or why it cannot be used."""
    first = next((row for row in sheet.rows if not row.is_blank), None)
    if first is None:
        return None, [Finding("CATALOG_NO_HEADER", "critical", sheet.where(1))]
    problems: list[Finding] = []
    columns: dict[int, tuple[ColumnWords, Reading]] = {}
    position: dict[str, int] = {}
    for index, cell in enumerate(first.cells):
        title = str(cell or "").strip().lstrip("\ufeff")
        if not title:
            continue
        where, found = sheet.where(first.number, index), words.find(title)
        if found is None:
            problems.append(Finding("CATALOG_UNKNOWN_COLUMN", "critical", where, {"column": title}))
        elif found[0].column in position:
            values = {"column": title, "other": sheet.where(first.number, position[found[0].column])}
            problems.append(Finding("CATALOG_COLUMN_TWICE", "critical", where, values))
        else:
            columns[index], position[found[0].column] = found, index
    if len(first.cells) == 1 and any(mark in str(first.cells[0]) for mark in ";\t|"):
        return None, [Finding("CATALOG_SEPARATOR", "critical", sheet.where(first.number))]
    for column in words.columns:
        if column.required and column.column not in position:
            values = {"column": f"{column.header('zh')} ({column.header('en')})"}
            problems.append(Finding("CATALOG_COLUMN_MISSING", "critical", sheet.where(first.number), values))
    if problems:
        return None, problems
    return _Header(first.number, len(first.cells), columns), []


def _read_row(
    sheet: Sheet, words: TableWords, header: _Header, row: Row
) -> tuple[dict[str, Any] | None, list[Finding]]:
    """The row's values, or None with its problems; an example row gives None and a note."""
    if _is_example(words, header, row):
        return None, [Finding("CATALOG_EXAMPLE_SKIPPED", "info", sheet.where(row.number))]
    problems = []
    if sheet.name is None and len(row.cells) != header.width:
        values = {"found": len(row.cells), "expected": header.width}
        return None, [Finding("CATALOG_FIELD_COUNT", "critical", sheet.where(row.number), values)]
    record: dict[str, Any] = {str(column.column): None for column in words.columns}
    for index, cell in enumerate(row.cells):
        if index not in header.columns:
            if cell not in (None, ""):
                problems.append(Finding("CATALOG_CELL_OUTSIDE", "critical", sheet.where(row.number, index)))
            continue
        column, reading = header.columns[index]
        value, found = _read_value(cell, column, reading, sheet.where(row.number, index))
        record[str(column.column)] = value
        problems.extend(found)
    return (None if any(problem.severity == "critical" for problem in problems) else record), problems


def _read_value(cell: Cell, column: ColumnWords, reading: Reading, where: str) -> tuple[Any, list[Finding]]:
    name = f"{column.header('zh')} ({column.header('en')})"
    try:
        value = read_cell(cell, reading.kind, column.choices)
    except CellError as error:
        return None, [Finding(error.reason, "critical", where, {"column": name, **error.values})]
    if value is None and column.required:
        return None, [Finding("CATALOG_CELL_EMPTY", "critical", where, {"column": name})]
    if has_wide_digits(cell, reading.kind):
        return value, [Finding("CATALOG_WIDE_DIGITS", "info", where, {"column": name, "value": value})]
    return value, []


def _is_example(words: TableWords, header: _Header, row: Row) -> bool:
    """Whether the first column of the table's key begins as an example does."""
    key = words.table.key[0]
    index = next(index for index, (column, _) in header.columns.items() if column.column == key)
    cell = row.cells[index] if index < len(row.cells) else None
    return isinstance(cell, str) and cell.strip().startswith(EXAMPLE_MARKS)


def _repeated(is_equal: bool, words: TableWords, key: Sequence[Any], place: str, first: str) -> Finding:
    values = {"table": words.table.zh, "key": " / ".join(str(part) for part in key), "first": first}
    if is_equal:
        return Finding("CATALOG_ROW_REPEATED", "info", place, values)
    return Finding("CATALOG_KEY_CONFLICT", "critical", place, values)
