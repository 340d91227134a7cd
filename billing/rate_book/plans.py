"""What a plan file may say. Unknown keys are refused; fields whose wording decides money have no default.

Each plan has versions by start date; a version holds until the next begins, `null` withdraws the plan. Amounts are
quoted decimal text in yuan, tax included, and become Int64 millionths of a yuan here.
"""

import datetime as dt
import itertools
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from billing.core.money import basis_points_from_text, micro_from_text

MAX_CALL_MICRO = 10**15
"""A plan under which one call of a day could cost more is refused: Int64 sums must never wrap."""
_DAY_SECONDS = 86_400


def _amount(value: Any) -> int:  # noqa: ANN401 - whatever the YAML holds
    if not isinstance(value, str):
        raise ValueError('write amounts as quoted text, for instance "0.1000"')
    return micro_from_text(value)


def _fen_amount(value: Any) -> int:  # noqa: ANN401
    micro = _amount(value)
    if micro % 10_000:
        raise ValueError("amounts of a document have at most two places")
    return micro


def _share(value: Any) -> int:  # noqa: ANN401
    if not isinstance(value, str):
        raise ValueError('write shares as quoted text, for instance "0.15"')
    return basis_points_from_text(value)


Amount = Annotated[int, BeforeValidator(_amount), Field(ge=0)]
FenAmount = Annotated[int, BeforeValidator(_fen_amount), Field(ge=0)]
Share = Annotated[int, BeforeValidator(_share), Field(ge=0, le=10_000)]
Words = dict[Literal["zh", "en"], str]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Block(_Strict):
    """From this second on, talk time is counted in blocks of this length at this price a block."""

    from_second: Annotated[int, Field(ge=0)]
    block_seconds: Annotated[int, Field(ge=1)]
    price: Amount


class CallPrice(_Strict):
    """Price of a call: `schedule` (`60/60`, `6/6`, `60/6`) with a minute price, or `blocks` spelled out."""

    schedule: str | None = None
    price_per_minute: Amount | None = None
    blocks: tuple[Block, ...] = ()

    @model_validator(mode="after")
    def _resolve(self) -> Self:
        if (self.schedule is None) == (not self.blocks):
            raise ValueError("give either schedule with price_per_minute, or blocks")
        if (self.schedule is None) != (self.price_per_minute is None):
            raise ValueError("schedule and price_per_minute belong together")
        if self.schedule is not None and self.price_per_minute is not None:
            object.__setattr__(self, "blocks", _blocks_of(self.schedule, self.price_per_minute))
        _check_blocks(self.blocks)
        return self


def _blocks_of(schedule: str, price_per_minute: int) -> tuple[Block, ...]:
    first, _, following = schedule.partition("/")
    if not (first.isdecimal() and following.isdecimal() and int(first) and int(following)):
        raise ValueError(f"{schedule!r} is no schedule; write first block / next blocks in seconds, such as 60/6")
    steps = [(0, int(first))] if first == following else [(0, int(first)), (int(first), int(following))]
    blocks = []
    for from_second, seconds in steps:
        if price_per_minute * seconds % 60:
            raise ValueError(f"a {seconds}-second block has no exact price to six places; spell out blocks instead")
        price = price_per_minute * seconds // 60
        blocks.append(Block.model_construct(from_second=from_second, block_seconds=seconds, price=price))
    return tuple(blocks)


def _check_blocks(blocks: tuple[Block, ...]) -> None:
    if blocks[0].from_second != 0:
        raise ValueError("the first block starts at second 0")
    for block, following in itertools.pairwise(blocks):
        length = following.from_second - block.from_second
        if length <= 0 or length % block.block_seconds:
            raise ValueError(
                f"blocks of {block.block_seconds} s from second {block.from_second} do not fill the time to second "
                f"{following.from_second}"
            )
    dearest = sum((_DAY_SECONDS // block.block_seconds + 1) * block.price for block in blocks)
    if dearest > MAX_CALL_MICRO:
        raise ValueError("a call of one day would cost more than 1,000,000,000 yuan")


class Minimum(_Strict):
    """Agreed floor of a month: what the call charges lack is a true-up line of its own (domain rule 10.11)."""

    per_month: FenAmount
    scope: Literal["number"]
    first_month: Literal["actual", "prorate", "full"]
    last_month: Literal["actual", "prorate", "full"]
    prorate_day_rate: Literal["exact"] | FenAmount = "exact"


class AmountCap(_Strict):
    """Ceiling on a month's fees: the crossing call is billed whole, calls that start later are free (10.1-10.3)."""

    amount: FenAmount
    fee_base: Literal["usage", "all"]
    scope: Literal["number", "contract"]


class CountCap(_Strict):
    """Ceiling on a month's incoming calls: the first N are connected, later ones are free (10.1, 10.4)."""

    calls: Annotated[int, Field(ge=1)]
    count: Literal["attempts", "answered"]
    scope: Literal["number", "contract"]


class Fee(_Strict):
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


class RetailVersion(_Strict):
    """The terms of a retail plan from one date on."""

    call: CallPrice
    minimum: Minimum | None = None
    cap_amount: AmountCap | None = None
    cap_count: CountCap | None = None
    fees: tuple[Fee, ...] = ()


class Reference(_Strict):
    """Where the terms come from."""

    title: str
    agreed: dt.date | None = None


class RetailPlan(_Strict):
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


class SettlementVersion(_Strict):
    """What a carrier charges us from one date on; its minimum is of each number, by the number's grade."""

    call: CallPrice
    minimum_by_grade: dict[str, FenAmount]


class SettlementPlan(_Strict):
    """A carrier's settlement terms."""

    plan: str
    description: Words
    tax: Literal["included"]
    tax_code: str
    currency: Literal["CNY"]
    reference: Reference
    versions: dict[dt.date, SettlementVersion | None]


class CommissionVersion(_Strict):
    """Shares of a commission scheme from one date on (domain rules 10.18-10.28)."""

    full_prepayment: Share
    annual_payment_by_year: tuple[Share, ...]
    monthly_function_fee: Share
    one_year_prepay: Literal["annual", "full"]
    release: Literal["collected", "billed"]
    change: Literal["new", "old"]
    base_tax: Literal["gross", "net"]
    products: tuple[str, ...]


class CommissionScheme(_Strict):
    """What agents earn."""

    scheme: str
    description: Words
    reference: Reference
    versions: dict[dt.date, CommissionVersion | None]


class TaxCode(_Strict):
    """A tax code: its 19-digit classification and its VAT rates by supply date and kind of taxpayer."""

    description: Words
    classification: Annotated[str, Field(pattern=r"^[0-9]{19}$")]
    reference: Reference
    general: dict[dt.date, Share]
    small_scale: dict[dt.date, Share]


class TaxTable(_Strict):
    """All tax codes."""

    codes: dict[str, TaxCode]


class Account(_Strict):
    """An account of the general ledger."""

    code: str
    name: Words


class AccountMap(_Strict):
    """Which account each leg of each event is posted to."""

    bill: dict[Literal["receivable", "revenue", "output_vat"], Account]
    settlement: dict[Literal["cost", "input_vat", "payable"], Account]
    commission: dict[Literal["expense", "payable"], Account]
