"""One PDF of many bills, by branch and agent, with a cover list of where each stands."""

from collections.abc import Mapping

from billing.documents.delivery.cover import PrintedBill, cover, names_of_agents, printed_bills, titles
from billing.documents.delivery.pdf_files import Section, joined, page_count
from billing.tables.documents import Invoice
from pipelines.closed_month import ClosedMonth

_TRIES = 5


def print_bills(month: ClosedMonth, bills: Mapping[str, bytes]) -> bytes:
    """The bills of some customers in one PDF.

    Args:
        month: the closed period.
        bills: the PDF of each bill, by customer.
    """
    words = month.words
    pages = {customer: page_count(content) for customer, content in bills.items()}
    ordered = printed_bills(month.tables[Invoice.name], month.book, pages)
    agents = names_of_agents(month.book)
    sections = [Section((words("cover.title"),), _cover(month, ordered))]
    sections += [Section(titles(bill, agents, words), bills[bill.customer_id]) for bill in ordered]
    return joined(sections, f"{words('cover.title')} {month.period}", words.lang)


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
