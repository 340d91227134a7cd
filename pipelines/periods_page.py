"""`published/index.html`: the page over all periods, part of none of them, made again whenever it differs."""

import polars as pl

from billing.core.period import Period
from billing.documents.report.figures import amounts_of, counts_of
from billing.documents.report.page import REPORT
from billing.documents.report.periods import PERIODS, TRENDS, PeriodRow, render_periods
from billing.rate_book.policy import read_policy
from billing.tables.documents import Conservation, Invoice
from pipelines.books import Books
from pipelines.past import stored

FIRST_PAGE = "index.html"
"""The page of a period that was published up to version 0.4.0."""


def write_periods_page(books: Books) -> None:
    """Write the page unless it is there as it should be; books without a draft have none."""
    text = periods_page(books)
    place = books.path(f"published/{PERIODS}")
    if text is None or (place.exists() and place.read_text("utf-8") == text):
        return
    beside = place.with_name(f".{PERIODS}")
    beside.write_text(text, "utf-8", newline="\n")
    beside.replace(place)


def periods_page(books: Books) -> str | None:
    """The page as the commits have it, in the words of the last run or close; None without any."""
    commits = [*books.state.runs.values(), *books.state.closes.values()]
    if not commits:
        return None
    last = max(commits, key=lambda commit: commit.number)
    policy = read_policy(books.path(f"snapshots/{last.facts['snapshot']}/books.toml"))
    rows = [_row(books, name) for name in sorted({*books.state.runs, *books.state.closes})]
    return render_periods(rows, policy.company.name, policy.lang)


def _row(books: Books, name: str) -> PeriodRow:
    commit = books.state.published(name)
    assert commit is not None, "the name comes from the state"
    tables: dict[str, pl.DataFrame] = {Conservation.name: stored(books, Conservation, name)}
    known = amounts_of(tables) | {
        "calls": counts_of(tables)["calls_rated"],
        "bills": sum(entry.rows for entry in books.state.of_table(Invoice.name) if entry.key["period"] == name),
    }
    figures = {figure: known[figure] for figure, _ in TRENDS}
    # Versions that did not tell what a run changed made a first page of the folder, and no close report.
    page = REPORT if "changes" in commit.facts else FIRST_PAGE
    return PeriodRow(Period.parse(name), commit.facts["status"], figures, page)
