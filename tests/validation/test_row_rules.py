import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from billing.core.findings import Refusal
from billing.core.messages import catalogue
from billing.tables.calls import NOT_OURS, Cdr
from billing.tables.parquet import write_table
from billing.validation.rules import load_rules
from billing.validation.stage import Judgement, check_rules, judge_file, judge_part

RULES = load_rules()
RULE = {rule.id: rule for rule in RULES}
START = dt.datetime.fromisoformat("2026-10-03T10:00:00")
ANSWER, END = START + dt.timedelta(seconds=5), START + dt.timedelta(seconds=65)
GOOD = {
    "usage_date": START.date(), "source": "A", "call_id": "1", "caller": None, "service_number": "4001234567",
    "landing_number": None, "started_at": START, "platform_answered_at": None, "answered_at": ANSWER, "ended_at": END,
    "talk_ms": 60_000, "outcome": "answered", "unreadable": None,
}  # fmt: skip
MISSED = {"answered_at": None, "talk_ms": 0, "outcome": "no_answer"}
BROKEN = {
    "R001": {name: None for name in GOOD if name != "source"} | {"unreadable": "line"},
    "R002": {"started_at": None, "usage_date": None, "answered_at": None},
    "R003": {"service_number": "8101234567"},
    "R004": {"unreadable": "caller"},
    "R005": {"talk_ms": -1, "answered_at": None},
    "R006": {"answered_at": START - dt.timedelta(milliseconds=1), "talk_ms": 65_001},
    "R007": {"talk_ms": 86_400_001, "ended_at": ANSWER + dt.timedelta(milliseconds=86_400_001)},
    "R008": {"outcome": "busy"},
    "R009": {"talk_ms": 0},
    "R010": {"talk_ms": 0, "ended_at": ANSWER},
}
FINE = {
    "a good call": {},
    "a missed call": MISSED,
    "no end": {"ended_at": None},
    "two seconds apart": {"talk_ms": 58_000},
    "two seconds apart the other way": {"talk_ms": 62_000},
    "only the IVR": {"outcome": "ivr_only", "answered_at": None},
    "all at once": {"answered_at": START, "ended_at": START, "talk_ms": 1},
    "a whole day": {"talk_ms": 86_400_000, "ended_at": ANSWER + dt.timedelta(days=1)},
}


def judge(folder: Path, *rows: dict[str, Any], rules=RULES) -> Judgement:
    path = folder / "part.parquet"
    calls = [GOOD | row | {"cdr_id": number} for number, row in enumerate(rows, 1)]
    write_table(pl.DataFrame(calls, schema=Cdr.schema()), Cdr, path)
    return judge_part([path], rules)


def test_every_rule_has_a_row_here_that_breaks_it():
    assert set(BROKEN) == set(RULE)


@pytest.mark.parametrize("name", FINE)
def test_a_good_row_breaks_no_rule(tmp_path, name):
    judgement = judge(tmp_path, FINE[name])
    assert set(judgement.counts.values()) == {0}
    assert judgement.held.is_empty()


@pytest.mark.parametrize("rule_id", [rule.id for rule in RULES if rule.action == "suspend"])
def test_a_rule_holds_its_row_and_without_the_rule_another_reason_or_none_is_given(tmp_path, rule_id):
    judgement = judge(tmp_path, {}, BROKEN[rule_id])
    (held,) = judgement.held.to_dicts()
    assert (held["cdr_id"], held["rule_id"], held["reason"]) == (2, rule_id, RULE[rule_id].reason)
    assert judgement.counts[rule_id] == 1
    without = judge(tmp_path, BROKEN[rule_id], rules=[rule for rule in RULES if rule.id != rule_id])
    assert rule_id not in without.held["rule_id"].to_list()


@pytest.mark.parametrize("rule_id", ["R003", "R004", "R005", "R006", "R007", "R008", "R009"])
def test_no_other_rule_stands_in_for_a_missing_one(tmp_path, rule_id):
    others = [rule for rule in RULES if rule.id != rule_id]
    assert judge(tmp_path, BROKEN[rule_id], rules=others).held.is_empty()


