"""Every story of cdr_samples/ comes out as a bookkeeper worked it out by hand.

`--accept` writes what came out into the expected files instead, so that a change of rules is reviewed as a diff.
"""

import shutil

import pytest

from tests import stories_runner
from tests.stories_runner import STORIES, story_names, tell_story


@pytest.mark.parametrize("name", story_names())
def test_story(name, tmp_path, pytestconfig):
    comparisons = tell_story(name, tmp_path)
    if pytestconfig.getoption("--accept"):
        for comparison in comparisons:
            comparison.accept()
        return
    differences = [comparison.difference() for comparison in comparisons if not comparison.agrees]
    assert not differences, "\n\n".join(["", *differences])


def test_a_row_too_many_or_too_few_is_found(tmp_path, monkeypatch):
    name = "settlement_and_margin"
    copy = tmp_path / "stories"
    shutil.copytree(STORIES / name, copy / name)
    monkeypatch.setattr(stories_runner, "STORIES", copy)
    whole, *rest = sorted((copy / name / "expected").rglob("*.csv"))
    header, row, *rows = whole.read_text("utf-8").splitlines()
    whole.write_text("\n".join([header, row, row, *rows]), "utf-8")
    for path in rest:
        header, _, *rows = path.read_text("utf-8").splitlines()
        path.write_text("\n".join([header, *rows]), "utf-8")
    assert rest
    assert not any(comparison.agrees for comparison in tell_story(name, tmp_path / "told"))
