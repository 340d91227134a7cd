"""Caps against a slow second opinion: the month replayed call by call, as a platform would have stopped them."""

import datetime as dt
from dataclasses import dataclass, field

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.charging.stage import charge_accounts
from billing.core.money import round_to_fen
from tests.charging.books import CALL_SCHEMA, NO_MOVEMENTS, OCTOBER, Calls, call, contracts, rate_book, retail, totals

NUMBERS = ("4006000001", "4006000002")
SUBSCRIPTION = """
contract_id service_number plan_id valid_from
C1          4006000001     plan    2026-01-01
C1          4006000002     plan    2026-01-01
"""
NOT_ATTEMPTS = ("blocked_region", "blocked_blacklist", "bad_password", "cap_reached")


@dataclass
class Meter:
    """One cap of one number or contract: connected calls fill it, it says whether the next one is connected."""

    amount: int | None = None
    calls: int | None = None
    counts: str = ""
    ended: list[tuple[dt.datetime, int]] = field(default_factory=list)
    counted: int = 0

    def refuses(self, row):
        if self.calls is not None:
            return self.counted >= self.calls
        return sum(micro for end, micro in self.ended if end < row["started_at"]) >= self.amount

    def connect(self, row):
        self.ended.append((row["ended_at"], row["amount_micro"]))
        is_attempt = row["outcome"] not in NOT_ATTEMPTS
        self.counted += row["outcome"] == "answered" if self.counts == "answered" else is_attempt


def replay(rows, amount_cap, count_cap):
    """Ids of the calls over a cap."""
    meters = {number: [] for number in NUMBERS}
    for cap, fields in ((amount_cap, ("amount",)), (count_cap, ("calls", "counts"))):
        if cap:
            shared = Meter(**dict(zip(fields, cap[1:], strict=True)))
            for number in NUMBERS:
                own = Meter(**dict(zip(fields, cap[1:], strict=True)))
                meters[number].append(shared if cap[0] == "contract" else own)
    over = set()
    for row in sorted(rows, key=lambda row: (row["started_at"], row["call_id"], row["talk_ms"])):
        mine = meters[row["service_number"]]
        if any(meter.refuses(row) for meter in mine):
            over.add(row["cdr_id"])
        else:
            for meter in mine:
                meter.connect(row)
    return over


SCOPE = st.sampled_from(["number", "contract"])
AMOUNT_CAP = st.none() | st.tuples(SCOPE, st.integers(1, 60).map(lambda tenths: tenths * 100_000))
COUNT_CAP = st.none() | st.tuples(SCOPE, st.integers(1, 6), st.sampled_from(["attempts", "answered"]))
CALL = st.tuples(
    st.sampled_from(NUMBERS),
    st.sampled_from([1, 2, 3, 30, 31]),
    st.integers(0, 23),
    st.sampled_from([0, 30]),
    st.sampled_from([0, 30, 60, 600, 3_600, 36_000, 86_400]),
    st.sampled_from(["answered", "answered", "answered", "no_answer", "blocked_region"]),
)


def month_of(picks):
    rows = []
    for index, (number, day, hour, minute, seconds, outcome) in enumerate(picks, start=1):
        start = dt.datetime.fromisoformat(f"2026-10-{day:02} {hour:02}:{minute:02}")
        seconds = seconds if outcome == "answered" else 0
        rows.append(
            call(index, number, start, seconds, 100_000, 60_000, {"outcome": outcome}) | {"call_id": f"{index:03}"}
        )
    return pl.DataFrame(rows, schema=CALL_SCHEMA)


def terms_of(amount_cap, count_cap):
    terms = {}
    if amount_cap:
        terms["cap_amount"] = {"amount": f"{amount_cap[1] / 1e6:.2f}", "fee_base": "usage", "scope": amount_cap[0]}
    if count_cap:
        terms["cap_count"] = {"calls": count_cap[1], "count": count_cap[2], "scope": count_cap[0]}
    return terms


@settings(max_examples=100, deadline=None)
@given(st.lists(CALL, max_size=25), AMOUNT_CAP, COUNT_CAP, st.randoms())
def test_caps_agree_with_the_replayed_month(picks, amount_cap, count_cap, random):
    table = month_of(picks)
    book = rate_book(retail(**terms_of(amount_cap, count_cap)), contract=contracts("C1"), subscription=SUBSCRIPTION)
    order = list(range(table.height))
    random.shuffle(order)
    out = charge_accounts(OCTOBER, totals(table), Calls(table[order]), book, NO_MOVEMENTS)
    over = replay(table.to_dicts(), amount_cap, count_cap)
    charged = table.filter(pl.col("outcome") == "answered", pl.col("talk_ms") > 0)
    adjustments, charges = out.tables["call_adjustment"], out.tables["charge"]
    for number in NUMBERS:
        of_number = charged.filter(pl.col("service_number") == number)
        expected = of_number.filter(pl.col("cdr_id").is_in(sorted(over)))
        rows = adjustments.filter(pl.col("service_number") == number)
        assert rows["call_count"].sum() == expected.height
        assert rows["amount_micro"].sum() == expected["amount_micro"].sum()
        assert rows["settlement_micro"].sum() == expected["settlement_micro"].sum()
        assert covered(of_number, rows) == set(expected["cdr_id"])
        kept = of_number["amount_micro"].sum() - expected["amount_micro"].sum()
        due = charges.filter(pl.col("service_number") == number)["amount_micro"].sum()
        assert due == round_to_fen(kept)


