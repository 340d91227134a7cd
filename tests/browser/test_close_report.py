"""The close report of the demo in a browser: what the page promises, tried by hand."""

import re

import pytest

from tests.commands.demo_books import SEED

AMOUNT = re.compile(r"[−-]?\d[\d,]*\.\d\d")
BESIDE_CHARTS = """() => {
  const main = document.querySelector("main").cloneNode(true);
  main.querySelectorAll("svg").forEach(chart => chart.remove());
  return main.textContent.match(/[−-]?\\d[\\d,]*\\.\\d\\d/g);
}"""
"""Amounts as they are written; charts count in 万 or in K."""
REVENUE, COST, COMMISSION, MARGIN = 2, 3, 4, 5


@pytest.fixture(scope="module")
def report(demos):
    assert SEED == 400, "the figures of these tests are those of this seed"
    return demos[0] / "published" / "2026-10" / "close_report.html"


def fen(text):
    """An amount as it is printed, in fen."""
    return int(text.replace("−", "-").replace(",", "").replace(".", ""))


def column(page, index):
    """The cells of a column of the margins, as they are shown."""
    return page.locator(f"#agents tbody tr td:nth-child({index + 1})").all_inner_texts()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 420])
def test_it_opens_and_fits(opened, report, theme, width):
    page = opened(report, width=width, theme=theme)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("svg[role=img]").count() == 2
    for chart in page.locator("svg[role=img]").all():
        assert chart.locator("title").text_content()
        assert chart.locator("desc").text_content()


def test_the_other_language_has_the_same_amounts(opened, report):
    page = opened(report)
    before, heading = page.inner_text("main"), page.inner_text("h1")
    amounts = page.evaluate(BESIDE_CHARTS)
    assert len(amounts) > 100
    assert (page.get_attribute("html", "lang"), heading) == ("en", "Close report 2026-10")
    page.click("#language")
    assert (page.get_attribute("html", "lang"), page.inner_text("h1")) == ("zh-CN", "2026年10月 出账报告")
    assert page.get_attribute("#filter", "placeholder") == "筛选代理商、客户、号码"
    assert page.evaluate(BESIDE_CHARTS) == amounts
    page.click("#language")
    assert page.inner_text("main") == before


def test_the_theme_is_that_of_the_system_until_it_is_switched(opened, report):
    shade = "getComputedStyle(document.body).backgroundColor"
    light, dark = opened(report), opened(report, theme="dark")
    colours = light.evaluate(shade), dark.evaluate(shade)
    assert colours[0] != colours[1]
    light.click("#theme")
    dark.click("#theme")
    assert (dark.evaluate(shade), light.evaluate(shade)) == colours
    light.click("#theme")
    assert light.evaluate(shade) == colours[0]


def test_a_heading_sorts_and_says_so(opened, report):
    page = opened(report)
    heads = page.locator("#agents th[data-by]")
    shown = [fen(text) for text in column(page, REVENUE)]
    assert shown == sorted(shown, reverse=True)
    assert len(shown) > 5
    heads.nth(MARGIN).locator("button").click()
    down = [fen(text) for text in column(page, MARGIN)]
    assert down == sorted(down, reverse=True)
    assert [heads.nth(index).get_attribute("aria-sort") for index in (REVENUE, MARGIN)] == ["none", "descending"]
    heads.nth(MARGIN).locator("button").click()
    assert [fen(text) for text in column(page, MARGIN)] == down[::-1]
    assert heads.nth(MARGIN).get_attribute("aria-sort") == "ascending"


def test_enter_opens_an_agent_and_a_customer(opened, report):
    page = opened(report)
    agents = page.locator("#agents tbody tr").count()
    agent = page.locator("#agents tbody tr").first
    customers = int(agent.locator("td").nth(1).inner_text())
    sums = [fen(text) for text in agent.locator("td").all_inner_texts()[REVENUE : MARGIN + 1]]
    agent.locator(".open").focus()
    page.keyboard.press("Enter")
    assert agent.locator(".open").get_attribute("aria-expanded") == "true"
    assert page.evaluate("document.activeElement.className") == "open"
    below = page.locator("#agents tr.of")
    assert below.count() == customers
    for index, total in zip(range(REVENUE, MARGIN + 1), sums, strict=True):
        assert sum(fen(row.locator("td").nth(index).inner_text()) for row in below.all()) == total
    below.first.locator(".open").focus()
    page.keyboard.press("Enter")
    numbers = page.locator("#agents tr.of2")
    first = [fen(text) for text in below.first.locator("td").all_inner_texts()[REVENUE : MARGIN + 1]]
    for index, total in zip(range(REVENUE, MARGIN + 1), first, strict=True):
        assert sum(fen(row.locator("td").nth(index).inner_text()) for row in numbers.all()) == total
    assert any(re.match(r"400\d{7}", text) for text in numbers.all_inner_texts())
    page.keyboard.press("Enter")
    assert numbers.count() == 0
    agent.locator(".open").click()
    assert page.locator("#agents tbody tr").count() == agents


