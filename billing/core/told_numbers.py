"""Numbers of telephones in words that are kept: whoever wrote them down there has kept them for ever."""

import re
import unicodedata
from collections.abc import Iterable

_SERVICE_NUMBER = r"(?<!\d)400\d{7}(?!\d)"
_LONG = r"\d{7}"
_MOBILE_IN_GROUPS = r"(?<!\d)1[3-9]\d[ -]\d{4}[ -]\d{4}(?!\d)"


def tells_a_number(text: str, allowed: Iterable[str] = ()) -> bool:
    """Whether a text holds what may be a caller's number: seven digits in a row, or a mobile number in groups.

    Args:
        text: as it was written; digits of full width count as digits.
        allowed: ids that may stand in it, whatever digits they have; those without a letter do not count.
    """
    rest = unicodedata.normalize("NFKC", text)
    for word in sorted(allowed, key=len, reverse=True):
        if any(sign.isalpha() for sign in word):
            rest = re.sub(rf"(?<![0-9A-Za-z]){re.escape(word)}(?![0-9A-Za-z])", " ", rest)
    rest = re.sub(_SERVICE_NUMBER, " ", rest)
    return bool(re.search(_LONG, rest) or re.search(_MOBILE_IN_GROUPS, rest))
