"""A plan's own tests: what a call or a quantity must cost under it, run by `check` before the plan is used."""

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Any, Protocol, Self

from pydantic import BeforeValidator, WithJsonSchema, model_validator

from billing.core.findings import Finding
from billing.rate_book.call_price import MS, Amount, Strict
from billing.rate_book.quantity_price import Quantity, QuantityPrice, price_text

PLAN_TEST_FAILED = "PLAN_TEST_FAILED"
VOLUME = "volume"
"""Names the price by volume in a test of a quantity."""


def _read_start(value: Any) -> dt.datetime:  # noqa: ANN401 - whatever the YAML holds
    if isinstance(value, dt.datetime):
        return value
    try:
        return dt.datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - civil time
    except ValueError:
        raise ValueError('write a start as quoted text, for instance "2026-10-05 09:00:00"') from None


_TEXT = WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"})
Start = Annotated[dt.datetime, BeforeValidator(_read_start), _TEXT]


class PlanTest(Strict):
    """A call of so many seconds, or a quantity of an item (fee, metered item or `volume`), and what it costs.

    What a call costs is its first price, before any rule of the month. `day` is the day a quantity is priced on.
    """

    start: Start | None = None
    seconds: Quantity | None = None
    call_class: str | None = None
    item: str | None = None
    quantity: Quantity | None = None
    day: dt.date | None = None
    costs: Amount

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        of_call = (self.start is not None, self.seconds is not None)
        of_item = (self.item is not None, self.quantity is not None, self.day is not None)
        if not ((all(of_call) and not any(of_item)) or (all(of_item) and not any(of_call))):
            raise ValueError("a test gives start and seconds of a call, or item, quantity and day")
        if self.call_class is not None and not any(of_call):
            raise ValueError("call_class belongs to the test of a call")
        if self.seconds is not None and (self.seconds * MS).denominator != 1:
            raise ValueError("seconds have at most three places")
        return self

    @property
    def priced_on(self) -> dt.date:
        """The day whose version is tested."""
        day = self.start.date() if self.start else self.day
        assert day is not None, "a test has one of them"
        return day

    @property
    def subject(self) -> str:
        """What is tested, in a few characters."""
        if self.start is not None:
            return f"{price_text((self.seconds or Fraction(0)) * 10**6)} s @ {self.start}"
        return f"{self.item} x {self.quantity}"


class Prices(Protocol):
    """What tests ask of a rate book."""

    def first_price(
        self, plan_id: str, start: dt.datetime, talk_ms: int, call_class: str | None = None
    ) -> Fraction | None:
        """What a call costs, None where the plan has no price."""


def failed_tests(plan: Any, book: Prices) -> Iterator[Finding]:  # noqa: ANN401 - a RetailPlan
    """A finding for each test of a plan that does not come out."""
    for index, test in enumerate(plan.tests, start=1):
        found = _cost(plan, test, book)
        if found is None or found != test.costs:
            values = {
                "plan": plan.plan,
                "index": index,
                "test": test.subject,
                "costs": price_text(Fraction(test.costs)),
            }
            shown = "-" if found is None else price_text(found)
            where = f"rate_plans/retail/{plan.plan}.yaml"
            yield Finding(PLAN_TEST_FAILED, "critical", where, values | {"found": shown})


def _cost(plan: Any, test: PlanTest, book: Prices) -> Fraction | None:  # noqa: ANN401
    """What the plan makes of it, in millionths; None where the plan has no such price."""
    held = [start for start in plan.versions if start <= test.priced_on]
    version = plan.versions[max(held)] if held else None
    if version is None:
        return None
    if test.start is not None:
        return book.first_price(plan.plan, test.start, int((test.seconds or 0) * MS), test.call_class)
    prices: dict[str, QuantityPrice | None] = {fee.item: fee.price for fee in version.fees}
    prices |= {metered.item: metered.price for metered in version.metered} | {VOLUME: version.volume}
    of_item = prices.get(test.item or "")
    return None if of_item is None else of_item.amount_of(test.quantity or Fraction(0))
