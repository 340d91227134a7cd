"""`explain` tells of single calls what rules of the month took of them, in books that a story made."""

import pytest

from tests.commands.corner_shop import bill400
from tests.stories_runner import tell_story

STORIES = {
    # 46.80 and 0.48 are whole calls, 0.72 are six minutes of a call of ten; the last call came after the pool.
    "allowance_call_split": [
        ("2026-10-05 10:00", [("included", "46.80")]),
        ("2026-10-06 10:00", [("included", "0.48")]),
        ("2026-10-06 11:00", [("included", "0.72")]),
        ("2026-10-07 10:00", []),
    ],
    # 3.00 of the call that reached the cap, all of the one under way and of the one after it.
    "cap_cut_at_the_amount": [
        ("2026-10-05 10:00", []),
        ("2026-10-05 11:00", [("cap_amount", "3.00")]),
        ("2026-10-05 11:10", [("cap_amount", "6.00")]),
        ("2026-10-05 13:00", [("cap_amount", "0.10")]),
    ],
}


@pytest.mark.parametrize("story", STORIES)
def test_what_rules_took_of_a_call(story, tmp_path):
    assert all(comparison.agrees for comparison in tell_story(story, tmp_path))
    for start, expected in STORIES[story]:
        (one,) = bill400("explain", str(tmp_path / "books"), f"4006000001@{start}", "--json").json["explanations"]
        taken = [(each["rule"], each["amount"]) for each in one["taken_by"]]
        assert [(amount, rule in key) for key, amount in taken for rule, _ in expected] == [
            (amount, True) for _, amount in expected
        ]


def test_a_test_call_says_why_it_is_free(tmp_path):
    assert all(comparison.agrees for comparison in tell_story("test_calls_are_free", tmp_path))
    found = bill400("explain", str(tmp_path / "books"), "4006000001@2026-10-01 09:00", "--json").json["explanations"]
    (one,) = found
    assert (one["retail"]["free_reason"], one["retail"]["amount"]) == ("test_call", "0.00")
    assert one["settlement"]["amount"] == "0.06"


def test_a_split_call_tells_the_prices_of_its_pieces(tmp_path):
    """From half a minute before nine in the evening on: the prices before and after it stand there."""
    assert all(comparison.agrees for comparison in tell_story("call_split_at_the_edge_restart", tmp_path))
    key = "4006000001@2026-10-05 20:59:25"
    (one,) = bill400("explain", str(tmp_path / "books"), key, "--json").json["explanations"]
    first, second = one["retail"]["prices_until"]
    assert (one["retail"]["at_edge"], first[:11]) == ("restart", "10-05 21:00")
    assert first.split(": ", 1)[1] != second.split(": ", 1)[1]
