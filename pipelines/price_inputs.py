"""What `price` is given: a CSV of calls or of metered items, and what was agreed beside the plan."""

import csv
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from billing.core.findings import Refusal, refuse
from billing.core.money import micro_from_text
from billing.core.period import Period
from billing.tables.calls import OUTCOMES, Cdr
from billing.tables.catalog import SERVICE_EVENTS

NUMBER = "4000000000"
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?")
"""No call lasts for decades; milliseconds of so many seconds would not fit 64 bits much further on."""
_QUANTITY = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_FORMS = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_NAMED = re.compile(r"(?P<name>[^=@]+)=(?P<quantity>[0-9]{1,9})(@(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2}))?")
_NUMBER = re.compile(r"[0-9]{3,20}")
_YES, _NO = ("1", "true", "yes"), ("", "0", "false", "no")
CALL_COLUMNS = ("start", "duration_s", "answered_s", "platform_s", "number", "outcome", "call_class", "continued")
ITEM_COLUMNS = ("start", "quantity", "number", "item")


@dataclass(frozen=True)
class Agreed:
    """What stands in the catalog of real books: service days, what was bought, what is held.

    Attributes:
        opened: first day of service, None for long ago.
        closed: first day out of service, None while it lasts.
        bought: `NAME=QUANTITY@DAY` of allowances the plan lets customers buy.
        months: first and last month to bill, also where the file has nothing in them.
        event: `KIND=FIRST..END`: what happened to the service, up to but without END, which may be left out.
        held: `ITEM=QUANTITY` or `ITEM=QUANTITY@DAY`, by which fees go; from that day on until the next.
    """

    opened: dt.date | None = None
    closed: dt.date | None = None
    bought: Sequence[tuple[str, int, dt.date | None]] = ()
    held: Sequence[tuple[str, int, dt.date | None]] = ()
    event: Sequence[tuple[str, dt.date, dt.date | None]] = ()
    months: tuple[Period, Period] | None = None


def named_quantity(text: str) -> tuple[str, int, dt.date | None]:
    """`NAME=QUANTITY` or `NAME=QUANTITY@DAY`.

    Raises:
        ValueError: it is neither.
    """
    match = _NAMED.fullmatch(text)
    if not match:
        raise ValueError(text)
    day = match["day"] and dt.date.fromisoformat(match["day"])
    return match["name"], int(match["quantity"]), day or None


def dated_event(text: str) -> tuple[str, dt.date, dt.date | None]:
    """`KIND=FIRST..END`, END the first day outside; `KIND=FIRST..` where it lasts, `order=FIRST`.

    Raises:
        ValueError: it is none of these.
    """
    kind, _, days = text.partition("=")
    first, _, end = days.partition("..")
    if kind not in SERVICE_EVENTS:
        raise ValueError(text)
    return kind, dt.date.fromisoformat(first), dt.date.fromisoformat(end) if end else None


