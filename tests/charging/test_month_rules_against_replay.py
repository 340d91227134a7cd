"""Allowances, price by volume, cap and discounts against a replay that walks every call of the month one by one."""

import datetime as dt
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.charging.stage import charge_accounts
from billing.core.money import round_ratio
from tests.charging.books import CALL_SCHEMA, NO_MOVEMENTS, OCTOBER, Calls, call, contracts, rate_book, retail, totals

F = Fraction
NUMBERS = ("4006000001", "4006000002")
SUBSCRIPTION = """
contract_id service_number plan_id valid_from
C1          4006000001     plan    2026-01-01
C1          4006000002     plan    2026-01-01
"""
MINUTE_PRICE = F(1, 10)
FAR = dt.date(2099, 1, 1)


def graduated(bands, quantity):
    """Each part of a quantity at the price of the band it lies in, and the fee of every band it enters."""
    ends = [above for above, _, _ in bands[1:]] + [quantity]
    paid = sum(
        (max(F(0), min(quantity, F(end)) - above) * price for (above, price, _), end in zip(bands, ends, strict=True)),
        F(0),
    )
    return paid + sum(fee for above, _, fee in bands if quantity > above)


def replay(calls, allowances, bought, bands, cap, discounts):
    """What each number owes for its calls, exactly, and what is left of each lot."""
    lots = []
    for name, (scope, unit, quantity, last) in allowances.items():
        owners = NUMBERS if scope == "number" else (None,)
        if quantity is not None:
            lots += [
                [dt.date(2026, 11, 1), dt.date(2026, 10, 1), o is None, name, o, unit, last, F(quantity)]
                for o in owners
            ]
    for day, owner, name, quantity in bought:
        scope, unit, monthly, last = allowances[name]
        assert monthly is None
        lots.append(
            [
                dt.date(2027, 10, day),
                dt.date(2026, 10, day),
                owner is None,
                f"{name}{day}",
                owner,
                unit,
                last,
                F(quantity),
            ]
        )
    lots.sort(key=lambda lot: lot[:4])
    left = {}
    for row in sorted(calls, key=lambda row: (row["started_at"], row["call_id"])):
        minutes, money, whole = (
            F(row["charged_seconds"], 60),
            F(row["amount_micro"], 10**6),
            F(row["charged_seconds"], 60),
        )
        covered = not whole
        for lot in lots:
            _, since, _, _, owner, unit, last, held = lot
            if covered or held <= 0 or owner not in (None, row["service_number"]) or row["started_at"].date() < since:
                continue
            need = {"minute": minutes, "call": F(1), "yuan": money}[unit]
            if need <= held or last == "all_in":
                lot[7], minutes, money, covered = max(F(0), held - need), F(0), F(0), True
            elif last == "split":
                lot[7] = F(0)
                if unit == "yuan":
                    money -= held
                else:
                    minutes -= held
                    money = minutes * MINUTE_PRICE
        left[row["cdr_id"]] = (minutes, money, int(not covered))
    owed = {}
    for number in NUMBERS:
        own = [
            row
            for row in sorted(calls, key=lambda row: (row["started_at"], row["call_id"]))
            if row["service_number"] == number
        ]
        costs, counted = {}, F(0)
        for row in own:
            minutes, money, _ = left[row["cdr_id"]]
            costs[row["cdr_id"]] = graduated(bands, counted + minutes) - graduated(bands, counted) if bands else money
            counted += minutes

        def discounted(sum_, position):
            for kind, value, place in discounts:
                if place == position:
                    sum_ = sum_ * (1 - value) if kind == "share" else max(F(0), sum_ - value)
            return sum_

        kept, instant = F(0), None
        for row in sorted(own, key=lambda row: (row["ended_at"], row["started_at"], row["call_id"])):
            if instant is None or row["started_at"] <= instant:
                kept += costs[row["cdr_id"]]
            if instant is None and cap is not None and discounted(kept, "before_cap") >= cap:
                instant = row["ended_at"]
        owed[number] = discounted(discounted(kept, "before_cap"), "after_cap")
    return owed, {(lot[3].rstrip("0123456789"), lot[4], lot[1]): lot[7] for lot in lots}


CALL = st.tuples(
    st.sampled_from(NUMBERS), st.sampled_from([1, 2, 3, 15, 31]), st.integers(0, 23), st.sampled_from([0, 30]),
    st.sampled_from([0, 30, 60, 61, 150, 600, 3_600]), st.sampled_from(["answered", "answered", "no_answer"]),
)  # fmt: skip
SCOPE, LAST = st.sampled_from(["number", "contract"]), st.sampled_from(["split", "all_in", "all_out"])
MONTHLY = st.tuples(SCOPE, st.sampled_from(["minute", "call"]), st.integers(1, 30), LAST)
YUAN = st.tuples(SCOPE, st.just("yuan"), st.integers(1, 5), LAST)
BOUGHT = st.tuples(SCOPE, st.just("minute"), st.none(), LAST)
ALLOWANCES = st.one_of(
    st.just({}), st.fixed_dictionaries({"a": MONTHLY}), st.fixed_dictionaries({"a": YUAN}),
    st.fixed_dictionaries({"a": MONTHLY, "b": BOUGHT}), st.fixed_dictionaries({"a": MONTHLY, "b": MONTHLY}),
)  # fmt: skip
PURCHASES = st.lists(st.tuples(st.integers(1, 31), st.sampled_from(NUMBERS), st.integers(1, 20)), max_size=3,
                     unique_by=lambda p: p[:2])  # fmt: skip
