"""How calls went: every outcome is counted once, every side adds up, a number belongs to who had it that day."""

import dataclasses
import datetime as dt

import polars as pl
import pytest

from billing.call_analysis.stage import analyse_calls
from billing.core.period import Period
from billing.publishing.analysed_calls import analysis_equations
from billing.rate_book.policy import AnsweredShare
from billing.tables.calls import OUTCOMES, Cdr
from billing.tables.documents import ANALYSIS_DIMENSIONS, COUNTED_OUTCOMES, CallAnalysis
from tests.charging.books import OCTOBER, rate_book, read_rows, retail, usage

BOOK = rate_book(retail())
TEA, BOOKS = "4006000001", "4006000002"
DEFAULT = AnsweredShare()
CALLS = """
number     day start    caller       outcome        talk
4006000001 5   08:00:00 01055556666  answered       60
4006000001 5   08:59:59 075555556666 busy           0
4006000001 6   09:00:00 13812345678  answered       91
4006000001 11  23:59:59 -            no_answer      0
4006000001 11  00:00:00 0085212345678 blocked_region 0
4006000002 5   08:30:00 01055556666  abandoned      0
"""
"""5 October 2026 is a Monday, the 11th a Sunday."""


def cdr(text):
    rows = []
    for index, row in enumerate(read_rows(text), start=1):
        start = dt.datetime.fromisoformat(f"{row.get('month') or '2026-10'}-{int(row['day']):02} {row['start']}")
        rows.append(
            {
                "cdr_id": index,
                "usage_date": start.date(),
                "caller": row["caller"],
                "service_number": row["number"],
                "started_at": start,
                "talk_ms": int(row["talk"]) * 1000,
                "outcome": row["outcome"],
            }
        )
    return pl.DataFrame([{str(column): row.get(column) for column in Cdr.columns} for row in rows], Cdr.schema())


def owned(text, owners):
    """Usage totals of these calls, as rating makes them; `owners` names who has a number, where it matters on a day."""
    rows = ["day number contract outcome"]
    for row in read_rows(text):
        number, day = row["number"], row["day"]
        rows.append(f"{day} {number} {owners.get((number, day), owners.get(number))} {row['outcome']}")
    return usage("\n".join(rows))


def analysed(text, owners, policy=DEFAULT):
    return analyse_calls(OCTOBER, owned(text, owners), [cdr(text).lazy()], book_with(policy))


def book_with(policy):
    return dataclasses.replace(BOOK, policy=BOOK.policy.model_copy(update={"call_analysis": policy}))


def side(outcome, dimension, number=TEA):
    """value: calls, answered, busy, no answer, blocked, ms of talk."""
    rows = outcome.tables["call_analysis"].filter(dimension=dimension, service_number=number)
    names = ("value", "call_count", "answered_count", "busy_count", "no_answer_count", "blocked_count", "talk_ms")
    return {row[0]: row[1:] for row in rows.select(names).iter_rows()}


@pytest.fixture(scope="module")
def found():
    return analysed(CALLS, {TEA: "HT1", BOOKS: "HT2"})


def test_the_total_of_a_number(found):
    assert side(found, "total") == {"all": (5, 2, 1, 1, 1, 151_000)}
    assert side(found, "total", BOOKS) == {"all": (1, 0, 0, 0, 0, 0)}
    row = found.tables["call_analysis"].filter(dimension="total", service_number=BOOKS).row(0, named=True)
    assert (row["period"], row["usage_period"], row["contract_id"], row["abandoned_count"]) == (
        "2026-10", "2026-10", "HT2", 1,
    )  # fmt: skip


def test_hours_go_by_the_start(found):
    assert side(found, "hour") == {
        "00": (1, 0, 0, 0, 1, 0),
        "08": (2, 1, 1, 0, 0, 60_000),
        "09": (1, 1, 0, 0, 0, 91_000),
        "23": (1, 0, 0, 1, 0, 0),
    }


