"""Shares of monthly function fees, and their release as the customer pays.

Domain rules: a month's function fee earns its share in the next month; the share arises whether or not the bill is
paid, and is paid out in proportion to what was paid of that month's bill; fees of a free trial earn nothing.
"""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from billing.commission.shares import TRIAL, EarnedShare, Row, RuleName, release_line, released_part
from billing.commission.sold_contracts import SoldContract
from billing.core.findings import Finding
from billing.core.money import net_of_vat
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.catalog import Receipt
from billing.tables.documents import Charge, CommissionLine

RULE: RuleName = "monthly_function_fee"
Bills = Mapping[tuple[str, str], int]
"""Money by contract and billing period."""


def fee_shares(
    fees: pl.DataFrame,
    contracts: Mapping[str, SoldContract],
    billed: Bills,
    paid: Bills,
    book: RateBook,
    findings: list[Finding],
) -> list[EarnedShare]:
    """Shares of last month's function fees, for contracts paid by the month.

    Args:
        fees: `Charge` rows of that month; only recurring function fees count.
        contracts: contracts sold by agents.
        billed: bills of contracts, tax included.
        paid: receipts for those bills.
        book: the rate book.
        findings: doubts are added here.
    """
    shares = []
    for (contract_id, month), by_rate in sorted(_function_fees(fees, contracts, book).items()):
        contract, arose = contracts[contract_id], Period.parse(month)
        held = contract.scheme_on(book, arose.end - dt.timedelta(days=1), findings)
        if held is None:
            continue
        scheme, version = held
        gross, net = sum(by_rate.values()), sum(net_of_vat(fee, rate) for rate, fee in by_rate.items())
        is_trial = contract.free_until is not None and contract.free_until >= arose.end
        shares.append(
            EarnedShare(
                contract_id=contract_id,
                customer_id=contract.customer_id,
                payee=contract.payee,
                rule=RULE,
                scheme=scheme,
                contract_year=None,
                base_micro=net if version.base_tax == "net" else gross,
                rate_bp=version.monthly_function_fee,
                source=f"{month}/{contract_id}",
                collected=(1, 1) if version.release == "billed" else collected(contract_id, month, gross, billed, paid),
                reason=TRIAL if is_trial else None,
            )
        )
    return shares


def _function_fees(
    fees: pl.DataFrame, contracts: Mapping[str, SoldContract], book: RateBook
) -> dict[tuple[str, str], dict[int, int]]:
    """Recurring function fees with their discounts, of contracts paid by the month: by period, then by VAT rate."""
    kinds = pl.col(Charge.kind).is_in(["recurring", "discount"])
    wanted = fees.filter(kinds, pl.col(Charge.contract_id).is_in(list(contracts)))
    sums: dict[tuple[str, str], dict[int, int]] = {}
    for fee in wanted.iter_rows(named=True):
        if contracts[fee[Charge.contract_id]].payment_mode == "monthly" and _is_function_fee(fee, book):
            by_rate = sums.setdefault((fee[Charge.contract_id], fee[Charge.period]), {})
            rate = fee[Charge.vat_rate_bp]
            by_rate[rate] = by_rate.get(rate, 0) + fee[Charge.amount_micro]
    return sums


def later_releases(period: Period, earlier: pl.DataFrame, billed: Bills, paid: Bills) -> list[Row]:
    """Lines that release what arose in earlier periods and was paid for since; negative where payment was taken back.

    Args:
        period: the billing period.
        earlier: `CommissionLine` rows of earlier closed periods.
        billed: bills of contracts.
        paid: receipts for them up to the end of the period.
    """
    is_share = (pl.col(CommissionLine.rule) == RULE) & (pl.col(CommissionLine.accrued_micro) > 0)
    originals = earlier.filter(is_share).sort(CommissionLine.commission_key)
    released = dict(
        earlier.group_by(pl.col(CommissionLine.source)).agg(pl.col(CommissionLine.released_micro).sum()).iter_rows()
    )
    rows = []
    for line in originals.iter_rows(named=True):
        month = line[CommissionLine.source].partition("/")[0]
        bill = collected(line[CommissionLine.contract_id], month, line[CommissionLine.base_micro], billed, paid)
        so_far = line[CommissionLine.released_micro] + released.get(line[CommissionLine.commission_key], 0)
        more = released_part(line[CommissionLine.accrued_micro], *bill) - so_far
        if more:
            rows.append(release_line(line, more, period))
    return rows


def collected(contract_id: str, month: str, fee_micro: int, billed: Bills, paid: Bills) -> tuple[int, int]:
    """What was paid and billed for a month; the fee stands for a bill that these books did not make."""
    key = contract_id, month
    return paid.get(key, 0), billed.get(key, fee_micro)


def bills_paid(book: RateBook, period: Period) -> Bills:
    """Receipts for monthly bills up to the end of the period."""
    sums = (
        book.table(Receipt.name)
        .filter(pl.col(Receipt.purpose) == "bill", pl.col(Receipt.received_on) < period.end)
        .group_by(Receipt.contract_id, Receipt.bill_period)
        .agg(pl.col(Receipt.amount_micro).sum())
    )
    return {(row[0], row[1]): row[2] for row in sums.iter_rows()}


def _is_function_fee(charge: Mapping[str, Any], book: RateBook) -> bool:
    """Whether a fee is one that agents earn on, or a discount is of such a fee."""
    item = charge[Charge.item]
    if charge[Charge.kind] == "discount":
        item = json.loads(charge[Charge.explanation]).get("item")
    _, version = book.retail_by_rate(charge[Charge.rate_id])
    return any(fee.is_function_fee and fee.kind == "recurring" and fee.item == item for fee in version.fees)
