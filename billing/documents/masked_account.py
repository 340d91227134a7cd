"""Bank accounts as a document may show them: enough to know one's own by, too little to use."""

import re

SHOWN_DIGITS = 4
_DIGIT = re.compile(r"\d")
_HIDDEN = re.compile(r"[*][*\s-]*(?=\d)|[*][*\s-]*[*]")


def masked_account(text: str) -> str:
    """Bank and account with all digits hidden but the last four: 示例银行 9999000000002045 is 示例银行 ****2045.

    Of an account of fewer than eight digits half of them are hidden, the odd one too. Digits of every script count,
    and how many are hidden is not told.
    """
    digits = len(_DIGIT.findall(text))
    hidden = digits - min(SHOWN_DIGITS, digits // 2)
    return _HIDDEN.sub("****", _DIGIT.sub("*", text, count=hidden) if hidden else text)
