"""`explain`: everything that led to a call or an invoice line, from the derivation columns, never from a second pass.

A call is named `2026-10-03/17-204813`, `FILE:LINE` or `NUMBER@TIME`; an invoice line `CUSTOMER/PERIOD#LINE`.
"""

import datetime as dt
import json
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import polars as pl

from billing.core.findings import refuse
from billing.core.money import yuan_exact
from billing.core.period import Period
from billing.rate_book.book import WINDOW_MARK, RateBook
from billing.rate_book.call_price import MINUTE, CallPrice
from billing.rate_book.quantity_price import price_text
from billing.tables.calls import LINES_PER_FILE, CallAdjustment, Cdr, Joined, RatedCall, Recycled, UsageTotal
from billing.tables.documents import Charge, InvoiceLine
from billing.tables.parquet import scan_tables
from pipelines.books import Books
from pipelines.explain_record import as_received, call_name, explain_record
from pipelines.gate import answers_for
from pipelines.parts import Part, is_formed, left_out, of_part, parts_of, unrated_of, usage_of
from pipelines.past import stored
from pipelines.rate_book_of import book_of_snapshot, load_rate_book
from pipelines.taken import taken_of_call
from pipelines.waiting import joins, waiting_parts

_CALL = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2}|undated)/(?P<file>\d+)-(?P<line>\d+)")
_INVOICE_LINE = re.compile(r"(?P<invoice>.+/\d{4}-\d{2})#(?P<line>\d+)")
_AT = re.compile(r"(?P<number>\d+)@(?P<time>\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?)")
_FILE_LINE = re.compile(r"(?P<name>.+):(?P<line>\d+)")


def explain(books: Books, key: str) -> list[dict[str, Any]]:
    """Explain a key.

    Returns:
        One explanation, or several short ones when several calls fit.

    Raises:
        Refusal: nothing bears the key.
    """
    found: list[dict[str, Any]] = []
    if match := _CALL.fullmatch(key):
        found = [
            _explain_call(books, part, int(match["file"]) * LINES_PER_FILE + int(match["line"]))
            for part in parts_of(books.state)
            if part.name == f"{match['day']}/{match['file']}"
        ]
        found += [
            explain_record(books, part, int(match["file"]) * LINES_PER_FILE + int(match["line"]))
            for part in waiting_parts(books.state)
            if not any(found) and f"{part.day or 'undated'}/{part.file_number}" == f"{match['day']}/{match['file']}"
        ]
    elif match := _INVOICE_LINE.fullmatch(key):
        found = [_explain_line(books, match["invoice"], int(match["line"]))]
    elif match := _AT.fullmatch(key):
        found = _at_time(books, match["number"], match["time"])
    elif match := _FILE_LINE.fullmatch(key):
        found = _in_file(books, match["name"], int(match["line"]))
    explained = [explanation for explanation in found if explanation]
    if not explained:
        raise refuse("KEY_NOT_FOUND", key=key)
    return explained


