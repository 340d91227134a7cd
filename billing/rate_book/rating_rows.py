"""The compiled rating rows: for one day, each number with its contract, price blocks and carrier blocks.

Contracts and plans change at midnight, so on one civil day a number has one row. A rated part rests on exactly these
rows, and its fingerprint hashes them: a contract that starts next month re-rates nothing.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import polars as pl

from billing.rate_book.book import RateBook
from billing.rate_book.call_price import MAX_CALL_MICRO, MS, Block, CallPrice
from billing.rate_book.trials import free_until
from billing.rate_book.windows import DAY_MS, Piece
from billing.tables.catalog import CallerOfTests, Carrier, Contract, ServiceNumber, Subscription

NEVER = 2**40
"""`from_second` of a block that a shorter schedule does not have: no call lasts so long."""


NO_PRICE: tuple[list[tuple[int, int, None, None]], tuple[None, tuple[()]]] = ([(0, DAY_MS, None, None)], (None, ()))
"""The slots and pieces of a number whose plan has no price: the whole day without one."""

CALL_TERMS: dict[str, Any] = {
    "retail_divisor": pl.Int64,
    "connect_micro": pl.Int64,
    "least_micro": pl.Int64,
    "most_micro": pl.Int64,
    "free_ms": pl.Int64,
    "free_if_shorter": pl.Boolean,
    "from_platform": pl.Boolean,
    "legs": pl.Int64,
    "discount_bp": pl.Int64,
    "round_micro": pl.Int64,
    "round_mode": pl.String,
}
"""What a retail price says of a call beside its blocks: 0 where there is no such term."""
NO_TERMS: dict[str, Any] = {
    "retail_divisor": 1,
    "connect_micro": 0,
    "least_micro": 0,
    "most_micro": MAX_CALL_MICRO,
    "free_ms": 0,
    "free_if_shorter": False,
    "from_platform": False,
    "legs": 1,
    "discount_bp": 0,
    "round_micro": 0,
    "round_mode": "half_up",
}
"""The terms of a price that is its blocks alone."""


CLASS = "call_class"
"""The class of calls a row is for, null: any that the number has no row for; absent when no plan of the day has any."""
TEST_CALLERS = "test_callers"
"""Callers of test calls that day, the same on every row; absent when there are none."""
EDGE = "at_edge"
"""How a call over an edge is rounded there; null on rows whose plan does not split, absent when all are so."""


def split_prefix(piece: int) -> str:
    """What the block columns of a piece of two days begin with."""
    return f"split{piece}_"


def split_columns(piece: int) -> tuple[str, str, str]:
    """End of a piece in milliseconds from midnight, connect fee and divisor of the prices in it."""
    return f"split{piece}_until", f"split{piece}_connect", f"split{piece}_divisor"


def block_columns(prefix: str, index: int) -> tuple[str, str, str]:
    """Names of the three columns of one block."""
    return f"{prefix}{index}_from", f"{prefix}{index}_seconds", f"{prefix}{index}_micro"


def rating_rows(book: RateBook, day: dt.date, numbers: Sequence[str] | None = None) -> pl.DataFrame:
    """Everything rating needs to know about each number on a day.

    Args:
        book: the rate book.
        day: a civil day.
        numbers: only these numbers; all when None.

    Returns:
        One row a number in service that day, class of calls and window of its plan, ordered by number, class and clock:
        since_ms and until_ms (half-open hours of the day), service_number, contract_id, rate_id (null when the plan has
        no price that day), settlement_rate_id, is_trial, the terms `CALL_TERMS` of the call, and the blocks
        `retail<i>_from/_seconds/_micro` and `carrier<i>_...`, as many as the longest schedule has. Where a plan splits
        calls at an edge, also `at_edge` and the prices of the day and the next as pieces (`split_columns`, blocks under
        `split_prefix`). Where plans have prices for classes of calls, also `call_class`; where there are test callers,
        `test_callers`.
    """
    held = (
        book.table(Subscription.name)
        .filter(
            pl.col(Subscription.valid_from) <= day,
            pl.col(Subscription.valid_to).is_null() | (pl.col(Subscription.valid_to) > day),
        )
        .join(book.table(Contract.name), on=Contract.contract_id)
        .join(book.table(ServiceNumber.name), on=ServiceNumber.service_number)
        .join(book.table(Carrier.name), on=Carrier.carrier_id)
        .sort(Subscription.service_number)
    )
    if numbers is not None:
        held = held.filter(pl.col(Subscription.service_number).is_in(numbers))
    width = longest_schedules(book)
    retail = {plan: book.retail(plan, day) for plan in held[Subscription.plan_id].unique()}
    prices = {
        (plan, each): (book.call_slots(*price, day, each), book.split_pieces(plan, day, each))
        for plan, price in retail.items()
        if price
        for each in book.prices.retail[plan].call_classes
    }
    classes = {plan: [each for other, each in prices if other == plan] or [None] for plan in retail}
    most = max((len(pieces) for _, (_, pieces) in prices.values()), default=0)
    carriers = {plan: book.settlement(plan, day) for plan in held[Carrier.settlement_plan].unique()}
    rows: list[dict[str, Any]] = []
    for row in held.iter_rows(named=True):
        cost = carriers[row[Carrier.settlement_plan]]
        trial, plan = free_until(row), row[Subscription.plan_id]
        for call_class, (slots, pieces) in ((each, prices.get((plan, each), NO_PRICE)) for each in classes[plan]):
            rows.extend(
                {
                    "service_number": row[Subscription.service_number],
                    "since_ms": since,
                    "until_ms": until,
                    "contract_id": row[Contract.contract_id],
                    "rate_id": rate_id,
                    "settlement_rate_id": cost and cost[0],
                    "is_trial": trial is not None and day < trial,
                    **terms_row(call),
                    **blocks_row("retail", call.blocks if call else (), width[0]),
                    **blocks_row("carrier", cost[1].call.blocks if cost else (), width[1]),
                    **_pieces_row(pieces, most, width[0]),
                    CLASS: call_class,
                }
                for since, until, rate_id, call in slots
            )
    compiled = pl.DataFrame(rows, schema=rating_schema(*width, most) | {CLASS: pl.String()}, orient="row")
    if compiled[CLASS].is_null().all():
        compiled = compiled.drop(CLASS)
    callers = _test_callers(book, day)
    return compiled.with_columns(pl.lit(callers, pl.List(pl.String)).alias(TEST_CALLERS)) if callers else compiled


def _test_callers(book: RateBook, day: dt.date) -> list[str]:
    """The numbers from which lines are tested on a day, in order."""
    since, until = pl.col(CallerOfTests.valid_from), pl.col(CallerOfTests.valid_to)
    held = book.table(CallerOfTests.name).filter(since <= day, until.is_null() | (until > day))
    return [str(caller) for caller in held[CallerOfTests.caller].unique().sort()]


def _pieces_row(split: tuple[str | None, Sequence[Piece]], most: int, width: int) -> dict[str, Any]:
    """The cells of the pieces of two days, filled up with pieces that no call reaches."""
    if not most:
        return {}
    at_edge, pieces = split
    cells: dict[str, Any] = {EDGE: at_edge}
    for index in range(most):
        until, price = pieces[index] if index < len(pieces) else (0, None)
        values = (until, price.connect_fee, price.divisor) if price else (NEVER, 0, 1)
        cells |= dict(zip(split_columns(index), values, strict=True))
        cells |= blocks_row(split_prefix(index), price.blocks if price else (), width)
    return cells


def longest_schedules(book: RateBook) -> tuple[int, int]:
    """Most blocks of any retail and of any settlement version."""
    retail = (p for plan in book.prices.retail.values() for v in plan.versions.values() if v for p in v.prices)
    carrier = (v for plan in book.prices.settlement.values() for v in plan.versions.values() if v)
    return (
        max((len(price.blocks) for price in retail), default=1),
        max((len(version.call.blocks) for version in carrier), default=1),
    )


def terms_row(price: CallPrice | None) -> dict[str, Any]:
    """The cells of what a price says beside its blocks; without a price nothing of it counts."""
    if price is None:
        return NO_TERMS
    free = price.free_seconds
    return {
        "retail_divisor": price.divisor,
        "connect_micro": price.connect_fee,
        "least_micro": price.minimum_charge,
        "most_micro": price.maximum_charge if price.maximum_charge is not None else MAX_CALL_MICRO,
        "free_ms": free.seconds * MS if free else 0,
        "free_if_shorter": bool(free and free.reading == "if_shorter"),
        "from_platform": price.bill_from == "platform_answer",
        "legs": price.legs,
        "discount_bp": price.discount,
        "round_micro": price.rounding.unit_micro if price.rounding.at == "call" else 0,
        "round_mode": price.rounding.mode,
    }


def blocks_row(prefix: str, blocks: Sequence[Block], width: int) -> dict[str, int]:
    """The cells of one schedule in a rating row, filled up to the width with blocks no call reaches."""
    cells: dict[str, int] = {}
    for index in range(width):
        names = block_columns(prefix, index)
        block = blocks[index] if index < len(blocks) else None
        values = (block.from_second, block.block_seconds, block.price) if block else (NEVER, 1, 0)
        cells.update(zip(names, values, strict=True))
    return cells


def rating_schema(retail: int, carrier: int, pieces: int = 0) -> pl.Schema:
    """Column types of rating rows for schedules of so many blocks, and so many pieces of two days."""
    fixed: dict[str, Any] = {
        "service_number": pl.String,
        "since_ms": pl.Int64,
        "until_ms": pl.Int64,
        "contract_id": pl.String,
        "rate_id": pl.String,
        "settlement_rate_id": pl.String,
        "is_trial": pl.Boolean,
        **CALL_TERMS,
    }
    for prefix, width in (("retail", retail), ("carrier", carrier)):
        for index in range(width):
            fixed.update(dict.fromkeys(block_columns(prefix, index), pl.Int64))
    if pieces:
        fixed[EDGE] = pl.String
    for piece in range(pieces):
        fixed.update(dict.fromkeys(split_columns(piece), pl.Int64))
        for index in range(retail):
            fixed.update(dict.fromkeys(block_columns(split_prefix(piece), index), pl.Int64))
    return pl.Schema(fixed)
