"""Rating against a reference that walks block by block with plain decimals and shares no line of code with it."""

import datetime as dt
from decimal import Decimal

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.rate_book.rating_rows import NO_TERMS
from billing.rating.stage import rate_calls, total_usage
from billing.tables.calls import Cdr

DAY = dt.date(2026, 10, 5)
OUTCOMES = ("answered", "ivr_only", "no_answer", "busy", "cap_reached", "failed")
MICRO = Decimal("0.000001")


def walk(steps, talk_ms):
    """Seconds, blocks and price of one call: block after block, until the talk is used up."""
    at_ms, seconds, blocks, price = 0, 0, 0, Decimal(0)
    while at_ms < talk_ms:
        begun = [step for step in steps if step[0] * 1000 <= at_ms]
        _, length, block_price = begun[-1]
        at_ms += length * 1000
        seconds += length
        blocks += 1
        price += block_price
    return seconds, blocks, price


def expected(terms, carrier, is_trial, outcome, talk_ms):
    """What the call must cost, as the rules say it in words."""
    if outcome != "answered":
        talk_ms = 0
    seconds, blocks, price = walk(terms, talk_ms)
    carrier_seconds, _, cost = walk(carrier, talk_ms)
    reason = None
    if outcome != "answered":
        reason = "not_answered"
    elif talk_ms == 0:
        reason = "zero_seconds"
    elif is_trial:
        reason = "trial"
    return {
        "billed_seconds": seconds,
        "block_count": blocks,
        "free_seconds": seconds if is_trial else 0,
        "charged_seconds": 0 if is_trial else seconds,
        "free_reason": reason,
        "amount": Decimal(0) if is_trial else price,
        "settlement_billed_seconds": carrier_seconds,
        "settlement": cost,
    }


@st.composite
def schedules(draw):
    """One to four steps; each but the last is filled by whole blocks."""
    steps, start = [], 0
    for _ in range(draw(st.integers(1, 4))):
        length = draw(st.sampled_from([1, 6, 7, 30, 60, 180]))
        price = draw(st.integers(0, 2_000_000)) * MICRO
        steps.append((start, length, price))
        start += length * draw(st.integers(1, 5))
    return steps


TALKS = st.integers(0, 900_000) | st.integers(0, 900).map(lambda seconds: seconds * 1000) | st.sampled_from(
    [1, 999, 1000, 1001, 59_999, 60_000, 60_001, 180_000, 180_001]
)  # fmt: skip
DIALLED = st.sampled_from(["4006000001", "4006000002", "4006000003"])
CALLS = st.lists(st.tuples(DIALLED, st.sampled_from(OUTCOMES), TALKS), max_size=25)


def rows_of(plans):
    """Rating rows as the stage takes them: a number, its two schedules, unused steps out of reach."""
    rows = []
    for number, (terms, carrier, is_trial) in plans.items():
        row = {"service_number": number, "contract_id": "K", "rate_id": "r@2026-01-01",
               "settlement_rate_id": "s@2026-01-01", "is_trial": is_trial, **NO_TERMS,
               "since_ms": 0, "until_ms": 86_400_000}  # fmt: skip
        for prefix, steps in (("retail", terms), ("carrier", carrier)):
            for index in range(4):
                start, length, price = steps[index] if index < len(steps) else (2**40, 1, Decimal(0))
                row[f"{prefix}{index}_from"] = start
                row[f"{prefix}{index}_seconds"] = length
                row[f"{prefix}{index}_micro"] = int(price / MICRO)
        rows.append(row)
    return pl.DataFrame(rows)


def calls_of(calls):
    rows = []
    for line, (number, outcome, talk_ms) in enumerate(calls, start=2):
        start = dt.datetime.combine(DAY, dt.time(9))
        row = dict.fromkeys(str(column) for column in Cdr.columns)
        row |= {"cdr_id": line, "usage_date": DAY, "source": "s", "service_number": number, "started_at": start,
                "talk_ms": talk_ms, "outcome": outcome}  # fmt: skip
        rows.append(row)
    return Cdr.of_rows(rows)


@settings(max_examples=60)
@given(st.tuples(schedules(), schedules(), st.booleans()), st.tuples(schedules(), schedules(), st.booleans()), CALLS)
@example(
    ([(0, 60, Decimal("0.10"))], [(0, 60, Decimal("0.06"))], False),
    ([(0, 6, Decimal("0.01"))], [(0, 60, Decimal("0.06"))], True),
    [("4006000001", "ivr_only", 90_000), ("4006000001", "answered", 60_001), ("4006000002", "answered", 1)],
)
def test_vector_rating_is_block_by_block_rating(first, second, calls):
    plans = {"4006000001": first, "4006000002": second}
    known = pl.Series(["4006000001", "4006000002"])
    part = rate_calls(calls_of(calls).lazy(), rows_of(plans), known)
    rated, unrated = part.rated.collect(), part.unrated.collect()
    assert rated.height + unrated.height == len(calls)
    assert unrated["cdr_id"].to_list() == [line for line, call in enumerate(calls, start=2) if call[0] == "4006000003"]
    assert set(unrated["reason"]) <= {"NUMBER_UNKNOWN"}
    for row in rated.iter_rows(named=True):
        number, outcome, talk_ms = calls[row["cdr_id"] - 2]
        wanted = expected(*plans[number], outcome, talk_ms)
        found = {key: row[key] for key in wanted if key not in ("amount", "settlement")}
        found["amount"] = row["amount_micro"] * MICRO
        found["settlement"] = row["settlement_micro"] * MICRO
        assert found == wanted, (plans[number], outcome, talk_ms)


@settings(max_examples=25)
@given(st.tuples(schedules(), schedules(), st.booleans()), CALLS)
def test_totals_are_the_sums_of_the_calls(plan, calls):
    rated = rate_calls(calls_of(calls).lazy(), rows_of({"4006000001": plan}), pl.Series(["4006000001"])).rated.collect()
    totals = total_usage(rated.lazy()).collect()
    assert totals["call_count"].sum() == rated.height
    for measure in ("usage_ms", "billed_seconds", "charged_seconds", "block_count", "amount_micro",
                    "settlement_billed_seconds", "settlement_micro"):  # fmt: skip
        assert totals[measure].sum() == sum(rated[measure].to_list())


@settings(max_examples=40)
@given(schedules(), st.lists(TALKS, min_size=2, max_size=2))
def test_longer_never_costs_less(steps, talks):
    calls = [("4006000001", "answered", talk) for talk in sorted(talks)]
    rows = rows_of({"4006000001": (steps, steps, False)})
    rated = rate_calls(calls_of(calls).lazy(), rows, pl.Series(["4006000001"])).rated.collect()
    assert rated["amount_micro"].is_sorted()
    assert all(row["billed_seconds"] * 1000 >= row["usage_ms"] for row in rated.iter_rows(named=True))
