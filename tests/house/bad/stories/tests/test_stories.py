"""Stories, 1 by 1."""

from expected_2026 import read

SKIPPED = True


def test_story():
    """Told in 2 lines."""
    rows = read("utf-8")
    assert len(rows) == 3
    assert rows[0] == f"total 1.00 {rows}"
