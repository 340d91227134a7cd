"""Every story of cdr_samples/ comes out as a bookkeeper worked it out by hand.

`--accept` writes what came out into the expected files instead, so that a change of rules is reviewed as a diff.
"""

import pytest

from tests.stories_runner import story_names, tell_story


@pytest.mark.parametrize("name", story_names())
def test_story(name, tmp_path, pytestconfig):
    comparisons = tell_story(name, tmp_path)
    if pytestconfig.getoption("--accept"):
        for comparison in comparisons:
            comparison.accept()
        return
    differences = [comparison.difference() for comparison in comparisons if not comparison.agrees]
    assert not differences, "\n\n".join(["", *differences])
