"""The rate book: all plans in force plus the dated catalog, ready to be asked by day.

What comes in: the checked catalog tables and the folder of plan files. What goes out: a `RateBook`, which the stages
read and nobody changes.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import polars as pl
from pydantic import BaseModel

from billing.core.findings import Finding, Refusal
from billing.rate_book.call_price import CallPrice
from billing.rate_book.plans import (
    AccountMap,
    CommissionScheme,
    CommissionVersion,
    RetailPlan,
    RetailVersion,
    SettlementPlan,
    SettlementVersion,
    TaxTable,
)
from billing.rate_book.policy import Policy
from billing.rate_book.resource_fees import ResourceFees
from billing.rate_book.windows import DAY_MS, Calendar, Piece, price_in_pieces, slots
from billing.rate_book.yaml_file import parse, read_yaml

WINDOW_MARK = ":"
"""Stands between the version and the window in a rate id."""

_NO_CALL_LASTS = 4 * DAY_MS
"""No call that starts on a day lasts until then: talk of more than a day is held back."""

Version = TypeVar("Version")
Plan = TypeVar("Plan", bound=BaseModel)


@dataclass(frozen=True)
class PriceBook:
    """Every plan file, by id."""

    retail: Mapping[str, RetailPlan]
    settlement: Mapping[str, SettlementPlan]
    commission: Mapping[str, CommissionScheme]
    tax: TaxTable
    accounts: AccountMap
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    resource_fees: ResourceFees | None = None


@dataclass(frozen=True)
class RateBook:
    """Plans, catalog and policy of one set of books."""

    prices: PriceBook
    tables: Mapping[str, pl.DataFrame]
    policy: Policy

    def table(self, name: str) -> pl.DataFrame:
        """A catalog table by its name."""
        return self.tables[name]

    def retail(self, plan_id: str, day: dt.date) -> tuple[str, RetailVersion] | None:
        """The retail version in force on a day and its rate id, None where there is no price."""
        plan = self.prices.retail.get(plan_id)
        return version_on(plan.versions, plan_id, day) if plan else None

    def retail_by_rate(self, rate_id: str) -> tuple[RetailPlan, RetailVersion]:
        """The plan and version behind a rate id, `plan@start` or `plan@start:window`."""
        plan_id, _, start = rate_id.partition(WINDOW_MARK)[0].rpartition("@")
        plan = self.prices.retail[plan_id]
        version = plan.versions[dt.date.fromisoformat(start)]
        assert version is not None, "a rate id never names a withdrawal"
        return plan, version

    def call_price(self, rate_id: str) -> CallPrice:
        """The price of a call behind a rate id: that of its window, else the version's own."""
        _, version = self.retail_by_rate(rate_id)
        name = rate_id.partition(WINDOW_MARK)[2]
        return next((window.call for window in version.windows if window.name == name), version.call)

    def call_slots(
        self, rate_id: str, version: RetailVersion, day: dt.date, call_class: str | None = None
    ) -> list[tuple[int, int, str, CallPrice]]:
        """The prices of a day by the clock for calls of a class: half-open hours in milliseconds, rate id, price.

        Raises:
            Refusal: the plan's calendar does not hold the year.
        """
        calendar = self.prices.calendars[version.calendar] if version.calendar else None
        return [
            (since, until, f"{rate_id}{WINDOW_MARK}{name}" if name else rate_id, price)
            for since, until, name, price in slots(version.windows, version.call, day, calendar, call_class)
        ]

    def first_price(
        self, plan_id: str, start: dt.datetime, talk_ms: int, call_class: str | None = None
    ) -> Fraction | None:
        """What a call that is answered at once costs, exactly, in millionths; None where the plan has no price."""
        found = self.retail(plan_id, start.date())
        if found is None:
            return None
        first_ms = (start - dt.datetime.combine(start.date(), dt.time())) // dt.timedelta(milliseconds=1)
        slots_of_day = self.call_slots(*found, start.date(), call_class)
        price = next(price for since, until, _, price in slots_of_day if since <= first_ms < until)
        at_edge, pieces = self.split_pieces(plan_id, start.date(), call_class)
        charged_ms = price.charged_ms(talk_ms)
        if at_edge is None or not charged_ms:
            return price.price_of(talk_ms)
        return price.limited(price_in_pieces(pieces, at_edge, first_ms + talk_ms - charged_ms, charged_ms))

    def split_pieces(self, plan_id: str, day: dt.date, call_class: str | None = None) -> tuple[str | None, list[Piece]]:
        """Where the plan looks beyond a call's start: how it goes over an edge, and the prices of the day and the next.

        A call goes by the version in force when it starts, which says whether it is split; then also by what the next
        day's version says of the hours after midnight. A withdrawn plan goes on until the call ends.
        """
        found = self.retail(plan_id, day)
        if found is None or found[1].straddle not in ("split", "end"):
            return None, []
        pieces: list[Piece] = []
        last = ""
        for offset in (0, 1):
            then = day + dt.timedelta(days=offset)
            for _, until, rate_id, price in self.call_slots(*(self.retail(plan_id, then) or found), then, call_class):
                if rate_id == last:
                    pieces.pop()  # midnight alone is no edge
                pieces.append((offset * DAY_MS + until, price))
                last = rate_id
        pieces[-1] = (_NO_CALL_LASTS, pieces[-1][1])
        return found[1].at_edge or "end", pieces

    def settlement(self, plan_id: str, day: dt.date) -> tuple[str, SettlementVersion] | None:
        """The settlement version in force on a day and its rate id."""
        plan = self.prices.settlement.get(plan_id)
        return version_on(plan.versions, plan_id, day) if plan else None

    def settlement_by_rate(self, rate_id: str) -> tuple[SettlementPlan, SettlementVersion]:
        """The settlement plan and version behind a rate id."""
        plan_id, _, start = rate_id.rpartition("@")
        plan = self.prices.settlement[plan_id]
        version = plan.versions[dt.date.fromisoformat(start)]
        assert version is not None, "a rate id never names a withdrawal"
        return plan, version

    def commission(self, scheme: str, day: dt.date) -> tuple[str, CommissionVersion] | None:
        """The commission version in force on a day and its id."""
        plan = self.prices.commission.get(scheme)
        return version_on(plan.versions, scheme, day) if plan else None

    def commission_by_id(self, version_id: str) -> CommissionVersion:
        """The commission version behind an id, `scheme@start`."""
        scheme, _, start = version_id.rpartition("@")
        version = self.prices.commission[scheme].versions[dt.date.fromisoformat(start)]
        assert version is not None, "a version id never names a withdrawal"
        return version

    def vat_rate_bp(self, tax_code: str, supply_date: dt.date) -> int:
        """VAT rate of a tax code by supply date and our kind of taxpayer that day.

        Raises:
            Refusal: the tax table has no rate for the day.
        """
        kind = self.policy.taxpayer_on(supply_date)
        rates = getattr(self.prices.tax.codes[tax_code], kind)
        held = [start for start in rates if start <= supply_date]
        if not held:
            values = {"code": tax_code, "day": supply_date, "taxpayer": kind}
            raise Refusal(Finding("VAT_RATE_MISSING", "critical", "rate_plans/tax/vat.yaml", values))
        return int(rates[max(held)])

    def input_vat_deductible(self, day: dt.date) -> bool:
        """Whether input VAT may be deducted: only by a general taxpayer."""
        return self.policy.taxpayer_on(day) == "general"


