"""`price`: rate a CSV of calls under one plan file, by the very stage that rates a month; no books needed."""

import csv
import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from billing.core.findings import Finding, Refusal, refuse
from billing.core.money import yuan_exact
from billing.rate_book.book import WINDOW_MARK, version_on
from billing.rate_book.call_price import CallPrice
from billing.rate_book.plans import RetailPlan, RetailVersion
from billing.rate_book.rating_rows import blocks_row, rating_schema, terms_row
from billing.rate_book.windows import DAY_MS, Calendar, slots
from billing.rate_book.yaml_file import parse, read_yaml
from billing.rating.stage import rate_calls
from billing.tables.calls import Cdr, RatedCall
from pipelines.books import shipped

_NUMBER = "4000000000"
_TOO_MANY_DIGITS = 10
"""No call lasts for decades; milliseconds of so many seconds would not fit 64 bits much further on."""
_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M")


def price_calls(plan_file: Path, calls_file: Path) -> dict[str, Any]:
    """Rate calls under a plan.

    Args:
        plan_file: a retail plan (YAML).
        calls_file: CSV with `start` and `duration_s` (whole seconds of talk), UTF-8.

    Returns:
        Per call its derivation and amount, and the totals; amounts in yuan as text.

    Raises:
        Refusal: the plan or a line cannot be read, or the plan has no price on a day.
    """
    plan = parse(RetailPlan, read_yaml(plan_file, plan_file.name))
    versions: dict[str, CallPrice] = {}
    of_rate: dict[str, list[dict[str, Any]]] = {}
    for line, (start, seconds) in enumerate(_read(calls_file), start=2):
        found = version_on(plan.versions, plan.plan, start.date())
        if found is None:
            raise refuse("NO_PRICE", f"{calls_file.name}:{line}")
        rate_id, price = _price_at(plan_file, *found, start)
        versions[rate_id] = price
        of_rate.setdefault(rate_id, []).append(_call_row(line, start, seconds))
    priced = [row for rate_id, calls in of_rate.items() for row in _rate(rate_id, versions[rate_id], calls)]
    priced.sort(key=lambda row: row["line"])
    total = sum(row["amount_micro"] for row in priced)
    for row in priced:
        row["amount"] = yuan_exact(row.pop("amount_micro"))
    return {"plan": plan.plan, "calls": priced, "call_count": len(priced), "total": yuan_exact(total)}


def _price_at(plan_file: Path, rate_id: str, version: RetailVersion, start: dt.datetime) -> tuple[str, CallPrice]:
    """The price of a call that starts then, and its rate id: the version's own or that of a window."""
    calendar = None
    if version.calendar:
        name = f"{version.calendar}.yaml"
        beside = plan_file.parent.parent / "calendars" / name
        path = beside if beside.exists() else shipped("rate_plans") / "calendars" / name
        if not path.exists():
            values = {"plan": rate_id, "calendar": version.calendar}
            raise Refusal(Finding("CALENDAR_UNKNOWN", "critical", plan_file.name, values))
        calendar = parse(Calendar, read_yaml(path, name))
    clock = (start - dt.datetime.combine(start.date(), dt.time())) // dt.timedelta(milliseconds=1)
    for since, until, window, price in slots(version.windows, version.call, start.date(), calendar):
        if since <= clock < until:
            return (f"{rate_id}{WINDOW_MARK}{window}" if window else rate_id), price
    raise AssertionError("slots leave no hour out")


def _call_row(line: int, start: dt.datetime, seconds: int) -> dict[str, Any]:
    return {
        **dict.fromkeys(str(column) for column in Cdr.columns),
        Cdr.cdr_id: line,
        Cdr.usage_date: start.date(),
        Cdr.service_number: _NUMBER,
        Cdr.started_at: start,
        Cdr.talk_ms: seconds * 1000,
        Cdr.outcome: "answered",
    }


def _rate(rate_id: str, price: CallPrice, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The calls under one version, through the rating stage; the carrier plays no part here."""
    row = {
        "service_number": _NUMBER,
        "since_ms": 0,
        "until_ms": DAY_MS,
        "contract_id": "-",
        "rate_id": rate_id,
        "settlement_rate_id": "-",
        "is_trial": False,
        **terms_row(price),
        **blocks_row("retail", price.blocks, len(price.blocks)),
        **blocks_row("carrier", (), 1),
    }
    rows = pl.DataFrame([row], schema=rating_schema(len(price.blocks), 1), orient="row")
    rated = rate_calls(Cdr.of_rows(calls).lazy(), rows, pl.Series([_NUMBER])).rated.collect()
    return [
        {
            "line": call[RatedCall.cdr_id],
            "start": source[Cdr.started_at].isoformat(sep=" "),
            "duration_s": source[Cdr.talk_ms] // 1000,
            "rate": rate_id,
            "billed_seconds": call[RatedCall.billed_seconds],
            "block_count": call[RatedCall.block_count],
            "free_reason": call[RatedCall.free_reason],
            "amount_micro": call[RatedCall.amount_micro],
        }
        for source, call in zip(calls, rated.iter_rows(named=True), strict=True)
    ]


def _read(path: Path) -> list[tuple[dt.datetime, int]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            columns = reader.fieldnames or []
            if not {"start", "duration_s"} <= set(columns):
                raise refuse("CALLS_FILE_WRONG", f"{path.name}:1", columns=", ".join(columns))
            return [_call(row, f"{path.name}:{reader.line_num}") for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise refuse("CALLS_FILE_UNREADABLE", path.name, problem=error) from error


def _call(row: Mapping[str, str | None], where: str) -> tuple[dt.datetime, int]:
    seconds = row["duration_s"] or ""
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) < _TOO_MANY_DIGITS):
        raise refuse("CALLS_LINE_WRONG", where, field="duration_s")
    for form in _FORMS:
        try:
            return dt.datetime.strptime(row["start"] or "", form), int(seconds)  # noqa: DTZ007 - civil time
        except ValueError:
            continue
    raise refuse("CALLS_LINE_WRONG", where, field="start")
