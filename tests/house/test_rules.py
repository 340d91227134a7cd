"""The tree keeps every rule of the house, and every rule can fail.

`bad/<rule>/` is a small tree that breaks the rule, and `expected.txt` in it lists every breach to be found. A broken
bar in its files is taken out when the tree is copied, so what must not stand in a file does not stand in these either.
"""

import shutil
from pathlib import Path

import pytest

from tests.house.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
BAD = Path(__file__).parent / "bad"
EXPECTED = "expected.txt"


@pytest.mark.parametrize("name", RULES)
def test_the_tree_keeps_the_rule(name: str) -> None:
    breaches = RULES[name](ROOT)
    assert not breaches, "\n".join(["", *breaches])


@pytest.mark.parametrize("name", RULES)
def test_the_rule_finds_what_is_bad(name: str, tmp_path: Path) -> None:
    shutil.copytree(BAD / name, tmp_path / name)
    for path in (tmp_path / name).rglob("*"):
        if path.is_file():
            path.write_text(path.read_text("utf-8").replace("¦", ""), "utf-8")
    expected = (tmp_path / name / EXPECTED).read_text("utf-8").splitlines()
    (tmp_path / name / EXPECTED).unlink()
    assert expected
    assert RULES[name](tmp_path / name) == expected


@pytest.mark.parametrize("name", RULES)
def test_the_rule_does_not_pass_where_it_sees_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises(LookupError):
        RULES[name](tmp_path)


def test_every_bad_tree_belongs_to_a_rule() -> None:
    assert {path.name for path in BAD.iterdir() if path.is_dir() and path.name[0] != "."} == set(RULES)