def covered(calls, adjustments):
    """The calls that adjustment rows stand for."""
    ids = set()
    for row in adjustments.iter_rows(named=True):
        if row["cdr_id"] is None:
            ids |= set(calls.filter(pl.col("started_at") > row["started_after"])["cdr_id"])
        else:
            ids.add(row["cdr_id"])
    return ids


def paid_of(rows, cap, crossing):
    """What is billed of each call when a number's cap cuts the calls that reach it or are under way then."""
    paid, total, instant = {}, 0, None
    for row in sorted(rows, key=lambda row: (row["ended_at"], row["started_at"], row["call_id"])):
        if instant is not None and row["started_at"] > instant:
            paid[row["cdr_id"]] = 0
        elif instant is not None:
            paid[row["cdr_id"]] = 0  # under way when the cap was reached
        else:
            total += row["amount_micro"]
            paid[row["cdr_id"]] = row["amount_micro"]
            if total >= cap:
                instant = row["ended_at"]
                paid[row["cdr_id"]] -= (total - cap) if crossing == "truncate" else row["amount_micro"]
    return paid


@settings(max_examples=150, deadline=None)
@given(st.lists(CALL, max_size=25), st.integers(1, 60), st.sampled_from(["truncate", "none"]))
def test_calls_cut_at_a_cap(picks, tenths, crossing):
    table = month_of(picks)
    cap = {"amount": f"{tenths / 10:.2f}", "fee_base": "usage", "scope": "number", "crossing": crossing}
    book = rate_book(retail(cap_amount=cap), contract=contracts("C1"), subscription=SUBSCRIPTION)
    out = charge_accounts(OCTOBER, totals(table), Calls(table), book, NO_MOVEMENTS)
    adjustments, charges = out.tables["call_adjustment"], out.tables["charge"]
    for number in NUMBERS:
        own = table.filter(pl.col("service_number") == number)
        paid = paid_of(own.to_dicts(), tenths * 100_000, crossing)
        due = charges.filter(pl.col("service_number") == number)["amount_micro"].sum()
        assert due == round_to_fen(sum(paid.values()))
        if crossing == "truncate" and own["amount_micro"].sum() >= tenths * 100_000:
            assert due == tenths * 100_000
        rows = adjustments.filter(pl.col("service_number") == number)
        assert rows["amount_micro"].sum() == own["amount_micro"].sum() - sum(paid.values())
        for row in rows.filter(pl.col("cdr_id").is_not_null()).iter_rows(named=True):
            whole = own.row(by_predicate=pl.col("cdr_id") == row["cdr_id"], named=True)
            assert row["amount_micro"] == whole["amount_micro"] - paid[row["cdr_id"]]
            assert row["call_count"] == ((paid[row["cdr_id"]] == 0 and row["amount_micro"] > 0) or crossing == "none")


@settings(max_examples=50, deadline=None)
@given(st.lists(CALL, max_size=25), st.integers(1, 60), st.integers(1, 6))
def test_a_cap_that_bills_on_only_tells(picks, tenths, count):
    table = month_of(picks)
    terms = terms_of(("number", tenths * 100_000), ("number", count, "attempts"))
    for name in terms:
        terms[name] |= {"after": "bill"}
    book = rate_book(retail(**terms), contract=contracts("C1"), subscription=SUBSCRIPTION)
    out = charge_accounts(OCTOBER, totals(table), Calls(table), book, NO_MOVEMENTS)
    assert out.tables["call_adjustment"].is_empty()
    assert out.tables["charge"]["amount_micro"].sum() == table["amount_micro"].sum()
    over = replay(table.to_dicts(), ("number", tenths * 100_000), ("number", count, "attempts"))
    charged = table.filter(pl.col("cdr_id").is_in(sorted(over)), pl.col("amount_micro") > 0)
    told = {finding.values["number"]: finding.values["calls"] for finding in out.findings}
    assert told == dict(charged.group_by("service_number").len().iter_rows())
    assert {finding.reason for finding in out.findings} <= {"CAP_PASSED"}
