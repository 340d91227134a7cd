"""What a plan file may say. Unknown keys are refused; fields whose wording decides money have no default.

Each plan has versions by start date; a version holds until the next begins, `null` withdraws the plan. Amounts are
quoted decimal text in yuan, tax included, and become Int64 millionths of a yuan here.
"""

import datetime as dt
import itertools
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from billing.core.money import BASIS_POINTS
from billing.rate_book.call_price import CallPrice, Share, Strict
from billing.rate_book.month_terms import (
    Allowance,
    AmountCap,
    CountCap,
    Discount,
    Fee,
    FenAmount,
    Metered,
    Minimum,
    ServiceCredits,
    Volume,
)
from billing.rate_book.plan_tests import PlanTest
from billing.rate_book.windows import Window, clashes

Words = dict[Literal["zh", "en"], str]


def check_pieces(own: CallPrice, others: Sequence[CallPrice], at_edge: str | None) -> None:
    """A split call has one set of terms, and blocks that carry on have one grid.

    Raises:
        ValueError: prices between which a call may be split differ in more than blocks and connect fee.
    """
    shared = set(CallPrice.model_fields) - {"schedule", "price_per_minute", "blocks", "connect_fee"}
    for other in others:
        if other.model_dump(include=shared) != own.model_dump(include=shared):
            raise ValueError("prices between which calls are split differ in blocks and connect fee, nothing else")
        grids = [[(block.from_second, block.block_seconds) for block in price.blocks] for price in (own, other)]
        if at_edge == "carry_on" and grids[0] != grids[1]:
            raise ValueError("at_edge: carry_on needs the same blocks on both sides of an edge, at any price")


