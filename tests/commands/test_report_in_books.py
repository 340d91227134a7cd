"""The close report and the page over all periods in whole books: what they rest on, and that they come back."""

import dataclasses
import html
import json
import re

import pytest

from pipelines.periods_page import periods_page
from tests.commands.corner_shop import NUMBERS, PERIOD, bill400, one_call, write_calls
from tests.commands.same_books import books_of

REPORT = f"published/{PERIOD}/close_report.html"
INDEX = "published/index.html"


def changes(books):
    return books_of(books).commits[-1].facts["changes"]


def late_call(tmp_path, talk_seconds=61):
    return write_calls(tmp_path / "late.csv", [one_call("L-1", NUMBERS[0], "2026-10-02 09:00:00", talk_seconds)])


def test_a_first_run_changes_nothing_and_a_second_tells_what_it_changed(drafted, tmp_path):
    assert changes(drafted) is None
    before = books_of(drafted).state.runs[PERIOD].facts["draft_digest"]
    bill400("ingest", drafted, late_call(tmp_path))
    bill400("run", drafted, PERIOD)
    told = changes(drafted)
    assert told["against"] == before
    assert told["bills"] == {"changed": 1, "added": 0, "gone": 0}, "its lines move, though the minimum holds its total"
    moved = {change["figure"]: change for change in told["figures"]}
    read, charged = moved["records_read"], moved["calls_charged"]
    assert (read["kind"], read["now"] - read["before"]) == ("count", 1)
    assert charged["now"] - charged["before"] == 1
    # 61 s are two minutes begun at 0.10 yuan; less is lacking to the minimum, so the charges stay.
    assert moved["calls_rated"]["now"] - moved["calls_rated"]["before"] == 200_000
    assert not {"charges", "revenue_net", "commission_accrued"} & moved.keys()
    assert before[:12] in (drafted / REPORT).read_text("utf-8")


def test_a_close_keeps_what_its_draft_told(drafted, tmp_path):
    bill400("ingest", drafted, late_call(tmp_path))
    bill400("run", drafted, PERIOD)
    told = changes(drafted)
    bill400("close", drafted, PERIOD, "--by", "reviewer")
    assert changes(drafted) == told
    assert told["against"][:12] in (drafted / REPORT).read_text("utf-8")


def test_pages_that_are_lost_or_altered_come_back(drafted, tmp_path):
    bill400("ingest", drafted, late_call(tmp_path))
    bill400("run", drafted, PERIOD)
    report, index = ((drafted / name).read_bytes() for name in (REPORT, INDEX))
    (drafted / "published" / PERIOD / "manifest.json").unlink()
    (drafted / REPORT).unlink()
    (drafted / INDEX).write_text("altered")
    bill400("run", drafted, PERIOD)
    assert [(drafted / name).read_bytes() for name in (REPORT, INDEX)] == [report, index]
    (drafted / INDEX).unlink()
    bill400("run", drafted, PERIOD)
    assert (drafted / INDEX).read_bytes() == index
    assert bill400("verify", drafted).code == 0


def test_the_page_over_all_periods_is_part_of_none(closed):
    listed = json.loads((closed / "published" / PERIOD / "manifest.json").read_text())["files"]
    assert "close_report.html" in listed
    assert not [name for name in listed if "index.html" in name]
    bill400("run", closed, "2026-11")
    text = (closed / INDEX).read_text("utf-8")
    assert re.findall(r'data-period="([^"]+)"', text) == ["2026-11", PERIOD]
    assert re.findall(r"[✓!] <span[^>]*>(\w+)", text) == ["draft", "closed"]
    assert bill400("verify", closed).code == 0


def test_a_month_of_an_older_version_is_linked_by_the_page_it_has(closed):
    bill400("run", closed, "2026-11")
    books = books_of(closed)
    of_today = books.state.closes[PERIOD]
    facts = {name: fact for name, fact in of_today.facts.items() if name != "changes"}
    books.state.closes[PERIOD] = dataclasses.replace(of_today, facts=facts)
    links = re.findall(r'<a href="([^"]+)"', periods_page(books))
    assert links == ["2026-11/close_report.html", f"{PERIOD}/index.html"]


def test_the_next_month_is_compared_with_the_closed_one(closed):
    bill400("run", closed, "2026-11")
    text = (closed / "published" / "2026-11" / "close_report.html").read_text("utf-8")
    october = re.search(r'data-figure="margin">.*?<b>([^<]*)</b>', (closed / REPORT).read_text("utf-8"), re.DOTALL)[1]
    cards = re.search(r'data-figure="margin">.*?</div>', text, re.DOTALL)[0]
    assert f"Last month {october}" in cards


@pytest.mark.parametrize("with_documents", [True, False])
def test_documents_are_linked_where_they_were_made(drafted, with_documents):
    if with_documents:
        bill400("run", drafted, PERIOD, "--documents")
    text = (drafted / REPORT).read_text("utf-8")
    assert ('href="settlement/' in text) is with_documents
    for link in re.findall(r'href="([^"#]+)"', text):
        assert (drafted / "published" / PERIOD / link).resolve().is_file(), link


def test_every_document_of_a_closed_month_is_linked_and_no_link_is_dead(stocked):
    """Beside bills: C5 paid ahead and bought nothing yet, and C3 is given back more than its calls cost."""
    more = {
        "customers": "C5,Chemist,,East",
        "contracts": "HT5,C5,,East,2026-10-20,2026-11-01,2027-11-01,monthly,1,,",
        "receipts": "R5,HT5,2026-10-21,50.00,contract_year,",
        "adjustments": "T2,HT3,4001000003,2026-10,-300.00,voice,Fault of the year",
    }
    for name, line in more.items():
        with (stocked / "catalog" / f"{name}.csv").open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
    bill400("ingest", stocked, stocked / "inbox")
    bill400("run", stocked, PERIOD)
    bill400("close", stocked, PERIOD, "--by", "reviewer")
    folder = stocked / "published" / PERIOD
    made = {
        path.relative_to(folder).as_posix()
        for kind in ("invoices", "statements", "settlement")
        for path in (folder / kind).rglob("*")
        if path.is_file()
    }
    text = (folder / "close_report.html").read_text("utf-8")
    rows = json.loads(re.search(r'id="rows">(.*?)</script>', text, re.DOTALL)[1])
    bills = {customer[5] for agent in rows["agents"] for customer in agent[5] if customer[5]}
    links = {html.unescape(link) for link in re.findall(r'href="([^"#]+)"', text)}
    links |= {f"{bill}.{form}" for bill in bills for form in ("pdf", "xlsx")}
    assert not [link for link in links if not (folder / link).resolve().is_file()]
    assert made - links == set()
    others = re.findall(r"<li><span[^>]*>([^<]*)</span> (\w+) ", text[text.index('id="others"') :])
    assert others == [("Statement of account", "C5"), ("Credit note", "C3")]
