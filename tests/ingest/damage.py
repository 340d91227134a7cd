"""Damage done to the bytes of a file, at random."""

from hypothesis import strategies as st

DAMAGE = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=4), st.integers(0, 9)), max_size=5)


def damaged(content: bytes, damage) -> bytes:
    """Bytes with some of them replaced at places told as shares of the whole."""
    for share, new, length in damage:
        place = int(share * len(content))
        content = content[:place] + new + content[place + length :]
    return content
