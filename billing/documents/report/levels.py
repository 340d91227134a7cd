"""What we owe each carrier, at three levels: call by call, number by number, and in total as it is posted.

Each level is worked out from other tables than the one before; the difference between two of them is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from billing.rate_book.book import RateBook
from billing.tables.calls import UsageTotal
from billing.tables.catalog import Carrier
from billing.tables.documents import Posting, SettlementLine

LevelName = Literal["calls", "numbers", "true_up", "total"]


@dataclass(frozen=True)
class Level:
    """A carrier's amount at a level, tax included.

    Attributes:
        name: calls (sum over rated calls), numbers (lines of usage by number and month), true_up (carrier minimums),
            total (as it is posted).
        call_count: calls, None where they play no part; likewise `billed_seconds`.
        amount_micro: our amount.
        difference_micro: from the level it is compared with; None where it is a part of the next one.
    """

    name: LevelName
    call_count: int | None
    billed_seconds: int | None
    amount_micro: int
    difference_micro: int | None = None


@dataclass(frozen=True)
class CarrierLevels:
    """A carrier and its levels."""

    carrier_id: str
    carrier_name: str
    levels: tuple[Level, ...]


def carrier_levels(tables: Mapping[str, pl.DataFrame], book: RateBook) -> list[CarrierLevels]:
    """Every carrier that has a line, by id.

    Args:
        tables: usage_total, settlement_line, posting.
        book: the carriers' names.
    """
    lines = tables[SettlementLine.name]
    names = dict(book.table(Carrier.name).select(Carrier.carrier_id, Carrier.carrier_name).iter_rows())
    by_call = _by_call(tables[UsageTotal.name], lines)
    by_kind = {
        (carrier, kind): (calls, seconds, gross)
        for carrier, kind, calls, seconds, gross in lines.group_by(SettlementLine.carrier_id, SettlementLine.kind)
        .agg(
            pl.col(SettlementLine.call_count).sum(),
            pl.col(SettlementLine.billed_seconds).sum(),
            pl.col(SettlementLine.gross_micro).sum(),
        )
        .iter_rows()
    }
    posted = posted_to_carriers(tables[Posting.name])
    found = []
    for carrier in sorted(lines[SettlementLine.carrier_id].unique()):
        calls = by_call.get(carrier, (0, 0, 0))
        usage, true_up = by_kind.get((carrier, "usage"), (0, 0, 0)), by_kind.get((carrier, "true_up"), (0, 0, 0))
        total = posted.get(carrier, 0)
        levels = (
            Level("calls", *calls),
            Level("numbers", *usage, usage[2] - calls[2]),
            Level("true_up", None, None, true_up[2]),
            Level("total", None, None, total, total - usage[2] - true_up[2]),
        )
        found.append(CarrierLevels(carrier, names.get(carrier, ""), levels))
    return found


def _by_call(usage: pl.DataFrame, lines: pl.DataFrame) -> dict[str, tuple[int, int, int]]:
    """Calls, seconds and exact amount of each carrier, from the calls; a number may change its carrier in a month."""
    of_price = (SettlementLine.service_number, SettlementLine.settlement_rate_id)
    carriers = lines.select(*of_price, SettlementLine.carrier_id).sort(pl.all()).unique(of_price, keep="first")
    measures = (UsageTotal.call_count, UsageTotal.settlement_billed_seconds, UsageTotal.settlement_micro)
    sums = usage.join(carriers, on=of_price).group_by(SettlementLine.carrier_id).agg(pl.col(measures).sum())
    return {row[0]: (row[1], row[2], row[3]) for row in sums.iter_rows()}


def posted_to_carriers(postings: pl.DataFrame) -> dict[str, int]:
    """What the journal owes each carrier: the last leg of its document, a credit unless the carrier owes us."""
    legs = postings.filter(pl.col(Posting.event) == "settlement").sort(Posting.document, Posting.leg)
    last = legs.group_by(Posting.party_id).agg((pl.col(Posting.credit_micro) - pl.col(Posting.debit_micro)).last())
    return dict(last.iter_rows())
