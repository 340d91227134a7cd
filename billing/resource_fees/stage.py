"""Number resource fees of a month: a cost of the licence holder, never a line on a customer's bill.

Domain rule 10.36: a twelfth of the yearly fee accrues each month; an incomplete month is free, or counts whole, as the
table says; the previous quarter is due by the 10th of a quarter's first month. No VAT.
"""

import datetime as dt
from fractions import Fraction
from typing import Any

from billing.core.findings import Finding, Outcome
from billing.core.money import fen_of
from billing.core.period import Period
from billing.rate_book.book import RateBook
from billing.rate_book.resource_fees import ResourceFees
from billing.tables.catalog import NumberResource
from billing.tables.documents import ResourceFee

RESOURCE_FEES_MISSING = "RESOURCE_FEES_MISSING"
MONTHS_A_QUARTER, MONTHS_A_YEAR, DUE_DAY = 3, 12, 10


def accrue_resource_fees(period: Period, book: RateBook) -> Outcome:
    """What every number resource costs in a month, and what is due in it for the quarter before.

    Returns:
        Table `resource_fee` in key order. Findings: RESOURCE_FEES_MISSING (critical) where the catalog holds number
        resources but the price book has no table of fees.
    """
    held = book.table(NumberResource.name).sort(NumberResource.resource, NumberResource.occupied_from)
    fees = book.prices.resource_fees
    if held.is_empty():
        return Outcome({ResourceFee.name: ResourceFee.empty()})
    if fees is None:
        values = {"file": "rate_plans/resources/number_fees.yaml"}
        missing = Finding(RESOURCE_FEES_MISSING, "critical", "", values)
        return Outcome({ResourceFee.name: ResourceFee.empty()}, [missing])
    rows = []
    is_due = period.month % MONTHS_A_QUARTER == 1
    quarter = [period.shifted(-offset) for offset in range(MONTHS_A_QUARTER, 0, -1)] if is_due else []
    for row in held.iter_rows(named=True):
        accrued = _of_month(fees, row, period)
        due = sum(_of_month(fees, row, month) for month in quarter)
        if accrued or due:
            resource_class = fees.class_of(row[NumberResource.resource])
            assert resource_class is not None, "only numbers of a class owe"
            rows.append(
                {
                    ResourceFee.period: str(period),
                    ResourceFee.resource: row[NumberResource.resource],
                    ResourceFee.occupied_from: row[NumberResource.occupied_from],
                    ResourceFee.fee_class: resource_class.name,
                    ResourceFee.accrued_micro: accrued,
                    ResourceFee.due_on: period.start.replace(day=DUE_DAY) if due else None,
                    ResourceFee.due_micro: due,
                }
            )
    return Outcome({ResourceFee.name: ResourceFee.of_rows(rows).sort(ResourceFee.key)})


def _of_month(fees: ResourceFees, row: dict[str, Any], period: Period) -> int:
    """A twelfth of the year, or nothing."""
    resource_class = fees.class_of(row[NumberResource.resource])
    if resource_class is None:
        return 0
    start: dt.date = row[NumberResource.occupied_from]
    days = period.days_active(start, row[NumberResource.occupied_to])
    if not days or (days < period.day_count and fees.first_month == "free"):
        return 0
    return fen_of(Fraction(resource_class.per_year_on(max(period.start, start)), MONTHS_A_YEAR))
