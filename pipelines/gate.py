"""The quality gate of an ingest: what the books know goes in, verdicts come out, and the results are kept.

No part is rated whose file has no result of the gate in the books.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from billing.core.digests import canonical_json, json_sha256
from billing.core.findings import Finding, refuse
from billing.core.money import round_ratio
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.rate_book.call_price import MINUTE
from billing.tables.calls import SourceHour, UsageTotal
from billing.tables.catalog import ServiceNumber
from billing.tables.parquet import scan_tables
from billing.validation.facts import NUMBERS, PRICES, Known
from billing.validation.rules import Rule, Scope, load_rules, share_rules
from billing.validation.stage import Judgement, Override
from pipelines.books import Books, Workbench
from pipelines.parts import Part, parts_of

GATE, GATE_BATCH, GATE_PAGE = "gate", "gate_batch", "gate_page"
"""Tables of the commits: the result of a file, the results of its batch, and the batch's page."""
LATE_MONTHS = 5
"""A call is billed late for so many months after its own; older ones wait in suspense and are written off by name."""
AHEAD_MONTHS = 12
"""A call so many months after the first open one comes from a clock that is wrong; no month is opened by it."""
PRICE_DAYS = 62
"""How far back the last price of a number is looked for."""
GATED_FROM = (0, 4)
"""Version from which every ingest leaves a result; files of older ones were judged by the rules of their time."""


def overrides_of(rule_ids: Sequence[str], by: str, reason: str, *, scope: Scope = "file") -> list[Override]:
    """Rules that somebody answers for: those that refuse files, or those that hold calls.

    Raises:
        Refusal: a rule that stops nothing of the kind, or nobody answers for it, or no reason is given.
    """
    rules = load_rules()
    action = "refuse" if scope == "file" else "suspend"
    known = [rule.id for rule in [*share_rules(rules), *rules] if rule.action == action]
    for rule_id in rule_ids:
        if rule_id not in known:
            raise refuse("OVERRIDE_UNKNOWN", rule=rule_id, known=", ".join(known))
        if not by.strip():
            raise refuse("NAME_MISSING")
        if not reason.strip():
            raise refuse("REASON_MISSING")
    return [Override(rule_id, by.strip(), reason.strip()) for rule_id in rule_ids]


def known_for(books: Books, book: RateBook | None, open_from: Period, days: Sequence[dt.date]) -> Known:
    """What the books know that a batch is compared with.

    Args:
        books: the books before the batch.
        book: the rate book; None when it cannot be read, no number is strange then.
        open_from: the first period that is not closed.
        days: usage dates of the batch.
    """
    numbers = book.table(ServiceNumber.name).select(NUMBERS.names()) if book else None
    return Known(
        earliest=open_from.shifted(-LATE_MONTHS).start,
        latest=open_from.shifted(AHEAD_MONTHS + 1).start,
        numbers=numbers,
        prices=last_prices(books, max(days, default=None)),
        history=_history(books, days),
    )


def last_prices(books: Books, until: dt.date | None = None) -> pl.DataFrame:
    """What a minute of each number cost on the last day it was charged for (`PRICES`)."""
    parts = [part for part in parts_of(books.state) if part.totals and part.day]
    newest = max((part.day for part in parts if part.day and (until is None or part.day <= until)), default=None)
    if newest is None:
        return pl.DataFrame(schema=PRICES)
    since = newest - dt.timedelta(days=PRICE_DAYS)
    recent = [part.totals for part in parts if part.totals and part.day and part.day >= since]
    return prices_of(scan_tables(books.paths(recent), UsageTotal))


def prices_of(usage: pl.LazyFrame) -> pl.DataFrame:
    """What a minute of each number cost on the last day of some usage on which it was charged for (`PRICES`)."""
    seconds, amount = pl.col(UsageTotal.charged_seconds), pl.col(UsageTotal.amount_micro)
    charged = (
        usage.filter(seconds > 0, amount > 0)
        .filter(pl.col(UsageTotal.usage_date) == pl.col(UsageTotal.usage_date).max().over(UsageTotal.service_number))
        .group_by(UsageTotal.service_number)
        .agg(seconds.sum(), amount.sum())
        .sort(UsageTotal.service_number)
        .collect()
    )
    rows = charged.select(UsageTotal.service_number, UsageTotal.amount_micro, UsageTotal.charged_seconds).iter_rows()
    prices = [(number, round_ratio(MINUTE * micro, charged_seconds)) for number, micro, charged_seconds in rows]
    return pl.DataFrame(prices, schema=PRICES, orient="row")


def _history(books: Books, days: Sequence[dt.date]) -> pl.DataFrame:
    wanted = {day - dt.timedelta(days=7 * weeks) for day in days for weeks in range(5)}
    if not wanted:
        return SourceHour.empty()
    near = [
        entry
        for entry in books.state.of_table(SourceHour.name)
        if entry.key["first_day"] <= str(max(wanted)) and entry.key["last_day"] >= str(min(wanted))
    ]
    hours = scan_tables(books.paths(near), SourceHour)
    return hours.filter(pl.col(SourceHour.usage_date).is_in(sorted(wanted))).collect()


