"""The catalog folder, read as a whole: one table a file, then the checks that need several tables.

Every problem is collected, so that finance corrects a file once and not one cell at a time.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from billing.catalog.carriers import with_carriers
from billing.catalog.checks import CHECKS
from billing.catalog.contents import Catalog
from billing.catalog.sheets import read_sheet
from billing.catalog.table_reader import TableReading, read_table
from billing.catalog.words import TableWords, catalog_words, words_of
from billing.core.findings import Finding, Refusal, Severity
from billing.tables.catalog import Contract
from billing.tables.schema import Table

SUFFIXES = (".csv", ".xlsx")
SHOWN_A_FILE = 50
"""Problems of one severity listed for one file; the rest is counted."""


def read_catalog(folder: Path) -> Catalog:
    """Read every catalog table.

    Args:
        folder: holds one `.csv` or `.xlsx` a table; those that are not required may be missing, and an empty or
            missing folder is an empty catalog.

    Returns:
        The tables, money in micro-yuan, ranges of days half-open, and all findings together. What a file says never
        raises: a catalog with a critical finding is not to be used (`Catalog.is_usable`).
    """
    readings = {words.file: _read_file(folder, words) for words in catalog_words()}
    found = [*_folder_findings(folder)]
    for reading in readings.values():
        found.extend(reading.findings)
    catalog = _assembled(readings)
    numbers, problems = with_carriers(catalog)
    contracts, trials = _with_trials(catalog, readings[words_of(Contract).file].columns)
    catalog = replace(catalog, numbers=numbers, contracts=contracts)
    found += [*problems, *trials]
    for check in CHECKS:
        found.extend(check(catalog))
    return replace(catalog, findings=tuple(_capped(found)))


def read_tables(folder: Path, tables: Collection[type[Table]]) -> tuple[Mapping[str, pl.DataFrame], Sequence[Finding]]:
    """Some catalog tables by name, each as its file has it, and what is wrong with those files.

    The other files are not looked at, so what needs several tables is not checked.
    """
    words = [each for each in catalog_words() if each.table in tables]
    readings = {each.table.name: _read_file(folder, each) for each in words}
    files = {each.file for each in words}
    found = [finding for finding in _folder_findings(folder) if Path(finding.where).stem in files]
    found += [finding for reading in readings.values() for finding in reading.findings]
    return {name: reading.frame for name, reading in readings.items()}, list(_capped(found))


def _read_file(folder: Path, words: TableWords) -> TableReading:
    """The table of one file; no file is no rows, two files are refused since neither is known to be the right one."""
    paths = [path for suffix in SUFFIXES if (path := folder / f"{words.file}{suffix}").is_file()]
    problems: tuple[Finding, ...] = ()
    if len(paths) == 1:
        try:
            return read_table(read_sheet(paths[0]), words)
        except Refusal as refusal:
            problems = tuple(refusal.findings)
    elif paths:
        values = {"first": paths[0].name, "second": paths[1].name}
        problems = (Finding("CATALOG_TWO_FILES", "critical", paths[1].name, values),)
    return TableReading(words.table.empty(), {}, list(problems))


def _assembled(readings: Mapping[str, TableReading]) -> Catalog:
    """The tables side by side, with what is known about their rows; no check between tables yet."""
    frames = {file: reading.frame for file, reading in readings.items()}
    return Catalog(
        **frames,
        findings=(),
        places={words.table.name: readings[words.file].places for words in catalog_words()},
        incomplete=frozenset(words.table.name for words in catalog_words() if readings[words.file].is_incomplete),
    )


def _with_trials(catalog: Catalog, columns: frozenset[str]) -> tuple[pl.DataFrame, list[Finding]]:
    """A file from before confirmations were kept says nothing of them: its trials count as confirmed, as is told."""
    trials = catalog.contracts.filter(pl.col(Contract.trial_until).is_not_null())
    if trials.is_empty() or str(Contract.trial_confirmed_on) in columns:
        return catalog.contracts, []
    where = catalog.where(Contract, trials.row(0, named=True))
    told = Finding("CONTRACT_TRIALS_TAKEN_AS_CONFIRMED", "warning", where, {"count": trials.height})
    as_confirmed = pl.col(Contract.trial_until).alias(Contract.trial_confirmed_on)
    return catalog.contracts.with_columns(as_confirmed), [told]


def _folder_findings(folder: Path) -> Iterator[Finding]:
    """Required tables without a file, unless there is no catalog at all; and files that no table is read from."""
    names = {path.name for path in folder.iterdir() if path.is_file()} if folder.is_dir() else set()
    expected = {f"{words.file}{suffix}" for words in catalog_words() for suffix in SUFFIXES}
    for name in sorted(names - expected):
        # A dot or ~$ begins what systems and spreadsheets leave beside a file.
        if Path(name).suffix.lower() in (*SUFFIXES, ".xls", ".ods", ".et") and not name.startswith((".", "~$")):
            files = ", ".join(words.file for words in catalog_words())
            yield Finding("CATALOG_FILE_UNKNOWN", "warning", name, {"files": files})
    for words in catalog_words():
        if names & expected and words.required and not names & {f"{words.file}{suffix}" for suffix in SUFFIXES}:
            yield Finding("CATALOG_FILE_MISSING", "critical", f"{words.file}.csv", {"table": words.table.zh})


def _capped(findings: Iterable[Finding]) -> Iterator[Finding]:
    """At most so many findings a file and severity, then how many more there are."""
    counts: Counter[tuple[str, Severity]] = Counter()
    for finding in findings:
        group = (finding.where.split(":")[0], finding.severity)
        counts[group] += 1
        if counts[group] <= SHOWN_A_FILE:
            yield finding
    for (file, severity), count in counts.items():
        if count > SHOWN_A_FILE:
            values = {"more": count - SHOWN_A_FILE, "shown": SHOWN_A_FILE}
            yield Finding("CATALOG_MORE_PROBLEMS", severity, file, values)
