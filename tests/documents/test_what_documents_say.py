"""What documents say: every amount adds up to the ledger, and nobody reads what is another's."""

import datetime as dt
import re

import polars as pl
import pytest

from billing.balances.stage import carry_balances
from billing.documents.model import Bars, Grid, Notes
from billing.documents.stage import make_documents
from billing.documents.words import Words
from billing.tables.documents import AccountBalance, AgentBalance, CommissionLine, Invoice, InvoiceLine, TaxLine
from tests.documents.adding_up import check_document, words_of
from tests.publishing import sample_month

NOTHING_EARLIER = {table.name: table.empty() for table in (Invoice, TaxLine, AgentBalance)}


@pytest.fixture(scope="module")
def rates():
    return sample_month.book()


@pytest.fixture(scope="module")
def tables(tmp_path_factory, rates):
    return sample_month.month(sample_month.write_parts(tmp_path_factory.mktemp("lake"), rates))


@pytest.fixture(scope="module")
def documents(tables, rates):
    return _made(tables, rates)


def _made(tables, rates, standing="final", earlier=NOTHING_EARLIER, **wanted):
    made = make_documents(tables, earlier, rates, sample_month.PERIOD, standing, **wanted)
    return {(document.kind, document.recipient_id): document for document in made}


def _grid(document, title):
    return next(section for section in document.sections if isinstance(section, Grid) and section.title == title)


def _told(document):
    """Every word and value of a document, its id and name too."""
    return f"{document.recipient_id} {document.recipient_name} {words_of(document)}"


def test_one_document_each(documents):
    bills = [("bill", customer) for customer in ("../C 3", "C-1", "C-2")]
    agents = [("statement", "A-1"), ("statement", "A-2")]
    carriers = [("settlement", "telecom"), ("settlement", "unicom")]
    assert sorted(documents) == sorted([*bills, *agents, *carriers])


def test_documents_add_up(documents):
    assert sum(map(check_document, documents.values())) > 30


def test_a_bill_is_the_ledgers(documents, tables):
    for invoice in tables[Invoice.name].iter_rows(named=True):
        bill = documents["bill", invoice["customer_id"]]
        lines = tables[InvoiceLine.name].filter(pl.col("invoice_key") == invoice["invoice_key"])
        charges = _grid(bill, "费用明细")
        assert [row[-1] for row in charges.rows] == lines.sort("line_number")["gross_micro"].to_list()
        assert charges.totals[-4:] == (invoice["net_micro"], None, invoice["tax_micro"], invoice["gross_micro"])
        assert {figure.label: figure.value for figure in bill.figures}["本期费用（含税）"] == invoice["gross_micro"]


def test_a_bill_says_how_and_until_when(documents):
    bill = documents["bill", "C-1"]
    told = _told(bill)
    # The bill of October may be disputed until the last day of the fifth month after it.
    for words in ("客户账单", "非发票", "示例通信", "2026-11-15", "2027-03-31", "0.10 元/分钟（6/6）", "C-1 2026-10"):
        assert words in told, words
    particulars = {field.label: field.value for field in bill.particulars}
    assert particulars["异议期限"] == dt.date(2027, 3, 31)
    assert bill.capitals.value == "零元整" or bill.capitals.value.endswith(("整", "分"))
    assert set(re.findall(r"400\d{7}", told)) == {"4006000001", "4006000002"}


def test_a_bill_never_tells_what_calls_cost_us(documents):
    for (kind, _), document in documents.items():
        if kind == "bill":
            assert "leakage" not in _told(document) and "结算" not in _told(document)


def test_no_statement_shows_another_agents_customers_or_callers(documents):
    first = _told(documents["statement", "A-1"])
    assert "C-1" in first
    assert not any(foreign in first for foreign in ("C-2", "乙公司", "HT-2", "乙代理", "A-2", "4006000003"))
    for document in documents.values():
        if document.kind == "statement":
            told = _told(document)
            assert not any(caller in told for caller in (*sample_month.CALLERS, sample_month.LANDING) if caller)


def test_accrued_and_released_stand_apart(documents):
    figures = {figure.label: figure.value for figure in documents["statement", "A-2"].figures}
    assert (figures["本期计提"], figures["本期可付"], figures["本期应付（含税）"]) == (7_500_000, 0, 0)
    assert documents["statement", "A-2"].capitals.value == "零元整"


def test_an_agent_above_sees_numbers_and_own_share_only(tables, rates):
    below = tables[CommissionLine.name].filter(pl.col("agent_id") == "A-2")
    below = below.with_columns(pl.lit(77_770_000, pl.Int64).alias("base_micro"))
    above = below.with_columns(
        pl.lit("A-1").alias("agent_id"),
        pl.lit("above").alias("commission_key"),
        pl.lit(1_230_000, pl.Int64).alias("accrued_micro"),
        pl.lit(4_000, pl.Int64).alias("share_bp"),
    )
    lines = pl.concat([tables[CommissionLine.name].filter(pl.col("agent_id") != "A-2"), below, above])
    balances = carry_balances(sample_month.PERIOD, Invoice.empty(), InvoiceLine.empty(), lines, rates).tables
    document = _made({**tables, **balances, CommissionLine.name: lines}, rates)["statement", "A-1"]
    told = _told(document)
    assert not any(foreign in told for foreign in ("C-2", "乙公司", "HT-2", "乙代理", "A-2"))
    assert "77770000" not in told
    grid = _grid(document, "下级代理商的客户")
    assert grid.rows == [("4006000003", 1_230_000, below["released_micro"].sum())]


