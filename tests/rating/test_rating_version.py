"""The golden digest of rating: who changes what the same calls cost must raise `RATING_VERSION`.

A rated part is kept as long as its fingerprint holds, and the fingerprint holds the version; with a forgotten raise,
old parts would keep old amounts beside new ones.
"""

import datetime as dt
import hashlib

import polars as pl
import pytest

from billing.rate_book.rating_rows import NO_TERMS
from billing.rating import stage
from billing.rating.stage import rate_calls, rating_fingerprint, total_usage
from billing.tables.calls import Cdr, RatedCall

GOLDEN = {
    1: "6e3e62dc3eb733c63f547e4fda1d79c45d8e183c7ff144120bdf61d44c2e408b",
    2: "72430568e43a32717180252b1c49c64f49e42cf8451bd56c3363dc7394444b81",
}
"""Digest of what each version makes of `CALLS`; a new version adds a line, none is ever edited."""

DAY = dt.date(2026, 10, 5)
TALKS = (0, 1, 999, 1000, 6000, 59_999, 60_000, 60_001, 180_000, 181_000, 3_600_000, 86_400_000)
OUTCOMES = ("answered", "ivr_only", "no_answer", "cap_reached")
SCHEDULES = {
    "4006000001": ([(0, 60, 100_000)], False),
    "4006000002": ([(0, 6, 10_000)], False),
    "4006000003": ([(0, 60, 120_000), (60, 6, 12_000)], False),
    "4006000004": ([(0, 180, 200_000), (180, 60, 100_000)], True),
}


def rating_rows():
    rows = []
    for number, (steps, is_trial) in SCHEDULES.items():
        row = {"service_number": number, "contract_id": f"K{number[-1]}", "rate_id": "plan@2026-01-01",
               "settlement_rate_id": "cost@2026-01-01", "is_trial": is_trial, **NO_TERMS,
               "since_ms": 0, "until_ms": 86_400_000}  # fmt: skip
        for index in range(2):
            start, length, price = steps[index] if index < len(steps) else (2**40, 1, 0)
            row |= {f"retail{index}_from": start, f"retail{index}_seconds": length, f"retail{index}_micro": price}
        rows.append(row | {"carrier0_from": 0, "carrier0_seconds": 60, "carrier0_micro": 60_000})
    no_price = dict.fromkeys(rows[0]) | {"service_number": "4006000005", "contract_id": "K5", "is_trial": False,
                                         "since_ms": 0, "until_ms": 86_400_000}  # fmt: skip
    return pl.DataFrame([*rows, no_price])


def calls():
    numbers = [*SCHEDULES, "4006000005", "4006000006", "4006000007"]
    rows, line = [], 1
    for number in numbers:
        for outcome in OUTCOMES:
            for talk_ms in TALKS:
                line += 1
                row = dict.fromkeys(str(column) for column in Cdr.columns)
                row |= {"cdr_id": line, "usage_date": DAY, "service_number": number, "talk_ms": talk_ms,
                        "started_at": dt.datetime.combine(DAY, dt.time(9)), "outcome": outcome}  # fmt: skip
                rows.append(row)
    return Cdr.of_rows(rows)


KNOWN = pl.Series([*SCHEDULES, "4006000005", "4006000006"])


def digest():
    part = rate_calls(calls().lazy(), rating_rows(), KNOWN)
    rated = part.rated.collect()
    # The talk time that suspense shows beside a call without a price moves no price.
    unrated = part.unrated.drop("talk_ms").collect()
    text = "\n".join(frame.write_csv() for frame in (rated, total_usage(rated.lazy()).collect(), unrated))
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_same_calls_cost_the_same_under_the_same_version():
    assert stage.RATING_VERSION in GOLDEN, "add the digest of the new version"
    assert digest() == GOLDEN[stage.RATING_VERSION], "rating changed: raise RATING_VERSION and add its digest"


def test_every_call_is_rated_or_waits_with_its_reason():
    part = rate_calls(calls().lazy(), rating_rows(), KNOWN)
    rated, unrated = part.rated.collect(), part.unrated.collect()
    assert rated.height + unrated.height == calls().height
    reasons = dict(unrated.group_by("service_number").agg(pl.col("reason").unique().implode().first()).iter_rows())
    assert {number: list(reason) for number, reason in reasons.items()} == {
        "4006000005": ["NO_PRICE"],
        "4006000006": ["NO_CONTRACT_AT_CALL"],
        "4006000007": ["NUMBER_UNKNOWN"],
    }
    assert rated["cdr_id"].is_sorted(), "rated calls keep the order of the calls"
    assert rated.schema == RatedCall.schema()


def test_a_fraction_is_rounded_up_once_at_the_block():
    rated = rate_calls(calls().lazy(), rating_rows(), KNOWN).rated.collect()
    answered = rated.filter(pl.col("outcome") == "answered", pl.col("service_number") == "4006000001")
    assert dict(answered.select("usage_ms", "billed_seconds").iter_rows()) == {
        0: 0, 1: 60, 999: 60, 1000: 60, 6000: 60, 59_999: 60, 60_000: 60, 60_001: 120,
        180_000: 180, 181_000: 240, 3_600_000: 3600, 86_400_000: 86_400,
    }  # fmt: skip


def test_not_answered_costs_nobody_anything():
    rated = rate_calls(calls().lazy(), rating_rows(), KNOWN).rated.collect().filter(pl.col("outcome") != "answered")
    assert rated.height
    assert rated.select("amount_micro", "settlement_micro", "billed_seconds", "block_count").sum().row(0) == (
        0,
        0,
        0,
        0,
    )
    assert set(rated["free_reason"]) == {"not_answered"}


def test_a_trial_is_free_to_the_customer_and_not_to_us():
    rated = rate_calls(calls().lazy(), rating_rows(), KNOWN).rated.collect()
    trial = rated.filter(pl.col("free_reason") == "trial")
    assert set(trial["service_number"]) == {"4006000004"}
    assert trial["amount_micro"].sum() == 0
    assert (trial["settlement_micro"] > 0).all()
    assert (trial["free_seconds"] == trial["billed_seconds"]).all()


class TestFingerprint:
    out = pl.Series([4, 2], dtype=pl.Int64)

    def test_order_of_what_is_left_out_and_of_rows_plays_no_part(self):
        rows = rating_rows()
        assert rating_fingerprint("f", self.out, rows) == rating_fingerprint("f", self.out.reverse(), rows.reverse())

    @pytest.mark.parametrize(
        "changed",
        [
            lambda rows: rows.with_columns(retail0_micro=pl.col("retail0_micro") + 1),
            lambda rows: rows.with_columns(is_trial=~pl.col("is_trial")),
            lambda rows: rows.with_columns(contract_id=pl.lit("K9")),
            lambda rows: rows.head(-1),
            lambda rows: rows.with_columns(retail2_from=pl.lit(300)),
        ],
    )
    def test_every_part_of_a_rating_row_counts(self, changed):
        rows = rating_rows()
        assert rating_fingerprint("f", self.out, changed(rows)) != rating_fingerprint("f", self.out, rows)

    def test_the_calls_what_is_left_out_and_the_version_count(self, monkeypatch):
        base = rating_fingerprint("f", self.out, rating_rows())
        assert rating_fingerprint("g", self.out, rating_rows()) != base
        assert rating_fingerprint("f", self.out.head(1), rating_rows()) != base
        monkeypatch.setattr(stage, "RATING_VERSION", stage.RATING_VERSION + 1)
        assert rating_fingerprint("f", self.out, rating_rows()) != base
