"""What a plan says of a month: minimum, caps, fees, allowances, the price by volume, discounts, metered items.

Fields whose wording decides money have no default. The order in which they act on the bill is fixed (domain rule
10.31): first prices, allowances, price by volume, caps, rounding to the line, discounts, minimum, fees.
"""

from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from billing.core.money import MICRO_PER_YUAN, PARTS
from billing.rate_book.call_price import Share, Strict, read_amount
from billing.rate_book.quantity_price import Quantity, QuantityPrice

Unit = Literal["minute", "second", "call", "yuan"]
"""What a month's calls are counted in; minutes and seconds are charged time, rounded by the blocks of each call."""
COUNTED_PER: dict[str, int] = {"minute": 60, "second": 1, "call": 1, "yuan": MICRO_PER_YUAN * PARTS}
"""What one unit is counted in: seconds, calls, parts of a millionth of a yuan."""
_MOST_YUAN = 10_000_000

Name = Annotated[str, Field(pattern=r"^[^/\s][^/]*$")]
"""Names and items stand in keys whose parts are told apart by a slash."""

Suspended = Literal["charged", "whole_months_free", "by_day"]
"""What a month in which a number was suspended costs: as ever, nothing where it was so on all its days, or its days.

Domain rule 3.2: the month in which a number is stopped and the month in which it comes back are charged, whole months
between them are not.
"""


def _fen_amount(value: Any) -> int:  # noqa: ANN401 - whatever the YAML holds
    micro = read_amount(value)
    if micro % 10_000:
        raise ValueError("amounts of a document have at most two places")
    return micro


_FEN = WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,15}(\.[0-9]{1,2}0*)?$", "description": "yuan, quoted"})
FenAmount = Annotated[int, BeforeValidator(_fen_amount), Field(ge=0), _FEN]


class Minimum(Strict):
    """Agreed floor of a month or a contract year: what call charges lack is a true-up line of its own (10.11)."""

    per_month: FenAmount | None = None
    per_year: FenAmount | None = None
    scope: Literal["number", "contract", "customer"]
    first_month: Literal["actual", "prorate", "full"] | None = None
    last_month: Literal["actual", "prorate", "full"]
    prorate_day_rate: Literal["exact"] | FenAmount = "exact"
    counts: Literal["calls", "calls_and_fees", "calls_and_metered", "all"] = "calls"
    suspended: Suspended = "whole_months_free"

    @model_validator(mode="after")
    def _month_or_year(self) -> Self:
        if (self.per_month is None) == (self.per_year is None):
            raise ValueError("a minimum is per_month or per_year")
        if (self.per_month is None) != (self.first_month is None):
            raise ValueError("a minimum per_month, and only such a one, says first_month: how the opening month counts")
        if self.per_year is not None and (self.scope == "customer" or self.counts != "calls"):
            raise ValueError("a minimum per_year is of a number or a contract, and counts calls")
        if self.per_year is not None and "suspended" in self.model_fields_set:
            raise ValueError("suspended belongs to a minimum per_month; a year counts whatever was suspended")
        return self


AfterCap = Literal["exclude", "bill"]
"""Calls that start when a cap is reached: free, since the customer bought the stop, or billed and told (10.2)."""


class AmountCap(Strict):
    """Ceiling on a month's fees: calls that start when it is reached are free (10.1-10.3).

    The call that reaches it, and calls under way then, are billed whole, up to the ceiling (`truncate`), or not at all.
    """

    amount: FenAmount
    fee_base: Literal["usage", "all"]
    scope: Literal["number", "contract"]
    crossing: Literal["whole", "truncate", "none"] = "whole"
    after: AfterCap = "exclude"

    @model_validator(mode="after")
    def _crossing(self) -> Self:
        if self.crossing != "whole" and (self.scope, self.after) != ("number", "exclude"):
            raise ValueError("crossing: truncate and none are of a cap of the number that excludes what comes after")
        return self