class RetailVersion(Strict):
    """The terms of a retail plan from one date on."""

    call: CallPrice
    windows: tuple[Window, ...] = ()
    straddle: Literal["start", "split", "end"] | None = None
    at_edge: Literal["restart", "carry_on"] | None = None
    calendar: str | None = None
    minimum: Minimum | None = None
    subsidy: str | None = None
    cap_amount: AmountCap | None = None
    cap_count: CountCap | None = None
    fees: tuple[Fee, ...] = ()
    allowances: tuple[Allowance, ...] = ()
    volume: Volume | None = None
    discounts: tuple[Discount, ...] = ()
    metered: tuple[Metered, ...] = ()
    service_credits: ServiceCredits | None = None
    caller_pays: CallPrice | Literal["local_call"] | None = None

    @model_validator(mode="after")
    def _windows(self) -> Self:
        if self.windows and self.straddle is None:
            raise ValueError("windows need straddle: say how a call over the edge of a window is priced")
        if (self.straddle == "split") != (self.at_edge is not None):
            raise ValueError("straddle: split, and only that, says at_edge (restart, carry_on): how blocks go over it")
        if self.straddle in ("split", "end"):
            check_pieces(self.call, self.prices, self.at_edge)
        if any(window.needs_calendar for window in self.windows) != (self.calendar is not None):
            raise ValueError("windows by working_day, rest_day or holiday name a calendar, others do not")
        names = [window.name for window in self.windows]
        if len(set(names)) < len(names):
            raise ValueError("two windows have one name")
        for one, other in clashes(self.windows):
            raise ValueError(f"windows {one} and {other} could hold at the same time")
        return self

    @model_validator(mode="after")
    def _month(self) -> Self:
        for kind, names in (
            ("allowances", [allowance.name for allowance in self.allowances]),
            ("discounts", [discount.name for discount in self.discounts]),
            ("metered items", [metered.item for metered in self.metered]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"two {kind} have one name")
        is_split = any(allowance.last_call == "split" for allowance in self.allowances)
        if is_split and len({allowance.of == "yuan" for allowance in self.allowances}) > 1:
            raise ValueError("a call split between an allowance of time and one of yuan could be read in two ways")
        of_time = any(a.last_call == "split" and a.of != "yuan" for a in self.allowances)
        if of_time and self.straddle in ("split", "end"):
            raise ValueError("a call not priced by its start and split between an allowance of time and the bill")
        caps = (self.cap_amount, self.cap_count)
        if any(price.rounding.at == "invoice" for price in self.prices):
            if any((self.allowances, self.volume, self.discounts, *caps)):
                raise ValueError("calls that are rounded at the invoice leave no whole fen of a number to credit")
            if len({price.rounding for price in self.prices}) > 1:
                raise ValueError("calls that are rounded at the invoice are so in every window")
        if self.cap_amount and self.cap_amount.crossing != "whole" and self.cap_count:
            raise ValueError("calls cut at a cap on fees do not go together with a cap on calls")
        if self.volume and any(caps):
            if not self.volume.grows_steadily:
                raise ValueError("a price that later calls can lower never says when a cap is reached")
            if self.volume.scope == "contract" or any(cap.scope == "contract" for cap in caps if cap):
                raise ValueError("with a cap, volume and cap are of the number")
        replaced = ("connect_fee", "minimum_charge", "maximum_charge", "legs", "discount")
        defaults = CallPrice.model_fields
        for name in replaced if self.volume and self.volume.of != "yuan" else ():
            if any(getattr(price, name) != defaults[name].default for price in self.prices):
                raise ValueError(f"a price by volume takes the place of the price of each call, {name} included")
        if self.metered and any("on" not in discount.model_fields_set for discount in self.discounts):
            raise ValueError("with metered items each discount says on: calls, metered or all")
        of_contract = any(metered.scope == "contract" for metered in self.metered)
        counts = self.minimum.counts if self.minimum and self.minimum.scope == "number" else "calls"
        if of_contract and counts in ("calls_and_metered", "all"):
            raise ValueError("metered items of the whole contract cannot fill a minimum of each number")
        is_before = any(discount.position == "before_cap" for discount in self.discounts)
        if is_before and self.cap_amount and self.cap_amount.scope == "contract":
            raise ValueError("a cap of the whole contract cannot fill with the discounts of single numbers")
        if self.volume and self.volume.scope == "contract" and self.minimum and self.minimum.scope == "number":
            raise ValueError("a volume of the whole contract cannot fill a minimum of each number")
        if self.volume and self.volume.scope == "contract" and self.discounts:
            raise ValueError("discounts are of each number, a volume of the contract leaves no charge of a number")
        return self

    @property
    def calendars(self) -> set[str]:
        """The calendars of public holidays that the version names."""
        late = self.service_credits.late_opening if self.service_credits else None
        return {name for name in (self.calendar, late and late.calendar) if name}

    @property
    def prices(self) -> tuple[CallPrice, ...]:
        """Every price of a call that the version knows."""
        return (self.call, *(window.call for window in self.windows))


class Reference(Strict):
    """Where the terms come from."""

    title: str
    agreed: dt.date | None = None


DEFAULT_GRADE = "default"


class MonthlyRange(Strict):
    """Agreed monthly amounts of the product usually lie in this range; `check` warns outside (10.17)."""

    least: FenAmount
    most: FenAmount


class RetailPlan(Strict):
    """A plan sold to customers."""

    plan: str
    description: Words
    product: str
    tax: Literal["included"]
    tax_code: str
    currency: Literal["CNY"]
    reference: Reference
    illustrative: bool = False
    monthly_range: MonthlyRange | None = None
    versions: dict[dt.date, RetailVersion | None]
    words: dict[str, Words] = Field(default_factory=dict)
    tests: tuple[PlanTest, ...] = ()

    @property
    def call_classes(self) -> list[str | None]:
        """The classes of calls that have prices of their own in some version, after None for any other."""
        windows = (window for version in self.versions.values() if version for window in version.windows)
        return [None, *sorted({window.call_class for window in windows if window.call_class})]

    @model_validator(mode="after")
    def _edges_of_versions(self) -> Self:
        held = [version for _, version in sorted(self.versions.items()) if version is not None]
        for version, following in itertools.pairwise(held):
            if version.straddle in ("split", "end"):
                check_pieces(version.call, following.prices, version.at_edge)
        return self


class SettlementVersion(Strict):
    """What a carrier charges us from one date on; its minimum is of each number, by the number's grade."""

    call: CallPrice
    minimum_by_grade: dict[str, FenAmount]

    @model_validator(mode="after")
    def _blocks(self) -> Self:
        if not self.call.is_blocks_alone:
            raise ValueError("a settlement price is a schedule or blocks with exact prices, nothing else")
        return self

    def minimum_of(self, grade: str | None) -> int:
        """The carrier's floor for a grade of number: its own, else the default, else none."""
        return self.minimum_by_grade.get(grade or DEFAULT_GRADE, self.minimum_by_grade.get(DEFAULT_GRADE, 0))


class SettlementPlan(Strict):
    """A carrier's settlement terms."""

    plan: str
    description: Words
    tax: Literal["included"]
    tax_code: str
    currency: Literal["CNY"]
    reference: Reference
    versions: dict[dt.date, SettlementVersion | None]


class CommissionVersion(Strict):
    """Shares of a commission scheme from one date on (domain rules 10.18-10.28)."""

    full_prepayment: Share
    annual_payment_by_year: tuple[Share, ...]
    monthly_function_fee: Share
    one_year_prepay: Literal["annual", "full"]
    release: Literal["collected", "billed"]
    change: Literal["new", "old"]
    base_tax: Literal["gross", "net"]
    products: tuple[str, ...]

    @model_validator(mode="after")
    def _within_what_is_paid(self) -> Self:
        """Prepayments earn by one rule, but the fees that they pay earn as function fees too; tiers divide what arises.

        A receipt for a term or year of a contract paid by the month falls under both.
        """
        ahead = max((self.full_prepayment, *self.annual_payment_by_year))
        if ahead + self.monthly_function_fee > BASIS_POINTS:
            ahead_percent, fee_percent = (f"{bp // 100}.{bp % 100:02d} %" for bp in (ahead, self.monthly_function_fee))
            raise ValueError(
                f"a payment could earn more than 100 %: {ahead_percent} paid ahead and {fee_percent} by function fee"
            )
        return self


class CommissionScheme(Strict):
    """What agents earn."""

    scheme: str
    description: Words
    reference: Reference
    versions: dict[dt.date, CommissionVersion | None]


class TaxCode(Strict):
    """A tax code: its 19-digit classification and its VAT rates by supply date and kind of taxpayer."""

    description: Words
    classification: Annotated[str, Field(pattern=r"^[0-9]{19}$")]
    reference: Reference
    general: dict[dt.date, Share]
    small_scale: dict[dt.date, Share]


class TaxTable(Strict):
    """All tax codes."""

    codes: dict[str, TaxCode]


class Account(Strict):
    """An account of the general ledger."""

    code: str
    name: Words


RESOURCE_ACCOUNTS: dict[Literal["cost", "payable"], Account] = {
    "cost": Account(code="6401", name={"zh": "主营业务成本-码号资源占用费", "en": "Number resource fees"}),
    "payable": Account(code="2241", name={"zh": "其他应付款-码号资源占用费", "en": "Number resource fees payable"}),
}
"""Where number resource fees go where the accounts file, written before there were any, does not say it."""


class AccountMap(Strict):
    """Which account each leg of each event is posted to."""

    bill: dict[Literal["receivable", "revenue", "output_vat"], Account]
    settlement: dict[Literal["cost", "input_vat", "payable"], Account]
    commission: dict[Literal["expense", "payable"], Account]
    resource_fee: dict[Literal["cost", "payable"], Account] = Field(default_factory=lambda: RESOURCE_ACCOUNTS)
