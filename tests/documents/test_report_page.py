"""The pages as text: they stand alone, escape what is hostile, say all in both languages, and rest on tables alone."""

import html
import json
import re

import polars as pl
import pytest

from billing.core.period import Period
from billing.documents.report.page import REPORT, render_report
from billing.documents.report.periods import PeriodRow, render_periods
from billing.documents.report.svg import Line, compact, line_chart
from billing.documents.report.words import Said
from billing.documents.stage import make_documents, print_documents, print_lists
from billing.publishing.conservation import certify
from billing.tables.calls import CallAdjustment, Suspense, UsageTotal
from billing.tables.documents import (
    DOCUMENT_TABLES,
    AgentBalance,
    Charge,
    CommissionLine,
    Conservation,
    Invoice,
    InvoiceLine,
    Posting,
    SettlementLine,
    SourceFile,
    TaxLine,
)
from tests.publishing import sample_month

YUAN, FEN = 1_000_000, 10_000


@pytest.fixture(scope="module")
def rates():
    return sample_month.book()


@pytest.fixture(scope="module")
def tables(tmp_path_factory, rates):
    return sample_month.month(sample_month.write_parts(tmp_path_factory.mktemp("lake"), rates))


@pytest.fixture(scope="module")
def page(tables, rates):
    return render_report(sample_month.report_inputs(tables), rates)


@pytest.fixture(scope="module")
def periods():
    figures = dict.fromkeys(("revenue_net", "settlement_net", "commission_accrued", "calls", "bills"), 0)
    rows = [PeriodRow(Period(2025, 9), "closed", figures | {"margin": 9 * YUAN}),
            PeriodRow(Period(2026, 10), "draft", figures | {"margin": -2 * YUAN}),
            PeriodRow(Period(2025, 11), "closed", figures | {"margin": 3 * YUAN})]  # fmt: skip
    return render_periods(rows, sample_month.HOSTILE, "zh")


def shown(text):
    body = re.sub(r"<style>.*?</style>|<script.*?</script>|<[^>]+>", " ", text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(body))


def test_pages_need_nothing_beside_themselves(page, periods):
    for text in (page, periods):
        assert "default-src 'none'" in text.replace("&#39;", "'")
        assert not re.search(r"https?:|//[a-z]|@import|url\(|src=|<link|onclick|style=", text)
        assert len(re.findall(r"<script>", text)) == 1, "a second script would not run by the policy"


def test_hostile_names_are_text_wherever_they_stand(page, periods):
    for text in (page, periods):
        assert "<script>alert" not in text
    held = re.search(r'<script type="application/json" id="rows">(.*?)</script>', page, re.DOTALL)[1]
    customers = [customer for agent in json.loads(held)["agents"] for customer in agent[5]]
    assert {customer[1] for customer in customers} == {sample_month.HOSTILE, "乙公司", "丙公司"}
    assert sample_month.HOSTILE in shown(periods)


def test_no_caller_is_told(page):
    assert not [caller for caller in (*sample_month.CALLERS, sample_month.LANDING) if caller and caller in shown(page)]


def test_equal_tables_give_equal_bytes(page, tables, rates):
    assert render_report(sample_month.report_inputs(dict(reversed(tables.items()))), rates) == page
    assert render_report(sample_month.report_inputs(tables, "closed"), rates) != page


@pytest.mark.parametrize("name", ["page", "periods"])
def test_both_languages_are_there_and_differ(request, name):
    text = request.getfixturevalue(name)
    pairs = re.findall(r'data-o="([^"]*)"[^>]*>([^<]*)<', text)
    assert len(pairs) > 20
    for other, own in pairs:
        assert own != other
        assert not re.search(r"[一-鿿]", other) or other == "中文", other
        assert re.search(r"[一-鿿]", own) or own == "English" or re.search(r"\d", own), own
    assert not re.search(r"\b(report|figure|doc|status)\.[a-z_]+", shown(text))


def test_a_draft_says_so_and_a_closed_period_does_not(page, tables, rates):
    assert "草稿，未关账" in shown(page)
    closed = shown(render_report(sample_month.report_inputs(tables, "closed"), rates))
    assert "草稿，未关账" not in closed
    assert "✓ 已关账" in closed


