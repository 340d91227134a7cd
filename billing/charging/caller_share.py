"""What callers paid for reaching a number: shown to its owner, never billed by us.

Domain fact 2: a caller pays a local call to the own carrier, 0.08 to 0.25 yuan a minute, or nothing under a flat plan;
some products have a price of their own for the caller (168: 0.20 for the first three minutes, then 0.10 a minute).
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import polars as pl

from billing.charging.account_terms import Account, AccountTerms
from billing.core.money import fen_of
from billing.core.period import Period
from billing.rate_book.call_price import CallPrice
from billing.tables.calls import RatedCall
from billing.tables.documents import CallerShare

LOCAL_MINUTE = (80_000, 250_000)
"""The least and the most a minute of a local call costs; under a flat plan it costs nothing."""
_MINUTE_MS = 60_000


def caller_shares(period: Period, terms: Sequence[AccountTerms], rated: pl.LazyFrame) -> pl.DataFrame:
    """The callers' share of a month's answered calls, by contract and number.

    Args:
        period: the month.
        terms: terms of every number; only those whose plan says `caller_pays` count.
        rated: `RatedCall` rows of the month's calls.

    Returns:
        `CallerShare` rows in key order.
    """
    payers = {each.account: each.version.caller_pays for each in terms if each.version.caller_pays is not None}
    if not payers:
        return CallerShare.empty()
    numbers = sorted({number for _, number in payers})
    lengths = (
        rated.filter(pl.col(RatedCall.service_number).is_in(numbers), pl.col(RatedCall.outcome) == "answered")
        .group_by(RatedCall.contract_id, RatedCall.service_number, RatedCall.usage_ms)
        .len()
        .collect()
    )
    sums: dict[Account, list[Any]] = {}
    for contract, number, talk_ms, count in lengths.iter_rows():
        payer = payers.get((contract, number))
        if payer is not None:
            least, most = _costs(payer, talk_ms)
            found = sums.setdefault((contract, number), [0, Fraction(0), Fraction(0)])
            found[0] += count
            found[1] += least * count
            found[2] += most * count
    rows = [
        {
            CallerShare.period: str(period),
            CallerShare.contract_id: contract,
            CallerShare.service_number: number,
            CallerShare.call_count: count,
            CallerShare.least_micro: fen_of(least),
            CallerShare.most_micro: fen_of(most),
        }
        for (contract, number), (count, least, most) in sorted(sums.items())
    ]
    return CallerShare.of_rows(rows)


def _costs(payer: CallPrice | str, talk_ms: int) -> tuple[Fraction, Fraction]:
    if isinstance(payer, CallPrice):
        cost = payer.price_of(talk_ms)
        return cost, cost
    minutes = -(-talk_ms // _MINUTE_MS)
    return Fraction(minutes * LOCAL_MINUTE[0]), Fraction(minutes * LOCAL_MINUTE[1])
