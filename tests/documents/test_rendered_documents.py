import html
import re
import time

import polars as pl
import pytest

from billing.documents.stage import render_documents
from billing.tables.documents import Invoice, InvoiceLine, TaxLine
from tests.publishing import sample_month


@pytest.fixture(scope="module")
def rates():
    return sample_month.book()


@pytest.fixture(scope="module")
def tables(tmp_path_factory, rates):
    return sample_month.month(sample_month.write_parts(tmp_path_factory.mktemp("lake"), rates))


@pytest.fixture(scope="module")
def documents(tables, rates):
    return render_documents(tables, rates, sample_month.PERIOD, "draft")


def _text(document):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", document, flags=re.DOTALL)))


def test_one_document_each(documents):
    stems = sorted(name.split("-")[0] for name in documents)
    bills, sheets, statements = ["invoices/C"] * 2, ["settlement/telecom"] * 2, ["statements/A"] * 2
    assert stems == [*bills, "invoices/C_3", *sheets, *["settlement/unicom"] * 2, *statements]


def test_hostile_names_are_escaped(documents):
    for name, document in documents.items():
        assert "<script" not in document, name
    assert "&lt;script&gt;" in documents["invoices/C-1.html"]


def test_documents_refer_to_nothing_outside(documents):
    for name, document in documents.items():
        assert not re.search(r"https?:|//|@import|url\(|src=", document), name


def test_a_bill_says_what_it_is_and_adds_up(documents, tables):
    bill = _text(documents["invoices/C-1.html"])
    row = tables["invoice"].row(by_predicate=pl.col("customer_id") == "C-1", named=True)
    gross = f"{row['gross_micro'] // 10_000 / 100:,.2f}"
    for words in (
        "客户账单",
        "非发票",
        "示例通信",
        "人民币大写",
        f"¥{gross}",
        "2026-11-15",
        "计费口径",
        "月功能费",
        "9%",
        "6%",
    ):
        assert words in bill
    own = re.findall(r"400\d{7}", bill)
    assert set(own) == {"4006000001", "4006000002"}


def test_no_statement_shows_another_agents_customers_or_callers(documents):
    for name, document in documents.items():
        if name.startswith("statements/A-1"):
            assert "C-1" in document
            assert "C-2" not in document
            assert "乙公司" not in document
        for caller in (*sample_month.CALLERS, sample_month.LANDING):
            assert caller is None or caller not in _text(document)


def test_accrued_and_released_stand_apart(documents):
    second = _text(documents["statements/A-2.html"])
    assert "本期计提 ¥7.50" in second
    assert "本期应付 ¥0.00" in second
    assert "2026-09/HT-2" in second
    assert "零元整" in second


def test_settlement_csv_runs_no_formula_and_matches_the_table(documents, tables):
    text = next(document for name, document in documents.items() if re.match(r"settlement/unicom.*csv", name))
    assert text.startswith("\ufeffperiod,")
    rows = pl.read_csv(text.encode(), infer_schema=False)
    assert rows.height == 3
    stated = tables["settlement_line"].filter(pl.col("carrier_id") == "unicom")["gross_micro"].sum()
    assert round(rows["gross"].cast(pl.Decimal(18, 2)).sum() * 1_000_000) == stated


def test_a_draft_says_so_and_a_closed_period_does_not(tables, rates, documents):
    closed = render_documents(tables, rates, sample_month.PERIOD, "closed")
    assert all("草稿" in document for name, document in documents.items() if name.endswith(".html"))
    assert not any("草稿" in document for document in closed.values())


def test_english_has_the_same_numbers(tables, rates, documents):
    english = render_documents(tables, rates, sample_month.PERIOD, "draft", "en")
    assert english.keys() == documents.keys()
    amounts = re.compile(r"[−]?[\d,]+\.\d\d")
    for name, document in documents.items():
        assert amounts.findall(_text(document)) == amounts.findall(_text(english[name])), name
    assert "Not a tax invoice" in english["invoices/C-1.html"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_words_are_missing(tables, rates, lang):
    for name, document in render_documents(tables, rates, sample_month.PERIOD, "draft", lang).items():
        visible = _text(document)
        assert not re.search(r"(doc|kind|reading|figure)\.[a-z_]", visible), name
        assert not re.search(r"\b(by_day|first_month|true_up|monthly_function_fee|value_added|cap_credit)\b", visible)


def test_hundreds_of_bills_take_seconds(tables, rates):
    copies = 300
    many = dict(tables)
    for shape in (Invoice, InvoiceLine, TaxLine):
        one = tables[shape.name].filter(pl.col("invoice_key").str.starts_with("C-1/"))
        many[shape.name] = pl.concat(
            one.with_columns(
                pl.lit(f"K{copy}/2026-10").alias("invoice_key"),
                *([pl.lit(f"K{copy}").alias("customer_id")] if shape is Invoice else []),
            )
            for copy in range(copies)
        )
    started = time.process_time()
    rendered = render_documents(many, rates, sample_month.PERIOD, "draft")
    assert sum(name.startswith("invoices/") for name in rendered) == copies
    assert time.process_time() - started < 10  # about 0.3 s; a bound against something quadratic, not a benchmark
