"""What a plan file may say. Unknown keys are refused; fields whose wording decides money have no default.

Each plan has versions by start date; a version holds until the next begins, `null` withdraws the plan. Amounts are
quoted decimal text in yuan, tax included, and become Int64 millionths of a yuan here.
"""

import datetime as dt
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from billing.rate_book.call_price import CallPrice, Share, Strict, read_amount
from billing.rate_book.windows import Window, clashes


def _fen_amount(value: Any) -> int:  # noqa: ANN401 - whatever the YAML holds
    micro = read_amount(value)
    if micro % 10_000:
        raise ValueError("amounts of a document have at most two places")
    return micro


FenAmount = Annotated[int, BeforeValidator(_fen_amount), Field(ge=0)]
Words = dict[Literal["zh", "en"], str]


class Minimum(Strict):
    """Agreed floor of a month: what the call charges lack is a true-up line of its own (domain rule 10.11)."""

    per_month: FenAmount
    scope: Literal["number", "contract"]
    first_month: Literal["actual", "prorate", "full"]
    last_month: Literal["actual", "prorate", "full"]
    prorate_day_rate: Literal["exact"] | FenAmount = "exact"


class AmountCap(Strict):
    """Ceiling on a month's fees: the crossing call is billed whole, calls that start later are free (10.1-10.3)."""

    amount: FenAmount
    fee_base: Literal["usage", "all"]
    scope: Literal["number", "contract"]


class CountCap(Strict):
    """Ceiling on a month's incoming calls: the first N are connected, later ones are free (10.1, 10.4)."""

    calls: Annotated[int, Field(ge=1)]
    count: Literal["attempts", "answered"]
    scope: Literal["number", "contract"]


class Fee(Strict):
    """A fixed fee of each number: `recurring` every month, or `one_off` in the month the number opens."""

    item: str
    kind: Literal["recurring", "one_off"]
    amount: FenAmount
    tax_code: str
    first_month: Literal["whole", "by_day", "next_month"] | None = None
    last_month: Literal["whole", "by_day"] | None = None
    is_function_fee: bool = False

    @model_validator(mode="after")
    def _months(self) -> Self:
        if self.kind == "recurring" and (self.first_month is None or self.last_month is None):
            raise ValueError("a recurring fee must say first_month (whole, by_day, next_month) and last_month")
        return self


class RetailVersion(Strict):
    """The terms of a retail plan from one date on."""

    call: CallPrice
    windows: tuple[Window, ...] = ()
    straddle: Literal["start"] | None = None
    calendar: str | None = None
    minimum: Minimum | None = None
    cap_amount: AmountCap | None = None
    cap_count: CountCap | None = None
    fees: tuple[Fee, ...] = ()


    @model_validator(mode="after")
    def _windows(self) -> Self:
        if bool(self.windows) != (self.straddle is not None):
            raise ValueError("windows and straddle belong together: say how a call over the edge of a window is priced")
        if any(window.needs_calendar for window in self.windows) != (self.calendar is not None):
            raise ValueError("windows by working_day, rest_day or holiday name a calendar, others do not")
        names = [window.name for window in self.windows]
        if len(set(names)) < len(names):
            raise ValueError("two windows have one name")
        for one, other in clashes(self.windows):
            raise ValueError(f"windows {one} and {other} could hold at the same time")
        return self

    @property
    def prices(self) -> tuple[CallPrice, ...]:
        """Every price of a call that the version knows."""
        return (self.call, *(window.call for window in self.windows))


class Reference(Strict):
    """Where the terms come from."""

    title: str
    agreed: dt.date | None = None


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
    versions: dict[dt.date, RetailVersion | None]


class SettlementVersion(Strict):
    """What a carrier charges us from one date on; its minimum is of each number, by the number's grade."""

    call: CallPrice
    minimum_by_grade: dict[str, FenAmount]

    @model_validator(mode="after")
    def _blocks(self) -> Self:
        if not self.call.is_blocks_alone:
            raise ValueError("a settlement price is a schedule or blocks with exact prices, nothing else")
        return self


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


class AccountMap(Strict):
    """Which account each leg of each event is posted to."""

    bill: dict[Literal["receivable", "revenue", "output_vat"], Account]
    settlement: dict[Literal["cost", "input_vat", "payable"], Account]
    commission: dict[Literal["expense", "payable"], Account]
