"""The contracts of the sample company and the numbers under them, in every shape of shapes.yaml."""

import datetime as dt
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import yaml

from billing.core.money import MICRO_PER_YUAN
from billing.core.period import Period, add_years
from billing.sample_company.draws import Draws
from billing.sample_company.numbers import SPARE_COUNT, SampleNumber
from billing.tables.catalog import Contract, Subscription

YEARLY_FEES = (480, 600, 720, 960, 1200, 1800)
"""Yuan a year of prepaid and annual contracts; the illustrative company's own."""
MINIMUM_OVERRIDES = (60, 100, 150, 200)
CAP_OVERRIDES = (30, 60, 150)
COUNT_OVERRIDES = (100, 200, 500)
"""Terms agreed with single customers, in yuan and calls, where they differ from the plan."""
BEST_GRADE, BEST_GRADE_MINIMUM = "A", 30
PLANS_OF_LOW_MINIMUM = ("split_6s_010", "split_function_010")
"""What carriers ask for the best numbers is more than these plans do, so it is agreed for each such number."""
PLANS_BEFORE = ("split_020", "split_025", "split_030")
"""What a number cost before its owner changed the plan."""


@dataclass
class Drafted:
    """A contract being put together: its row, its shape, and the day its event falls on."""

    shape: dict[str, Any]
    row: dict[str, Any]
    event_day: dt.date
    numbers: list[SampleNumber] = field(default_factory=list)


@functools.cache
def shapes() -> tuple[dict[str, Any], ...]:
    """The shapes of shapes.yaml, one entry a contract."""
    entries = yaml.safe_load(resources.files(__package__).joinpath("shapes.yaml").read_text("utf-8"))
    return tuple(entry for entry in entries for _ in range(entry["count"]))


def draft_contracts(
    draws: Draws, period: Period, customers: Sequence[dict[str, Any]], agents: Sequence[dict[str, Any]]
) -> list[Drafted]:
    """One contract a customer, in every shape; about one in seven is sold by the house itself."""
    sellers = [agent for agent in agents if agent["tier"] == 2] * 2 + [agent for agent in agents if agent["tier"] == 1]
    drafts = []
    hand_overs: list[Drafted] = []
    for index, (shape, customer) in enumerate(zip(shapes(), draws.shuffled(customers), strict=True), start=1):
        event_day = period.start + dt.timedelta(days=draws.between(7, period.day_count - 8))
        start = _service_start(draws, period, shape)
        if shape.get("event") == "take_over":
            giver = hand_overs.pop(0)
            gap = 2 if giver.shape["event"] == "hand_over_gap" else 0
            event_day = start = giver.event_day + dt.timedelta(days=gap)
        agent = draws.pick(sellers) if draws.below(7) else None
        row = _contract_row(draws, shape, customer, agent, start, f"HT{start:%y%m}{index:04d}")
        draft = Drafted(shape, row, event_day)
        if shape.get("event", "").startswith("trial"):
            ends_within = shape["event"] == "trial_ends"
            row[Contract.trial_until] = event_day if ends_within else period.end + dt.timedelta(days=10)
            row[Contract.trial_confirmed_on] = event_day - dt.timedelta(days=3) if ends_within else None
        if shape.get("event") == "close":
            row[Contract.ends_on] = event_day
        if shape.get("event", "").startswith("hand_over"):
            hand_overs.append(draft)
        drafts.append(draft)
    return drafts


def hand_out_numbers(draws: Draws, drafts: Sequence[Drafted], numbers: Sequence[SampleNumber]) -> None:
    """Give every contract a number, and the rest to contracts without an event; a few stay in stock."""
    waiting = [draft for draft in drafts if draft.shape.get("event") != "take_over"]
    quiet = [draft for draft in waiting if "event" not in draft.shape]
    stock = draws.shuffled(numbers)[SPARE_COUNT:]
    for draft in waiting:
        draft.numbers.append(stock.pop())
    for number in stock:
        draws.pick(quiet).numbers.append(number)
    givers = [draft for draft in drafts if draft.shape.get("event", "").startswith("hand_over")]
    takers = [draft for draft in drafts if draft.shape.get("event") == "take_over"]
    for giver, taker in zip(givers, takers, strict=True):
        taker.numbers.extend(giver.numbers)


