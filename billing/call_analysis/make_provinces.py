"""Makes `provinces.csv`, the province of a calling number by its first digits, from the geodata of `phonenumbers`.

`python -m billing.call_analysis.make_provinces` writes it, in an environment that holds phonenumbers 9.0.43, which
nothing else here needs. Its names of places become provinces. Fixed lines go by area code, mobiles by up to seven
digits; a block nobody names stays unknown. docs/decisions/0010-provinces.md says what is left out and why.
"""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from billing.call_analysis.provinces import BLOCK_DIGITS, PROVINCES_FILE

SHORT_NAMES = {
    "Anhui": "安徽", "Beijing": "北京", "Chongqing": "重庆", "Fujian": "福建", "Gansu": "甘肃", "Guangdong": "广东",
    "Guangxi": "广西", "Guizhou": "贵州", "Hainan": "海南", "Hebei": "河北", "Heilongjiang": "黑龙江", "Henan": "河南",
    "Hubei": "湖北", "Hunan": "湖南", "Inner Mongolia": "内蒙古", "Jiangsu": "江苏", "Jiangxi": "江西",
    "Jilin": "吉林", "Liaoning": "辽宁", "Ningxia": "宁夏", "Qinghai": "青海", "Shaanxi": "陕西", "Shandong": "山东",
    "Shanghai": "上海", "Shanxi": "山西", "Sichuan": "四川", "Tianjin": "天津", "Tibet": "西藏", "Xinjiang": "新疆",
    "Yunnan": "云南", "Zhejiang": "浙江",
}  # fmt: skip
"""The source's English name, the last word of every place, and ours."""

LEAST_MOBILE_DIGITS = 5
"""A shorter key gives a thousand blocks and more to the one place that was known there: two in three are wrong."""
CONTRADICTED = frozenset(
    ("13374", "14766", "15644", "15654", "15790", "15791", "15792", "15799", "17615", "17629", "17700", "17743",
     "17833", "18044", "18446", "18480", "18528")
)  # fmt: skip
"""Keys of five digits where another list names other provinces for half of the blocks or more."""

HEAD = """\
# Province by the first digits of a calling number; made by billing/call_analysis/make_provinces.py, not by hand.
# From the geocoding data of phonenumbers {version}, Copyright (C) 2011-2026 The Libphonenumber Authors, under the
# Apache License 2.0 (LICENSE-APACHE-2.0.txt). Changed: places became provinces, keys were left out and merged.
prefix,province
"""


def province_of_place(english: str, chinese: str | None) -> str:
    """Province of a place as the source names it: `Jinan, Shandong` and, where it says so, `山东省济南市`.

    Raises:
        ValueError: the two languages name different provinces.
    """
    province = SHORT_NAMES[english.rsplit(", ", 1)[-1]]
    if chinese is not None and not chinese.startswith(province):
        raise ValueError(f"{english!r} is not {chinese!r}")
    return province


def is_kept(key: str) -> bool:
    """Whether a key of the source, without country code, says enough."""
    is_mobile = key[0] == "1" and key[1] != "0"
    return not is_mobile or (len(key) >= LEAST_MOBILE_DIGITS and key not in CONTRADICTED)


def blocks_of(keys: Mapping[str, str]) -> dict[str, str]:
    """Every block of numbers that keys name, by its seven digits; the longest key that fits it wins."""
    blocks: dict[str, str] = {}
    for key in sorted(keys, key=len):
        rest = BLOCK_DIGITS - len(key)
        blocks.update((f"{key}{place:0{rest}}" if rest else key, keys[key]) for place in range(10**rest))
    return blocks


def merged(blocks: Mapping[str, str]) -> dict[str, str]:
    """The fewest prefixes that name exactly these blocks, none beginning with another: ten alike become one."""
    found, left = dict[str, str](), dict(blocks)
    while left:
        siblings = defaultdict(list)
        for prefix in left:
            siblings[prefix[:-1]].append(prefix)
        shorter = {}
        for parent, children in siblings.items():
            provinces = {left[child] for child in children}
            if len(children) == 10 and len(provinces) == 1:
                shorter[parent] = provinces.pop()
            else:
                found.update((child, left[child]) for child in children)
        left = shorter
    return dict(sorted(found.items()))


def main() -> None:
    """Write the table."""
    import phonenumbers
    from phonenumbers.geodata import GEOCODE_DATA

    china = {key.removeprefix("86"): place for key, place in GEOCODE_DATA.items() if key.startswith("86")}
    keys = {
        key if key[0] == "1" and key[1] != "0" else f"0{key}": province_of_place(place["en"], place.get("zh"))
        for key, place in china.items()
        if is_kept(key)
    }
    rows = (f"{prefix},{province}\n" for prefix, province in merged(blocks_of(keys)).items())
    text = HEAD.format(version=phonenumbers.__version__) + "".join(rows)
    Path(__file__).with_name(PROVINCES_FILE).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
