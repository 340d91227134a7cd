"""What is wrong with a rate book as a whole: things no single file or row shows.

Plans that nobody can be billed by, prices below cost, contracts whose terms the plan does not carry.
"""

import datetime as dt
from collections.abc import Iterator

from billing.core.findings import Finding
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.rate_book.check_prices import price_findings
from billing.rate_book.check_terms import (
    Where,
    event_findings,
    fee_findings,
    purchase_findings,
    subscription_findings,
    usage_findings,
)
from billing.tables.catalog import Adjustment, Agent, Carrier, Contract, Subscription


def check_book(book: RateBook, where: Where) -> list[Finding]:
    """Findings about plans and catalog together, in a stable order.

    Args:
        book: the rate book.
        where: tells of a catalog row where it stands.
    """
    return [
        *_references(book, where),
        *subscription_findings(book, where),
        *fee_findings(book),
        *usage_findings(book, where),
        *purchase_findings(book, where),
        *event_findings(book, where),
        *_calendars(book),
        *_tax_codes(book, where),
        *price_findings(book),
    ]


def _references(book: RateBook, where: Where) -> Iterator[Finding]:
    for table, column, known in (
        (Carrier, Carrier.settlement_plan, book.prices.settlement),
        (Agent, Agent.scheme, book.prices.commission),
        (Subscription, Subscription.plan_id, book.prices.retail),
    ):
        using = book.table(table.name).sort(table.key).unique(column, keep="first", maintain_order=True).sort(column)
        for row in using.iter_rows(named=True):
            if row[column] is not None and row[column] not in known:
                values = {"plan": row[column], "table": table.name}
                yield Finding("PLAN_UNKNOWN", "critical", where(table, row), values)


def _calendars(book: RateBook) -> Iterator[Finding]:
    """A plan's calendar is there, and holds the year in which the books start."""
    for plan_id, plan in sorted(book.prices.retail.items()):
        place = f"rate_plans/retail/{plan_id}.yaml"
        for name in sorted({name for version in plan.versions.values() if version for name in version.calendars}):
            if name not in book.prices.calendars:
                yield Finding("CALENDAR_UNKNOWN", "critical", place, {"plan": plan_id, "calendar": name})
    yield from calendar_years(book, book.policy.start, book.policy.start)


def calendar_years(book: RateBook, first: Period, last: Period) -> Iterator[Finding]:
    """Years that the calendar of a plan lacks, where a version in force in these months goes by it."""
    for plan_id, plan in sorted(book.prices.retail.items()):
        lacking: set[tuple[str, int]] = set()
        starts = sorted(plan.versions)
        for start, following in zip(starts, [*starts[1:], last.end], strict=True):
            version = plan.versions[start]
            since, until = max(first.start, start), min(last.end, following)
            for name in version.calendars if version and since < until else ():
                # The last day, and where calls are split at midnight the day after it.
                through = until if version and version.straddle == "split" else until - dt.timedelta(days=1)
                held = book.prices.calendars[name].years if name in book.prices.calendars else None
                years = range(since.year, through.year + 1)
                lacking |= {(name, year) for year in years if held is not None and year not in held}
        for name, year in sorted(lacking):
            values = {"plan": plan_id, "calendar": name, "year": year}
            yield Finding("CALENDAR_YEAR_NEEDED", "critical", f"rate_plans/calendars/{name}.yaml", values)


def _tax_codes(book: RateBook, where: Where) -> Iterator[Finding]:
    plans = [("retail", plan.plan, plan.tax_code) for plan in book.prices.retail.values()]
    plans += [("settlement", plan.plan, plan.tax_code) for plan in book.prices.settlement.values()]
    for retail in book.prices.retail.values():
        versions = [version for version in retail.versions.values() if version]
        plans += [("retail", retail.plan, fee.tax_code) for version in versions for fee in version.fees]
        plans += [("retail", retail.plan, item.tax_code) for version in versions for item in version.metered]
    for kind, plan_id, code in sorted(set(plans)):
        if code not in book.prices.tax.codes:
            values = {"plan": plan_id, "code": code}
            yield Finding("TAX_CODE_UNKNOWN", "critical", f"rate_plans/{kind}/{plan_id}.yaml", values)
    code, is_billed = book.policy.late_fee.tax_code, (book.table(Contract.name)[Contract.late_fee] == "bill").any()
    if code not in book.prices.tax.codes and (is_billed or "tax_code" in book.policy.late_fee.model_fields_set):
        yield Finding("LATE_FEE_TAX_CODE_UNKNOWN", "critical", "books.toml", {"code": code})
    for row in book.table(Adjustment.name).sort(Adjustment.adjustment_id).iter_rows(named=True):
        if row[Adjustment.tax_code] not in book.prices.tax.codes:
            values = {"adjustment": row[Adjustment.adjustment_id], "code": row[Adjustment.tax_code]}
            yield Finding("ADJUSTMENT_TAX_CODE_UNKNOWN", "critical", where(Adjustment, row), values)
