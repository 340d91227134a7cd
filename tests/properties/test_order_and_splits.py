"""The same calls give the same bills: in any order, in any files, in one ingest or many, once or twice."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.commands.corner_shop import NUMBERS, one_call
from tests.properties.random_books import batches_of_lines, bill, without_reading_again

PADDING = [one_call(f"P{index}", NUMBERS[index % 6], f"2026-10-0{index % 4 + 1} 12:00:00", 61) for index in range(12)]
"""So many good lines stand in every file that no file is refused for its broken ones."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    without_reading_again(monkeypatch)


def padded(lines):
    return [*PADDING, *lines]


@settings(max_examples=5)
@given(st.data())
def test_order_of_rows(data):
    lines = padded(data.draw(batches_of_lines()))
    shuffled = data.draw(st.permutations(lines))
    assert bill([[("a.csv", lines)]]).content() == bill([[("a.csv", shuffled)]]).content()


@settings(max_examples=7)
@given(st.data())
def test_order_and_cut_of_files_and_ingests(data):
    """Every line lies in one piece; pieces are files of one ingest, or of several, in any order."""
    pool = data.draw(batches_of_lines(least=4))
    whole = padded(pool)
    count = data.draw(st.integers(2, 3))
    pieces = [[] for _ in range(count)]
    for line in pool:
        pieces[data.draw(st.integers(0, count - 1))].append(line)
    names = data.draw(st.permutations([f"{index}.csv" for index in range(count)]))
    # A piece of broken lines alone would be refused as a file; the padding goes with the first, and is a copy in the
    # others only if it were repeated, so each piece brings calls of its own.
    cut = -(-len(PADDING) // count)
    files = [(name, [*PADDING[index * cut : (index + 1) * cut], *piece])
             for index, (name, piece) in enumerate(zip(names, pieces, strict=True))]  # fmt: skip
    files = data.draw(st.permutations(files))
    if any(sum(line.count(",") != 7 or "yesterday" in line for line in lines) * 2 > len(lines) for _, lines in files):
        return
    split = data.draw(st.integers(0, count))
    batches = [batch for batch in (files[:split], files[split:]) if batch]
    assert bill([[("a.csv", whole)]]).content() == bill(batches).content()


@settings(max_examples=3)
@given(batches_of_lines())
def test_the_same_file_twice(lines):
    once = bill([[("a.csv", padded(lines))]])
    again = bill([[("a.csv", padded(lines))], [("again.csv", padded(lines))]])
    assert once.content() == again.content()
    assert once.records == again.records


@settings(max_examples=4)
@given(batches_of_lines(), st.booleans())
def test_the_same_calls_again_in_another_file(lines, is_one_ingest):
    once = bill([[("a.csv", padded(lines))]])
    files = [("a.csv", padded(lines)), ("sorted.csv", sorted(padded(lines)))]
    again = bill([files] if is_one_ingest else [[file] for file in files])
    assert again.records == 2 * once.records
    wanted, found = once.content(), again.content()
    del wanted["conservation"], found["conservation"]
    assert found == wanted
