"""Lots: what was granted or bought on one day, who may draw it, and how much of it is left for a month.

Domain rule 10.12: the lot that expires first is drawn first, then the one granted first. What other months drew is read
off the movements; a month that is worked out again (for late calls) leaves its own movements aside, so it sees what it
saw when it was billed, less what later months have drawn since.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import polars as pl

from billing.charging.account_terms import Account, AccountTerms
from billing.core.findings import Finding
from billing.core.money import round_ratio
from billing.core.period import Period, add_years
from billing.rate_book.book import RateBook
from billing.rate_book.month_terms import Allowance
from billing.tables.catalog import AllowancePurchase

ALLOWANCE_WITHOUT_TERMS = "ALLOWANCE_WITHOUT_TERMS"
ALLOWANCE_TERMS_DISAGREE = "ALLOWANCE_TERMS_DISAGREE"
COUNTED_IN = {"minute": "second", "second": "second", "call": "call", "yuan": "part"}
"""What an allowance of a unit is counted in, as its movements state it."""
_NO_END = dt.date.max


@dataclass
class Lot:
    """One lot; `left` falls as calls draw.

    Attributes:
        allowance: the plan's terms of drawing.
        service_number: None when all numbers of the contract share it.
        expires_on: first day on which calls may not draw, None for none.
        opening: what it holds when the month begins, in seconds, calls or parts.
        is_new: whether no other month has stated its grant.
    """

    allowance: Allowance
    contract_id: str
    service_number: str | None
    granted_on: dt.date
    expires_on: dt.date | None
    opening: int
    is_new: bool
    purchase_id: str = ""
    left: int = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is drawn yet."""
        self.left = self.opening

    @property
    def key(self) -> str:
        """`contract/number-or-*/allowance/day granted`, with the purchase behind it."""
        parts = (self.contract_id, self.service_number or "*", self.allowance.name, str(self.granted_on))
        return "/".join((*parts, self.purchase_id) if self.purchase_id else parts)

    @property
    def order(self) -> tuple[bool, dt.date, dt.date, bool, str]:
        """First to expire, then first granted, the number's own before the contract's; what is drawn last after all."""
        is_last = self.allowance.drawn == "last"
        return is_last, self.expires_on or _NO_END, self.granted_on, self.service_number is None, self.key

    def holds_on(self, day: dt.date) -> bool:
        """Whether calls of a day may draw it."""
        return self.granted_on <= day and (self.expires_on is None or day < self.expires_on)


@dataclass(frozen=True)
class MonthLots:
    """The lots of a month, and those each number may draw, in order."""

    lots: Sequence[Lot]
    of_number: Mapping[Account, Sequence[Lot]]
    findings: Sequence[Finding]


@dataclass(frozen=True)
class _User:
    """A number whose plan has an allowance."""

    terms: AccountTerms
    allowance: Allowance


Owner = tuple[str, str | None, str]
"""Contract, number (None: the whole contract), name of the allowance."""


def month_lots(period: Period, terms: Sequence[AccountTerms], book: RateBook, movements: pl.DataFrame) -> MonthLots:
    """The lots that calls of a month may draw.

    Args:
        period: the month.
        terms: terms of every number.
        book: the rate book, for what was bought.
        movements: `AllowanceMovement` rows of other months.

    Returns:
        Lots ordered by contract and order of drawing. Findings: ALLOWANCE_TERMS_DISAGREE (critical) where numbers that
        share an allowance have other terms for it, ALLOWANCE_WITHOUT_TERMS (warning) for what nobody may draw.
    """
    findings: list[Finding] = []
    users = _users(terms, findings)
    lots = {lot.key: lot for lot in (*_granted(period, users), *_bought(period, users, book, findings))}
    for row in _balances(movements).iter_rows(named=True):
        lot = lots.get(row["lot_key"]) or _carried(period, row, users)
        if lot is None:
            continue
        if COUNTED_IN[lot.allowance.of] != row["counted_in"]:
            values = {"contract": lot.contract_id, "allowance": lot.allowance.name}
            findings.append(Finding(ALLOWANCE_TERMS_DISAGREE, "critical", "", values))
            continue
        stated = row["granted"]
        lot.opening = (stated or lot.opening) - row["drawn"]
        lot.left, lot.is_new = lot.opening, not stated
        lots[lot.key] = lot
    ordered = sorted(lots.values(), key=lambda lot: (lot.contract_id, lot.order))
    of_number: dict[Account, list[Lot]] = {}
    for lot in ordered:
        for user in users[lot.contract_id, lot.service_number, lot.allowance.name]:
            of_number.setdefault(user.terms.account, []).append(lot)
    return MonthLots(ordered, of_number, findings)