BANDS = st.none() | st.tuples(
    st.integers(1, 20), st.sampled_from(["0.08", "0.05", "0.12"]), st.sampled_from(["0.00", "1.50"])
)
CAP = st.none() | st.integers(1, 400).map(lambda fen: F(fen, 100))
DISCOUNT = st.tuples(st.sampled_from(["share", "amount"]), st.sampled_from(["0.10", "0.25"]),
                     st.sampled_from(["before_cap", "after_cap"]))  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(CALL, max_size=30), ALLOWANCES, PURCHASES, BANDS, CAP, st.lists(DISCOUNT, max_size=2), st.randoms())
def test_the_month_agrees_with_its_replay(picks, allowances, purchases, bands, cap, discounts, random):
    rows = []
    for index, (number, day, hour, minute, seconds, outcome) in enumerate(picks, start=1):
        start = dt.datetime.fromisoformat(f"2026-10-{day:02} {hour:02}:{minute:02}")
        own = call(index, number, start, seconds if outcome == "answered" else 0, 100_000, 60_000, {"outcome": outcome})
        rows.append(own | {"call_id": f"{index:03}"})
    table = pl.DataFrame(rows, schema=CALL_SCHEMA)
    bought = []
    if "b" in allowances and allowances["b"][2] is None:
        for day, number, quantity in purchases:
            bought.append((day, number if allowances["b"][0] == "number" else None, "b", quantity))
        bought = list({entry[:3]: entry for entry in bought}.values())
    terms = plan_terms(allowances, bands, cap, discounts)
    purchase_rows = [
        f"P{i} C1 {owner or '-'} b {quantity} 2026-10-{day:02} -" for i, (day, owner, _, quantity) in enumerate(bought)
    ]
    purchase = "\n".join(
        ["purchase_id contract_id service_number allowance quantity valid_from valid_to", *purchase_rows]
    )
    book = rate_book(retail(**terms), contract=contracts("C1"), subscription=SUBSCRIPTION, allowance_purchase=purchase)
    order = list(range(table.height))
    random.shuffle(order)
    out = charge_accounts(OCTOBER, totals(table), Calls(table[order]), book, NO_MOVEMENTS)
    assert [finding.reason for finding in out.findings if finding.severity != "info"] == []
    steps = [(0, F("0.10"), F(0)), (bands[0], F(bands[1]), F(bands[2]))] if bands else None
    rules = [(kind, F(value), place) for kind, value, place in discounts]
    owed, left = replay(table.to_dicts(), allowances, bought, steps, cap, rules)
    charges = out.tables["charge"]
    for number in NUMBERS:
        due = charges.filter(pl.col("service_number") == number)["amount_micro"].sum()
        assert due == round_ratio((owed[number] * 100).numerator, (owed[number] * 100).denominator) * 10_000
    scale = {"minute": 60, "call": 1, "yuan": 600_000 * 10**6}
    found = {
        (row["allowance"], row["service_number"], row["granted_on"]): F(
            row["remaining"] + row["lapsed"], scale[allowances[row["allowance"]][1]]
        )
        for row in out.tables["allowance_movement"].iter_rows(named=True)
    }
    assert found == left
    check_adjustments(table, out.tables["call_adjustment"])


def plan_terms(allowances, bands, cap, discounts):
    """The plan that the picks describe."""
    terms = {
        "allowances": [
            {"name": name, "of": unit, "every": "month" if quantity else "purchase", "scope": scope, "last_call": last,
             "unused": "lapse"} | ({"quantity": str(quantity), "first_month": "full"} if quantity else {})
            for name, (scope, unit, quantity, last) in allowances.items()
        ],
        "discounts": [
            {"name": f"d{index}", kind: value, "position": place}
            for index, (kind, value, place) in enumerate(discounts)
        ],
    }  # fmt: skip
    if bands:
        steps = [{"above": "0", "price": "0.10"}, {"above": str(bands[0]), "price": bands[1], "fee": bands[2]}]
        terms["volume"] = {"of": "minute", "scope": "number", "graduated": steps}
    if cap is not None:
        terms["cap_amount"] = {"amount": f"{int(cap * 100) / 100:.2f}", "fee_base": "usage", "scope": "number"}
    return terms


def check_adjustments(calls, adjustments):
    """Each range of an allowance holds the calls it counts, with their money."""
    charged = calls.filter(pl.col("free_reason").is_null())
    for row in adjustments.filter(pl.col("rule").str.starts_with("allowance:"), pl.col("cdr_id").is_null()).iter_rows(
        named=True
    ):
        inside = charged.filter(
            pl.col("service_number") == row["service_number"],
            pl.col("started_at") > row["started_after"],
            pl.col("started_at") < row["started_before"],
        )
        assert (inside.height, inside["amount_micro"].sum()) == (row["call_count"], row["amount_micro"])


@pytest.mark.parametrize(("quantity", "expected"), [("10", "1.00"), ("20", "1.80"), ("21", "3.38")])
def test_the_replay_knows_bands(quantity, expected):
    bands = [(0, F("0.10"), F(0)), (10, F("0.08"), F(0)), (20, F("0.08"), F("1.50"))]
    assert graduated(bands, F(quantity)) == F(expected)
