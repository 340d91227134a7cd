"""What each command does with the books and says about it; the work itself lies in the other modules."""

import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from billing.core.findings import Refusal, refuse
from billing.core.money import yuan_exact
from billing.core.period import Period
from billing.tables.documents import Conservation, Invoice, InvoiceLine
from pipelines.books import Books
from pipelines.check_books import unprintable_names, use_findings
from pipelines.close import close_month
from pipelines.demo import PERIOD, make_demo
from pipelines.explain import explain as explain_key
from pipelines.gate import overrides_of, warnings_of
from pipelines.ingest_files import IngestReport, ingest_files
from pipelines.init_books import init_books
from pipelines.life import describe, moved_inputs, statuses, suspense_findings
from pipelines.life import take_back as take_back_commit
from pipelines.parts import parts_of
from pipelines.past import stored
from pipelines.price import price_usage
from pipelines.price_inputs import Agreed
from pipelines.price_summary import price_lines
from pipelines.rate_book_of import load_rate_book
from pipelines.run_month import RunReport, run_month
from pipelines.session import Session
from pipelines.summaries import (
    conservation_json,
    conservation_lines,
    ingest_json,
    ingest_lines,
    nested_lines,
    table,
)
from pipelines.try_layout import known_layouts, try_layout
from pipelines.verify import verify_books
from pipelines.waiting import waiting_findings

SHORT = 12


def demo(session: Session, folder: Path, calls: int, seed: int, dry_run: bool, wait: float) -> None:
    """Sample company, run, close, and where to look."""
    if dry_run:
        session.say("summary.dry_run")
        return
    report = make_demo(
        folder, calls=calls, seed=seed, lang=session.language, progress=session.progress, wait_seconds=wait
    )
    session.found(report.findings)
    if report.is_resumed:
        session.say("summary.demo_resumed", folder=folder)
    session.say("summary.demo_made", period=PERIOD, **report.counts)
    with session.reading(folder) as books:
        if report.ingest:
            _tell_ingest(session, report.ingest, month_follows=True)
        session.found(suspense_findings(books, PERIOD, "SUSPENDED_CALLS", "info"))
        _tell_month(session, books, PERIOD)
        _tell_close(session, books, PERIOD)
        _where_to_look(session, books, folder, PERIOD)
    session.give(folder=str(folder), seed=seed, sample=report.counts)


def init(session: Session, folder: Path, first_period: str) -> None:
    """Empty books."""
    init_books(folder, first=session.period(first_period), lang=session.language)
    session.say("summary.initialised", folder=folder)
    session.give(folder=str(folder))


def check(session: Session, books: Path) -> None:
    """Price book and catalog."""
    with session.reading(books) as opened:
        loaded = load_rate_book(books)
        findings = [*loaded.findings, *use_findings(opened, loaded.book)]
    told = [finding for finding in findings if finding.reason != "CATALOG_FILE_READ"]
    if any(finding.severity == "critical" for finding in told):
        raise Refusal(*told)
    session.found(told)
    warnings = sum(finding.severity == "warning" for finding in findings)
    session.say("summary.check_clean", warnings=warnings)
    session.give(warnings=warnings)


def ingest(
    session: Session,
    books: Path,
    paths: tuple[Path, ...],
    layout: str | None,
    override: tuple[str, ...],
    by: str,
    reason: str,
    dry_run: bool,
    wait: float,
) -> None:
    """Files into the lake."""
    overrides = overrides_of(override, by, reason)
    with session.writing(books, wait) as opened:
        report = ingest_files(opened, paths, session.progress, layout_id=layout, dry_run=dry_run, overrides=overrides)
    _tell_ingest(session, report)
    if dry_run:
        session.say("summary.dry_run")


def run(
    session: Session, books: Path, period: str, no_ingest: bool, documents: bool, dry_run: bool, wait: float
) -> None:
    """Draft of a month."""
    wanted = session.period(period)
    with session.writing(books, wait) as opened:
        if not no_ingest and (books / "inbox").exists():
            report = ingest_files(opened, [books / "inbox"], session.progress, dry_run=dry_run)
            if report.read or report.refused:
                _tell_ingest(session, report, month_follows=True)
        draft = run_month(opened, wanted, session.progress, documents=documents, dry_run=dry_run)
        session.found(draft.findings)
        session.found(suspense_findings(opened, wanted, "SUSPENDED_CALLS", "info"))
        session.found(waiting_findings(opened, wanted))
        _tell_run(session, opened, draft, dry_run)