def _at_time(books: Books, number: str, text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        return found
    for part in parts_of(books.state):
        if part.day == time.date():
            calls = pl.scan_parquet(books.path(part.cdr.path), glob=False)
            fits = (pl.col(Cdr.service_number) == number) & (pl.col(Cdr.started_at).dt.truncate("1s") == time)
            ids = calls.filter(fits).select(Cdr.cdr_id).collect().to_series()
            found.extend(_explain_call(books, part, cdr_id) for cdr_id in ids)
    return found


def _in_file(books: Books, name: str, line: int) -> list[dict[str, Any]]:
    numbers = {source.file_number for source in books.state.sources.values() if source.file_name == name}
    return [
        found
        for part in parts_of(books.state)
        if part.file_number in numbers
        if (found := _explain_call(books, part, part.file_number * LINES_PER_FILE + line))
    ] or [
        explain_record(books, part, part.file_number * LINES_PER_FILE + line)
        for part in waiting_parts(books.state)
        if part.file_number in numbers
    ]


def _explain_call(books: Books, part: Part, cdr_id: int) -> dict[str, Any]:
    calls = pl.scan_parquet(books.path(part.cdr.path), glob=False).filter(pl.col(Cdr.cdr_id) == cdr_id).collect()
    if calls.is_empty():
        return {}
    call = calls.row(0, named=True)
    explained = as_received(books, part, call)
    if is_formed(part):
        records = joins(books).filter(pl.col(Joined.into_cdr_id) == cdr_id).sort(Joined.cdr_id).collect()
        explained["made_of"] = [call_name(day, record) for record, day in records.select("cdr_id", "usage_date").rows()]
    explained |= _suspense_life(books, cdr_id)
    if answers := answers_for(books, part.file_number):
        explained["answered_for"] = answers
    out = of_part(left_out(books), part).filter(pl.col(Cdr.cdr_id) == cdr_id)
    if out.height:
        return explained | {"fate": out["fate"][0], "reason": out["reason"][0]}
    unrated = unrated_of(books, [part]).filter(pl.col(Cdr.cdr_id) == cdr_id)
    if unrated.height:
        return explained | {"fate": "suspense", "reason": unrated["reason"][0]}
    if part.rated is None:
        return explained | {"fate": "not rated yet"}
    rated = (
        pl.scan_parquet(books.path(part.rated.path), glob=False).filter(pl.col(RatedCall.cdr_id) == cdr_id).collect()
    )
    if rated.is_empty():
        return explained | {"fate": "not a call of ours"}
    row = rated.row(0, named=True)
    book = _book_for(books, part.billing_period)
    return explained | {
        "fate": "rated",
        "retail": _retail(book, row, call),
        "settlement": _settlement(book, row),
        "taken_by": _taken(books, part.billing_period, call, row),
    }


def _suspense_life(books: Books, cdr_id: int) -> dict[str, str]:
    """Of a record that left suspense: under which id it is billed; of one that is billed: where it waited before."""
    moved = scan_tables(books.paths(books.state.of_table(Recycled.name)), Recycled)
    rows = moved.filter((pl.col(Recycled.cdr_id) == cdr_id) | (pl.col(Recycled.into_cdr_id) == cdr_id)).collect()
    told = {}
    for row in rows.iter_rows(named=True):
        if row[Recycled.cdr_id] == cdr_id:
            told["billed_as"] = _name_of(books, row[Recycled.into_cdr_id])
        else:
            told["waited_as"] = call_name(row[Recycled.usage_date], row[Recycled.cdr_id])
    return told


def _name_of(books: Books, cdr_id: int) -> str:
    """How a call is printed whose day must be looked up."""
    own = [part for part in parts_of(books.state) if part.file_number == cdr_id // LINES_PER_FILE]
    calls = scan_tables([books.path(part.cdr.path) for part in own], Cdr).filter(pl.col(Cdr.cdr_id) == cdr_id)
    return call_name(calls.select(Cdr.usage_date).collect().item(), cdr_id)


def _book_for(books: Books, period: str) -> RateBook:
    commit = books.state.published(period)
    return book_of_snapshot(books, commit.facts["snapshot"]) if commit else load_rate_book(books.root).book


def _retail(book: RateBook, row: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    price = book.call_price(row[RatedCall.rate_id])
    return {
        "contract": row[RatedCall.contract_id],
        "rate": row[RatedCall.rate_id],
        "blocks": _blocks(price),
        **_pieces(book, row, call),
        **_terms(price),
        "usage_ms": row[RatedCall.usage_ms],
        "billed_seconds": row[RatedCall.billed_seconds],
        "free_seconds": row[RatedCall.free_seconds],
        "charged_seconds": row[RatedCall.charged_seconds],
        "block_count": row[RatedCall.block_count],
        "free_reason": row[RatedCall.free_reason],
        "amount": yuan_exact(row[RatedCall.amount_micro]),
    }


def _pieces(book: RateBook, row: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    """Of a call that its plan does not price by the start alone: how it goes over edges, and what holds until when."""
    day, start, end = row[RatedCall.usage_date], call[Cdr.started_at], call[Cdr.ended_at] or call[Cdr.started_at]
    plan_id = row[RatedCall.rate_id].partition(WINDOW_MARK)[0].rpartition("@")[0]
    at_edge, pieces = book.split_pieces(plan_id, day, call[Cdr.call_class])
    since, told = dt.datetime.combine(day, dt.time()), []
    for until_ms, price in pieces:
        until = dt.datetime.combine(day, dt.time()) + dt.timedelta(milliseconds=until_ms)
        if until > start and since < end:
            told.append(f"{until:%m-%d %H:%M}: {'; '.join(_blocks(price))}")
        since = until
    return {"at_edge": at_edge, "prices_until": told} if len(told) > 1 else {}


def _settlement(book: RateBook, row: Mapping[str, Any]) -> dict[str, Any]:
    _, version = book.settlement_by_rate(row[RatedCall.settlement_rate_id])
    return {
        "rate": row[RatedCall.settlement_rate_id],
        "blocks": _blocks(version.call),
        "billed_seconds": row[RatedCall.settlement_billed_seconds],
        "amount": yuan_exact(row[RatedCall.settlement_micro]),
    }


def _blocks(price: CallPrice) -> list[str]:
    if price.divisor == 1:
        return [f"from second {b.from_second}: {yuan_exact(b.price)} per {b.block_seconds} s" for b in price.blocks]
    if price.schedule and price.price_per_minute is not None:
        return [f"{price.schedule}: {yuan_exact(price.price_per_minute)} per minute"]
    minutes = [Fraction(block.price * MINUTE, price.divisor * block.block_seconds) for block in price.blocks]
    return [
        f"from second {block.from_second}: {price_text(minute)} per minute, in blocks of {block.block_seconds} s"
        for block, minute in zip(price.blocks, minutes, strict=True)
    ]


def _terms(price: CallPrice) -> dict[str, Any]:
    """What the plan says of a call beside its blocks; terms it does not have are left out."""
    free, rounding = price.free_seconds, price.rounding
    terms = {
        "bill_from": price.bill_from if price.bill_from != "landing_answer" else None,
        "free_first": f"{free.seconds} s, {free.reading}" if free else None,
        "connect_fee": yuan_exact(price.connect_fee) if price.connect_fee else None,
        "minimum_charge": yuan_exact(price.minimum_charge) if price.minimum_charge else None,
        "maximum_charge": yuan_exact(price.maximum_charge) if price.maximum_charge is not None else None,
        "legs": price.legs if price.legs != 1 else None,
        "discount": f"{price.discount // 100}.{price.discount % 100:02d}%" if price.discount else None,
        "rounding": f"{rounding.mode}, {rounding.places} places" if rounding.at == "call" else None,
    }
    return {name: value for name, value in terms.items() if value is not None}


def _taken(books: Books, period: str, call: Mapping[str, Any], row: Mapping[str, Any]) -> list[dict[str, str]]:
    """The allowances and caps of the call's own month that took something of its price, and how much of it."""
    rules = stored(books, CallAdjustment, period).iter_rows(named=True)
    return [
        {"rule": rule[CallAdjustment.rule_key], "amount": yuan_exact(micro)}
        for rule, micro in taken_of_call(rules, row, call[Cdr.started_at])
    ]


def _explain_line(books: Books, invoice: str, line: int) -> dict[str, Any]:
    period = invoice.rsplit("/", 1)[1]
    lines = stored(books, InvoiceLine, period).filter(
        pl.col(InvoiceLine.invoice_key) == invoice, pl.col(InvoiceLine.line_number) == line
    )
    if lines.is_empty():
        return {}
    row = lines.row(0, named=True)
    charges = stored(books, Charge, period).filter(pl.col(Charge.line_key) == row[InvoiceLine.line_key])
    explained: dict[str, Any] = {
        "invoice_line": f"{invoice}#{line}",
        "line": {
            name.removesuffix("_micro"): yuan_exact(value) if name.endswith("_micro") else value
            for name, value in row.items()
            if value is not None and name != InvoiceLine.explanation
        },
        "explanation": json.loads(row[InvoiceLine.explanation] or "{}"),
        "charges": [
            {
                "kind": charge[Charge.kind],
                "amount": yuan_exact(charge[Charge.amount_micro]),
                "explanation": json.loads(charge[Charge.explanation] or "{}"),
            }
            for charge in charges.iter_rows(named=True)
        ],
    }
    if row[InvoiceLine.usage_key]:
        explained["usage_by_day"] = _usage_by_day(books, Period.parse(period), row)
    return explained


def _usage_by_day(books: Books, period: Period, line: Mapping[str, Any]) -> list[dict[str, Any]]:
    usage = usage_of(books, parts_of(books.state, str(period))).filter(
        pl.col(UsageTotal.service_number) == line[InvoiceLine.service_number],
        pl.col(UsageTotal.contract_id) == line[InvoiceLine.contract_id],
        pl.col(UsageTotal.rate_id) == line[InvoiceLine.rate_id],
        pl.col(UsageTotal.usage_date).dt.strftime("%Y-%m") == line[InvoiceLine.usage_period],
    )
    days = usage.group_by(UsageTotal.usage_date).agg(
        pl.col(UsageTotal.call_count).sum(),
        pl.col(UsageTotal.charged_seconds).sum(),
        pl.col(UsageTotal.amount_micro).sum(),
    )
    return [
        {
            "day": row[UsageTotal.usage_date],
            "calls": row[UsageTotal.call_count],
            "charged_seconds": row[UsageTotal.charged_seconds],
            "amount": yuan_exact(row[UsageTotal.amount_micro]),
        }
        for row in days.sort(UsageTotal.usage_date).iter_rows(named=True)
    ]
