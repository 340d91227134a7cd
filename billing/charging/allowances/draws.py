"""Which calls draw which lots: day by day from the sums, call by call only on a day on which a lot runs out.

Domain rule 10.12: calls draw in order of start; each draws the first lots of its number's order. A call that a lot
cannot cover is split (what is left pays the call's first seconds or yuan), wholly in, or wholly out, as the plan says;
what it is short of, the next lot gives. A lot that a call was too long for (all_out) stays, for shorter calls.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import polars as pl

from billing.charging.account_terms import Account
from billing.charging.allowances.lots import Lot, MonthLots
from billing.charging.month_usage import CALL_ORDER, CallsOf
from billing.core.money import PARTS, round_ratio
from billing.rate_book.book import RateBook
from billing.tables.calls import UsageTotal

DRAWS_SCHEMA = pl.Schema(
    {
        "contract_id": pl.String(),
        "service_number": pl.String(),
        "rate_id": pl.String(),
        "usage_date": pl.Date(),
        "allowance": pl.String(),
        "cdr_id": pl.Int64(),
        "started_at": pl.Datetime("ms"),
        "is_last": pl.Boolean(),
        "calls": pl.Int64(),
        "seconds": pl.Int64(),
        "amount_micro": pl.Int64(),
        "rest_parts": pl.Int64(),
        "settlement_micro": pl.Int64(),
    }
)
"""What lots paid for: all calls of a number, price and day (cdr_id null), or one call, whole or in part.

On a day on which a lot runs out every charged call of the contract stands, in order, also one that nothing paid for
(allowance null). `is_last`: nothing of the call is left to pay; then the call itself and its cost count here.
"""


@dataclass
class _Demand:
    """What calls would draw of a lot, in each thing a lot may count."""

    seconds: int
    calls: int
    parts: int

    def of(self, lot: Lot) -> int:
        """In what the lot counts."""
        return {"minute": self.seconds, "second": self.seconds, "call": self.calls, "yuan": self.parts}[
            lot.allowance.of
        ]


def draw_month(lots: MonthLots, usage: pl.DataFrame, calls_of: CallsOf, book: RateBook) -> pl.DataFrame:
    """Let the calls of a month draw; the lots are left as they stand at its end.

    Args:
        lots: lots and who may draw them.
        usage: `UsageTotal` rows of the month.
        calls_of: asked for the calls of one day, of all contracts in which a lot runs out that day.
        book: the rate book, for the price of what is left of a split call.

    Returns:
        Rows of `DRAWS_SCHEMA`.
    """
    rows: list[dict[str, Any]] = []
    by_day = _by_day(lots, usage)
    for day, contracts in by_day.items():
        crossing: dict[str, list[dict[str, Any]]] = {}
        for contract, sums in contracts.items():
            drawn = _whole_day(lots, day, sums)
            if drawn is None:
                crossing[contract] = sums
            else:
                rows.extend(drawn)
        if crossing:
            numbers = sorted({row["service_number"] for sums in crossing.values() for row in sums})
            for call in _calls_in_order(calls_of([day], numbers), list(crossing)):
                rows.extend(_one_call(lots, day, call, book))
    return pl.DataFrame(rows, schema=DRAWS_SCHEMA, orient="row")


def _by_day(lots: MonthLots, usage: pl.DataFrame) -> dict[dt.date, dict[str, list[dict[str, Any]]]]:
    """Charged calls of the numbers that may draw, summed by day, contract, number and price."""
    accounts = pl.DataFrame(
        sorted(lots.of_number), schema=dict.fromkeys(("contract_id", "service_number"), pl.String), orient="row"
    )
    key = ("usage_date", "contract_id", "service_number", "rate_id")
    sums = (
        usage.filter(pl.col(UsageTotal.free_reason).is_null())
        .join(accounts, on=accounts.columns, how="semi")
        .group_by(key)
        .agg(
            pl.col(UsageTotal.call_count).sum().alias("calls"),
            pl.col(UsageTotal.charged_seconds).sum().alias("seconds"),
            pl.col("amount_micro", "rest_parts", "settlement_micro").sum(),
        )
        .sort(key)
    )
    return {
        day: {contract: list(group) for contract, group in groupby(rows, key=lambda row: str(row["contract_id"]))}
        for day, rows in groupby(sums.iter_rows(named=True), key=lambda row: row["usage_date"])
    }


def _whole_day(lots: MonthLots, day: dt.date, sums: Sequence[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Draw a contract's day from its sums, where the order of calls cannot matter; None where it can.

    It cannot matter while every number's first lot covers all that its calls of the day ask of it, whoever else draws.
    """
    asked: dict[str, tuple[Lot, int]] = {}
    covered: list[tuple[Lot, dict[str, Any]]] = []
    for row in sums:
        lot = next(_open_lots(lots, day, row), None)
        if lot is None:
            continue
        need = _demand(row).of(lot)
        asked[lot.key] = (lot, asked.get(lot.key, (lot, 0))[1] + need)
        covered.append((lot, row))
    if any(need > lot.left for lot, need in asked.values()):
        return None
    for lot, need in asked.values():
        lot.left -= need
    return [_draw(row, lot, day, is_last=True) for lot, row in covered]


