import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from billing.core.findings import Refusal
from billing.tables.calls import NOT_OURS
from billing.validation.rules import share_rules
from billing.validation.stage import Override, check_rules
from tests.validation.batches import (
    ANSWER,
    END,
    GOOD,
    MISSED,
    OF_CALLS,
    OF_FILES,
    RULE,
    RULES,
    START,
    judge,
    judge_files,
    known,
)

BROKEN_LINE = {name: None for name in GOOD if name != "source"} | {"unreadable": "line"}


def shifted(seconds: int, **others) -> dict:
    """A good call so many seconds later."""
    by = dt.timedelta(seconds=seconds)
    return {"started_at": START + by, "answered_at": ANSWER + by, "ended_at": END + by} | others


def broken(judgement, number: int = 1) -> list[str]:
    return list(judgement.files[number].broken)


def hour(day: int, hour: int, calls: int, answered: int = 0, talk_ms: int = 0, source: str = "A") -> dict:
    """A row of the books' hours, of an October day."""
    return {
        "source": source, "usage_date": dt.date(2026, 10, day), "hour": hour, "file_number": 99, "call_count": calls,
        "answered_count": answered, "talk_ms": talk_ms,
    }  # fmt: skip


def test_a_file_is_refused_when_too_few_lines_can_be_read(tmp_path):
    # R001 asks for half: 5 of 10 are enough, 4 of 10 are not.
    assert judge(tmp_path, *[{}] * 5, *[BROKEN_LINE] * 5).files[1].refused == []
    judgement = judge(tmp_path, *[{}] * 4, *[BROKEN_LINE] * 6)
    assert "R001_SHARE" in judgement.files[1].refused
    assert judgement.held.is_empty(), "nothing of a refused file waits"
    finding = next(f for f in judgement.files[1].findings if f.values["rule"] == "R001_SHARE")
    assert (finding.reason, finding.severity, finding.values["count"]) == ("FILE_REFUSED_BY_RULE", "critical", 6)


