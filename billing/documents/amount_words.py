"""Amounts in Chinese capitals (人民币大写), as bills and receipts write them so that no digit can be added."""

from billing.core.money import MICRO_PER_FEN

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")
_GROUP_SIZE = 10_000


def capitals(micro: int) -> str:
    """An amount of whole fen in capitals: 101 fen is 壹元零壹分.

    Raises:
        ValueError: the amount is not whole fen, or has more than sixteen digits before the point.
    """
    fen, rest = divmod(abs(micro), MICRO_PER_FEN)
    if rest:
        raise ValueError(f"{micro} millionths of a yuan are not whole fen")
    yuan, jiao, fen = fen // 100, fen // 10 % 10, fen % 10
    words = _integer(yuan) + "元" if yuan else ""
    if jiao:
        words += _DIGITS[jiao] + "角"
    elif yuan and fen:
        words += "零"
    words += _DIGITS[fen] + "分" if fen else "整"
    if not (yuan or jiao or fen):
        words = "零元整"
    return f"负{words}" if micro < 0 else words


def _integer(number: int) -> str:
    groups: list[int] = []
    while number:
        number, group = divmod(number, _GROUP_SIZE)
        groups.append(group)
    if len(groups) > len(_GROUPS):
        raise ValueError("the amount is too large to write in words")
    words, gap = "", False
    for index in reversed(range(len(groups))):
        group = groups[index]
        if not group:
            gap = True
            continue
        if words and (gap or group < _GROUP_SIZE // 10):
            words += "零"
        words += _four_digits(group) + _GROUPS[index]
        gap = False
    return words


def _four_digits(group: int) -> str:
    words, gap = "", False
    for place in (3, 2, 1, 0):
        digit = group // 10**place % 10
        if digit:
            words += ("零" if gap else "") + _DIGITS[digit] + _PLACES[place]
            gap = False
        else:
            gap = bool(words)
    return words
