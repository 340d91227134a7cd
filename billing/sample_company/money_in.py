"""Receipts and adjustments of the sample company: whole terms, contract years, bills, and a few credits."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from billing.core.money import MICRO_PER_FEN, MICRO_PER_YUAN
from billing.core.period import Period, add_years
from billing.sample_company.contracts import Drafted
from billing.sample_company.draws import Draws
from billing.tables.catalog import Adjustment, Contract, Receipt, Subscription


def receipt_rows(draws: Draws, period: Period, drafts: Sequence[Drafted]) -> list[dict[str, Any]]:
    """Money received up to the end of the period, in order of the day.

    One new prepaid contract is paid in two parts, one only in part, one not at all.
    """
    paid: list[tuple[dt.date, str, int, str, str | None]] = []
    newcomers = [draft for draft in drafts if draft.shape["shape"] == "prepaid_opened"]
    for draft in drafts:
        contract, mode = draft.row, draft.row[Contract.payment_mode]
        if mode == "full_prepayment":
            position = newcomers.index(draft) if draft in newcomers else -1
            paid.extend(_full_term(contract, period, position))
        elif mode == "annual_payment":
            paid.extend(_contract_years(contract, period))
        elif contract[Contract.service_start] < period.start and draws.below(10) < 8:
            amount = draws.between(4000, 60000) * MICRO_PER_FEN
            day = period.start + dt.timedelta(days=draws.between(4, 24))
            paid.append((day, contract[Contract.contract_id], amount, "bill", str(period.shifted(-1))))
    paid.sort(key=lambda entry: (entry[0], entry[1]))
    return [
        {
            Receipt.receipt_id: f"SK{day:%y%m%d}{index:04d}",
            Receipt.contract_id: contract_id,
            Receipt.received_on: day,
            Receipt.amount_micro: amount,
            Receipt.purpose: purpose,
            Receipt.bill_period: bill_period,
        }
        for index, (day, contract_id, amount, purpose, bill_period) in enumerate(paid, start=1)
    ]


def adjustment_rows(draws: Draws, period: Period, subscriptions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A few credits and one later charge, some for a number, some for a whole contract."""
    reasons = (
        ("落地线路故障减免", -500, "voice"),
        ("月功能费重复收取退回", -5000, "value_added"),
        ("客户投诉协商减免", -2000, "voice"),
        ("开通延误补偿", -1000, "value_added"),
        ("上月少计通话费补收", 360, "voice"),
    )
    steady = [row for row in subscriptions if row[Subscription.valid_from] < period.start and not row["valid_to"]]
    rows = []
    for index, (reason, fen, tax_code) in enumerate(reasons, start=1):
        row = draws.pick(steady)
        rows.append(
            {
                Adjustment.adjustment_id: f"TZ{period.year % 100:02d}{period.month:02d}{index:03d}",
                Adjustment.contract_id: row[Subscription.contract_id],
                Adjustment.service_number: row[Subscription.service_number] if tax_code == "voice" else None,
                Adjustment.period: str(period),
                Adjustment.amount_micro: fen * MICRO_PER_FEN,
                Adjustment.tax_code: tax_code,
                Adjustment.reason: reason,
            }
        )
    return rows


def _full_term(
    contract: dict[str, Any], period: Period, newcomer: int
) -> Iterator[tuple[dt.date, str, int, str, str | None]]:
    """What was paid for a whole term; opening waits for the money, so it came before service started."""
    day = contract[Contract.service_start] - dt.timedelta(days=1)
    total, key = contract[Contract.total_micro], contract[Contract.contract_id]
    if newcomer == 2:
        return
    if newcomer in (0, 1):
        half = total // (2 * MICRO_PER_YUAN) * MICRO_PER_YUAN
        yield max(period.start, day), key, half, "full_term", None
        if newcomer == 0:
            yield period.end - dt.timedelta(days=2), key, total - half, "full_term", None
        return
    yield (max(period.start, day) if newcomer >= 0 else day), key, total, "full_term", None


def _contract_years(contract: dict[str, Any], period: Period) -> Iterator[tuple[dt.date, str, int, str, str | None]]:
    """A year's share on the first day of every contract year up to the period's end."""
    years = contract[Contract.term_years]
    for year in range(years):
        day = add_years(contract[Contract.service_start], year)
        if day < period.end:
            yield day, contract[Contract.contract_id], contract[Contract.total_micro] // years, "contract_year", None