def test_links_lead_to_documents_that_are_made_and_to_none_without(page, tables, rates):
    assert not re.search(r"\.(pdf|xlsx|csv)\b", page.replace("=cmd.csv", ""))
    assert "本期尚未生成账单等文档" in shown(page)
    told = render_report(sample_month.report_inputs(tables, has_documents=True), rates)
    assert "本期尚未生成账单等文档" not in shown(told)
    earlier = {table.name: table.empty() for table in (Invoice, TaxLine, AgentBalance)}
    documents = print_documents(make_documents(tables, earlier, rates, sample_month.PERIOD, "draft"))
    made = {name for name, _ in (*documents, *print_lists(tables, sample_month.PERIOD, "draft"))}
    linked = {html.unescape(link) for link in re.findall(r'href="([^"#]+)"', told)}
    linked -= {"../index.html", "gate/000017.html"}
    rows = json.loads(re.search(r'id="rows">(.*?)</script>', told, re.DOTALL)[1])
    bills = {customer[5] for agent in rows["agents"] for customer in agent[5] if customer[5]}
    assert linked | {f"{bill}.{form}" for bill in bills for form in ("pdf", "xlsx")} == made


def test_what_changed_against_the_run_before_is_told(page, tables, rates):
    assert "本期第一次出账" in shown(page)
    figures = [{"figure": "margin", "kind": "price", "before": 7 * YUAN, "now": 5 * YUAN},
               {"figure": "records_waiting", "kind": "count", "before": None, "now": 3}]  # fmt: skip
    changes = {"against": "ab" * 32, "figures": figures, "bills": {"changed": 4, "added": 1, "gone": 2}}
    facts = sample_month.report_inputs(tables).facts | {"changes": changes}
    told = shown(render_report(sample_month.report_inputs(tables, facts=facts), rates))
    assert "与草稿 abababababab 相比：4 份账单有变，新增 1 份，取消 2 份。" in told
    assert re.search(r"毛利（不含税） 7\.00 5\.00 −2\.00", told)
    assert re.search(r"等待合并 3 3", told)


def test_a_month_that_adds_up_has_every_tick(page):
    assert "✓ 守恒：各表记录与金额相符" in shown(page)
    assert "✗" not in shown(page)
    assert _equations(page) == dict.fromkeys(
        ("records", "calls", "bills", "vat", "settlement", "journal", "margin"), True
    )


@pytest.mark.parametrize(
    ("table", "column", "broken"),
    [
        (UsageTotal, "call_count", {"records", "calls"}),
        (Charge, "amount_micro", {"bills"}),
        (InvoiceLine, "gross_micro", {"bills"}),
        (InvoiceLine, "net_micro", {"margin"}),
        (Invoice, "gross_micro", {"bills"}),
        (Invoice, "tax_micro", {"vat"}),
        (TaxLine, "tax_micro", {"vat"}),
        (SettlementLine, "call_count", {"calls"}),
        (SettlementLine, "gross_micro", {"settlement"}),
        (SettlementLine, "net_micro", {"margin"}),
        (CommissionLine, "accrued_micro", {"margin"}),
        (Posting, "debit_micro", {"journal"}),
        (Conservation, "record_count", {"records"}),
    ],
)
def test_a_table_that_differs_takes_its_ticks_away(tables, rates, table, column, broken):
    # One call or one fen more in the first row: the smallest lie there is.
    more = (pl.int_range(pl.len()) == 0).cast(pl.Int64) * (FEN if column.endswith("_micro") else 1)
    lying = tables[table.name].with_columns(pl.col(column) + more)
    text = render_report(sample_month.report_inputs({**tables, table.name: lying}), rates)
    assert "✗ 守恒：有不相符之处" in shown(text)
    assert {name for name, holds in _equations(text).items() if not holds} == broken


def _equations(text):
    """Equations by name, and whether they are said to hold."""
    told = re.findall(r'<p class="equation" data-equation="(\w+)">(.*?)</p>', text)
    assert all(("✓" in line) is not ("✗" in line) for _, line in told)
    return {name: "✓" in line for name, line in told}


def test_a_month_before_is_compared_with(tables, rates):
    told = shown(render_report(sample_month.report_inputs(tables, previous=tables), rates))
    assert told.count("＝ 0%") == 8
    assert told.count("＝ 0.00 个百分点") == 2
    assert "没有与上月的比较" not in told


