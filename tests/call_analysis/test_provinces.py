"""The province of a caller: known area codes and mobile ranges, all else unknown; the table names a block once."""

import polars as pl
import pytest

from billing.call_analysis.make_provinces import blocks_of, is_kept, merged, province_of_place
from billing.call_analysis.provinces import PROVINCES, read_prefixes, with_province

AREA_CODES = """
010 北京  020 广东  021 上海  022 天津  023 重庆  024 辽宁  025 江苏  027 湖北
028 四川  029 陕西  0311 河北  0335 河北  0351 山西  0371 河南  0431 吉林
0451 黑龙江  0470 内蒙古  0531 山东  0551 安徽  0571 浙江  0591 福建  0701 江西
0731 湖南  0755 广东  0771 广西  0791 江西  0851 贵州  0871 云南  0879 云南
0891 西藏  0898 海南  0931 甘肃  0951 宁夏  0971 青海  0991 新疆
"""
"""0470, 0991 and others: autonomous areas, whose places the source names without 省 or 市."""
MOBILES = """
1301124 北京  1360000 广东  1371100 广东  1380013 北京  1381000 北京  1381234 江苏
1382300 广东  1390100 北京  1390200 天津  1390222 广东  1391012 北京  1391700 上海
1392000 天津  1394000 辽宁  1396200 江苏  1397100 湖北  1397600 海南  1398000 四川
1398300 重庆  1501000 北京  1580100 北京  1860000 北京  1891000 北京  1897600 海南
"""
UNKNOWN = {
    None: "withheld",
    "": "empty",
    "95588": "a short number",
    "4006000001": "a service number",
    "0085212345678": "Hong Kong",
    "008521234567": "Hong Kong, as long as a landline",
    "0014155550100": "abroad",
    "16612345678": "a mobile range the source does not have",
    "19912345678": "another one",
    "14612345678": "another one",
    "17312345678": "a key of three digits: left out",
    "17841234567": "a key of four digits: left out",
    "17700123456": "a key that another list contradicts: left out",
    "1381000123": "a mobile with ten digits",
    "138100012345": "a mobile with twelve digits",
    "075512345": "a landline with nine digits",
    "0755123456789": "a landline with thirteen digits",
    "09991234567890": "too long",
    "755123": "six digits that look like an area code without its 0",
    "00000000000": "zeros",
}


def pairs(text):
    words = text.split()
    return list(zip(words[::2], words[1::2], strict=True))


def provinces_of(callers):
    calls = pl.LazyFrame({"caller": callers}, schema={"caller": pl.String})
    return with_province(calls, "caller").collect()["province"].cast(pl.String).to_list()


@pytest.mark.parametrize("digits", [7, 8])
def test_a_landline_is_of_its_area_code(digits):
    known = pairs(AREA_CODES)
    callers = [f"{code}{'55556666'[:digits]}" for code, _ in known]
    assert provinces_of(callers) == [province for _, province in known]
    assert {province for _, province in known} == set(PROVINCES)


def test_a_mobile_is_of_its_first_seven_digits():
    known = pairs(MOBILES)
    assert provinces_of([f"{block}1234" for block, _ in known]) == [province for _, province in known]


@pytest.mark.parametrize("caller", UNKNOWN, ids=UNKNOWN.values())
def test_what_is_not_known_stays_unknown(caller):
    assert provinces_of([caller]) == [None]


def test_every_row_of_the_table_is_found_again():
    """Longest prefix wins: there is only one that fits, whatever follows it."""
    table = read_prefixes()
    length = pl.when(pl.col("prefix").str.starts_with("0")).then(12).otherwise(11)
    for filler in ("0", "9"):
        callers = table.select(pl.col("prefix").str.pad_end(12, filler).str.head(length)).to_series()
        assert provinces_of(callers.to_list()) == table["province"].to_list()


def test_the_table_is_unambiguous_sorted_and_the_shortest():
    table = dict(read_prefixes().iter_rows())
    assert list(table) == sorted(table)
    assert not [prefix for prefix in table for end in range(1, len(prefix)) if prefix[:end] in table]
    assert merged(blocks_of(table)) == table
    assert set(table.values()) == set(PROVINCES)


def test_the_table_holds_what_the_decision_says():
    blocks = blocks_of(dict(read_prefixes().iter_rows()))
    mobiles = [block for block in blocks if block[0] == "1"]
    assert len(read_prefixes()) == 20_636
    assert len(mobiles) == 314_040
    assert {block[:2] for block in mobiles} == {"13", "14", "15", "17", "18"}


def test_the_longest_key_wins_and_ten_alike_become_one():
    """131 is of Hebei but for 1315 of Jilin, of which 13157 is of Hebei again; 1329999 stands alone."""
    blocks = blocks_of({"131": "河北", "1315": "吉林", "13157": "河北", "1329999": "广西"})
    assert len(blocks) == 10_001
    assert merged(blocks) == {
        **{f"131{digit}": "河北" for digit in "012346789"},
        **{f"1315{digit}": "吉林" for digit in "012345689"},
        "13157": "河北",
        "1329999": "广西",
    }


def test_a_gap_is_not_filled():
    assert merged({f"13000{digit:02}": "山东" for digit in range(20) if digit != 13}) == {
        "130000": "山东",
        **{f"130001{digit}": "山东" for digit in "012456789"},
    }


@pytest.mark.parametrize(
    ("key", "kept"),
    [("10", True), ("755", True), ("33", True), ("173", False), ("1784", False), ("17700", False), ("13910", True)],
)
def test_short_and_contradicted_mobile_keys_are_left_out(key, kept):
    assert is_kept(key) is kept


def test_places_become_provinces():
    assert province_of_place("Hulunbuir, Inner Mongolia", "内蒙古呼伦贝尔") == "内蒙古"
    assert province_of_place("Beijing", "北京市") == "北京"
    assert province_of_place("Simao, Yunnan", None) == "云南"
    with pytest.raises(ValueError, match="is not"):
        province_of_place("Xi'an, Shaanxi", "山西省太原市")
