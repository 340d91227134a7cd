"""What a plan says of the price of one call, and that price in words a person can check: `CallPrice.price_of`.

The first price of a call, in this order: free first seconds, blocks, connect fee, least and most a call may cost, legs,
discount, and rounding where the plan rounds each call. Amounts are yuan with VAT, in millionths; a price that has no
exact millionth (0.10 a minute in seconds) stays an exact fraction until the bill line.
"""

import itertools
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, WithJsonSchema, model_validator

from billing.core.money import BASIS_POINTS, RoundingMode, basis_points_from_text, micro_from_text, round_ratio

MAX_CALL_MICRO = 5 * 10**12
"""A plan under which one call of a day could cost more is refused: Int64 sums of exact parts must never wrap."""
MINUTE = 60
MS = 1000
DAY_SECONDS = 86_400


def read_amount(value: Any) -> int:  # noqa: ANN401 - whatever the YAML holds
    """An amount as it stands in a plan: quoted yuan, up to six places."""
    if not isinstance(value, str):
        raise ValueError('write amounts as quoted text, for instance "0.1000"')
    return micro_from_text(value)


def read_share(value: Any) -> int:  # noqa: ANN401
    """A share as it stands in a plan: quoted, in basis points here."""
    if not isinstance(value, str):
        raise ValueError('write shares as quoted text, for instance "0.15"')
    return basis_points_from_text(value)


_YUAN = WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,15}(\.[0-9]{1,6})?$", "description": "yuan, quoted"})
_SHARE = WithJsonSchema(
    {"type": "string", "pattern": r"^(0(\.[0-9]{1,4})?|1(\.0{1,4})?)$", "description": "share, quoted"}
)
Amount = Annotated[int, BeforeValidator(read_amount), Field(ge=0), _YUAN]
Share = Annotated[int, BeforeValidator(read_share), Field(ge=0, le=BASIS_POINTS), _SHARE]