def test_weekdays_begin_with_monday(found):
    assert side(found, "weekday") == {
        "1": (2, 1, 1, 0, 0, 60_000),
        "2": (1, 1, 0, 0, 0, 91_000),
        "7": (2, 0, 0, 1, 1, 0),
    }


def test_withheld_and_foreign_callers_are_of_an_unknown_province(found):
    assert side(found, "province") == {
        "北京": (1, 1, 0, 0, 0, 60_000),
        "广东": (1, 0, 1, 0, 0, 0),
        "江苏": (1, 1, 0, 0, 0, 91_000),
        "unknown": (2, 0, 0, 1, 1, 0),
    }


def test_rows_stand_in_key_order(found):
    analysis = found.tables["call_analysis"]
    assert analysis.equals(analysis.sort(CallAnalysis.key))
    assert analysis.select(CallAnalysis.key).is_unique().all()


def test_every_outcome_is_counted_once():
    assert sorted(outcome for outcomes in COUNTED_OUTCOMES.values() for outcome in outcomes) == sorted(OUTCOMES)
    lines = [f"{TEA} 5 08:00:00 01055556666 {outcome} 7" for outcome in OUTCOMES]
    outcome = analysed("\n".join(["number day start caller outcome talk", *lines]), {TEA: "HT1"})
    row = outcome.tables["call_analysis"].filter(dimension="total").row(0, named=True)
    counts = {name: row[name] for name in COUNTED_OUTCOMES}
    assert counts == {
        "answered_count": 1, "busy_count": 1, "no_answer_count": 1, "abandoned_count": 1, "ivr_only_count": 1,
        "blocked_count": 4, "other_count": 2,
    }  # fmt: skip
    assert row["call_count"] == sum(counts.values())
    assert row["talk_ms"] == 7000, "talk of answered calls only"


def test_a_number_that_changes_hands_has_two_owners():
    owners = {(TEA, "5"): "HT1", (TEA, "6"): "HT1", (TEA, "11"): "HT9", BOOKS: "HT2"}
    totals = analysed(CALLS, owners).tables["call_analysis"].filter(dimension="total", service_number=TEA)
    assert dict(totals.select("contract_id", "call_count").iter_rows()) == {"HT1": 3, "HT9": 2}


def test_late_calls_stand_under_their_own_month_and_are_not_judged():
    late = cdr(CALLS.replace("number ", "month   number ").replace("\n4006", "\n2026-09 4006"))
    sums = owned(CALLS, {TEA: "HT1", BOOKS: "HT2"}).with_columns(pl.col("usage_date").dt.offset_by("-1mo"))
    outcome = analyse_calls(OCTOBER, sums, [late.lazy()], book_with(AnsweredShare(answer_rate="1", least_calls=1)))
    assert set(outcome.tables["call_analysis"].select("period", "usage_period").iter_rows()) == {("2026-10", "2026-09")}
    assert outcome.findings == []


def test_a_month_without_calls():
    outcome = analyse_calls(Period(2026, 11), usage(""), [Cdr.empty().lazy()], BOOK)
    assert outcome.tables["call_analysis"].equals(CallAnalysis.empty())
    assert outcome.findings == []


def attempts(answered, busy, blocked=0):
    """Calls of one number: so many answered, busy, and turned away."""
    outcomes = ["answered"] * answered + ["busy"] * busy + ["blocked_blacklist"] * blocked
    lines = [f"{TEA} 5 08:00:00 - {outcome} 0" for outcome in outcomes]
    return "\n".join(["number day start caller outcome talk", *lines])


@pytest.mark.parametrize(
    ("answered", "busy", "blocked", "told"),
    [
        (10, 10, 0, None),  # exactly the half
        (9, 11, 0, "45.00"),
        (9, 10, 0, None),  # nineteen calls are too few to tell
        (9, 10, 1, None),  # ... who is turned away is no attempt
        (10, 10, 30, None),  # ... and does not lower the share
        (0, 20, 0, "0.00"),
        (2499, 2501, 0, "49.98"),
    ],
)
def test_a_number_that_answers_too_few_is_told(answered, busy, blocked, told):
    findings = analysed(attempts(answered, busy, blocked), {TEA: "HT1"}).findings
    assert [finding.values["rate"] for finding in findings] == ([told] if told else [])


