"""One PDF of many bills, by branch and agent, with a cover list of where each stands."""

from collections.abc import Sequence

from billing.documents.delivery.cover import PrintedBill, cover, names_of_agents, printed_bills, titles
from billing.documents.delivery.packs import Pack
from billing.documents.delivery.pdf_files import Section, joined, page_count
from billing.tables.documents import Invoice
from pipelines.closed_month import ClosedMonth

_TRIES = 5


def print_bills(month: ClosedMonth, bills: Sequence[tuple[Pack, bytes]]) -> bytes:
    """The bills of some customers in one PDF.

    Args:
        month: the closed period.
        bills: the pack and the PDF of each bill.
    """
    words = month.words
    contents = {pack.recipient_id: content for pack, content in bills}
    pages = {customer: page_count(content) for customer, content in contents.items()}
    ordered = printed_bills([pack for pack, _ in bills], _numbers(month), month.book, pages)
    assert len(ordered) == len(bills), "every bill that is handed over is printed"
    agents = names_of_agents(month.book)
    sections = [Section((words("cover.title"),), _cover(month, ordered))]
    sections += [Section(titles(bill, agents, words), contents[bill.customer_id]) for bill in ordered]
    return joined(sections, f"{words('cover.title')} {month.period}", words.lang)


def _numbers(month: ClosedMonth) -> dict[str, str]:
    """Numbers of bills by customer."""
    rows = month.tables[Invoice.name].select(Invoice.customer_id, Invoice.invoice_number).drop_nulls()
    return dict(rows.iter_rows())


def _cover(month: ClosedMonth, bills: list[PrintedBill]) -> bytes:
    """The cover list tells on which page a bill stands, and so how many pages it has itself."""
    # Imported here: who prints nothing does not pay for typst.
    from billing.documents.pdf.printer import print_pdf

    own_pages = 1
    for _ in range(_TRIES):
        content = print_pdf(cover(bills, month.book, month.period, month.words, own_pages))
        found = page_count(content)
        if found == own_pages:
            return content
        own_pages = found
    raise AssertionError("the cover list does not settle on a number of pages")
