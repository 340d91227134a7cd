"""Templates are catalog files: they open again, hold no rows, and keep every digit that is typed into them."""

import re
import zipfile

import pytest
from python_calamine import load_workbook

from billing.catalog.reading import read_catalog
from billing.catalog.templates import write_templates
from billing.catalog.words import catalog_words, folded
from billing.tables.catalog import CATALOG_TABLES


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_templates_read_back_as_empty_tables(tmp_path, lang):
    write_templates(tmp_path, lang)
    catalog = read_catalog(tmp_path)
    assert catalog.is_usable
    assert all(catalog.frame(table).is_empty() for table in CATALOG_TABLES)
    skipped = [f.where.split(":")[0] for f in catalog.findings if f.reason == "CATALOG_EXAMPLE_SKIPPED"]
    assert skipped == [f"{words.file}.xlsx" for words in catalog_words()]
    assert {f.reason for f in catalog.findings} == {"CATALOG_EXAMPLE_SKIPPED", "CATALOG_FILE_READ"}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_example_rows_are_sound_but_for_their_mark(tmp_path, lang, monkeypatch):
    monkeypatch.setattr("billing.catalog.table_reader.EXAMPLE_MARKS", ("no example",))
    write_templates(tmp_path, lang)
    catalog = read_catalog(tmp_path)
    reasons = {f.reason for f in catalog.findings if f.severity == "critical"}
    # The mark before the digits of a number is what keeps it out; the rows that point to it find nothing then.
    unread = {"CATALOG_NOT_A_PHONE", "CATALOG_NOT_A_SERVICE_NUMBER"}
    assert reasons <= unread | {"CATALOG_UNKNOWN_AGENT", "CATALOG_UNKNOWN_NUMBER"}
    assert catalog.contracts["payment_mode"].to_list() == ["full_prepayment"]
    assert catalog.agents["share_bp"].to_list() == [6000]


def test_same_language_same_bytes(tmp_path):
    first = write_templates(tmp_path / "a", "zh")
    second = write_templates(tmp_path / "b", "zh")
    english = write_templates(tmp_path / "c", "en")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert [path.read_bytes() for path in first] != [path.read_bytes() for path in english]


def test_lists_frozen_header_comments_and_text_cells(tmp_path):
    contracts = next(path for path in write_templates(tmp_path, "zh") if path.name == "contracts.xlsx")
    with zipfile.ZipFile(contracts) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        styles = archive.read("xl/styles.xml").decode()
        comments = archive.read("xl/comments1.xml").decode()
        assert "2026-01-01T00:00:00Z" in archive.read("docProps/core.xml").decode()
    assert "全额预付,按年付,按月付" in sheet
    assert 'state="frozen"' in sheet
    assert "<f>" not in re.sub(r"<formula1>.*?</formula1>", "", sheet)
    assert 'numFmtId="49"' in styles, "text, so that no digit is lost"
    assert "不含的第一天" in comments


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_notes_explain_every_column(tmp_path, lang):
    for path, words in zip(write_templates(tmp_path, lang), catalog_words(), strict=True):
        book = load_workbook(path)
        rows = book.get_sheet_by_name("说明" if lang == "zh" else "Notes").to_python()
        explained = {str(row[0]) for row in rows}
        assert explained >= {column.header(lang) for column in words.columns}
        assert all(mark in str(rows[1][0]) for mark in ("EXAMPLE", "示例"))


def test_no_word_means_two_columns_of_one_table():
    for words in catalog_words():
        spoken = [folded(word) for column in words.columns for reading in column.readings for word in reading.words]
        assert len(spoken) == len(set(spoken)), words.file
        assert [column.column for column in words.columns] == list(words.table.columns)