def subscription_rows(draws: Draws, period: Period, draft: Drafted) -> list[dict[str, Any]]:
    """The rows of a contract's numbers: one each, two where the plan changed."""
    rows = []
    for number in sorted(draft.numbers, key=lambda number: number.service_number):
        row: dict[str, Any] = {str(column): None for column in Subscription.columns} | {
            Subscription.contract_id: draft.row[Contract.contract_id],
            Subscription.service_number: number.service_number,
            Subscription.plan_id: number.plan_id,
            Subscription.valid_from: draft.row[Contract.service_start],
        }
        _agree_terms(draws, row, number.grade)
        event = draft.shape.get("event", "")
        if event == "close" or event.startswith("hand_over"):
            row[Subscription.valid_to] = draft.event_day
        if event in ("plan_from_first", "plan_within"):
            changed = period.start if event == "plan_from_first" else draft.event_day
            rows.append(row | {Subscription.plan_id: draws.pick(PLANS_BEFORE), Subscription.valid_to: changed})
            row[Subscription.valid_from] = changed
        rows.append(row)
    return rows


def _service_start(draws: Draws, period: Period, shape: dict[str, Any]) -> dt.date:
    if shape["opens"] == "within":
        return period.start + dt.timedelta(days=draws.between(2, period.day_count - 6))
    if shape["opens"] == "anniversary":
        day = period.start + dt.timedelta(days=draws.between(1, period.day_count - 5))
        return add_years(day, -shape["years"])
    return period.shifted(-draws.between(1, 13)).start + dt.timedelta(days=draws.below(28))


def _contract_row(
    draws: Draws,
    shape: dict[str, Any],
    customer: dict[str, Any],
    agent: dict[str, Any] | None,
    start: dt.date,
    contract_id: str,
) -> dict[str, Any]:
    years = draws.pick(shape["terms"])
    total = None if shape["payment_mode"] == "monthly" else draws.pick(YEARLY_FEES) * years * MICRO_PER_YUAN
    return {
        Contract.contract_id: contract_id,
        Contract.customer_id: customer["customer_id"],
        Contract.agent_id: agent["agent_id"] if agent else None,
        Contract.branch: agent["branch"] if agent else customer["branch"],
        Contract.signed_on: start - dt.timedelta(days=draws.between(3, 12)),
        Contract.service_start: start,
        Contract.ends_on: add_years(start, years),
        Contract.payment_mode: shape["payment_mode"],
        Contract.term_years: years,
        Contract.total_micro: total,
        Contract.trial_until: None,
        Contract.trial_confirmed_on: None,
    }


def _agree_terms(draws: Draws, row: dict[str, Any], grade: str) -> None:
    """Write single terms into a row: a minimum now and then, and every other cap."""
    if draws.below(5) == 0:
        row[Subscription.monthly_minimum_micro] = draws.pick(MINIMUM_OVERRIDES) * MICRO_PER_YUAN
    elif grade == BEST_GRADE and row[Subscription.plan_id] in PLANS_OF_LOW_MINIMUM:
        row[Subscription.monthly_minimum_micro] = BEST_GRADE_MINIMUM * MICRO_PER_YUAN
    if row[Subscription.plan_id] == "split_capped_010" and draws.below(2):
        row[Subscription.cap_amount_micro] = draws.pick(CAP_OVERRIDES) * MICRO_PER_YUAN
    if row[Subscription.plan_id] == "split_counted_010" and draws.below(2):
        row[Subscription.cap_count] = draws.pick(COUNT_OVERRIDES)
