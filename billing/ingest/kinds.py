"""What the first bytes of a file say it is; never its name."""

import re
from typing import Literal

Kind = Literal["text", "json", "parquet", "zip", "ole"]

HEAD_BYTES = 4096
PARQUET_MAGIC = (b"PAR1", b"PARE")
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""An old workbook, or one with a password."""
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*[\"}]|\[\s*(?:[\[{\]]|$))")
"""An object that opens with a key, or an array that opens with an object: no line of call records does."""


def kind_of(head: bytes) -> Kind:
    """The kind of a file from its first bytes, unpacked; at least `HEAD_BYTES` where it has as many."""
    if head.startswith(PARQUET_MAGIC):
        return "parquet"
    if head.startswith(ZIP_MAGIC):
        return "zip"
    if head.startswith(OLE_MAGIC):
        return "ole"
    return "json" if _JSON.match(head) else "text"