def close(session: Session, books: Path, period: str, by: str, draft: str | None, dry_run: bool, wait: float) -> None:
    """Lock the reviewed draft."""
    wanted = session.period(period)
    if not by.strip():
        raise refuse("NAME_MISSING")
    with session.writing(books, wait) as opened:
        opened.by = by
        if close_month(opened, wanted, session.progress, draft=draft, dry_run=dry_run) is None:
            session.found(unprintable_names(load_rate_book(books).book))
            session.say("summary.would_close", period=period)
            session.say("summary.dry_run")
            return
        session.found(suspense_findings(opened, wanted, "SUSPENSE_AT_CLOSE", "warning"))
        session.found(warnings_of(opened, parts_of(opened.state, str(wanted))))
        session.found(waiting_findings(opened, wanted))
        _tell_close(session, opened, wanted)


def price(session: Session, plan: Path, calls: Path, **agreed: Any) -> None:  # noqa: ANN401
    """Rate a CSV of calls or metered items under one plan, and bill its months."""
    priced = price_usage(plan, calls, Agreed(**agreed))
    session.give(**priced)
    headings = ("start", "duration_s", "billed_seconds", "block_count", "amount")
    rows = [[str(call[heading]) for heading in headings] for call in priced["calls"]]
    if rows:
        session.print(*table(headings, rows, frozenset({1, 2, 3, 4})), "")
    session.print(*price_lines(priced["months"], session.language))


def layouts(session: Session, action: str, path: Path | None, books: Path | None, layout: str | None) -> None:
    """Which layouts there are, or how the first lines of a file are read."""
    if action == "list":
        known = known_layouts(books)
        session.give(layouts=known)
        rows = [[each["layout"], each[session.language], each["columns"]] for each in known]
        session.print(*table(("layout", "title", "columns"), rows, frozenset()))
        return
    if path is None:
        raise refuse("LAYOUTS_WITHOUT_FILE")
    tried = try_layout(path, books, layout)
    session.give(**tried)
    session.say("summary.layout_tried", **{name: tried[name] for name in ("file", "layout", "encoding", "records")})
    filled = [name for name in (tried["rows"] or [{}])[0] if any(row[name] is not None for row in tried["rows"])]
    rows = [["" if row[name] is None else str(row[name]) for name in filled] for row in tried["rows"]]
    session.print(*table(filled, rows, frozenset({0})))


def explain(session: Session, books: Path, key: str) -> None:
    """Everything that led to a call or an invoice line."""
    with session.reading(books) as opened:
        explained = explain_key(opened, key)
    session.give(explanations=explained)
    if len(explained) > 1:
        session.say("summary.several_hits", count=len(explained))
        session.print(*(str(one["call"]) for one in explained))
    else:
        session.print(*nested_lines(explained[0], session.language))


def verify(session: Session, books: Path, period: str | None) -> None:
    """Files, rebuild, SQL."""
    wanted = session.period(period) if period else None
    with session.reading(books) as opened, tempfile.TemporaryDirectory() as scratch:
        proof = verify_books(opened, session.progress, Path(scratch), wanted)
    session.found(proof.findings)
    session.give(commits=proof.commits, files=proof.files, periods=proof.periods, differences=len(proof.findings))
    if not proof.commits:
        session.say("summary.no_commits")
    elif any(finding.severity == "critical" for finding in proof.findings):
        session.say("summary.not_verified", count=len(proof.findings))
    else:
        code = "summary.verified_but" if proof.findings else "summary.verified"
        values = {"commits": proof.commits, "files": proof.files, "periods": len(proof.periods)}
        session.say(code, **values, count=len(proof.findings))