def keep_results(
    bench: Workbench,
    judgement: Judgement,
    rules: Sequence[Rule],
    overrides: Sequence[Override],
    accepted: Sequence[int],
) -> None:
    """Put the results of a batch on the bench: one of each file that is read, the library's own, its page, its hours.

    Args:
        bench: where files are written.
        judgement: what the gate said.
        rules: by which rules.
        overrides: what somebody answered for.
        accepted: numbers of the files that are read.
    """
    digest = json_sha256([{**asdict(rule), "mostly": str(rule.mostly)} for rule in rules])
    batch = f"{accepted[0]:06d}"
    answers = [asdict(override) for override in overrides]
    # A rule of calls that somebody answers for refuses nothing and holds nothing, and is told with those of files.
    answered = [rule.id for rule in rules if rule.scope == "call" and rule.id in {each.rule_id for each in overrides}]
    for number in accepted:
        verdict = judgement.files[number]
        broken = [*verdict.broken, *(rule for rule in answered if verdict.facts.get(f"breaches_{rule}"))]
        used = [answer for answer in answers if answer["rule_id"] in broken]
        facts = {name: str(value) if isinstance(value, dt.date) else value for name, value in verdict.facts.items()}
        result = {"file": number, "batch": batch, "rules": digest, "facts": facts, "broken": broken}
        text = canonical_json(result | {"overrides": used})
        _write(bench, f"lake/gate/{number:06d}.json", text, GATE, {"file": number})
    files = {"files": list(accepted)}
    refused = [verdict for verdict in judgement.files.values() if verdict.refused]
    told = {
        "batch": batch,
        "rules": digest,
        "calls_that_break": dict(judgement.counts),
        "refused": {verdict.facts["file_name"]: list(verdict.refused) for verdict in refused},
        "results": judgement.validations,
    }
    text = json.dumps(told, ensure_ascii=False, sort_keys=True)
    _write(bench, f"lake/gate/{batch}-batch.json", text, GATE_BATCH, files)
    _write(bench, f"lake/gate/{batch}-batch.html", judgement.page, GATE_PAGE, files)
    hours = judgement.hours.filter(pl.col(SourceHour.file_number).is_in(list(accepted)))
    if hours.height:
        days = hours[SourceHour.usage_date]
        span = {"first_day": str(days.min()), "last_day": str(days.max())}
        bench.write(hours, SourceHour, f"lake/{SourceHour.name}/{batch}.parquet", files | span)


def _write(bench: Workbench, path: str, text: str, table: str, key: Mapping[str, object]) -> None:
    bench.place(path).write_text(text + "\n", "utf-8", newline="\n")
    bench.add(path, table, key, 1)


def require_results(books: Books, bench: Workbench, parts: Sequence[Part]) -> None:
    """Refuse to rate calls that no gate has judged.

    Raises:
        Refusal: a part's file has no result, neither in the books nor on the bench.
    """
    entries = [*books.state.of_table(GATE), *(entry for entry in bench.entries if entry.table == GATE)]
    judged = {entry.key["file"] for entry in entries}
    for part in parts:
        if part.file_number not in judged and not _is_older(books, part.file_number):
            raise refuse("GATE_RESULT_MISSING", part.name, file=part.file_number)


def _is_older(books: Books, file_number: int) -> bool:
    """Whether a file was read by a version that left no results."""
    source = books.state.sources.get(file_number)
    if source is None:
        return False
    version = books.commits[source.commit - 1].versions["bill400"]
    return tuple(int(piece) for piece in version.split(".")[:2]) < GATED_FROM


def warnings_of(books: Books, parts: Sequence[Part]) -> Iterator[Finding]:
    """What the gate said of the files behind parts, once a rule: a month is not closed over it in silence."""
    files = {part.file_number for part in parts}
    told: dict[str, list[dict[str, Any]]] = {}
    for entry in books.state.of_table(GATE):
        if entry.key["file"] in files:
            result = json.loads(books.path(entry.path).read_bytes())
            for rule_id in result["broken"]:
                told.setdefault(rule_id, []).append(result["facts"])
    reasons = {rule.id: rule.reason for rule in (*share_rules(load_rules()), *load_rules())}
    for rule_id, facts in sorted(told.items()):
        values = {"rule": rule_id, "code": reasons.get(rule_id, rule_id), "count": len(facts)}
        yield Finding(
            "GATE_AT_CLOSE", "warning", values=values | {"files": ", ".join(f["file_name"] for f in facts[:3])}
        )


def answers_for(books: Books, file_number: int) -> list[str]:
    """Who answered for what about a file: `R007, name: reason`."""
    entries = [entry for entry in books.state.of_table(GATE) if entry.key["file"] == file_number]
    results = [json.loads(books.path(entry.path).read_bytes()) for entry in entries]
    used = [answer for result in results for answer in result["overrides"]]
    return [f"{answer['rule_id']}, {answer['by']}: {answer['reason']}" for answer in used]


def results_of(books: Books, files: set[int]) -> dict[str, list[dict[str, Any]]]:
    """Results of files as they were kept, in the order of the files, by the page of their batch."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in books.state.of_table(GATE):
        if entry.key["file"] in files:
            result = json.loads(books.path(entry.path).read_bytes())
            found.setdefault(_page_name(result["batch"]), []).append(result)
    return found


def pages_of(books: Books, files: set[int]) -> dict[str, Path]:
    """Pages of the batches that brought some files: name in the published folder to where it lies."""
    pages = [entry for entry in books.state.of_table(GATE_PAGE) if files & set(entry.key["files"])]
    return {_page_name(Path(entry.path).stem.removesuffix("-batch")): books.path(entry.path) for entry in pages}


def _page_name(batch: str) -> str:
    return f"gate/{batch}.html"