def _open_lots(lots: MonthLots, day: dt.date, row: Mapping[str, Any]) -> Iterator[Lot]:
    account: Account = (row["contract_id"], row["service_number"])
    return (lot for lot in lots.of_number.get(account, ()) if lot.left > 0 and lot.holds_on(day))


def _calls_in_order(calls: pl.DataFrame, contracts: Sequence[str]) -> Iterator[dict[str, Any]]:
    charged = calls.filter(pl.col("free_reason").is_null(), pl.col("contract_id").is_in(contracts))
    return (
        charged.sort("contract_id", *CALL_ORDER)
        .select(
            *("contract_id", "service_number", "rate_id", "cdr_id", "started_at"),
            pl.lit(1, pl.Int64).alias("calls"),
            pl.col("charged_seconds").alias("seconds"),
            *("amount_micro", "rest_parts", "settlement_micro"),
        )
        .iter_rows(named=True)
    )


def _one_call(lots: MonthLots, day: dt.date, call: Mapping[str, Any], book: RateBook) -> list[dict[str, Any]]:
    """Draw one call, from as many lots as it takes."""
    rows: list[dict[str, Any]] = []
    left = _demand(call)
    for lot in _open_lots(lots, day, call):
        need = left.of(lot)
        if need > lot.left and lot.allowance.last_call == "all_out":
            continue
        if need <= lot.left or lot.allowance.last_call == "all_in":
            lot.left = max(0, lot.left - need)
            rows.append(_draw(call, lot, day, left.parts, left.seconds, is_last=True))
            break
        given, lot.left = lot.left, 0
        if lot.allowance.of == "yuan":
            rest = _Demand(left.seconds, 1, left.parts - given)
        else:
            seconds = left.seconds - given
            rest = _Demand(seconds, 1, min(left.parts, _beyond(call, call["seconds"] - seconds, book)))
        rows.append(_draw(call, lot, day, left.parts - rest.parts, left.seconds - rest.seconds, is_last=False))
        left = rest
    return rows or [_draw(call, None, day, 0, 0, is_last=False)]


def _beyond(call: Mapping[str, Any], covered_seconds: int, book: RateBook) -> int:
    """What the rest of a split call costs, in parts."""
    beyond = book.call_price(call["rate_id"]).price_beyond(call["seconds"], covered_seconds)
    return round_ratio(beyond.numerator * PARTS, beyond.denominator)


def _demand(row: Mapping[str, Any]) -> _Demand:
    return _Demand(row["seconds"], row["calls"], row["amount_micro"] * PARTS + row["rest_parts"])


def _draw(
    row: Mapping[str, Any],
    lot: Lot | None,
    day: dt.date,
    parts: int | None = None,
    seconds: int | None = None,
    *,
    is_last: bool,
) -> dict[str, Any]:
    """One row of draws; without parts and seconds all that the row holds."""
    micro, rest = row["amount_micro"], row["rest_parts"]
    if parts is not None:
        micro = round_ratio(parts, PARTS)
        rest = parts - micro * PARTS
    return {
        "contract_id": row["contract_id"],
        "service_number": row["service_number"],
        "rate_id": row["rate_id"],
        "usage_date": day,
        "allowance": lot and lot.allowance.name,
        "cdr_id": row.get("cdr_id"),
        "started_at": row.get("started_at"),
        "is_last": is_last,
        "calls": row["calls"] if is_last else 0,
        "seconds": row["seconds"] if seconds is None else seconds,
        "amount_micro": micro,
        "rest_parts": rest,
        "settlement_micro": row["settlement_micro"] if is_last else 0,
    }
