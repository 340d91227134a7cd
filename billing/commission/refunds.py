"""Refunds of money paid ahead: the share of what is paid back is taken back, in the month of the refund.

Domain rule (clawback, mode proportional): in proportion to the refunded base, at the rate at which it was earned, as a
negative line that names the original; what arose and what may be paid out go down together. Never more than was earned
on the contract: what had been paid beyond the base is refunded first, and a base is refunded once. A negative balance
is carried forward by the agent's account, not collected here.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from billing.commission.prepayments import Span
from billing.commission.receipts import Paid, Receipts
from billing.commission.shares import REFUND, Row
from billing.commission.sold_contracts import SoldContract
from billing.core.money import allot_total, share_of
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.tables.documents import CommissionLine

_REFUNDED = "/refunded/"


@dataclass(frozen=True)
class _Original:
    """The lines of one share, one a payee, with what was refunded of its base and taken back of each line so far."""

    lines: Sequence[Row]
    refunded_micro: int
    taken_back: Mapping[str, int]

    @property
    def source(self) -> str:
        return str(self.lines[0][CommissionLine.source])

    @property
    def left_micro(self) -> int:
        """What of the base was not refunded yet."""
        return int(self.lines[0][CommissionLine.base_micro]) - self.refunded_micro


def clawback_lines(
    span: Span,
    contracts: Mapping[str, SoldContract],
    receipts: Receipts,
    stated: Collection[Row],
    book: RateBook,
    period: Period,
) -> list[Row]:
    """Negative lines of the refunds of a span that are on no line yet.

    Args:
        span: days of the refunds.
        contracts: contracts sold by agents.
        receipts: every receipt up to the end of the span.
        stated: lines of receipts and refunds stated so far, those of the span's own receipts included.
        book: the rate book.
        period: in which the lines are stated.
    """
    by_contract: dict[str, list[Row]] = {}
    for line in stated:
        by_contract.setdefault(line[CommissionLine.contract_id], []).append(line)
    rows = []
    for contract_id in sorted(by_contract.keys() & contracts.keys() & receipts.keys()):
        held, lines = receipts[contract_id], by_contract[contract_id]
        done = {line[CommissionLine.commission_key].rpartition(_REFUNDED)[2] for line in lines if _is_refund(line)}
        for index, receipt in enumerate(held):
            if receipt.amount_micro < 0 and span.holds(receipt) and receipt.receipt_id not in done:
                taken = list(_taken_back(contracts[contract_id], held[: index + 1], lines, book, period))
                lines = [*lines, *taken]
                rows += taken
    return rows


def _is_refund(line: Row) -> bool:
    return bool(line[CommissionLine.reason] == REFUND)


def _taken_back(
    contract: SoldContract, held: Sequence[Paid], lines: Sequence[Row], book: RateBook, period: Period
) -> Iterator[Row]:
    """Lines of the last receipt, a refund: of its own purpose first, and of the latest money first."""
    refund, order = held[-1], {receipt.receipt_id: index for index, receipt in enumerate(held)}
    originals = sorted(
        (original for original in _originals(lines) if original.source in order),
        key=lambda original: (
            held[order[original.source]].purpose != refund.purpose,
            -order[original.source],
            original.lines[0][CommissionLine.commission_key],
        ),
    )
    left = _refunded_base(contract, held, originals, book) if originals else 0
    for original in originals:
        part = min(left, original.left_micro)
        if part > 0:
            left -= part
            yield from _negative_lines(contract, original, part, refund, period)


def _originals(lines: Sequence[Row]) -> list[_Original]:
    """Shares of a contract by rule and source, with what refunds took of them so far."""
    shares: dict[tuple[str, str], list[Row]] = {}
    refunds: dict[str, list[Row]] = {}
    for line in lines:
        if _is_refund(line):
            refunds.setdefault(line[CommissionLine.source], []).append(line)
        else:
            shares.setdefault((line[CommissionLine.rule], line[CommissionLine.source]), []).append(line)
    found = []
    for own in shares.values():
        keys = [line[CommissionLine.commission_key] for line in own]
        taken = {key: -sum(line[CommissionLine.accrued_micro] for line in refunds.get(key, ())) for key in keys}
        refunded = -sum(line[CommissionLine.base_micro] for line in refunds.get(keys[0], ()))
        found.append(_Original(own, refunded, taken))
    return found


def _refunded_base(contract: SoldContract, held: Sequence[Paid], originals: Sequence[_Original], book: RateBook) -> int:
    """How much of the bases a refund takes: none while what stays paid covers them, and never more than is refunded."""
    latest = originals[0]
    version = book.commission_by_id(latest.lines[0][CommissionLine.scheme])
    received_on = next(receipt.received_on for receipt in held if receipt.receipt_id == latest.source)
    refunded, paid_after = (
        contract.base(gross, version, book, received_on)
        for gross in (-held[-1].amount_micro, max(0, sum(receipt.amount_micro for receipt in held)))
    )
    return max(0, min(refunded, sum(original.left_micro for original in originals) - paid_after))


def _negative_lines(
    contract: SoldContract, original: _Original, part: int, refund: Paid, period: Period
) -> Iterator[Row]:
    """A negative line for each payee of a share, rounded on all that was refunded of it, so that the fen add up."""
    upper_first = sorted(
        original.lines, key=lambda line: line[CommissionLine.agent_id] != contract.payee.parent_agent_id
    )
    commission = share_of(original.refunded_micro + part, upper_first[0][CommissionLine.rate_bp])
    due = allot_total(commission, [line[CommissionLine.share_bp] for line in upper_first])
    for line, whole in zip(upper_first, due, strict=True):
        key, accrued = line[CommissionLine.commission_key], line[CommissionLine.accrued_micro]
        amount = (accrued if part == original.left_micro else min(whole, accrued)) - original.taken_back[key]
        yield dict(line) | {
            CommissionLine.commission_key: f"{key}{_REFUNDED}{refund.receipt_id}",
            CommissionLine.period: str(period),
            CommissionLine.base_micro: -part,
            CommissionLine.accrued_micro: -amount,
            CommissionLine.released_micro: -amount,
            CommissionLine.source: key,
            CommissionLine.reason: REFUND,
        }