def test_only_the_file_that_breaks_a_rule_is_refused(tmp_path):
    judgement = judge_files(tmp_path, [[BROKEN_LINE] * 10, [{}, {"talk_ms": -1}]])
    assert [bool(judgement.files[number].refused) for number in (1, 2)] == [True, False]
    assert (judgement.held["cdr_id"] // 2**32).to_list() == [2]


def test_shares_are_exact():
    # One of a thousand million too many, where a binary float of 0.9 would round.
    (rule,) = share_rules([replace(RULE["R001"], mostly=Decimal("0.9"))])

    def holds(rows: int, breaches: int, waiting: int = 0) -> bool:
        facts = f"{rows}::bigint as call_count, {breaches}::bigint as breaches_R001, {waiting} as waiting_count"
        return duckdb.sql(f"select {rule.sql} from (select {facts})").fetchall()[0][0]

    assert holds(1_000_000_000_000, 100_000_000_000)
    assert not holds(1_000_000_000_000, 100_000_000_001)
    assert holds(1, 1, waiting=3), "calls that were put together tell of several files"


def test_a_file_whose_records_wait_is_not_judged_by_the_calls_that_came_of_it(tmp_path):
    """It is no file without calls, whatever share of those it completed is odd; its records are counted."""
    stated = {"waiting_count": 2, "record_count": 2}
    judgement = judge_files(tmp_path, [[], [{"service_number": "101"}]], facts=[stated, stated])
    assert [list(judgement.files[number].broken) for number in (1, 2)] == [[], []]
    assert judgement.held["reason"].to_list() == ["SERVICE_NUMBER_WRONG"]
    judgement = judge_files(tmp_path / "b", [[]], facts=[stated | {"stated_records": 3}])
    assert list(judgement.files[1].refused) == ["F001"]


@pytest.mark.parametrize(
    ("rule_id", "stated"),
    [("F001", {"stated_records": 3}), ("F002", {"stated_talk_seconds": 121, "found_talk_seconds": 120})],
)
def test_a_file_that_contradicts_what_it_states_is_refused_unless_somebody_answers_for_it(tmp_path, rule_id, stated):
    # Two calls of 60 s: 2 records, 120 s.
    agrees = {name: value if name == "found_talk_seconds" else value - 1 for name, value in stated.items()}
    assert broken(judge_files(tmp_path, [[{}, {}]], facts=[agrees])) == []
    judgement = judge_files(tmp_path, [[{}, {}]], facts=[stated])
    assert judgement.files[1].refused == [rule_id]
    answer = Override(rule_id, "王芳", "运营商确认合计行有误")
    judgement = judge_files(tmp_path, [[{}, {}]], facts=[stated], overrides=[answer])
    (finding,) = judgement.files[1].findings
    assert (judgement.files[1].refused, judgement.files[1].broken, finding.severity) == ([], [rule_id], "warning")


def test_ringing_that_counts_as_talk_refuses_the_file(tmp_path):
    rings = MISSED | {"talk_ms": 9_000}
    # 18 of 20 unanswered calls with talk are nine in ten; 17 are fewer; of 19 calls nobody can tell.
    assert broken(judge(tmp_path, *[{}] * 9, *[rings] * 18, *[MISSED] * 2)) == ["F003"]
    assert broken(judge(tmp_path, *[{}] * 9, *[rings] * 17, *[MISSED] * 3)) == []
    assert broken(judge(tmp_path, *[{}] * 9, *[rings] * 19)) == []


def test_a_gap_in_the_sequence_is_told(tmp_path):
    assert broken(judge_files(tmp_path, [[{}]], facts=[{"sequence": 309, "expected_sequence": 308}])) == ["F004"]
    assert broken(judge_files(tmp_path, [[{}]], facts=[{"sequence": 308, "expected_sequence": 308}])) == []
    assert broken(judge_files(tmp_path, [[{}]], facts=[{"sequence": 308}])) == [], "the first one of its source"


def test_more_than_a_tenth_of_duplicates_is_told(tmp_path):
    assert broken(judge_files(tmp_path, [[{}] * 20], facts=[{"duplicate_count": 3}])) == ["F005"]
    assert broken(judge_files(tmp_path, [[{}] * 20], facts=[{"duplicate_count": 2}])) == []
    assert broken(judge_files(tmp_path, [[{}] * 19], facts=[{"duplicate_count": 19}])) == []


def test_a_file_without_calls_of_ours_is_told(tmp_path):
    assert broken(judge(tmp_path)) == ["F006"]
    assert broken(judge(tmp_path, {"outcome": NOT_OURS})) == ["F006"]


def test_an_hour_unlike_the_same_hour_of_earlier_weeks_is_told(tmp_path):
    # 2026-10-03 is a Saturday. The Saturdays before it had 40 calls between ten and eleven, on average (50 + 30) / 2.
    history = [hour(3 - 0, 9, 1)]
    september = [{**hour(1, 10, count), "usage_date": dt.date(2026, 9, day)} for day, count in ((26, 50), (19, 30))]
    few, enough, many = (
        judge_files(tmp_path, [[{}] * n], books=known(history=[*history, *september])) for n in (9, 10, 161)
    )
    # A quarter of 40 is 10, four times 40 is 160.
    assert (broken(few), broken(enough), broken(many)) == (["F007"], [], ["F007"])
    assert few.files[1].facts["days_known"] == 2, "with two weeks of history it says two"
    other = [row | {"source": "B"} for row in september]
    assert broken(judge_files(tmp_path, [[{}]], books=known(history=other))) == [], "another source tells nothing"
    few_usual = [row | {"call_count": 19} for row in september]
    assert broken(judge_files(tmp_path, [[{}]], books=known(history=few_usual))) == [], "fewer than 20 tell nothing"


def test_what_came_before_of_the_same_day_counts_with_it(tmp_path):
    september = [{**hour(1, 10, 40), "usage_date": dt.date(2026, 9, 26)}]
    history = [*september, hour(3, 10, 9)]
    assert broken(judge_files(tmp_path, [[{}]], books=known(history=history))) == [], "9 + 1 are a quarter of 40"


def test_mean_talk_far_from_the_usual_is_told(tmp_path):
    # 100 calls of 60 s; a third of 180,001 ms is more than 60,000 ms.
    usual = [{**hour(1, 10, 100, 100, 100 * 180_001), "usage_date": dt.date(2026, 9, 26)}]
    assert broken(judge_files(tmp_path, [[{}] * 100], books=known(history=usual))) == ["F008"]
    usual = [{**hour(1, 10, 100, 100, 100 * 180_000), "usage_date": dt.date(2026, 9, 26)}]
    assert broken(judge_files(tmp_path, [[{}] * 100], books=known(history=usual))) == []
    short = [{**hour(1, 10, 100, 100, 100 * 19_999), "usage_date": dt.date(2026, 9, 26)}]
    assert broken(judge_files(tmp_path, [[{}] * 100], books=known(history=short))) == ["F008"]


def test_many_calls_to_unknown_numbers_are_told(tmp_path):
    stranger = {"service_number": "4007654321"}
    assert broken(judge(tmp_path, *[{}] * 19, stranger)) == []
    assert broken(judge(tmp_path, *[{}] * 18, stranger, stranger)) == ["F009"]
    assert broken(judge(tmp_path, *[{}] * 17, stranger, stranger)) == [], "19 calls tell nothing"
    strangers = [stranger] * 20
    assert broken(judge_files(tmp_path, [strangers])) == ["F009"]
    assert broken(judge_files(tmp_path, [strangers], books=known(numbers=None))) == [], "no catalog, no stranger"


def test_calls_told_by_two_sources_and_clocks_that_differ_are_told(tmp_path):
    # Starts within the first two minutes of the hour are compared; the second source is 6 s late.
    calls = [shifted(second, caller=f"1380000{second:04d}") for second in range(5)]
    late = [shifted(second + 6, caller=f"1380000{second:04d}") for second in range(5)]
    judgement = judge_files(tmp_path, [calls, late], facts=[{"source": "A"}, {"source": "B"}])
    assert (broken(judgement, 1), broken(judgement, 2)) == (["F010", "F011"], ["F010", "F011"])
    assert (judgement.files[1].facts["clock_offset_ms"], judgement.files[2].facts["clock_offset_ms"]) == (-6000, 6000)
    judgement = judge_files(tmp_path, [calls, late], facts=[{"source": "A"}, {"source": "A"}])
    assert broken(judgement, 1) == [], "one source has its own ways to find copies"
    others = [call | {"caller": "13900000000"} for call in late]
    judgement = judge_files(tmp_path, [calls, others], facts=[{"source": "A"}, {"source": "B"}])
    assert broken(judgement, 1) == []


def test_times_without_seconds_are_told(tmp_path):
    full = shifted(-7)
    assert broken(judge(tmp_path, *[full] * 60)) == ["F012"]
    assert broken(judge(tmp_path, *[full] * 59)) == [], "fewer may be chance"
    assert broken(judge(tmp_path, *[full] * 60, {})) == []


def test_many_very_short_calls_are_told(tmp_path):
    short = {"talk_ms": 2_999, "ended_at": ANSWER + dt.timedelta(milliseconds=2_999)}
    assert broken(judge(tmp_path, *[{}] * 33, *[short] * 17)) == ["F013"]
    assert broken(judge(tmp_path, *[{}] * 34, *[short] * 16)) == []
    assert broken(judge(tmp_path, *[{}] * 32, *[short] * 17)) == [], "49 calls tell nothing"


def test_money_at_stake_is_told_by_the_last_price_of_the_number_or_the_median(tmp_path):
    # A held call of 60,001 ms is two minutes. Last billed at 500.000001 yuan a minute: 1,000.000002 yuan.
    held = {"talk_ms": 60_001, "outcome": "busy"}
    dear, fair = {"4001234567": 500_000_001}, {"4001234567": 500_000_000}
    judgement = judge_files(tmp_path, [[{}, held]], books=known(prices=dear))
    assert (broken(judgement), judgement.files[1].facts["held_value_micro"]) == (["F014"], 1_000_000_002)
    assert broken(judge_files(tmp_path, [[{}, held]], books=known(prices=fair))) == []
    # The number has no price of its own: the median of 1, 3 and 900 yuan is 3.
    others = {"4000000001": 1_000_000, "4000000002": 3_000_000, "4000000003": 900_000_000}
    judgement = judge_files(tmp_path, [[{}, held]], books=known(prices=others))
    assert judgement.files[1].facts["held_value_micro"] == 6_000_000
    assert judge_files(tmp_path, [[{}, held]]).files[1].facts["held_value_micro"] is None, "nothing was ever billed"


def test_without_a_rule_of_files_its_files_go_through(tmp_path):
    rules = [rule for rule in RULES if rule.id != "F001"]
    assert broken(judge_files(tmp_path, [[{}]], facts=[{"stated_records": 9}], rules=rules)) == []


@pytest.mark.parametrize("sql", ["no_such_fact > 0", "record_count", "sum(record_count) > 0", "call_count >"])
def test_a_broken_rule_of_files_stops_everything_whatever_its_severity(tmp_path, sql):
    rules = [*OF_CALLS, replace(OF_FILES[0], id="F999", severity="warning", sql=sql)]
    with pytest.raises(Refusal, match="RULE_BROKEN"):
        judge(tmp_path, {}, rules=rules)
    with pytest.raises(Refusal, match="F999"):
        check_rules(tuple(OF_CALLS), (rules[-1],))


def test_a_rule_of_files_that_fails_on_the_facts_stops_everything(tmp_path):
    rules = [*OF_CALLS, replace(OF_FILES[0], id="F999", severity="info", sql="file_name::int > 0")]
    with pytest.raises(Refusal, match="RULE_BROKEN"):
        judge(tmp_path, {}, rules=rules)


def test_every_rule_of_files_is_broken_somewhere_here():
    text = Path(__file__).read_text("utf-8")
    assert [rule.id for rule in OF_FILES if f'"{rule.id}"' not in text] == []


def test_sums_beyond_64_bits_stop_nothing(tmp_path):
    # 9,300 calls of 10^15 ms are 9.3 * 10^18 ms, more than 2^63 - 1; each of them waits, being longer than a day.
    nonsense = {"talk_ms": 10**15, "ended_at": None}
    judgement = judge_files(tmp_path, [[nonsense] * 9_300], books=known(prices={"4001234567": 10**9}))
    assert judgement.held["reason"].unique().to_list() == ["CALL_TOO_LONG"]
    assert judgement.held.height == 9_300
    assert "F014" in broken(judgement)