class CountCap(Strict):
    """Ceiling on a month's incoming calls: the first N are connected, later ones are free (10.1, 10.4)."""

    calls: Annotated[int, Field(ge=1)]
    count: Literal["attempts", "answered"]
    scope: Literal["number", "contract"]
    after: AfterCap = "exclude"


class Fee(Strict):
    """A fee of each number: `recurring` every month, or `one_off` in the month the number opens.

    Billed in arrears with the month it is for, or in advance with the month before; a number's first bill then holds
    its opening month and the next. `every_months: 12` charges once in each year from the opening day. In a month in
    which a number changes its plan, the version of its first day counts whole, or each by its days. Either a fixed
    `amount`, or a `price` of what catalog table `quantity_held` says the number has of the item (seats): the most of
    the month, what it has on the last day, or day by day (10.44).
    """

    item: Name
    kind: Literal["recurring", "one_off"]
    amount: FenAmount | None = None
    price: QuantityPrice | None = None
    counted: Literal["peak", "last_day", "by_day"] | None = None
    tax_code: str
    first_month: Literal["whole", "by_day", "next_month"] | None = None
    last_month: Literal["whole", "by_day"] | None = None
    billed: Literal["arrears", "advance"] = "arrears"
    every_months: Annotated[int, Field(ge=1, le=120)] = 1
    suspended: Suspended = "whole_months_free"
    plan_change: Literal["next_month", "by_day"] = "next_month"
    is_function_fee: bool = False

    @model_validator(mode="after")
    def _terms(self) -> Self:
        if self.kind == "recurring" and (self.first_month is None or self.last_month is None):
            raise ValueError("a recurring fee must say first_month (whole, by_day, next_month) and last_month")
        if (self.amount is None) == (self.price is None):
            raise ValueError("a fee has an amount, or a price of a quantity")
        if (self.price is None) != (self.counted is None):
            raise ValueError(
                "a price of a quantity, and only such a one, says how it is counted (peak, last_day, by_day)"
            )
        if self.kind == "one_off" and self.counted == "by_day":
            raise ValueError("a one-off fee is of a quantity, not of its days")
        if self.kind == "one_off" and self.model_fields_set & {"billed", "every_months", "suspended", "plan_change"}:
            raise ValueError("billed, every_months, suspended and plan_change belong to a recurring fee")
        if self.every_months > 1 and (
            (self.first_month, self.last_month, self.suspended) != ("whole", "whole", "charged")
            or "by_day" in (self.counted, self.plan_change)
        ):
            raise ValueError("a fee of several months says first_month, last_month: whole and suspended: charged")
        return self


class LeastPurchase(Strict):
    """The least a customer may recharge: so many months of the minimum, and an amount (market rule 2.2)."""

    months_of_minimum: Annotated[int, Field(ge=0)]
    amount: FenAmount

    def of(self, minimum_micro: int) -> int:
        """The least recharge under a monthly minimum, in millionths of a yuan."""
        return max(self.months_of_minimum * minimum_micro, self.amount)


