"""File names from ids: ids are what users typed, so a name never leaves its folder and two ids never share one."""

import hashlib
import re

_PLAIN = re.compile(r"[A-Za-z0-9一-鿿][A-Za-z0-9一-鿿_.-]{0,59}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_UNSAFE = re.compile(r"[^A-Za-z0-9一-鿿_-]+")


def file_stem(identifier: str) -> str:
    """A safe file name without extension for an id; plain ids stay as they are, others get a hash so they differ."""
    is_plain = _PLAIN.fullmatch(identifier) and not identifier.endswith(".") and identifier == identifier.upper()
    if is_plain and not _RESERVED.fullmatch(identifier):
        return identifier
    digest = hashlib.sha256(identifier.encode()).hexdigest()[:10]
    return f"{_UNSAFE.sub('_', identifier)[:40].strip('_') or 'id'}-{digest}"
