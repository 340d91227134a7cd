"""Books of one contract for `price`: numbers on the plan since long ago or as agreed, a carrier that costs nothing."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from billing.charging.metered import record_prices
from billing.core.findings import Finding, Refusal
from billing.core.period import Period
from billing.rate_book.book import PriceBook, RateBook, version_on
from billing.rate_book.plans import AccountMap, RetailPlan, SettlementPlan, TaxTable
from billing.rate_book.policy import Policy
from billing.rate_book.quantity_price import price_text
from billing.rate_book.windows import Calendar
from billing.rate_book.yaml_file import parse, read_yaml
from billing.tables.catalog import (
    CATALOG_TABLES,
    AllowancePurchase,
    Carrier,
    Contract,
    Customer,
    MeteredItem,
    QuantityHeld,
    ServiceEvent,
    ServiceNumber,
    Subscription,
)
from billing.tables.schema import Table
from pipelines.books import shipped
from pipelines.price_inputs import Agreed, line_wrong

CONTRACT, CUSTOMER, CARRIER = "contract", "customer", "carrier"
LONG_AGO = dt.date(2000, 1, 1)


def read_plan(plan_file: Path) -> RetailPlan:
    """The plan of a file.

    Raises:
        Refusal: it cannot be read.
    """
    return parse(RetailPlan, read_yaml(plan_file, plan_file.name))


def name_items(plan: RetailPlan, metered: Sequence[dict[str, Any]], where: str) -> None:
    """Rows that name no item are of the plan's only one."""
    for row in metered:
        found = version_on(plan.versions, plan.plan, row["start"].date())
        items = [item.item for item in found[1].metered] if found else []
        if row["item"] is None and len(items) == 1:
            row["item"] = items[0]
        if row["item"] not in items:
            raise line_wrong(f"{where}:{row['line']}", "item", row["item"])


