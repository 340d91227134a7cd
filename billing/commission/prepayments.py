"""Shares of money paid ahead: once on the full term, or by contract year on each year's payment.

Domain rules: 30 % of the contract total, once for a customer and product, when the whole term has been paid; 15, 10,
5 % of what is paid for years 1, 2, 3 and nothing from year 4. Who paid by the year and then pays the rest ahead earns
the full-term share on that rest; earlier shares stand. The rates are the scheme's, not ours.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from billing.commission.receipts import Paid, Receipts
from billing.commission.shares import REFUND, YEAR_4_ON, EarnedShare, Row
from billing.commission.sold_contracts import SoldContract
from billing.rate_book.book import RateBook
from billing.rate_book.plans import CommissionVersion
from billing.tables.documents import CommissionLine

Scheme = tuple[str, CommissionVersion]
SchemeOn = Callable[[SoldContract, dt.date], Scheme | None]


@dataclass(frozen=True)
class Span:
    """Days whose receipts earn together, half-open."""

    start: dt.date
    end: dt.date

    def holds(self, receipt: Paid) -> bool:
        """Whether the receipt came on one of the days."""
        return self.start <= receipt.received_on < self.end


def yearly_rate(rates_by_year: Sequence[int], year: int) -> int:
    """The rate of a contract year, zero beyond the years the scheme names."""
    return rates_by_year[year - 1] if year <= len(rates_by_year) else 0


def completing_receipt(receipts: Sequence[Paid], total_micro: int) -> tuple[Paid, int] | None:
    """With which receipt a contract is paid in full, and what was paid for the full term and not by the year.

    Args:
        receipts: full_term and contract_year receipts of the contract, in order of day and id.
        total_micro: agreed total of the term.

    Returns:
        The last full_term receipt, dated on the day the total is reached, and the base. None while the total is not
        reached, or when nothing of it was paid for the full term.
    """
    paid = by_year = 0
    named: Paid | None = None
    for receipt in receipts:
        paid += receipt.amount_micro
        by_year += receipt.amount_micro if receipt.purpose == "contract_year" else 0
        if receipt.purpose == "full_term" and receipt.amount_micro > 0:
            named = receipt
        if paid >= total_micro:
            base = total_micro - by_year
            return (replace(named, received_on=receipt.received_on), base) if named and base > 0 else None
    return None


def prepaid_shares(
    span: Span,
    contracts: Mapping[str, SoldContract],
    receipts: Receipts,
    stated: Collection[Row],
    book: RateBook,
    scheme_on: SchemeOn,
) -> Iterator[tuple[Paid, EarnedShare]]:
    """Shares of the receipts of a span that are on no line yet, released at once: the money is here.

    Args:
        span: days of the receipts.
        contracts: contracts sold by agents.
        receipts: every receipt up to the end of the span.
        stated: lines of receipts and refunds stated so far.
        book: the rate book.
        scheme_on: gives the scheme by which a contract earns on a day.

    Yields:
        The receipt, dated on the day on which the share was earned, and the share.
    """
    earned = _full_term_earned(stated, contracts)
    sources = {(line[CommissionLine.contract_id], line[CommissionLine.source]) for line in stated}
    for contract, receipt, base in _completed(span, contracts, receipts, stated):
        held = scheme_on(contract, receipt.received_on)
        if held is None:
            continue
        key = contract.customer_id, contract.product or ""
        is_yearly = contract.term_years == 1 and held[1].one_year_prepay == "annual"
        if is_yearly or key in earned:
            yield receipt, _by_year(contract, receipt, base, held, book)
        else:
            earned.add(key)
            yield receipt, _full_term(contract, receipt, base, held, book)
    for contract_id, contract in contracts.items():
        for receipt in receipts.get(contract_id, ()):
            is_new = receipt.amount_micro > 0 and (contract_id, receipt.receipt_id) not in sources
            if receipt.purpose == "contract_year" and is_new and span.holds(receipt):
                held = scheme_on(contract, receipt.received_on)
                if held is not None:
                    yield receipt, _by_year(contract, receipt, receipt.amount_micro, held, book)


def _full_term_earned(stated: Collection[Row], contracts: Mapping[str, SoldContract]) -> set[tuple[str, str]]:
    """Customers and products of which a full-term share stands; one that was taken back altogether does not."""
    sums: dict[tuple[str, str], int] = {}
    for line in stated:
        contract = contracts.get(line[CommissionLine.contract_id])
        if contract is not None and line[CommissionLine.rule] == "full_prepayment":
            key = contract.customer_id, contract.product or ""
            sums[key] = sums.get(key, 0) + line[CommissionLine.accrued_micro]
    return {key for key, accrued in sums.items() if accrued > 0}


def _completed(
    span: Span, contracts: Mapping[str, SoldContract], receipts: Receipts, stated: Collection[Row]
) -> list[tuple[SoldContract, Paid, int]]:
    """Contracts whose total is reached in the span by prepayment, by day: each earns on its term only once."""
    originals = [line for line in stated if line[CommissionLine.reason] != REFUND]
    sources = {(line[CommissionLine.contract_id], line[CommissionLine.source]) for line in originals}
    done = {
        line[CommissionLine.contract_id] for line in originals if line[CommissionLine.rule] == "full_prepayment"
    } | {
        contract_id
        for contract_id, held in receipts.items()
        if any(receipt.purpose == "full_term" and (contract_id, receipt.receipt_id) in sources for receipt in held)
    }
    found = []
    for contract_id, contract in contracts.items():
        held = receipts.get(contract_id)
        if held and contract.total_micro and contract_id not in done:
            completed = completing_receipt(held, contract.total_micro)
            if completed is not None and span.holds(completed[0]):
                found.append((contract, *completed))
    return sorted(found, key=lambda each: (each[1].received_on, each[0].contract_id))


def _full_term(contract: SoldContract, receipt: Paid, base: int, held: Scheme, book: RateBook) -> EarnedShare:
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


def _by_year(contract: SoldContract, receipt: Paid, base: int, held: Scheme, book: RateBook) -> EarnedShare:
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
