"""Shares of money paid ahead: once on the full term, or by contract year on each year's payment.

Domain rules: 30 % of the contract total, once for a customer and product, when the whole term has been paid; 15, 10,
5 % of what is paid for years 1, 2, 3 and nothing from year 4. Who paid by the year and then pays the rest ahead earns
the full-term share on that rest; earlier shares stand. The rates are the scheme's, not ours.
"""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from billing.commission.shares import YEAR_4_ON, EarnedShare
from billing.commission.sold_contracts import SoldContract
from billing.core.findings import Finding
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.rate_book.plans import CommissionVersion
from billing.tables.catalog import Receipt

CustomerProduct = tuple[str, str]


@dataclass(frozen=True)
class Paid:
    """A receipt for a term or a contract year."""

    receipt_id: str
    received_on: dt.date
    amount_micro: int
    purpose: str


def yearly_rate(rates_by_year: Sequence[int], year: int) -> int:
    """The rate of a contract year, zero beyond the years the scheme names."""
    return rates_by_year[year - 1] if year <= len(rates_by_year) else 0


def completing_receipt(receipts: Sequence[Paid], total_micro: int) -> tuple[Paid, int] | None:
    """The receipt with which a contract is paid in full, and what was paid for the full term and not by the year.

    Args:
        receipts: full_term and contract_year receipts of the contract, in order of day and id.
        total_micro: agreed total of the term.

    Returns:
        None while the total is not reached, or when nothing of it was paid for the full term.
    """
    paid = by_year = 0
    for receipt in receipts:
        paid += receipt.amount_micro
        by_year += receipt.amount_micro if receipt.purpose == "contract_year" else 0
        if paid >= total_micro:
            base = total_micro - by_year
            return (receipt, base) if base > 0 else None
    return None


def prepaid_shares(
    period: Period,
    contracts: Collection[SoldContract],
    earned_before: Collection[CustomerProduct],
    book: RateBook,
    findings: list[Finding],
) -> list[EarnedShare]:
    """Shares of the receipts of a period, released at once: the money is here.

    Args:
        period: the billing period.
        contracts: contracts sold by agents.
        earned_before: customers and products whose full-term share was paid in earlier periods.
        book: the rate book.
        findings: doubts are added here.
    """
    receipts = _receipts(book, period)
    completed = sorted(
        _completed(period, contracts, receipts), key=lambda each: (each[1].received_on, each[0].contract_id)
    )
    earned = set(earned_before)
    shares = []
    for contract, receipt, base in completed:
        held = contract.scheme_on(book, receipt.received_on, findings)
        if held is None:
            continue
        key = contract.customer_id, contract.product or ""
        is_yearly = contract.term_years == 1 and held[1].one_year_prepay == "annual"
        if is_yearly or key in earned:
            shares.append(_by_year(contract, receipt, base, held, book))
        else:
            earned.add(key)
            shares.append(_full_term(contract, receipt, base, held, book))
    for contract in contracts:
        for receipt in receipts.get(contract.contract_id, ()):
            if receipt.purpose == "contract_year" and Period.of(receipt.received_on) == period:
                held = contract.scheme_on(book, receipt.received_on, findings)
                if held is not None:
                    shares.append(_by_year(contract, receipt, receipt.amount_micro, held, book))
    return shares


def _completed(
    period: Period, contracts: Collection[SoldContract], receipts: dict[str, list[Paid]]
) -> Iterator[tuple[SoldContract, Paid, int]]:
    """Contracts whose total is reached in the period by prepayment, with the completing receipt and the base."""
    for contract in contracts:
        held = receipts.get(contract.contract_id)
        done = completing_receipt(held, contract.total_micro) if held and contract.total_micro else None
        if done is not None and Period.of(done[0].received_on) == period:
            yield contract, *done


def _receipts(book: RateBook, period: Period) -> dict[str, list[Paid]]:
    ahead = book.table(Receipt.name).filter(
        pl.col(Receipt.purpose).is_in(["full_term", "contract_year"]), pl.col(Receipt.received_on) < period.end
    )
    columns = (Receipt.contract_id, Receipt.receipt_id, Receipt.received_on, Receipt.amount_micro, Receipt.purpose)
    found: dict[str, list[Paid]] = {}
    for row in ahead.sort(Receipt.received_on, Receipt.receipt_id).select(columns).iter_rows():
        found.setdefault(row[0], []).append(Paid(*row[1:]))
    return found


def _full_term(
    contract: SoldContract, receipt: Paid, base: int, held: tuple[str, CommissionVersion], book: RateBook
) -> EarnedShare:
    scheme, version = held
    return EarnedShare(
        contract_id=contract.contract_id,
        customer_id=contract.customer_id,
        payee=contract.payee,
        rule="full_prepayment",
        scheme=scheme,
        contract_year=None,
        base_micro=contract.base(base, version, book, receipt.received_on),
        rate_bp=version.full_prepayment,
        source=receipt.receipt_id,
    )


def _by_year(
    contract: SoldContract, receipt: Paid, base: int, held: tuple[str, CommissionVersion], book: RateBook
) -> EarnedShare:
    scheme, version = held
    year = contract.year_of(receipt.received_on)
    return EarnedShare(
        contract_id=contract.contract_id,
        customer_id=contract.customer_id,
        payee=contract.payee,
        rule="annual_payment",
        scheme=scheme,
        contract_year=year,
        base_micro=contract.base(base, version, book, receipt.received_on),
        rate_bp=yearly_rate(version.annual_payment_by_year, year),
        source=receipt.receipt_id,
        reason=YEAR_4_ON if year > len(version.annual_payment_by_year) else None,
    )