def records_priced_each(plan: RetailPlan, metered: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Line, item and exact price of the metered records that the plan prices each for itself.

    The free ones are the first of each number (or of all) and month, as the plan says.
    """
    counts: dict[tuple[Any, ...], int] = {}
    priced = []
    for row in sorted(metered, key=lambda row: (row["start"].date(), row["line"])):
        found = version_on(plan.versions, plan.plan, row["start"].date())
        item = next((each for each in found[1].metered if each.item == row["item"]), None) if found else None
        if item is None:
            continue
        key = row["number"] if item.scope == "number" else None, item.item, Period.of(row["start"].date())
        index = counts[key] = counts.get(key, -1) + 1
        if item.counted == "each":
            (price,) = record_prices(item, [(index, row["quantity_millionths"])])
            priced.append({"line": row["line"], "item": row["item"], "amount": price_text(price)})
    return sorted(priced, key=lambda record: int(record["line"]))


def price_book(
    plan: RetailPlan, plan_file: Path, numbers: Sequence[str], metered: Sequence[dict[str, Any]], agreed: Agreed
) -> RateBook:
    """Books in which numbers of one contract are on a plan.

    Tax table and calendars stand beside the plan file (`../tax`, `../calendars`), else the shipped ones are taken.

    Raises:
        Refusal: a file cannot be read, or names a calendar or tax code that is not there.
    """
    named = {name for version in plan.versions.values() if version for name in version.calendars}
    prices = PriceBook(
        retail={plan.plan: plan},
        settlement={CARRIER: _free_carrier(plan)},
        commission={},
        tax=parse(TaxTable, read_yaml(_beside(plan_file, "tax/vat.yaml"), "tax/vat.yaml")),
        accounts=parse(AccountMap, read_yaml(_beside(plan_file, "posting/accounts.yaml"), "posting/accounts.yaml")),
        calendars={name: _calendar(plan_file, plan.plan, name) for name in sorted(named)},
    )
    _check_tax_codes(plan, prices.tax, plan_file.name)
    return RateBook(prices, _tables(plan, numbers, metered, agreed), _policy())


def _beside(plan_file: Path, relative: str) -> Path:
    beside = plan_file.resolve().parent.parent / relative
    return beside if beside.exists() else shipped("rate_plans") / relative


def _calendar(plan_file: Path, plan: str, name: str) -> Calendar:
    path = _beside(plan_file, f"calendars/{name}.yaml")
    if not path.exists():
        raise Refusal(Finding("CALENDAR_UNKNOWN", "critical", plan_file.name, {"plan": plan, "calendar": name}))
    return parse(Calendar, read_yaml(path, path.name))


def _check_tax_codes(plan: RetailPlan, tax: TaxTable, where: str) -> None:
    versions = [version for version in plan.versions.values() if version]
    codes = {plan.tax_code, *(fee.tax_code for version in versions for fee in version.fees)}
    codes |= {metered.tax_code for version in versions for metered in version.metered}
    for code in sorted(codes - tax.codes.keys()):
        raise Refusal(Finding("TAX_CODE_UNKNOWN", "critical", where, {"plan": plan.plan, "code": code}))


def _free_carrier(plan: RetailPlan) -> SettlementPlan:
    terms = {"call": {"schedule": "60/60", "price_per_minute": "0"}, "minimum_by_grade": {"default": "0.00"}}
    fields = {name: getattr(plan, name) for name in ("description", "tax", "tax_code", "currency", "reference")}
    return SettlementPlan.model_validate({**fields, "plan": CARRIER, "versions": {LONG_AGO: terms}})


def _policy() -> Policy:
    taxpayer = [{"start": LONG_AGO, "kind": "general"}]
    return Policy.model_validate(
        {
            "first_period": "2000-01",
            "pseudonym_key": "no caller is printed",
            "company": {"name": "-", "tax_number": "-", "taxpayer": taxpayer},
            "readings": {"revenue_mode": "gross", "fapiao_at": "bill", "collects": "house"},
        }
    )


def _tables(
    plan: RetailPlan, numbers: Sequence[str], metered: Sequence[dict[str, Any]], agreed: Agreed
) -> dict[str, pl.DataFrame]:
    opened = agreed.opened or LONG_AGO
    of_contract = {
        name for v in plan.versions.values() if v for name in (a.name for a in v.allowances if a.scope == "contract")
    }
    rows: dict[type[Table], list[dict[str, Any]]] = {
        Carrier: [{"carrier_id": CARRIER, "settlement_plan": CARRIER}],
        Customer: [{"customer_id": CUSTOMER, "customer_name": CUSTOMER}],
        Contract: [
            {"contract_id": CONTRACT, "customer_id": CUSTOMER, "service_start": opened, "payment_mode": "monthly"}
        ],
        ServiceNumber: [{"service_number": number, "carrier_id": CARRIER} for number in numbers],
        Subscription: [
            {"contract_id": CONTRACT, "service_number": number, "plan_id": plan.plan} | _span(opened, agreed.closed)
            for number in numbers
        ],
        AllowancePurchase: [
            {
                "purchase_id": f"{index:06d}",
                "contract_id": CONTRACT,
                "service_number": None if name in of_contract else numbers[0],
                "allowance": name,
                "quantity": quantity,
                "valid_from": day or opened,
            }
            for index, (name, quantity, day) in enumerate(agreed.bought)
        ],
        ServiceEvent: [
            {"event_id": f"{index:06d}", "contract_id": CONTRACT, "service_number": numbers[0], "kind": kind}
            | _span(first, end)
            for index, (kind, first, end) in enumerate(agreed.event)
        ],
        QuantityHeld: _held(numbers[0], agreed, opened),
        MeteredItem: [
            {
                "metered_id": f"{row['line']:09d}",
                "contract_id": CONTRACT,
                "service_number": row["number"],
                "item": row["item"],
                "used_on": row["start"].date(),
                "quantity_millionths": row["quantity_millionths"],
            }
            for row in metered
        ],
    }
    return {table.name: _frame(table, rows.get(table, [])) for table in CATALOG_TABLES}


def _held(number: str, agreed: Agreed, opened: dt.date) -> list[dict[str, Any]]:
    """Quantities from their day on, each until the next of its item."""
    rows: list[dict[str, Any]] = []
    for item in sorted({name for name, _, _ in agreed.held}):
        steps = sorted((day or opened, quantity) for name, quantity, day in agreed.held if name == item)
        ends = [*(day for day, _ in steps[1:]), None]
        rows += [
            {"contract_id": CONTRACT, "service_number": number, "item": item, "quantity": quantity} | _span(day, end)
            for (day, quantity), end in zip(steps, ends, strict=True)
        ]
    return rows


def _span(start: dt.date, end: dt.date | None) -> dict[str, dt.date | None]:
    return {"valid_from": start, "valid_to": end}


def _frame(table: type[Table], rows: list[dict[str, Any]]) -> pl.DataFrame:
    whole = [{str(column): row.get(column) for column in table.columns} for row in rows]
    return table.of_rows(whole)