def test_the_filter_finds_customers_and_numbers(opened, report):
    page = opened(report)
    page.locator("#agents .open").first.click()
    key = page.locator("#agents tr.of td").first.inner_text().split()[0]
    page.locator("#agents .open").first.click()
    page.fill("#filter", key.lower())
    assert page.locator("#agents tbody tr:not(.of)").count() == 1
    assert [text.split()[0] for text in page.locator("#agents tr.of td:first-child").all_inner_texts()] == [key]
    page.locator("#agents tr.of .open").click()
    number = next(text for text in page.locator("#agents tr.of2 td:first-child").all_inner_texts() if text.isdigit())
    page.fill("#filter", number)
    assert [text.split()[0] for text in page.locator("#agents tr.of td:first-child").all_inner_texts()] == [key]
    page.fill("#filter", "nobody of that name")
    assert page.inner_text("#agents tbody").strip() == "No agent, customer or number fits"
    page.fill("#filter", "")
    assert page.locator("#agents tbody tr").count() > 5


def test_negative_margins_and_leakage_are_one_click_away(opened, report):
    page = opened(report)
    told = int(re.search(r"\d+", page.inner_text(".alerts [data-of=customers]"))[0])
    page.click(".alerts [data-of=customers]")
    margins = [fen(text) for text in column(page, MARGIN) if AMOUNT.fullmatch(text)]
    assert margins == sorted(margins)
    assert sum(margin < 0 for margin in margins) == told > 0
    assert page.locator("#agents").bounding_box()["y"] < 900
    page.click(".alerts a[href='#leakage']")
    assert -1 <= page.locator("#leakage").bounding_box()["y"] < 900


def test_links_lead_to_the_gate_and_to_all_periods_and_back(opened, report):
    page = opened(report)
    page.locator("#gate details summary").click() if page.locator("#gate details:not([open])").count() else None
    page.locator("#gate li a").first.click()
    assert "Quality gate" in page.title()
    page.click("a[href='../close_report.html']")
    assert page.inner_text("h1") == "Close report 2026-10"
    page.click("nav a[href='../index.html']")
    assert page.inner_text("h1") == "All periods"
    page.click("#periods tbody a")
    assert page.inner_text("h1") == "Close report 2026-10"


def test_a_link_leads_to_the_bill(opened, report):
    page = opened(report)
    page.locator("#agents .open").first.click()
    row = page.locator("#agents tr.of").first
    key = row.locator("td").first.inner_text().split()[0]
    for form in ("PDF", "XLSX"):
        link = row.get_by_text(form, exact=True)
        assert (report.parent / link.get_attribute("href")).is_file()
        assert link.get_attribute("href") == f"invoices/{key}/bill-2026-10-{key}.{form.lower()}"
    with page.expect_download() as download:
        row.get_by_text("XLSX", exact=True).click()
    assert download.value.suggested_filename == f"bill-2026-10-{key}.xlsx"
    assert download.value.path().read_bytes()[:2] == b"PK"


def test_it_prints_to_a4(opened, report):
    page = opened(report, theme="dark")
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    sizes = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed))
    assert [(round(float(width)), round(float(height))) for width, height in sizes] == [(595, 842)]
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("#tools").is_visible()
    assert not page.locator("header nav").is_visible()
    alerts = page.locator("nav.alerts")
    assert alerts.is_visible() and alerts.locator("span.good, span.warn, span.bad").count() == 4


CONTRASTS = """() => {
  const channel = part => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const light = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const ground = element => {
    for (; element; element = element.parentElement) {
      const found = parts(getComputedStyle(element).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
  };
  const weak = [];
  for (const element of document.querySelectorAll("main *")) {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
    const style = getComputedStyle(element), isDrawn = element instanceof SVGElement;
    if (isDrawn && element.tagName !== "text" || style.visibility === "hidden") continue;
    const [one, two] = [light(parts(isDrawn ? style.fill : style.color)), light(ground(element))];
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (ratio < 4.5) weak.push(`${element.tagName} ${element.textContent.slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return weak;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_word_can_be_read(opened, report, theme):
    page = opened(report, theme=theme)
    page.locator("#agents .open").first.click()
    assert page.evaluate(CONTRASTS) == []
