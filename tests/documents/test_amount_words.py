import pytest

from billing.documents.amount_words import capitals

FEN = 10_000


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "零元整"),
        (1, "壹分"),
        (10, "壹角整"),
        (12, "壹角贰分"),
        (100, "壹元整"),
        (101, "壹元零壹分"),
        (110, "壹元壹角整"),
        (1_000, "壹拾元整"),
        (10_010, "壹佰元壹角整"),
        (100_500, "壹仟零伍元整"),
        (1_000_000, "壹万元整"),
        (1_005_000, "壹万零伍拾元整"),
        (1_000_050_000, "壹仟万零伍佰元整"),
        (10_000_000_000, "壹亿元整"),
        (10_000_000_100, "壹亿零壹元整"),
        (10_010_000_000, "壹亿零壹拾万元整"),
        (12_345_678_901, "壹亿贰仟叁佰肆拾伍万陆仟柒佰捌拾玖元零壹分"),
        (100_000_000_000_000, "壹万亿元整"),
        (100_000_001_000_000, "壹万亿零壹万元整"),
        (-101, "负壹元零壹分"),
    ],
)
def test_capitals(fen, words):
    assert capitals(fen * FEN) == words


@pytest.mark.parametrize("micro", [1, FEN // 2, 10**16 * 100 * FEN])
def test_what_cannot_be_written_is_refused(micro):
    with pytest.raises(ValueError, match=r"whole fen|too large"):
        capitals(micro)


def test_every_amount_to_a_thousand_yuan_has_its_own_words():
    assert len({capitals(fen * FEN) for fen in range(100_000)}) == 100_000
