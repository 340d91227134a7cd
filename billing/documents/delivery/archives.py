"""Archives of documents: equal files give equal bytes, whoever packs them and when."""

import datetime as dt
import io
import zipfile
from collections.abc import Iterable

_READ_BY_ALL = 0o100644 << 16
_MADE_ON_UNIX = 3
_LEVEL = 6


def archive(files: Iterable[tuple[str, bytes]], on: dt.date) -> bytes:
    """A zip archive.

    Args:
        files: name and content; they are packed in order of name.
        on: the day every entry is dated.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        for name, content in sorted(files):
            entry = zipfile.ZipInfo(name, (on.year, on.month, on.day, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = _MADE_ON_UNIX
            entry.external_attr = _READ_BY_ALL
            target.writestr(entry, content, compresslevel=_LEVEL)
    return packed.getvalue()