@pytest.mark.parametrize(
    ("values", "alert", "totals"),
    [
        ([240_000, 20_000], "待处理话单约 0.26 元", "合计 3 2分2秒 0.26"),
        ([240_000, None], "待处理话单至少 0.24 元，另有 2 条无法估算", "合计 3 2分2秒 至少 0.24 另有 2 条无法估算"),
        ([None, None], "待处理话单金额无法估算", "合计 3 2分2秒 无法估算"),
    ],
)
def test_what_nobody_can_value_is_not_told_as_nothing(tables, rates, values, alert, totals):
    counts = {"count": [1, 2], "talk_ms": [61_000, 61_000]}
    unvalued = [0 if value is not None else count for value, count in zip(values, counts["count"], strict=True)]
    columns = {"reason": ["NUMBER_UNKNOWN", "LINE_BROKEN"], **counts, "unvalued_count": unvalued}
    held = pl.DataFrame(columns).with_columns(pl.Series("value_micro", values, pl.Int64))
    text = shown(render_report(sample_month.report_inputs(tables, held=held), rates))
    assert alert in text
    assert totals in text


def test_a_month_of_nothing_has_a_page(rates):
    empty = {
        table.name: table.empty() for table in (*DOCUMENT_TABLES, CallAdjustment, UsageTotal, SourceFile, Suspense)
    }
    records = dict.fromkeys(("read", "not_ours", "duplicate", "suspense_ingest", "suspense_rating"), 0)
    empty[Conservation.name], findings = certify(sample_month.PERIOD, records, UsageTotal.empty(), empty)
    assert not findings
    told = sample_month.report_inputs(empty, batches=[], held=sample_month.report_inputs(empty).held.head(0))
    text = shown(render_report(told, rates))
    assert "没有待处理话单" in text
    assert "没有超封顶来话" in text
    assert "! 本期没有质量门结果" in text


def test_trends_are_of_twelve_months_up_to_the_last(periods):
    text = shown(periods)
    assert "2025-11 – 2026-10" in text
    assert "2 个月，最低 −2.00，最高 3.00" in text, "September 2025 is outside"
    assert re.findall(r'data-period="([^"]+)"', periods) == ["2026-10", "2025-11", "2025-09"], "the last month first"
    assert re.findall(r'href="([^"]+)"', periods) == [f"{name}/{REPORT}" for name in ("2026-10", "2025-11", "2025-09")]


def test_resource_fees_are_told_beside_the_margin(page, tables, rates):
    assert "码号资源占用费" not in shown(page), "the sample accrues none"
    amount = pl.when(pl.col("figure") == "resource_fees").then(1250 * FEN).otherwise("amount_micro")
    certificate = tables[Conservation.name].with_columns(amount_micro=amount)
    text = shown(render_report(sample_month.report_inputs({**tables, Conservation.name: certificate}), rates))
    assert "另计提码号资源占用费 12.50 元" in text


def test_labels_of_lines_that_end_at_zero_stay_above_the_dates():
    label = Said("通话费", "Calls")
    chart = line_chart(label, label, ["10-01", "10-02"], [Line(label, [9 * YUAN, 0], look) for look in ("one", "two")])
    labels = [int(y) for y in re.findall(r'y="(\d+)"', "".join(re.findall(r'<text class="label [^>]*>', chart)))]
    dates = {int(y) for y in re.findall(r'<text class="tick mid" x="\d+" y="(\d+)"', chart)}
    # A line of text is 13 high: the lower label ends above where the dates begin, the upper one above the lower.
    assert max(labels) + 13 <= min(dates)
    assert max(labels) - min(labels) >= 13


@pytest.mark.parametrize(
    ("yuan", "zh", "en"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (-1_914, "−1,914", "−1.91K"),
        (15_830, "1.58万", "15.83K"),
        (20_000, "2万", "20K"),
        (1_930_900, "193万", "1.93M"),
        (-125_000_000, "−1.25亿", "−125M"),
        (3_500_000_000, "35亿", "3.5B"),
    ],
)
def test_amounts_that_are_read_off_a_chart(yuan, zh, en):
    said = compact(yuan * YUAN)
    assert (said.own, said.other) == (zh, en)
