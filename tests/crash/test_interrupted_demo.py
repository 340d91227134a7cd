"""A demo that is interrupted goes on where it stopped and ends like one that was left alone."""

import shutil

from tests.commands.corner_shop import PERIOD, bill400
from tests.commands.demo_books import commit_count, demo_arguments
from tests.commands.same_books import differences


def test_a_demo_interrupted_thrice_ends_like_one_left_alone(demos):
    whole, torn = demos
    assert differences(whole, torn) == []


def test_a_demo_killed_between_commit_and_swap_is_mended(demos, tmp_path):
    folder = shutil.copytree(demos[0], tmp_path / "demo")
    shutil.rmtree(folder / "published" / PERIOD)
    bill400(*demo_arguments(folder))
    assert commit_count(folder) == 3
    assert differences(demos[0], folder) == []