def test_english_has_the_same_amounts(tables, rates, documents):
    english = _made(tables, rates, lang="en")
    assert english.keys() == documents.keys()
    for key, document in documents.items():
        numbers = re.compile(r"(?<![\w-])-?\d{4,}(?![\w-])")
        assert numbers.findall(_told(document)) == numbers.findall(_told(english[key])), key
        assert not re.search(r"[一-鿿]", re.sub(_NAMES, "", _told(english[key]))), key


_NAMES = "示例通信|乙公司|丙公司|甲代理|乙代理|联通|云|标准佣金方案|[壹贰叁肆伍陆柒捌玖拾佰仟万亿元角分整零负]+"


def test_no_words_are_missing_in_english(tables, rates):
    for document in _made(tables, rates, lang="en").values():
        check_document(document)


def test_a_reprint_bears_the_check_code_of_the_final_paper_and_a_draft_another(tables, rates, documents):
    for standing in ("draft", "reprint"):
        for key, document in _made(tables, rates, standing).items():
            assert document.standing == standing
            assert (document.check_code == documents[key].check_code) == (standing == "reprint")


def test_only_one_recipient(tables, rates):
    assert list(_made(tables, rates, only="C-2")) == [("bill", "C-2")]
    assert list(_made(tables, rates, only="unicom")) == [("settlement", "unicom")]
    assert not _made(tables, rates, only="nobody")


def test_a_credit_names_the_lines_it_may_refer_to(tables, rates):
    # Owed back: 30.00 and 50.00 of one code and rate; earlier bills had 40.00 in July, -15.00 in August, 20.00 in
    # September.
    invoice = tables[Invoice.name].filter(pl.col("customer_id") == "C-1")
    line = tables[TaxLine.name].filter(pl.col("invoice_key") == invoice["invoice_key"][0]).head(1)
    earlier_bills = pl.concat(
        invoice.with_columns(
            pl.lit(f"C-1/{period}").alias("invoice_key"),
            pl.lit(period).alias("period"),
            pl.lit(number).alias("invoice_number"),
        )
        for period, number in (("2026-07", "N-7"), ("2026-08", "N-8"), ("2026-09", "N-9"))
    )
    earlier_lines = pl.concat(
        line.with_columns(pl.lit(f"C-1/{period}").alias("invoice_key"), _gross(yuan))
        for period, yuan in (("2026-07", 40), ("2026-08", -15), ("2026-09", 20))
    )
    now = {**tables, TaxLine.name: line.with_columns(_gross(-30)), Invoice.name: invoice}
    note = _made(now, rates, earlier={Invoice.name: earlier_bills, TaxLine.name: earlier_lines})["credit_note", "C-1"]
    originals = _grid(note, "可冲减的原发票行")
    # September's 20.00 whole; of July's 40.00 August took 15.00, so 25.00 are left and 10.00 are taken.
    assert [(row[0], row[4], row[5]) for row in originals.rows] == [
        ("N-9", 20_000_000, -20_000_000),
        ("N-7", 40_000_000, -10_000_000),
    ]
    beyond = {**now, TaxLine.name: line.with_columns(_gross(-50))}
    note = _made(beyond, rates, earlier={Invoice.name: earlier_bills, TaxLine.name: earlier_lines})[
        "credit_note", "C-1"
    ]
    assert [row[5] for row in _grid(note, "可冲减的原发票行").rows] == [-20_000_000, -25_000_000, -5_000_000]


def _gross(yuan):
    return pl.lit(yuan * 1_000_000, pl.Int64).alias("gross_micro")


def test_charts_count_every_call_once(documents, tables):
    calls = tables["usage_total"].filter(pl.col("contract_id") == "HT-1")["call_count"].sum()
    charts = {section.title: section for section in documents["bill", "C-1"].sections if isinstance(section, Bars)}
    for title in ("每日来话量", "按小时来话量", "主叫来源省份"):
        assert sum(value or 0 for _, value in charts[title].bars) == calls, title


def test_words_that_ask_for_what_is_not_there_are_passed_over():
    words = Words("zh")
    assert words.first_that_fits(["how.true_up.days", "how.true_up"], {"floor": "40.00", "counted": "1.00"}) == (
        "最低消费 40.00 元，已计 1.00 元"
    )
    assert words.first_that_fits(["how.nothing"], {}) == ""


def test_who_has_paid_ahead_is_not_asked_for_money(tables, rates):
    balances = tables[AccountBalance.name].with_columns(payable_micro=pl.lit(0, pl.Int64))
    bill = _made({**tables, AccountBalance.name: balances}, rates)["bill", "C-1"]
    assert bill.sections[0].lines[0] == "本期无需付款。"


def test_page_one_tells_how_to_pay_before_any_list(documents):
    bill = documents["bill", "C-1"]
    assert isinstance(bill.sections[0], Notes) and bill.sections[0].title == "付款与异议"
