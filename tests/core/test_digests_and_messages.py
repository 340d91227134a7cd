"""Digests mean content and nothing else; every message has both languages and the same values in both."""

import datetime as dt
import json
import string

import polars as pl
import pytest

from billing.core.digests import canonical_json, json_sha256, table_digest
from billing.core.findings import Finding, refuse
from billing.core.messages import LANGUAGES, catalogue, render

FRAME = pl.DataFrame({"key": ["a", "b", None], "amount": [1, None, 3], "day": [dt.date(2026, 10, 1)] * 3})


def test_order_of_rows_is_no_content():
    assert table_digest(FRAME) == table_digest(FRAME.reverse()) == table_digest(FRAME.sample(3, shuffle=True, seed=1))


@pytest.mark.parametrize(
    "other",
    [
        FRAME.with_columns(amount=pl.col("amount").fill_null(0)),
        FRAME.with_columns(key=pl.col("key").fill_null("")),
        FRAME.rename({"key": "name"}),
        FRAME.head(2),
        pl.concat([FRAME, FRAME.head(1)]),
        FRAME.with_columns(day=pl.col("day").dt.offset_by("1d")),
    ],
)
def test_everything_else_is(other):
    assert table_digest(other) != table_digest(FRAME)


def test_cells_do_not_run_into_each_other():
    one = pl.DataFrame({"left": ["ab", "c"], "right": ["", "d"]})
    other = pl.DataFrame({"left": ["a", "c"], "right": ["b", "d"]})
    assert table_digest(one) != table_digest(other)


def test_json_of_equal_values_is_equal_bytes():
    assert canonical_json({"b": 1, "a": [2, "四"]}) == '{"a":[2,"四"],"b":1}'
    assert json_sha256({"b": 1, "a": 2}) == json_sha256(dict(reversed([("b", 1), ("a", 2)])))


def test_every_message_asks_for_the_same_values_in_both_languages():
    for code, words in catalogue().items():
        asked = [{name for _, name, _, _ in string.Formatter().parse(words[lang]) if name} for lang in LANGUAGES]
        assert asked[0] == asked[1], code


def test_a_finding_reads_as_place_reason_sentence():
    finding = Finding("PERIOD_CLOSED", "critical", "books.toml:3", {"period": "2026-10"})
    assert finding.text("en").startswith("books.toml:3: PERIOD_CLOSED: period 2026-10 is closed; ")
    assert finding.text("zh").startswith("books.toml:3: PERIOD_CLOSED: 账期 2026-10 已关账")
    assert json.loads(json.dumps(finding.as_json("en")))["reason"] == "PERIOD_CLOSED"


def test_a_value_that_is_missing_is_our_fault_and_loud():
    with pytest.raises(KeyError):
        render("PERIOD_CLOSED", "en", {})
    with pytest.raises(KeyError):
        refuse("NO_SUCH_REASON")