def _users(terms: Sequence[AccountTerms], findings: list[Finding]) -> dict[Owner, list[_User]]:
    users: dict[Owner, list[_User]] = {}
    for number in terms:
        for allowance in number.version.allowances:
            owned_by = number.service_number if allowance.scope == "number" else None
            users.setdefault((number.contract_id, owned_by, allowance.name), []).append(_User(number, allowance))
    for (contract, _, name), sharing in users.items():
        if any(user.allowance != sharing[0].allowance for user in sharing):
            values = {"contract": contract, "allowance": name}
            findings.append(Finding(ALLOWANCE_TERMS_DISAGREE, "critical", "", values))
    return users


def _granted(period: Period, users: Mapping[Owner, Sequence[_User]]) -> Iterator[Lot]:
    """What plans grant: each day, each month, or each year from the day the first number opened."""
    for (contract, number, _), sharing in users.items():
        allowance = sharing[0].allowance
        first = sharing[0].terms
        opened_on = first.opened_on if number else first.contract_opened_on
        if allowance.quantity is None:
            continue
        whole = allowance.counted(allowance.quantity)
        rolled = allowance.roll_for or 0
        is_endless = allowance.unused == "roll" and allowance.roll_for is None
        numbers = sharing if allowance.per == "number" else sharing[:1]
        if allowance.every == "day":
            served = [user.terms.days_in_service(period) for user in sharing]
            for day in sorted(frozenset[dt.date]().union(*served)):
                count = sum(day in days for days in served) if allowance.per == "number" else 1
                yield Lot(allowance, contract, number, day, day + dt.timedelta(days=1), whole * count, is_new=True)
            continue
        if allowance.every == "month":
            granted_on = max(period.start, opened_on)
            starts = [user.terms.opened_on if allowance.per == "number" else opened_on for user in numbers]
            days = [(period.end - max(period.start, start)).days for start in starts]
            if allowance.first_month == "prorate":
                granted = sum(round_ratio(whole * each, period.day_count) for each in days)
            else:
                granted = whole * len(numbers)
            expires_on = None if is_endless else period.shifted(1 + rolled).start
            yield Lot(allowance, contract, number, granted_on, expires_on, granted, is_new=True)
            continue
        for year in range(period.end.year - opened_on.year + 1):
            granted_on, following = add_years(opened_on, year), add_years(opened_on, year + 1)
            if granted_on < period.end and following > period.start:
                expires_on = None if is_endless else add_years(opened_on, year + 1 + rolled)
                yield Lot(allowance, contract, number, granted_on, expires_on, whole, is_new=True)


def _bought(
    period: Period, users: Mapping[Owner, Sequence[_User]], book: RateBook, findings: list[Finding]
) -> Iterator[Lot]:
    """What the catalog says was bought."""
    contracts = {owner[0] for owner in users}
    for row in book.table(AllowancePurchase.name).sort(AllowancePurchase.purchase_id).iter_rows(named=True):
        owner = tuple(row[name] for name in ("contract_id", "service_number", "allowance"))
        start = row[AllowancePurchase.valid_from]
        end = row[AllowancePurchase.valid_to] or add_years(start, 1)
        if start >= period.end or end <= period.start or owner[0] not in contracts:
            continue
        using = users.get(owner)
        if not using or using[0].allowance.every != "purchase":
            values = {"purchase": row[AllowancePurchase.purchase_id], "allowance": owner[2], "contract": owner[0]}
            findings.append(Finding(ALLOWANCE_WITHOUT_TERMS, "warning", "", values))
            continue
        allowance = using[0].allowance
        quantity = allowance.counted(Fraction(row[AllowancePurchase.quantity]))
        purchase = row[AllowancePurchase.purchase_id]
        yield Lot(allowance, owner[0], owner[1], start, end, quantity, is_new=True, purchase_id=purchase)


def _balances(movements: pl.DataFrame) -> pl.DataFrame:
    """What other months stated of each lot: granted and drawn in all."""
    fixed = ("contract_id", "service_number", "allowance", "granted_on", "expires_on", "counted_in")
    return (
        movements.group_by("lot_key")
        .agg(*(pl.col(name).first() for name in fixed), pl.col("granted", "drawn").sum())
        .sort("lot_key")
    )


def _carried(period: Period, row: Mapping[str, Any], users: Mapping[Owner, Sequence[_User]]) -> Lot | None:
    """A lot of an earlier month that still holds in this one, None when it does not."""
    owner = (row["contract_id"], row["service_number"], row["allowance"])
    expires_on = row["expires_on"]
    is_over = expires_on is not None and expires_on <= period.start
    if is_over or row["granted_on"] >= period.end or not row["granted"] or owner not in users:
        return None
    granted_on = row["granted_on"]
    purchase = row["lot_key"].partition(f"/{granted_on}")[2].removeprefix("/")
    lot = Lot(users[owner][0].allowance, *owner[:2], granted_on, expires_on, 0, is_new=False, purchase_id=purchase)
    assert lot.key == row["lot_key"], "a lot has one key"
    return lot