def test_the_finding_says_what_why_and_what_to_do():
    (finding,) = analysed(attempts(1, 3), {TEA: "HT1"}, AnsweredShare(answer_rate="0.3333", least_calls=4)).findings
    assert (finding.reason, finding.severity) == ("ANSWER_RATE_LOW", "warning")
    said = (
        "ANSWER_RATE_LOW: number 4006000001 of contract HT1 answered 1 of 4 calls (25.00 %), less than 33.33 %: 3 busy"
    )
    assert finding.text("en").startswith(said)
    assert "接通 1 次（25.00%），低于 33.33%；遇忙 3 次" in finding.text("zh")


def broken(analysis):
    equations = analysis_equations(owned(CALLS, {TEA: "HT1", BOOKS: "HT2"}), analysis)
    return {name: sides for name, sides in equations.items() if sides[0] != sides[1]}


def test_a_sound_analysis_conserves(found):
    assert broken(found.tables["call_analysis"]) == {}


@pytest.mark.parametrize("dimension", ANALYSIS_DIMENSIONS)
@pytest.mark.parametrize("measure", [CallAnalysis.call_count, *COUNTED_OUTCOMES, CallAnalysis.talk_ms])
def test_a_side_that_does_not_add_up_is_found(found, dimension, measure):
    analysis = found.tables["call_analysis"]
    first = analysis.with_row_index().filter(dimension=dimension, service_number=TEA)["index"][0]
    moved = analysis.with_columns(pl.col(measure) + (pl.int_range(pl.len()) == first).cast(pl.Int64))
    assert broken(moved) == {f"call_analysis_{dimension}": (2, 1)}


@pytest.mark.parametrize("dimension", ANALYSIS_DIMENSIONS)
def test_a_lost_row_is_found(found, dimension):
    analysis = found.tables["call_analysis"]
    assert broken(analysis.filter(~((pl.col("dimension") == dimension) & (pl.col("service_number") == BOOKS)))) == {
        f"call_analysis_{dimension}": (2, 1)
    }


def test_in_how_many_goes_calls_are_read_changes_nothing(found):
    calls, owners = cdr(CALLS), owned(CALLS, {TEA: "HT1", BOOKS: "HT2"})
    one = analyse_calls(OCTOBER, owners, [calls.lazy()], BOOK).tables["call_analysis"]
    several = [calls[:1].lazy(), calls[1:3].lazy(), Cdr.empty().lazy(), calls[3:].lazy()]
    assert analyse_calls(OCTOBER, owners, several, BOOK).tables["call_analysis"].equals(one)


def test_a_call_that_was_not_analysed_is_found(found):
    """Every side agrees with every other, but rating knows of one call more."""
    analysis = analyse_calls(OCTOBER, owned(CALLS, {TEA: "HT1", BOOKS: "HT2"}), [cdr(CALLS)[1:].lazy()], BOOK)
    assert broken(analysis.tables["call_analysis"]) == {"call_analysis": (2, 1)}


def test_test_calls_are_not_missed(found):
    """Rating knows of two test calls, the analysis has none."""
    tests = """
        day number     contract outcome  free_reason
        5   4006000001 HT1      answered test_call
        7   4006000009 HT1      busy     test_call
    """
    sums = pl.concat([owned(CALLS, {TEA: "HT1", BOOKS: "HT2"}), usage(tests)])
    equations = analysis_equations(sums, found.tables["call_analysis"])
    assert all(left == right == 2 for left, right in equations.values())


def test_a_number_nobody_rated_is_found(found):
    analysis = found.tables["call_analysis"]
    stranger = analysis.filter(service_number=BOOKS).with_columns(pl.lit("4006999999").alias("service_number"))
    assert broken(pl.concat([analysis, stranger])) == {"call_analysis": (2, 1)}
