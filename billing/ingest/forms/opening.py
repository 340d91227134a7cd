"""From a received file to its working text: its bytes tell the form, and only layouts of that form are tried."""

from collections.abc import Sequence
from pathlib import Path

from billing.core.findings import refuse
from billing.ingest.file_form import Form
from billing.ingest.forms.delimited import delimited_text
from billing.ingest.forms.fixed_width import fixed_width_text
from billing.ingest.forms.json_lines import json_text
from billing.ingest.forms.parquet import parquet_text
from billing.ingest.forms.work import WorkText
from billing.ingest.forms.xlsx import xlsx_text
from billing.ingest.kinds import Kind
from billing.ingest.layout import Layout
from billing.ingest.recognition import recognise_text
from billing.ingest.text import PlainFile, head_lines

FORMS: dict[Kind, tuple[Form, ...]] = {
    "text": ("delimited", "fixed_width"),
    "json": ("json_lines",),
    "parquet": ("parquet",),
    "zip": ("xlsx",),
    "ole": ("xlsx",),
}
"""The forms a file of each kind may have."""
KIND_NAMES: dict[Kind, str] = {"text": "text", "json": "JSON", "parquet": "Parquet", "zip": "XLSX", "ole": "XLS"}


def open_work_text(plain: PlainFile, layouts: Sequence[Layout], staging: Path, *, is_excerpt: bool) -> WorkText:
    """Recognise a file and make its working text.

    Args:
        plain: the unpacked file.
        layouts: what it may be.
        staging: a folder for copies.
        is_excerpt: the file may be cut off behind any line.

    Raises:
        Refusal: no layout reads files of this kind, none fits, several fit equally, or the file cannot be read.
    """
    fitting = [layout for layout in layouts if layout.form in FORMS[plain.kind]]
    if not fitting:
        words = {"kind": KIND_NAMES[plain.kind], "layouts": ", ".join(layout.tag for layout in layouts)}
        raise refuse("FORM_WITHOUT_LAYOUT", plain.name, forms=" / ".join(FORMS[plain.kind]), **words)
    if plain.kind == "ole":
        raise refuse("WORKBOOK_UNREADABLE", plain.name, problem="XLS")
    if plain.kind == "json":
        text = json_text(plain, fitting, staging, is_excerpt=is_excerpt)
        check_encoding(plain, text.layout)
        return text
    if plain.kind == "zip":
        return xlsx_text(plain, fitting, staging, is_excerpt=is_excerpt)
    if plain.kind == "parquet":
        return parquet_text(plain, fitting, staging, is_excerpt=is_excerpt)
    return _of_text(plain, fitting, staging)


def _of_text(plain: PlainFile, layouts: Sequence[Layout], staging: Path) -> WorkText:
    layout, header = recognise_text(head_lines(plain), layouts, plain.name, plain.encoding)
    check_encoding(plain, layout)
    if layout.form == "fixed_width":
        return fixed_width_text(plain, layout, staging)
    return delimited_text(plain, layout, header, staging)


def check_encoding(plain: PlainFile, layout: Layout) -> None:
    """Refuse a text in an encoding that its layout does not allow."""
    if plain.encoding not in layout.encodings:
        words = {"found": plain.encoding, "layout": layout.tag, "allowed": ", ".join(layout.encodings)}
        raise refuse("ENCODING_NOT_ALLOWED", f"{plain.name}:1", **words)