def status(session: Session, books: Path) -> None:
    """Periods, last runs, changed inputs."""
    with session.reading(books) as opened:
        rows = statuses(opened)
        session.found(moved_inputs(opened))
    session.give(periods=[row.__dict__ for row in rows])
    for row in rows:
        values = {**row.__dict__, "draft": None, "digest": (row.draft_digest or "-")[:SHORT]}
        session.say("summary.status_period", **values | {"status": session.word(f"status.{row.status}")})
        if row.waiting:
            session.say("summary.status_waiting", period=row.period, waiting=row.waiting)
        if row.deliveries:
            values = {"times": row.deliveries, "at": row.delivered_at, "by": row.delivered_by}
            session.say("summary.status_delivered", period=row.period, **values)
    if not rows:
        session.say("summary.no_commits")


def log(session: Session, books: Path) -> None:
    """The commits."""
    with session.reading(books) as opened:
        rows = [describe(commit, session.language) for commit in opened.commits]
    session.give(commits=rows)
    names = ("number", "kind", "at", "by", "what")
    cells = [[str(row[name]) for name in names] for row in rows]
    session.print(*table([session.word(f"heading.{name}") for name in names], cells, frozenset({0})))


def take_back(session: Session, books: Path, commit: int, reason: str, dry_run: bool, wait: float) -> None:
    """Undo an ingest."""
    with session.writing(books, wait) as opened:
        files, records = take_back_commit(opened, commit, reason, dry_run=dry_run)
    session.give(commit=commit, files=files, records=records)
    session.say("summary.taken_back", number=commit, files=files, records=records)
    if dry_run:
        session.say("summary.dry_run")


def _tell_ingest(session: Session, report: IngestReport, *, month_follows: bool = False) -> None:
    """What was read; the suspense of the files is left to the month when one follows."""
    session.found(f for f in report.findings if not (month_follows and f.reason == "SUSPENDED_LINES"))
    session.give(ingest=ingest_json(report))
    session.print(*ingest_lines(report, session.language))


def _tell_run(session: Session, books: Books, draft: RunReport, dry_run: bool) -> None:
    session.give(period=str(draft.period), draft_digest=draft.draft_digest, is_new=draft.is_new,
                 rated_parts=draft.rated_parts, seconds=session.progress.seconds)  # fmt: skip
    digest = draft.draft_digest[:SHORT]
    if dry_run:
        session.say("summary.dry_run")
        return
    if draft.is_new and draft.month:
        invoices = draft.month.tables[Invoice.name].height
        session.say("summary.run_new", period=draft.period, parts=draft.rated_parts, invoices=invoices, digest=digest)
    else:
        session.say("summary.run_same", period=draft.period, digest=digest)
    _tell_month(session, books, draft.period)


def _tell_month(session: Session, books: Books, period: Period) -> None:
    certificate = stored(books, Conservation, str(period))
    session.give(conservation=conservation_json(certificate))
    session.print(*conservation_lines(str(period), certificate, session.language))


def _tell_close(session: Session, books: Books, period: Period) -> None:
    commit = books.state.closes[str(period)]
    invoices = stored(books, Invoice, str(period))
    numbers = invoices[Invoice.invoice_number].sort()
    values = {"first": numbers.first() or "-", "last": numbers.last() or "-", "invoices": invoices.height}
    session.say("summary.closed", period=period, by=commit.by, manifest=commit.facts["manifest"][:SHORT], **values)
    gross = int(invoices[Invoice.gross_micro].sum())
    session.give(closed={**values, "gross": yuan_exact(gross), "manifest": commit.facts["manifest"]})


def _where_to_look(session: Session, books: Books, folder: Path, period: Period) -> None:
    published = folder / "published" / str(period)
    lines = stored(books, InvoiceLine, str(period)).filter(pl.col(InvoiceLine.kind) == "usage")
    session.say("summary.look_here")
    for place, code in (
        (published / "close_report.html", "look_report"), (published.parent / "index.html", "look_index"),
        (published / "invoices", "look_invoices"), (published / "statements", "look_statements"),
        (published / "audit.duckdb", "look_audit"),
    ):  # fmt: skip
        session.print(f"  {place}  {session.word(f'summary.{code}')}")
    if lines.height:
        line = lines.row(0, named=True)
        key = f"{line[InvoiceLine.invoice_key]}#{line[InvoiceLine.line_number]}"
        session.print(f"  bill400 explain {folder} {key}  {session.word('summary.next_explain')}")
    session.print(f"  bill400 verify {folder}  {session.word('summary.next_verify')}")
