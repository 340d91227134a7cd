"""What a plan says of the price of a quantity: minutes of a month, seats, hours of recording; `amount_of` works it out.

One form serves volume prices of calls, quantity fees and metered items. A quantity is converted (`divide_by`, `round`),
its free part taken off, and the rest priced: by the unit, by packages, or by bands (graduated: each band's part at that
band's price; all units: the whole at the price of the band it reaches). Everything is exact until the bill line.
"""

import itertools
import math
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, WithJsonSchema, model_validator

from billing.core.money import BASIS_POINTS, MICRO_PER_YUAN, RoundingMode, round_ratio, yuan_exact
from billing.rate_book.call_price import Amount, Share, Strict

_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")


def read_quantity(value: Any) -> Fraction:  # noqa: ANN401 - whatever the YAML holds
    """A quantity as it stands in a plan: quoted, up to twelve places."""
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise ValueError('write quantities as quoted text, for instance "1000" or "0.5"')
    return Fraction(value)


def _read_price(value: Any) -> Fraction:  # noqa: ANN401
    """A price of a unit, in millionths of a yuan: quoted yuan, up to twelve places."""
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise ValueError('write amounts as quoted text, for instance "0.1000"')
    return Fraction(value) * MICRO_PER_YUAN


_AS_TEXT = WithJsonSchema({"type": "string", "pattern": f"^{_DECIMAL.pattern}$", "description": "a number, quoted"})
Quantity = Annotated[Fraction, BeforeValidator(read_quantity), _AS_TEXT]
UnitPrice = Annotated[Fraction, BeforeValidator(_read_price), _AS_TEXT]


class Band(Strict):
    """What lies above a quantity: the price of a unit (or a discount, where units are yuan), a fee for entering.

    With `per` the price is of so many units; what does not fill so many costs as much as they do.
    """

    above: Quantity
    price: UnitPrice | None = None
    per: Quantity | None = None
    discount: Share | None = None
    fee: Amount = 0

    @model_validator(mode="after")
    def _one_price(self) -> Self:
        if self.price is None and self.discount is None and not self.fee:
            raise ValueError('a band says price, discount or fee; what costs nothing is priced "0"')
        if self.price is not None and self.discount is not None:
            raise ValueError("a band has a price or a discount, not both")
        if self.per is not None and (self.price is None or not self.per):
            raise ValueError("per belongs to a price, and is more than nothing")
        return self

    @property
    def unit_micro(self) -> Fraction:
        """Price of a unit; of a yuan, what the discount leaves of it."""
        if self.discount is not None:
            return Fraction(MICRO_PER_YUAN * (BASIS_POINTS - self.discount), BASIS_POINTS)
        return self.price or Fraction(0)

    def counted(self, units: Fraction) -> Fraction:
        """How often units of this band cost its price."""
        return units if self.per is None else Fraction(math.ceil(units / self.per))


class Package(Strict):
    """Units sold in packages; what does not fill one is a whole package, its share of one, or single units."""

    size: Quantity
    price: Amount
    rest: Literal["whole", "share", "single"]
    single_price: UnitPrice | None = None

    @model_validator(mode="after")
    def _singles(self) -> Self:
        if not self.size:
            raise ValueError("a package holds more than nothing")
        if (self.rest == "single") != (self.single_price is not None):
            raise ValueError("rest: single and single_price belong together")
        return self