def read_usage(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Read the file: rows of `Cdr`, rows of metered usage (line, number, item or None, start, quantity_millionths).

    A file of both kinds has the columns of both, and in each line a duration or a quantity.

    Raises:
        Refusal: no CSV in UTF-8, columns that are neither, or a line that cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            columns = set(reader.fieldnames or ())
            rows = [(f"{path.name}:{reader.line_num}", reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise refuse("CALLS_FILE_UNREADABLE", path.name, problem=error) from error
    is_known = columns <= {*CALL_COLUMNS, *ITEM_COLUMNS} and "start" in columns
    if not is_known or not columns & {"duration_s", "quantity"}:
        raise refuse("CALLS_FILE_WRONG", f"{path.name}:1", columns=", ".join(reader.fieldnames or ()))
    is_both = {"duration_s", "quantity"} <= columns
    calls, items = [], []
    for where, line, row in rows:
        if is_both and bool(row["duration_s"]) == bool(row["quantity"]):
            raise line_wrong(where, "duration_s, quantity", f"{row['duration_s']}, {row['quantity']}")
        if row.get("quantity") or "duration_s" not in columns:
            items.append(_item(row, line, where))
        else:
            calls.append((where, row, _call(row, line, where)))
    return _joined(calls), items


def line_wrong(where: str, field: str, value: str | None) -> Refusal:
    """A line of the file that cannot be read."""
    return refuse("CALLS_LINE_WRONG", where, field=field, value=value or "")


def months_of(text: str) -> tuple[Period, Period]:
    """`2026-10` or `2026-10..2026-12`.

    Raises:
        ValueError: it is neither, or ends before it begins.
    """
    first, _, last = text.partition("..")
    months = Period.parse(first), Period.parse(last or first)
    if months[1] < months[0]:
        raise ValueError(text)
    return months


def _joined(calls: Sequence[tuple[str, Mapping[str, str | None], dict[str, Any]]]) -> list[dict[str, Any]]:
    """Calls, each with the records that continue it: their talk time is added up, so it is one call and one price."""
    found: list[dict[str, Any]] = []
    last: dict[str, dict[str, Any]] = {}
    for where, row, call in calls:
        flag = (row.get("continued") or "").strip().lower()
        number = call[Cdr.service_number]
        if flag in _NO:
            last[number] = call
            found.append(call)
        elif flag in _YES and number in last:
            last[number][Cdr.talk_ms] += call[Cdr.talk_ms]
            last[number][Cdr.ended_at] += dt.timedelta(milliseconds=call[Cdr.talk_ms])
        else:
            raise line_wrong(where, "continued", flag)
    return found


def _call(row: Mapping[str, str | None], line: int, where: str) -> dict[str, Any]:
    start, talk = _start(row, where), _seconds(row, "duration_s", where) or dt.timedelta()
    answered, platform = _seconds(row, "answered_s", where), _seconds(row, "platform_s", where)
    answered_at = start + (answered if answered is not None else platform or dt.timedelta())
    outcome = row.get("outcome") or "answered"
    if outcome not in OUTCOMES:
        raise line_wrong(where, "outcome", outcome)
    return {
        **dict.fromkeys(str(column) for column in Cdr.columns),
        Cdr.cdr_id: line,
        Cdr.usage_date: start.date(),
        Cdr.source: "price",
        Cdr.call_id: f"{line:09d}",
        Cdr.service_number: _number(row, where),
        Cdr.started_at: start,
        Cdr.platform_answered_at: None if platform is None else start + platform,
        Cdr.answered_at: answered_at if outcome == "answered" else None,
        Cdr.ended_at: answered_at + talk,
        Cdr.talk_ms: talk // dt.timedelta(milliseconds=1),
        Cdr.outcome: outcome,
        Cdr.call_class: row.get("call_class") or None,
    }


def _item(row: Mapping[str, str | None], line: int, where: str) -> dict[str, Any]:
    quantity = row["quantity"] or ""
    if not _QUANTITY.fullmatch(quantity):
        raise line_wrong(where, "quantity", quantity)
    start, item = _start(row, where), row.get("item") or None
    return {
        "line": line,
        "number": _number(row, where),
        "item": item,
        "start": start,
        "quantity_millionths": micro_from_text(quantity),
    }


def _number(row: Mapping[str, str | None], where: str) -> str:
    number = row.get("number") or NUMBER
    if not _NUMBER.fullmatch(number):
        raise line_wrong(where, "number", number)
    return number


def _start(row: Mapping[str, str | None], where: str) -> dt.datetime:
    for form in _FORMS:
        try:
            return dt.datetime.strptime(row["start"] or "", form)  # noqa: DTZ007 - civil time
        except ValueError:
            continue
    raise line_wrong(where, "start", row["start"])


def _seconds(row: Mapping[str, str | None], field: str, where: str) -> dt.timedelta | None:
    text = row.get(field)
    if text in (None, "") and field != "duration_s":
        return None
    if not text or not _SECONDS.fullmatch(text):
        raise line_wrong(where, field, text)
    whole, _, part = text.partition(".")
    return dt.timedelta(seconds=int(whole), milliseconds=int(part.ljust(3, "0") or 0))
