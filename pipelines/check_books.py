"""What `check` adds to the checks of every run: sample prices in real books, what last month really brought."""

from collections.abc import Iterator

import polars as pl

from billing.core.findings import Finding
from billing.core.money import net_of_vat, yuan_exact
from billing.core.period import Period
from billing.documents.stage import missing_characters
from billing.rate_book.book import WINDOW_MARK, RateBook
from billing.rate_book.check import calendar_years
from billing.rate_book.check_terms import sample_findings
from billing.tables.calls import UsageTotal
from billing.tables.catalog import Adjustment, Agent, Carrier, Customer
from billing.tables.schema import Table
from pipelines.books import Books
from pipelines.parts import parts_of, usage_of

_PRINTED: dict[type[Table], tuple[str, ...]] = {
    Customer: (Customer.customer_name, Customer.postal_address, Customer.branch),
    Agent: (Agent.agent_name, Agent.branch),
    Carrier: (Carrier.carrier_name,),
    Adjustment: (Adjustment.reason,),
}
"""What of the catalog documents print."""


def use_findings(books: Books, book: RateBook) -> Iterator[Finding]:
    """CALENDAR_YEAR_NEEDED (critical), PLAN_ILLUSTRATIVE, PLAN_LOST_MONEY and NAME_NOT_PRINTABLE (warnings)."""
    yield from _calendar_years(books, book)
    yield from sample_findings(book)
    periods = sorted({*books.state.runs, *books.state.closes})
    if periods:
        yield from _lost(books, book, Period.parse(periods[-1]))
    yield from unprintable_names(book)


def unprintable_names(book: RateBook) -> Iterator[Finding]:
    """NAME_NOT_PRINTABLE: names and reasons with a character that no font of documents has; printing would refuse."""
    told = [
        (f"catalog/{table.name}:{row[table.key[0]]}", row[column])
        for table, columns in _PRINTED.items()
        for row in book.table(table.name).iter_rows(named=True)
        for column in columns
        if row[column]
    ]
    for character in missing_characters(text for _, text in told):
        for where, text in told:
            if character in text:
                values = {"text": text, "character": character, "code_point": f"U+{ord(character):04X}"}
                yield Finding("NAME_NOT_PRINTABLE", "warning", where, values)


def _calendar_years(books: Books, book: RateBook) -> Iterator[Finding]:
    """Years that plans need from the first month to the last that there are records of or that is billed next."""
    start = book.policy.start
    recorded = [Period.of(part.day) for part in parts_of(books.state) if part.day]
    closed = max((Period.parse(name) for name in books.state.closes), default=start.shifted(-1))
    last = max([closed.shifted(1), *recorded])
    yield from calendar_years(book, min([start, *recorded]), last)


def _lost(books: Books, book: RateBook, period: Period) -> Iterator[Finding]:
    """Plans whose calls of the last billed month cost more than they brought, without VAT, by their real durations."""
    usage = usage_of(books, parts_of(books.state, str(period)))
    last_day = tuple(period.days())[-1]
    sums = usage.group_by(
        pl.col(UsageTotal.rate_id).str.split(WINDOW_MARK).list.first().str.split("@").list.first().alias("plan"),
        pl.col(UsageTotal.settlement_rate_id).str.split("@").list.first().alias("settlement"),
    ).agg(pl.col(UsageTotal.amount_micro, UsageTotal.settlement_micro, UsageTotal.call_count).sum())
    for plan_id, settlement, brought, cost, calls in sums.sort("plan", "settlement").iter_rows():
        plan, carrier = book.prices.retail.get(plan_id), book.prices.settlement.get(settlement)
        if plan is None or carrier is None or not brought:
            continue
        rates = (book.vat_rate_bp(code, last_day) for code in (plan.tax_code, carrier.tax_code))
        net, net_cost = (net_of_vat(micro, rate) for micro, rate in zip((brought, cost), rates, strict=True))
        if net < net_cost:
            values = {
                "plan": plan_id,
                "period": period,
                "calls": calls,
                "brought": yuan_exact(net),
                "cost": yuan_exact(net_cost),
            }
            yield Finding("PLAN_LOST_MONEY", "warning", f"rate_plans/retail/{plan_id}.yaml", values)