class Strict(BaseModel):
    """Base of everything a plan may say: unknown fields are refused, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Block(Strict):
    """From this second on, talk time is counted in blocks of this length, at a price a block or a minute."""

    from_second: Annotated[int, Field(ge=0)]
    block_seconds: Annotated[int, Field(ge=1)]
    price: Amount = 0
    price_per_minute: Amount | None = None

    @model_validator(mode="after")
    def _one_price(self) -> Self:
        if ("price" in self.model_fields_set) == (self.price_per_minute is not None):
            raise ValueError("a block has a price or a price_per_minute")
        return self

    def sixtieths(self) -> int:
        """Sixty times the price of a block: a whole number, also where the block has no exact price."""
        return self.price * MINUTE if self.price_per_minute is None else self.price_per_minute * self.block_seconds


class FreeSeconds(Strict):
    """First seconds that cost nothing: taken off every call, or free only for calls that are no longer."""

    seconds: Annotated[int, Field(ge=1)]
    reading: Literal["deducted", "if_shorter"]


class Rounding(Strict):
    """Where money is rounded: each call, once at the bill line, or once at the bill; bill lines have two places."""

    at: Literal["call", "line", "invoice"]
    mode: RoundingMode
    places: Annotated[int, Field(ge=0, le=6)] = 2

    @model_validator(mode="after")
    def _line_is_fen(self) -> Self:
        if self.at != "call" and self.places != 2:
            raise ValueError("a bill has two places; places belongs to rounding at the call")
        return self

    @property
    def unit_micro(self) -> int:
        """What amounts are a multiple of."""
        return int(10 ** (6 - self.places))


class CallPrice(Strict):
    """Price of a call: `schedule` (`60/60`, `6/6`, `60/6`) with a minute price, or `blocks` spelled out; and limits."""

    schedule: str | None = None
    price_per_minute: Amount | None = None
    blocks: tuple[Block, ...] = ()
    connect_fee: Amount = 0
    minimum_charge: Amount = 0
    maximum_charge: Amount | None = None
    free_seconds: FreeSeconds | None = None
    bill_from: Literal["landing_answer", "platform_answer"] = "landing_answer"
    legs: Literal[1, 2] = 1
    discount: Share = 0
    rounding: Rounding = Rounding(at="line", mode="half_up")

    _divisor: int = PrivateAttr(default=1)

    @model_validator(mode="after")
    def _resolve(self) -> Self:
        if (self.schedule is None) == (not self.blocks):
            raise ValueError("give either schedule with price_per_minute, or blocks")
        if (self.schedule is None) != (self.price_per_minute is None):
            raise ValueError("schedule and price_per_minute belong together")
        if self.schedule is not None and self.price_per_minute is not None:
            object.__setattr__(self, "blocks", _blocks_of(self.schedule, self.price_per_minute))
        _check_blocks(self.blocks)
        blocks, self._divisor = _priced_by_block(self.blocks)
        object.__setattr__(self, "blocks", blocks)
        if self.maximum_charge is not None and self.maximum_charge < self.minimum_charge:
            raise ValueError("maximum_charge lies below minimum_charge")
        dearest = self.blocks_price(DAY_SECONDS * MS) + self.connect_fee
        if any(price > MAX_CALL_MICRO for price in (dearest, self.minimum_charge, self.maximum_charge or 0)):
            raise ValueError("a call of one day would cost more than 5,000,000 yuan")
        return self

    @property
    def is_blocks_alone(self) -> bool:
        """Whether nothing but exact prices of blocks makes the price."""
        beside = ("connect_fee", "minimum_charge", "maximum_charge", "free_seconds", "bill_from", "legs", "discount")
        fields = type(self).model_fields
        return self._divisor == 1 and all(getattr(self, name) == fields[name].default for name in (*beside, "rounding"))

    @property
    def divisor(self) -> int:
        """What the prices of the blocks are to be divided by: 60 where a block has no exact price, else 1."""
        return self._divisor

    def charged_ms(self, talk_ms: int) -> int:
        """What of a talk is charged, free first seconds taken off."""
        free = self.free_seconds
        if free and free.reading == "if_shorter" and talk_ms <= free.seconds * MS:
            return 0
        return max(0, talk_ms - free.seconds * MS) if free and free.reading == "deducted" else talk_ms

    def price_of(self, talk_ms: int) -> Fraction:
        """What a call costs, exactly, in millionths of a yuan: the plain form of rating's closed columns."""
        charged_ms = self.charged_ms(talk_ms)
        return self.limited(self.blocks_price(charged_ms) + self.connect_fee) if charged_ms else Fraction(0)

    def limited(self, price: Fraction) -> Fraction:
        """The price of a charged call from that of its blocks and the connect fee."""
        return self.after_limits(self.between_limits(price))

    def price_beyond(self, charged_seconds: int, covered_seconds: int) -> Fraction:
        """What a call costs beyond first seconds that something else paid for, exactly, in millionths of a yuan.

        Covered seconds take their share of a block, and the connect fee goes with the first of them. Of a call that its
        least or most charge decided, the rest pays the share that its blocks have of the whole.
        """
        covered = Fraction(0)
        for index, block in enumerate(self.blocks):
            until = self.blocks[index + 1].from_second if index + 1 < len(self.blocks) else covered_seconds
            inside = max(0, min(covered_seconds, until) - block.from_second)
            covered += Fraction(inside * block.price, block.block_seconds * self._divisor)
        whole = self.blocks_price(charged_seconds * MS)
        rest, full = max(Fraction(0), whole - covered), whole + self.connect_fee
        if not full:
            return self.after_limits(self.between_limits(full)) * (1 if covered_seconds < charged_seconds else 0)
        return self.after_limits(self.between_limits(full) * rest / full)

    def between_limits(self, price: Fraction) -> Fraction:
        """A price of blocks and connect fee between the least and the most that a call costs."""
        price = max(price, Fraction(self.minimum_charge))
        return price if self.maximum_charge is None else min(price, Fraction(self.maximum_charge))

    def after_limits(self, price: Fraction) -> Fraction:
        """A price with legs, discount and the rounding of each call."""
        price = price * self.legs * Fraction(BASIS_POINTS - self.discount, BASIS_POINTS)
        if self.rounding.at != "call":
            return price
        unit = self.rounding.unit_micro
        return Fraction(round_ratio(price.numerator, price.denominator * unit, self.rounding.mode) * unit)

    def blocks_price(self, talk_ms: int) -> Fraction:
        """What the blocks of a talk cost, exactly, in millionths."""
        price = 0
        for index, block in enumerate(self.blocks):
            until = self.blocks[index + 1].from_second * MS if index + 1 < len(self.blocks) else talk_ms
            inside = min(talk_ms, until) - block.from_second * MS
            price += -(-max(0, inside) // (block.block_seconds * MS)) * block.price
        return Fraction(price, self._divisor)


def _blocks_of(schedule: str, price_per_minute: int) -> tuple[Block, ...]:
    """The blocks of a schedule."""
    first, _, following = schedule.partition("/")
    if not (first.isdecimal() and following.isdecimal() and int(first) and int(following)):
        raise ValueError(f"{schedule!r} is no schedule; write first block / next blocks in seconds, such as 60/6")
    steps = [(0, int(first))] if first == following else [(0, int(first)), (int(first), int(following))]
    return tuple(
        Block.model_construct(from_second=from_second, block_seconds=seconds, price_per_minute=price_per_minute)
        for from_second, seconds in steps
    )


def _priced_by_block(blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], int]:
    """The blocks, each with a whole price, and what those prices are to be divided by."""
    divisor = MINUTE if any(block.sixtieths() % MINUTE for block in blocks) else 1
    priced = (
        Block.model_construct(
            from_second=block.from_second,
            block_seconds=block.block_seconds,
            price=block.sixtieths() * divisor // MINUTE,
        )
        for block in blocks
    )
    return tuple(priced), divisor


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
