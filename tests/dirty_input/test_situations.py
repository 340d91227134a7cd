"""Every situation of dirty input is told, is held by a test or a story that exists, and names reasons that exist."""

import ast
from collections import Counter
from pathlib import Path

import pytest
import yaml

from billing.core.messages import catalogue

ROOT = Path(__file__).resolve().parents[2]
GROUPS = yaml.safe_load((Path(__file__).parent / "situations.yaml").read_text("utf-8"))
SITUATIONS = [situation for group in GROUPS for situation in group["situations"]]
COUNTS = {"bytes": 22, "value": 23, "call": 16, "time": 20, "terms": 22, "scale": 8}
"""So many situations of each family are known; more may come, none may go."""
KEYS = {"id", "what", "does", "reason", "proof", "building"}


def _tests_of(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)}


def missing_proof(proof: str) -> str:
    """What a proof names that does not exist; empty when all of it does."""
    if proof.startswith("story:"):
        return "" if (ROOT / "cdr_samples" / proof.removeprefix("story:") / "story.toml").exists() else proof
    path, _, test = proof.partition("::")
    file = ROOT / "tests" / path
    if path.endswith(".case"):
        return "" if file.exists() and file.parent.name == "cases" and not test else proof
    is_there = file.exists() and file.name.startswith("test_") and test.startswith("test_")
    return "" if is_there and test in _tests_of(file) else proof


def test_no_situation_is_missing():
    wanted = [f"{family}-{number:02d}" for family, count in COUNTS.items() for number in range(1, count + 1)]
    found = [situation["id"] for situation in SITUATIONS]
    assert [each for each in wanted if each not in found] == []
    assert [each for each, count in Counter(found).items() if count > 1] == []
    for group in GROUPS:
        assert {situation["id"].partition("-")[0] for situation in group["situations"]} == {group["family"]["id"]}


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation["id"])
def test_a_situation_is_told_and_held(situation):
    assert situation.keys() <= KEYS
    assert situation["what"].endswith(".") and situation["does"].endswith(".")
    assert situation.get("proof") or situation.get("building")
    assert [proof for proof in situation.get("proof", ()) if missing_proof(proof)] == []
    assert [code for code in situation.get("reason", ()) if code not in catalogue()] == []


@pytest.mark.parametrize(
    "proof",
    [
        "story:no_such_story",
        "ingest/test_values.py::test_no_such_test",
        "ingest/test_values.py",
        "ingest/cdr_files.py::carrier_text",
        "errors/cases/no_such.case",
        "nowhere/test_values.py::test_x",
    ],
)
def test_a_proof_that_does_not_exist_is_seen(proof):
    assert missing_proof(proof) == proof