def test_a_note_is_counted_and_holds_nothing(tmp_path):
    judgement = judge(tmp_path, BROKEN["R010"])
    assert (judgement.counts["R010"], judgement.held.height) == (1, 0)


@pytest.mark.parametrize("name", ["service_number", "started_at", "talk_ms", "outcome"])
def test_a_value_that_is_not_there_is_a_breach(tmp_path, name):
    assert judge(tmp_path, {name: None}).held.height == 1


def test_a_row_that_breaks_several_rules_waits_once_under_the_first(tmp_path):
    judgement = judge(tmp_path, {"talk_ms": 62_001} | BROKEN["R003"])
    assert judgement.held["rule_id"].to_list() == ["R003"]
    assert (judgement.counts["R003"], judgement.counts["R009"]) == (1, 1)


def test_rows_that_are_not_ours_are_exempt_from_every_rule(tmp_path):
    rows = [fields | {"outcome": NOT_OURS} for fields in BROKEN.values()]
    judgement = judge(tmp_path, {}, *rows)
    assert (judgement.rows, judgement.held.height, set(judgement.counts.values())) == (1, 0, {0})


def test_held_rows_come_in_order_of_their_id_over_several_parts(tmp_path):
    paths = []
    for number in range(3):
        paths.append(tmp_path / f"{number}.parquet")
        rows = [GOOD | {"cdr_id": number * 1000 + line, "talk_ms": -1 if line % 2 else 60_000} for line in range(1000)]
        write_table(pl.DataFrame(rows, schema=Cdr.schema()), Cdr, paths[-1])
    judgement = judge_part(paths, RULES)
    assert judgement.held["cdr_id"].to_list() == list(range(1, 3000, 2))
    assert judgement.rows == 3000


def test_a_part_without_rows_and_no_parts_break_nothing(tmp_path):
    assert judge(tmp_path).rows == 0
    assert judge_part([], RULES).rows == 0


@pytest.mark.parametrize("sql", ["talk_ms >", "no_such_column = 1", "count(*) > 0", "talk_ms + 'x'", "started_at"])
def test_a_broken_rule_is_refused_before_any_row_is_judged(sql):
    with pytest.raises(Refusal) as caught:
        check_rules((replace(RULES[0], id="R999", sql=sql),))
    finding = caught.value.findings[0]
    assert (finding.reason, finding.values["rule"]) == ("RULE_BROKEN", "R999")


def test_a_rule_that_fails_on_the_rows_is_refused_too(tmp_path):
    with pytest.raises(Refusal, match="RULE_BROKEN"):
        judge(tmp_path, {"call_id": "abc"}, rules=[replace(RULES[0], sql="call_id::int > 0")])


def test_shipped_rules_are_whole():
    for rule in RULES:
        assert rule.reason in catalogue(), "suspense shows the sentence of the reason"
        assert set(rule.sentence) == {"en", "zh"}
        assert rule.severity == "critical" or rule.action == "note"
    check_rules(tuple(RULES))


def findings_of(rows: int, breaches: int, mostly: str | None) -> list[str]:
    rule = replace(RULES[0], mostly=mostly and Decimal(mostly))
    judgement = Judgement(rows, {rule.id: breaches}, pl.DataFrame())
    return [finding.reason for finding in judge_file(judgement, [rule], "calls.csv")]


def test_a_file_is_refused_when_too_few_rows_are_good():
    assert findings_of(10, 5, "0.50") == []
    assert findings_of(10, 6, "0.50") == ["FILE_REFUSED_BY_RULE"]
    assert findings_of(10, 10, None) == []
    assert findings_of(0, 0, "0.50") == []
    # exact: one of a thousand too many, where floats would round
    assert findings_of(1_000_000_000_000_000_000, 100_000_000_000_000_000, "0.9") == []
    assert findings_of(1_000_000_000_000_000_000, 100_000_000_000_000_001, "0.9") == ["FILE_REFUSED_BY_RULE"]