class Allowance(Strict):
    """Units that are paid for already: calls draw them in order of start, the earliest to expire first (10.12).

    `every`: granted each day, each month, each year from the day the number opened, or bought (catalog table
    `allowance_purchase` gives quantity and days). `unused: roll` keeps what is left for `roll_for` more months or
    years, without it for as long as the number stays. `per: number` grants a contract the quantity once for each of its
    numbers. `drawn: last` leaves it until every other one is drawn, as gifts are (10.45).
    """

    name: Name
    of: Unit
    quantity: Quantity | None = None
    every: Literal["day", "month", "year", "purchase"]
    scope: Literal["number", "contract"]
    per: Literal["owner", "number"] = "owner"
    last_call: Literal["split", "all_in", "all_out"]
    unused: Literal["lapse", "roll"]
    roll_for: Annotated[int, Field(ge=1)] | None = None
    first_month: Literal["full", "prorate"] | None = None
    drawn: Literal["by_expiry", "last"] = "by_expiry"
    least_purchase: LeastPurchase | None = None

    @model_validator(mode="after")
    def _terms(self) -> Self:
        if (self.every == "purchase") != (self.quantity is None):
            raise ValueError(
                "quantity belongs to an allowance of every month or year; of a bought one the catalog says it"
            )
        if self.every == "day" and self.unused != "lapse":
            raise ValueError("what is granted for a day lapses with it")
        if self.per == "number" and (self.scope != "contract" or self.every not in ("day", "month")):
            raise ValueError("per: number belongs to what a plan grants to a contract each day or month")
        if (self.every == "month") != (self.first_month is not None):
            raise ValueError("an allowance of every month, and only such a one, says first_month (full, prorate)")
        if self.least_purchase is not None and (self.every, self.of) != ("purchase", "yuan"):
            raise ValueError("least_purchase belongs to a bought allowance of yuan")
        if self.roll_for is not None and self.unused != "roll":
            raise ValueError("roll_for belongs to unused: roll")
        if self.quantity is not None:
            self.counted(self.quantity)
        return self

    def counted(self, quantity: Fraction) -> int:
        """A quantity in what the allowance is counted in: seconds, calls or parts of a millionth of a yuan.

        Raises:
            ValueError: no whole number of them, or more yuan than can be counted.
        """
        counted = quantity * COUNTED_PER[self.of]
        if counted.denominator != 1 or (self.of == "yuan" and quantity > _MOST_YUAN):
            raise ValueError(f"{self.name}: {quantity} cannot be counted in {self.of}s")
        return int(counted)


class Volume(QuantityPrice):
    """The price of a month's calls together, in place of their first prices; it counts what allowances left."""

    of: Unit
    scope: Literal["number", "contract"]
    every: Literal["month", "day"] = "month"

    @model_validator(mode="after")
    def _discounts(self) -> Self:
        if self.every == "day" and (self.fee_at_zero or self.minimum_at_zero):
            raise ValueError("a price by the day costs nothing on days without calls")
        if self.of != "yuan" and any(band.discount is not None for band in self.bands):
            raise ValueError("a discount is of yuan; bands of other units have a price")
        return self


class Discount(Strict):
    """A share or an amount off a number's call charges, before the cap or after it.

    `on: metered` takes a share off its metered items instead, `on: all` off calls, metered items and fees alike.
    """

    name: Name
    on: Literal["calls", "metered", "all"] = "calls"
    share: Share | None = None
    amount: FenAmount | None = None
    position: Literal["before_cap", "after_cap"]

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.share is None) == (self.amount is None):
            raise ValueError("a discount is a share or an amount")
        if self.on != "calls" and (self.share is None or self.position != "after_cap"):
            raise ValueError("a discount on more than calls is a share, after the cap")
        return self


class LateOpening(Strict):
    """What opening late is worth: a share of the base for each day after the promised working days (10.37)."""

    working_days: Annotated[int, Field(ge=1)]
    calendar: str
    share_per_day: Share
    base: Literal["opening_fee", "prepaid_package"]


class ServiceCredits(Strict):
    """Credits for service that was not as agreed: reported, or billed as well (10.37).

    Days of faults and works (catalog table `service_events`) are worth the recurring fees of those days.
    """

    credit: Literal["report", "bill"]
    faults: Literal["fees_by_day"] | None = None
    late_opening: LateOpening | None = None


class Metered(Strict):
    """Usage that is no call, such as hours of recording, from catalog table `metered_item`."""

    item: Name
    counted: Literal["sum", "each", "peak", "last"]
    scope: Literal["number", "contract"]
    price: QuantityPrice
    tax_code: str
    free_records: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _records(self) -> Self:
        if self.free_records is not None and self.counted != "each":
            raise ValueError("free_records belongs to counted: each")
        return self
