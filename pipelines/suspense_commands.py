"""`suspense`, `recycle`, `write-off`: what is said about records that wait, and what people do with them."""

import datetime as dt
import zoneinfo
from pathlib import Path
from typing import Any

import polars as pl

from billing.core.findings import refuse
from billing.core.money import yuan_exact
from billing.core.period import ZONE
from billing.documents.worksheets import write_worksheet
from billing.publishing.tables import write_csv
from pipelines.exports import SHEET_ROWS, check_target, is_sheet
from pipelines.gate import overrides_of
from pipelines.leave_suspense import Leaving
from pipelines.leave_suspense import recycle as recycle_records
from pipelines.leave_suspense import write_off as write_off_records
from pipelines.session import Session
from pipelines.summaries import plain, table
from pipelines.suspense import LIST_COLUMNS, Chosen, by_reason, work_list, worth

TEXT_SHOWN = 60
SHOWN_RECORDS = 10_000
"""Of a longer list only the most valuable records are printed; a file holds all."""


def suspense(
    session: Session,
    books: Path,
    period: str | None,
    code: tuple[str, ...],
    file: tuple[str, ...],
    listed: bool,
    to: Path | None,
) -> None:
    """What waits: summed up by reason, or record by record."""
    chosen = Chosen((), code, str(session.period(period)) if period else None, file)
    if to is not None:
        check_target(to)
    with session.reading(books) as opened:
        rows = work_list(opened, today(), chosen)
    groups = by_reason(rows)
    value, unvalued = worth(rows)
    shown, left_out = rows.head(SHOWN_RECORDS), max(rows.height - SHOWN_RECORDS, 0)
    session.give(
        count=rows.height,
        value_estimated=_yuan(value),
        unvalued_count=unvalued,
        by_reason=[_in_words(row, session) for row in groups.to_dicts()],
        records=[_record(row) for row in shown.to_dicts()] if session.as_json else [],
        records_left_out=left_out,
    )
    if to is not None:
        _export(session, rows, to)
        return
    if rows.is_empty():
        session.say("summary.suspense_empty")
        return
    session.print(*_reason_lines(session, groups))
    if listed:
        session.print("", *_record_lines(session, shown))
        if left_out:
            session.say("summary.suspense_left_out", count=left_out)
    else:
        session.say("summary.suspense_more")


def recycle(
    session: Session,
    books: Path,
    keys: tuple[str, ...],
    code: tuple[str, ...],
    override: tuple[str, ...],
    by: str,
    reason: str,
    dry_run: bool,
    wait: float,
) -> None:
    """Try again what waits."""
    overrides = overrides_of(override, by, reason, scope="call")
    with session.writing(books, wait) as opened:
        opened.by = by or opened.by
        left = recycle_records(
            opened, Chosen(keys, code), today(), session.progress, overrides=overrides, dry_run=dry_run
        )
    _tell_leaving(session, "summary.recycled", left, dry_run)


def write_off(
    session: Session,
    books: Path,
    keys: tuple[str, ...],
    code: tuple[str, ...],
    period: str | None,
    by: str,
    reason: str,
    dry_run: bool,
    wait: float,
) -> None:
    """Give up what waits, by name and reason."""
    if not by.strip():
        raise refuse("NAME_MISSING")
    if not reason.strip():
        raise refuse("REASON_MISSING")
    if not (keys or code):
        raise refuse("NOTHING_CHOSEN")
    chosen = Chosen(keys, code, str(session.period(period)) if period else None)
    with session.writing(books, wait) as opened:
        opened.by = by
        left = write_off_records(opened, chosen, today(), reason, dry_run=dry_run)
    _tell_leaving(session, "summary.written_off", left, dry_run)


def today() -> dt.date:
    """The day to which ages count."""
    return dt.datetime.now(zoneinfo.ZoneInfo(ZONE)).date()


def _tell_leaving(session: Session, code: str, left: Leaving, dry_run: bool) -> None:
    session.found(left.findings)
    value, unvalued, stay = _yuan(left.value_micro), left.unvalued_count, left.tried - left.left
    session.give(tried=left.tried, left=left.left, stay=stay, value_estimated=value, unvalued_count=unvalued)
    known = "worth_none" if left.value_micro is None else "worth_some" if unvalued else "worth"
    worth_told = session.word(f"summary.{known}", value=value, count=unvalued)
    session.say(code, tried=left.tried, left=left.left, stay=stay, worth=worth_told)
    if dry_run:
        session.say("summary.dry_run")


def _yuan(micro: int | None) -> str:
    return "-" if micro is None else yuan_exact(micro, grouped=True)


def _in_words(row: dict[str, Any], session: Session) -> dict[str, Any]:
    told = {name: value for name, value in row.items() if name != "value_micro"}
    return told | {"value_estimated": _yuan(row["value_micro"]), "what_to_do": session.word(row["reason"])}


def _record(row: dict[str, Any]) -> dict[str, Any]:
    told = {name: row[name] for name in LIST_COLUMNS if name not in ("value_micro", "raw_text")}
    text = None if row["raw_text"] is None else plain(row["raw_text"])
    return told | {"value_estimated": _yuan(row["value_micro"]), "raw_text": text}


def _reason_lines(session: Session, groups: pl.DataFrame) -> list[str]:
    headings = [session.word(f"heading.{name}") for name in ("reason", "count", "value_estimated", "age", "what_to_do")]
    rows = [
        [
            row["reason"],
            f"{row['count']:,}",
            _yuan(row["value_micro"]),
            str(row["age_days"] or 0),
            session.word(row["reason"]),
        ]
        for row in groups.to_dicts()
    ]
    return table(headings, rows, frozenset({1, 2, 3}))


def _record_lines(session: Session, rows: pl.DataFrame) -> list[str]:
    names = ("key", "reason", "age", "value_estimated", "source", "text")
    cells = [
        [
            row["key"],
            row["reason"],
            str(row["age_days"] or 0),
            _yuan(row["value_micro"]),
            f"{plain(row['file'])}:{row['line']}",
            plain(row["raw_text"] or "")[:TEXT_SHOWN],
        ]
        for row in rows.to_dicts()
    ]
    return table([session.word(f"heading.{name}") for name in names], cells, frozenset({2, 3}))


def _export(session: Session, rows: pl.DataFrame, to: Path) -> None:
    """The list as a file; amounts as text with their places, never as a binary number."""
    if is_sheet(to) and rows.height > SHEET_ROWS:
        raise refuse("EXPORT_TOO_LONG", file=to.name, count=rows.height, limit=SHEET_ROWS)
    frame = rows.select(LIST_COLUMNS).with_columns(
        pl.col("value_micro").map_elements(yuan_exact, return_dtype=pl.String).alias("value_micro")
    )
    frame = frame.rename({"value_micro": "value_estimated_yuan"})
    if is_sheet(to):
        write_worksheet(to, frame.columns, [[_cell(value) for value in row] for row in frame.iter_rows()])
    else:
        write_csv(frame, to)
    session.say("summary.exported", count=frame.height, file=to)


def _cell(value: Any) -> Any:  # noqa: ANN401 - a cell of any column
    return value if value is None or isinstance(value, int | str) else str(value)
