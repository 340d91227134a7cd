"""`layouts`: which layouts there are, and how the first lines of a file are read; no books are touched."""

import gzip
import tempfile
import zlib
from pathlib import Path
from typing import Any

import polars as pl

from billing.core.findings import refuse
from billing.ingest.kinds import kind_of
from billing.ingest.layout import Layout, load_layouts
from billing.ingest.received import GZIP_MAGIC, TEXT_KINDS
from billing.ingest.stage import read_cdr_file
from billing.tables.calls import LINES_PER_FILE, Cdr, Waiting

HEAD_BYTES = 256 << 10
"""How much of a file is looked at."""
SHOWN_ROWS = 10
_SHOWN = (
    *(Cdr.call_id, Cdr.caller, Cdr.service_number, Cdr.landing_number, Cdr.started_at, Cdr.platform_answered_at),
    *(Cdr.answered_at, Cdr.ended_at, Cdr.talk_ms, Cdr.outcome, Cdr.call_class, Cdr.unreadable),
)


def known_layouts(folder: Path | None) -> list[dict[str, str]]:
    """Every layout: those that are shipped, then the books' own; `folder` is that of the books.

    Raises:
        Refusal: a layout file is broken.
    """
    return [_told(layout) for layout in load_layouts(folder / "layouts" if folder else None)]


def try_layout(path: Path, folder: Path | None, layout_id: str | None) -> dict[str, Any]:
    """How the first lines of a file are read, by the very reader that ingest uses.

    Args:
        path: the file, plain or gzip.
        folder: the books whose own layouts count too, None for the shipped ones alone.
        layout_id: read under this layout instead of recognising it.

    Returns:
        The layout, the encoding, and the first rows with every value as it was read; null where there is none, and
        `unreadable` names the first field that could not be read.

    Raises:
        Refusal: the file as a whole cannot be read, or no layout fits.
    """
    layouts = load_layouts(folder / "layouts" if folder else None)
    with tempfile.TemporaryDirectory() as work:
        looked_at, is_excerpt = _looked_at(path, Path(work))
        reading = read_cdr_file(
            looked_at,
            file_number=1,
            layouts=layouts,
            staging=Path(work) / "staging",
            raw_copy=None,
            layout_id=layout_id,
            is_excerpt=is_excerpt,
        )
        frames = [pl.read_parquet(part.path) for part in reading.parts.values()]
    table = Waiting if reading.is_assembled else Cdr
    rows = pl.concat([table.empty(), *frames]).sort(Cdr.cdr_id).head(SHOWN_ROWS)
    line = (pl.col(Cdr.cdr_id) % LINES_PER_FILE).alias("line")
    return {
        "file": path.name,
        "layout": reading.layout,
        "encoding": reading.encoding,
        "records": reading.record_count,
        "not_ours": reading.not_ours_count,
        "rows": rows.select(line, *_SHOWN, *table.columns[len(Cdr.columns) :]).rows(named=True),
    }


def _looked_at(path: Path, work: Path) -> tuple[Path, bool]:
    """What is read of a file, and whether that is only its first part.

    Of a text the first whole lines, unpacked; a Parquet file or a workbook has no first part that could be cut off.
    """
    with path.open("rb") as stream:
        is_gzip = stream.read(2) == GZIP_MAGIC
    try:
        with gzip.open(path) if is_gzip else path.open("rb") as stream:
            content = stream.read(HEAD_BYTES)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise refuse("GZIP_DAMAGED", path.name, problem=str(error)) from None
    if kind_of(content) not in TEXT_KINDS:
        return path, True
    is_excerpt = len(content) == HEAD_BYTES
    if is_excerpt:
        # JSON may stand on one line; then the end of an object is as good.
        end = max(content.rfind(b"\n"), content.rfind(b"\r"))
        content = content[: end + 1] or content[: content.rfind(b"}") + 1] or content
    # The same name, so that what is refused is refused with it.
    head = work / path.name.removesuffix(".gz")
    head.write_bytes(content)
    return head, is_excerpt


def _told(layout: Layout) -> dict[str, str]:
    return {
        "layout": layout.tag,
        "zh": layout.title.zh,
        "en": layout.title.en,
        "zone": layout.zone,
        "columns": ", ".join(layout.header),
    }