def version_on(versions: Mapping[dt.date, Version | None], plan_id: str, day: dt.date) -> tuple[str, Version] | None:
    """The version in force on a day with its id `plan@start`; None before the first and after a withdrawal."""
    held = [start for start in versions if start <= day]
    if not held:
        return None
    version = versions[max(held)]
    return None if version is None else (f"{plan_id}@{max(held)}", version)


def read_price_book(folder: Path) -> PriceBook:
    """Read and check every plan file below `rate_plans/`.

    Raises:
        Refusal: with every problem of every file.
    """
    problems: list[Finding] = []

    def plans(kind: str, model: type[Plan], key: Callable[[Plan], str]) -> dict[str, Plan]:
        found: dict[str, Plan] = {}
        for path in sorted((folder / kind).glob("*.yaml")):
            name = f"rate_plans/{kind}/{path.name}"
            try:
                plan = parse(model, read_yaml(path, name))
            except Refusal as refusal:
                problems.extend(refusal.findings)
                continue
            if key(plan) != path.stem:
                problems.append(Finding("PLAN_NAME_NOT_FILE", "critical", f"{name}:1", {"plan": key(plan)}))
            found[key(plan)] = plan
        return found

    def single(kind: str, file: str, model: type[Plan], *, is_required: bool = True) -> Plan | None:
        path = folder / kind / file
        name = f"rate_plans/{kind}/{file}"
        if not path.exists() and not is_required:
            return None
        if not path.exists():
            problems.append(Finding("PLAN_FILE_MISSING", "critical", name, {"file": name}))
            return None
        try:
            return parse(model, read_yaml(path, name))
        except Refusal as refusal:
            problems.extend(refusal.findings)
            return None

    retail = plans("retail", RetailPlan, lambda plan: plan.plan)
    settlement = plans("settlement", SettlementPlan, lambda plan: plan.plan)
    commission = plans("commission", CommissionScheme, lambda plan: plan.scheme)
    calendars = plans("calendars", Calendar, lambda plan: plan.calendar)
    tax = single("tax", "vat.yaml", TaxTable)
    accounts = single("posting", "accounts.yaml", AccountMap)
    fees = single("resources", "number_fees.yaml", ResourceFees, is_required=False)
    if problems or tax is None or accounts is None:
        raise Refusal(*problems)
    return PriceBook(retail, settlement, commission, tax, accounts, calendars, fees)
