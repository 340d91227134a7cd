"""Characters without a picture of their own, made visible: a mark that turns the direction may turn no amount."""

import unicodedata


def shown(text: str) -> str:
    """A text as it is printed: blanks of any kind are blanks, what else cannot be seen is told by its code point."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(sign: str) -> str:
    if sign in "\t\r\n" or unicodedata.category(sign) in ("Zs", "Zl", "Zp"):
        return " "
    return sign if sign.isprintable() else f"[U+{ord(sign):04X}]"
