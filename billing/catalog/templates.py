"""Empty catalog files to fill in: one workbook a table, with drop-down lists, an example row and an explanation.

A template is a catalog file: read as it is, it holds no rows, since the example's key begins as examples do.
"""

import datetime as dt
from pathlib import Path

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from billing.catalog.words import EXAMPLE_MARKS, LANGUAGE_INDEX, ColumnWords, TableWords, catalog_words
from billing.catalog.workbooks import TEXT_FORMAT, new_workbook
from billing.core.messages import render

LAST_ROW = 1_048_575
"""The last row of a sheet; formats and lists hold for whole columns."""
COLUMN_WIDTH = 20
NOTES_WIDTHS = (22, 34, 10, 60)
DAY_KINDS = ("day", "last_day")


def write_templates(folder: Path, lang: str) -> list[Path]:
    """Write one template a catalog table, under the names the reader looks for.

    Args:
        folder: made when missing; files of the same names are replaced.
        lang: language of headers, lists and explanations, `zh` or `en`.

    Returns:
        The files, in the order of the tables. Same language, same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for words in catalog_words():
        path = folder / f"{words.file}.xlsx"
        with new_workbook(path) as workbook:
            _write_rows_sheet(workbook, words, lang)
            _write_notes_sheet(workbook, words, lang)
        paths.append(path)
    return paths


def _write_rows_sheet(workbook: xlsxwriter.Workbook, words: TableWords, lang: str) -> None:
    """The sheet to fill in: header, example row, formats and lists down to the last row."""
    sheet = workbook.add_worksheet(words.table.zh if lang == "zh" else words.file)
    sheet.freeze_panes(1, 0)
    header = workbook.add_format({"bold": True, "bg_color": "#DDEBF7", "text_wrap": True})
    for index, column in enumerate(words.columns):
        form = workbook.add_format({"num_format": _number_format(column)})
        sheet.set_column(index, index, COLUMN_WIDTH, form)
        sheet.write_string(0, index, column.header(lang), header)
        sheet.write_comment(0, index, _how_to_write(column, lang), {"author": "bill400", "x_scale": 2, "y_scale": 2})
        if column.choices:
            choices = [shown[LANGUAGE_INDEX[lang]] for shown in column.choices.values()]
            sheet.data_validation(1, index, LAST_ROW, index, {"validate": "list", "source": choices})
    for index, column in enumerate(words.columns):
        form = workbook.add_format({"num_format": _number_format(column), "italic": True})
        form.set_font_color("#808080")
        form.set_bg_color("#F2F2F2")
        _write_example(sheet, index, column, lang, form)


def _write_example(sheet: Worksheet, index: int, column: ColumnWords, lang: str, form: Format) -> None:
    example = column.example[LANGUAGE_INDEX[lang]]
    if not example:
        sheet.write_blank(1, index, None, form)
    elif column.readings[0].kind in DAY_KINDS:
        sheet.write_datetime(1, index, dt.datetime.fromisoformat(example), form)
    else:
        sheet.write_string(1, index, example, form)


def _write_notes_sheet(workbook: xlsxwriter.Workbook, words: TableWords, lang: str) -> None:
    """What every column means and how to write it; the reader passes over this sheet."""
    sheet = workbook.add_worksheet(render("catalog.notes.sheet", lang))
    bold, wrapped = workbook.add_format({"bold": True}), workbook.add_format({"text_wrap": True, "valign": "top"})
    for index, width in enumerate(NOTES_WIDTHS):
        sheet.set_column(index, index, width)
    about = words.table.zh if lang == "zh" else words.table.en
    marks = " / ".join(EXAMPLE_MARKS)
    sheet.write_string(0, 0, render("catalog.notes.title", lang, {"table": about}), bold)
    sheet.write_string(1, 0, render("catalog.notes.example", lang, {"marks": marks}))
    sheet.write_string(2, 0, render("catalog.notes.files", lang, {"file": words.file}))
    for index, heading in enumerate(("column", "meaning", "required", "how")):
        sheet.write_string(4, index, render(f"catalog.notes.{heading}", lang), bold)
    for row, column in enumerate(words.columns, start=5):
        required = render("catalog.notes.yes" if column.required else "catalog.notes.no", lang)
        meaning = column.column.zh if lang == "zh" else column.column.en
        for index, value in enumerate((column.header(lang), meaning, required, _how_to_write(column, lang))):
            sheet.write_string(row, index, value, wrapped)


def _how_to_write(column: ColumnWords, lang: str) -> str:
    """How values of a column are written: each reading with its header words, then the closed set."""
    parts = [
        render(
            "catalog.notes.reading",
            lang,
            {"words": " / ".join(reading.words), "how": render(f"catalog.kind.{reading.kind}", lang)},
        )
        for reading in column.readings
    ]
    if column.choices:
        parts.append(" / ".join(" = ".join(dict.fromkeys((zh, en))) for en, zh in column.choices.values()))
    return "\n".join(parts)


def _number_format(column: ColumnWords) -> str | int:
    """Days as days, amounts with two places, everything else as text, so that no digit of a number is lost."""
    kind = column.readings[0].kind
    if kind in DAY_KINDS:
        return "yyyy-mm-dd"
    return "0.00" if column.column.is_money else TEXT_FORMAT
