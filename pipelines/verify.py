"""`verify`: is everything the books say still there, and does it come out again?

Three proofs: every file the commits name has its bytes; every published period, rebuilt from calls and snapshot, has
the committed content, and so have calls that were put together from records; and SQL, by formulas of its own, sums the
same calls to the same money.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from billing.core.digests import file_sha256, table_digest
from billing.core.findings import Finding, Severity, refuse
from billing.core.period import Period
from billing.publishing.manifest import check_manifest
from billing.rate_book.book import RateBook
from billing.rate_book.rating_rows import rating_rows
from billing.second_route.balances import recompute_balances
from billing.second_route.documents import sum_invoices
from billing.second_route.late_fees import EARLIER, recompute_late_fees
from billing.second_route.usage import compare_usage, recompute_day
from billing.tables.calls import Cdr, UsageTotal
from billing.tables.catalog import Contract, Receipt
from billing.tables.documents import AccountBalance, AgentBalance, CommissionLine, Invoice, InvoiceLine, LateFee
from billing.tables.parquet import scan_tables
from pipelines.books import Books
from pipelines.close import number_invoices
from pipelines.commits import Commit, fold
from pipelines.file_certificates import unaccounted_files
from pipelines.monthly_run import compute_month
from pipelines.parts import Part, is_formed, left_out, of_part, parts_of
from pipelines.past import rows_before, stored
from pipelines.progress import Progress
from pipelines.rate_book_of import book_of_snapshot
from pipelines.rate_parts import rate_part
from pipelines.run_month import STORED, table_digests
from pipelines.weigh import comes_out_again

MADE_OTHERWISE = {"0.1.0": ("call_adjustment", "conservation")}
"""Tables of months made by an older version that this one makes with other columns or rows: no fault of the month."""


@dataclass
class Verification:
    """What was proved, and every difference."""

    commits: int = 0
    files: int = 0
    periods: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def verify_books(books: Books, progress: Progress, scratch: Path, period: Period | None = None) -> Verification:
    """Verify the books, or only one period's rebuild; the files and the chain are always checked.

    Args:
        books: the books, opened for reading (opening checks the chain).
        progress: where stages are timed.
        scratch: a folder outside the books to rebuild in.
        period: rebuild only this period.
    """
    proof = Verification(commits=len(books.commits), files=len(books.state.files))
    proof.findings.extend(_files(books))
    for manifest in sorted(books.path("published").glob("[0-9]*/manifest.json")):
        if books.state.published(manifest.parent.name) is None:
            name = manifest.parent.name
            proof.findings.append(Finding("COMMITS_LOST", "critical", f"published/{name}", {"period": name}))
    is_whole = not any(finding.reason.startswith("VERIFY_FILE") for finding in proof.findings)
    for file in unaccounted_files(books) if is_whole else ():
        values = {"file": file.source.file_name, "records": file.source.record_count, "found": file.found}
        proof.findings.append(Finding("VERIFY_RECORDS", "critical", file.source.file_name, values))
    names = [str(period)] if period else sorted({*books.state.runs, *books.state.closes})
    for name in names:
        commit = books.state.published(name)
        if commit is None:
            raise refuse("NO_DRAFT", period=name)
        proof.findings.extend(_published(books, name, commit))
        if is_whole:
            proof.findings.extend(_rebuilt(books, Period.parse(name), commit, progress, scratch))
        proof.periods.append(name)
    return proof


def _files(books: Books) -> Iterator[Finding]:
    commit_of = {entry.path: commit.number for commit in books.commits for entry in commit.files}
    for path, entry in sorted(books.state.files.items()):
        values = {"file": path, "commit": commit_of[path]}
        if not books.path(path).exists():
            yield Finding("VERIFY_FILE_MISSING", "critical", path, values)
        elif file_sha256(books.path(path)) != entry.sha256:
            yield Finding("VERIFY_FILE_CHANGED", "critical", path, values)


def _published(books: Books, name: str, commit: Commit) -> Iterator[Finding]:
    folder = books.path(f"published/{name}")
    manifest = folder / "manifest.json"
    if not manifest.exists() or file_sha256(manifest) != commit.facts["manifest"]:
        yield Finding("VERIFY_PUBLISHED", "critical", f"published/{name}/manifest.json",
                      {"file": "manifest.json", "period": name})  # fmt: skip
        return
    for file in check_manifest(folder):
        yield Finding("VERIFY_PUBLISHED", "critical", f"published/{name}/{file}", {"file": file, "period": name})


def _rebuilt(now: Books, period: Period, commit: Commit, progress: Progress, scratch: Path) -> Iterator[Finding]:
    """Rate every part anew from its calls, put the month together again, compare with what was committed."""
    books = now.as_known_at(commit)
    book = book_of_snapshot(books, commit.facts["snapshot"])
    excluded = left_out(books)
    with progress.stage("verify"):
        for part in parts_of(books.state, str(period)):
            if is_formed(part) and not comes_out_again(books, part):
                yield Finding("VERIFY_CALLS", "critical", part.cdr.path, {"part": part.name})
            if part.day and part.totals:
                yield from _part_again(books, book, part, of_part(excluded, part)[Cdr.cdr_id], scratch)
        tables = dict(compute_month(books, book, period, progress).tables)
        if commit.kind == "close":
            before = fold(books.commits[:-1]).invoice_counts.get(str(period)[:4], 0)
            tables[Invoice.name] = number_invoices(tables[Invoice.name], period, before)
        for table, digest in table_digests(tables).items():
            is_known = table in MADE_OTHERWISE.get(commit.versions["bill400"], ())
            if digest != commit.facts["digests"].get(table, digest):
                values = {"table": table, "period": period}
                severity: Severity = "warning" if is_known else "critical"
                yield Finding("VERIFY_REBUILD", severity, f"published/{period}", values)
        held = {table.name: stored(books, table, str(period)) for table in STORED}
        sums = [sum_invoices(held)]
        if LateFee.name in commit.facts["digests"]:
            sums.append(_late_fees_again(books, book, period, held[LateFee.name]))
        if AccountBalance.name in commit.facts["digests"]:
            sums.append(_balances_again(books, book, period, held))
        for detail in pl.concat(sums).iter_rows(named=True):
            yield Finding("VERIFY_DOCUMENTS", "critical", f"published/{period}", {"detail": detail})


def _late_fees_again(books: Books, book: RateBook, period: Period, held: pl.DataFrame) -> pl.DataFrame:
    """Differences between the late fees of a period and those that SQL makes of the same bills and receipts."""
    terms = book.policy.late_fee
    tables = {
        LateFee.name: held,
        EARLIER: rows_before(books, LateFee, period),
        **{table.name: rows_before(books, table, period) for table in (Invoice, InvoiceLine)},
        **{table.name: book.table(table.name) for table in (Contract, Receipt)},
    }
    return recompute_late_fees(period.end, tables, [(rate.start, rate.per_day) for rate in terms.rates], terms.cap)


def _balances_again(books: Books, book: RateBook, period: Period, held: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Differences between the balances of a period and those that SQL makes of the same bills, receipts and lines."""
    tables = {
        **{table.name: held[table.name] for table in (AccountBalance, AgentBalance)},
        **{
            table.name: pl.concat([rows_before(books, table, period), held[table.name]])
            for table in (Invoice, InvoiceLine, CommissionLine)
        },
        **{table.name: book.table(table.name) for table in (Contract, Receipt)},
    }
    return recompute_balances(period.start, period.end, book.policy.start.start, tables)


def _part_again(books: Books, book: RateBook, part: Part, out: pl.Series, scratch: Path) -> Iterator[Finding]:
    """One part by the first route (rating) and by the second (SQL), both against what the books hold."""
    assert part.day is not None and part.totals is not None, "only rated parts are rated again"
    held = scan_tables([books.path(part.totals.path)], UsageTotal).collect()
    held = held.with_columns(pl.col(UsageTotal.rest_parts).fill_null(0))
    rows = rating_rows(book, part.day)
    again = rate_part(books, book, part, out, rows, scratch / "rated.parquet")
    if table_digest(again.totals) != table_digest(held):
        yield Finding("VERIFY_PART", "critical", part.totals.path, {"part": part.name})
    by_sql = recompute_day([books.path(part.cdr.path)], out, rows)
    for row in compare_usage(by_sql, held).iter_rows(named=True):
        values = {"day": part.day, "detail": row}
        yield Finding("VERIFY_SQL", "critical", part.totals.path, values)
