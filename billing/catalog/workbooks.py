"""The one way a workbook is made.

Nothing from outside becomes a formula or a link, and the same rows are the same bytes, since the time of making is
fixed.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import xlsxwriter

CREATED = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - a fixed mark inside the file, no time of anything
TEXT_FORMAT = 49
"""The built-in number format Text (@): what is typed into such a cell keeps every digit."""
# Not constant_memory: it saves nothing on sheets this small and leaves its temporary files open.
_OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


@contextmanager
def new_workbook(path: Path) -> Iterator[xlsxwriter.Workbook]:
    """A workbook that is written when the block ends."""
    workbook = xlsxwriter.Workbook(str(path), _OPTIONS)
    workbook.set_properties({"created": CREATED})
    yield workbook
    workbook.close()