class QuantityPrice(Strict):
    """Price of a quantity: `price` a unit, `package`, `graduated` or `all_units`; exactly one of them."""

    divide_by: Quantity = Fraction(1)
    round: Literal["exact"] | RoundingMode = "exact"
    free: Quantity = Fraction(0)
    price: UnitPrice | None = None
    package: Package | None = None
    graduated: tuple[Band, ...] = ()
    all_units: tuple[Band, ...] = ()
    edge: Literal["lower", "upper"] = "lower"
    fee_at_zero: bool | None = None
    minimum_at_zero: bool = False
    minimum_charge: Amount = 0
    maximum_charge: Amount | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        forms = (self.price is not None, self.package is not None, bool(self.graduated), bool(self.all_units))
        if sum(forms) != 1:
            raise ValueError("give one of price, package, graduated, all_units")
        if not self.divide_by:
            raise ValueError("divide_by is more than nothing")
        if self.maximum_charge is not None and self.maximum_charge < self.minimum_charge:
            raise ValueError("maximum_charge lies below minimum_charge")
        if self.minimum_at_zero and not self.minimum_charge:
            raise ValueError("minimum_at_zero belongs to minimum_charge")
        _check_bands(self.bands, self.fee_at_zero)
        return self

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands of either kind."""
        return self.graduated or self.all_units

    @property
    def grows_steadily(self) -> bool:
        """Whether each further unit adds to the amount what it adds, whatever comes later, and never takes off."""
        package = self.package
        single = package.single_price if package else None
        falls = package is not None and single is not None and single * package.size > package.price
        return not self.all_units and not falls

    def units_of(self, quantity: Fraction) -> Fraction:
        """The units that are priced: converted, rounded, without the free ones."""
        units = quantity / self.divide_by
        if self.round != "exact":
            units = Fraction(round_ratio(units.numerator, units.denominator, self.round))
        return max(Fraction(0), units - self.free)

    def amount_of(self, quantity: Fraction) -> Fraction:
        """What a quantity costs, exactly, in millionths of a yuan."""
        amount = sum((cost for _, _, cost in self.steps(quantity)), Fraction(0))
        amount = max(amount, Fraction(self.minimum_charge)) if quantity or self.minimum_at_zero else amount
        return amount if self.maximum_charge is None else min(amount, Fraction(self.maximum_charge))

    def steps(self, quantity: Fraction) -> list[tuple[Fraction, Fraction, Fraction]]:
        """How the amount comes about: units, price of a unit (or package, or fee), cost; in millionths."""
        units = self.units_of(quantity)
        if self.price is not None:
            return [(units, self.price, units * self.price)]
        if self.package is not None:
            return _packages(self.package, units)
        entered = [band for index, band in enumerate(self.bands) if self._is_entered(index, units)]
        steps: list[tuple[Fraction, Fraction, Fraction]] = []
        if self.all_units and entered:
            _add(steps, entered[-1].counted(units), entered[-1].unit_micro)
            entered = entered[-1:]
        elif self.graduated:
            ends = [*(band.above for band in self.bands[1:]), units]
            for band, end in zip(self.bands, ends, strict=True):
                _add(steps, band.counted(max(Fraction(0), min(units, end) - band.above)), band.unit_micro)
        for band in entered:
            _add(steps, Fraction(1) if band.fee else Fraction(0), Fraction(band.fee))
        return steps

    def derivation(self, quantity: Fraction) -> str:
        """The steps in words: `1000 x 0.10 + 234 x 0.08`."""
        return " + ".join(f"{number(units)} x {price_text(price)}" for units, price, _ in self.steps(quantity)) or "0"

    def _is_entered(self, index: int, units: Fraction) -> bool:
        band = self.bands[index]
        if index == 0 and not units:
            return bool(self.fee_at_zero)
        return units >= band.above if self.edge == "upper" else units > band.above


def number(quantity: Fraction) -> str:
    """A quantity in digits; one without an end is cut at six places."""
    return yuan_text(quantity, 0)


def price_text(micro: Fraction) -> str:
    """A price in yuan, two to twelve places."""
    if micro.denominator == 1:
        return yuan_exact(int(micro))
    return yuan_text(micro * Fraction(1, MICRO_PER_YUAN), 2)


def yuan_text(value: Fraction, places: int) -> str:
    """Plain digits of a value, at least so many places and at most twelve."""
    most = 12
    digits = f"{round_ratio(value.numerator * 10**most, value.denominator):0{most + 1}d}"
    whole, part = digits[:-most], digits[-most:].rstrip("0").ljust(places, "0")
    return f"{whole}.{part}" if part else whole


def _add(steps: list[tuple[Fraction, Fraction, Fraction]], units: Fraction, price: Fraction) -> None:
    if units:
        steps.append((units, price, units * price))


def _packages(package: Package, units: Fraction) -> list[tuple[Fraction, Fraction, Fraction]]:
    price, steps = Fraction(package.price), list[tuple[Fraction, Fraction, Fraction]]()
    packages = units / package.size
    if package.rest == "share":
        _add(steps, packages, price)
    elif package.rest == "whole":
        _add(steps, Fraction(math.ceil(packages)), price)
    else:
        full = math.floor(packages)
        _add(steps, Fraction(full), price)
        _add(steps, units - full * package.size, package.single_price or Fraction(0))
    return steps


def _check_bands(bands: Sequence[Band], fee_at_zero: bool | None) -> None:
    if not bands:
        if fee_at_zero is not None:
            raise ValueError("fee_at_zero belongs to bands")
        return
    if bands[0].above:
        raise ValueError('the first band starts above "0": what lies below would have no price')
    for band, following in itertools.pairwise(bands):
        if following.above <= band.above:
            raise ValueError(f"the band above {number(following.above)} does not lie above the one before it")
    if bool(bands[0].fee) != (fee_at_zero is not None):
        raise ValueError(
            "a first band with a fee, and only such a one, says fee_at_zero: is the fee due without usage?"
        )
