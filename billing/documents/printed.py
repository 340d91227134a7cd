"""How a value of a document is written for people, the same in a PDF, on a page and in a test."""

import datetime as dt

from billing.core.money import yuan, yuan_exact
from billing.documents.model import Kind, Value

_SECONDS_PER_MINUTE = 60
MINUS = "\u2212"


def printed(value: Value, kind: Kind, lang: str) -> str:
    """A value in words; nothing where there is none.

    Args:
        value: of the kind's unit: money in micro, percent in basis points.
        kind: see `Kind`.
        lang: zh or en.
    """
    if value is None:
        return ""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, str):
        return value
    match kind:
        case "money":
            text = yuan(value)
        case "price":
            text = yuan_exact(value, grouped=True)
        case "percent":
            text = _percent(value)
        case "seconds":
            text = _minutes(value, lang)
        case _:
            text = f"{value:,}"
    return text.replace("-", MINUS)


def _percent(basis_points: int) -> str:
    sign = "-" if basis_points < 0 else ""
    whole, rest = divmod(abs(basis_points), 100)
    return sign + f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + "%"


def _minutes(seconds: int, lang: str) -> str:
    """Minutes and seconds: 12分30秒, 12 min 30 s."""
    sign = "-" if seconds < 0 else ""
    minutes, rest = divmod(abs(seconds), _SECONDS_PER_MINUTE)
    if lang == "zh":
        return f"{sign}{minutes:,}分{rest}秒" if rest else f"{sign}{minutes:,}分"
    return f"{sign}{minutes:,} min {rest} s" if rest else f"{sign}{minutes:,} min"
