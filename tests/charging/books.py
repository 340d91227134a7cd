"""Tiny books for tests: plans written as text, catalog rows written as tables, usage and calls from a few words."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import polars as pl
import yaml

from billing.core.money import micro_from_text, yuan_exact
from billing.core.period import Period
from billing.rate_book.book import PriceBook, RateBook
from billing.rate_book.plans import AccountMap, CommissionScheme, RetailPlan, SettlementPlan, TaxTable
from billing.rate_book.policy import Policy
from billing.tables.calls import UsageTotal
from billing.tables.catalog import CATALOG_TABLES
from billing.tables.documents import AllowanceMovement

OCTOBER = Period(2026, 10)
NO_MOVEMENTS = AllowanceMovement.empty()

TAX = """
codes:
  voice:
    description: {zh: 语音通话, en: Voice calls}
    classification: "3030101000000000000"
    reference: {title: test}
    general: {2018-05-01: "0.10", 2019-04-01: "0.09"}
    small_scale: {2023-01-01: "0.01", 2028-01-01: "0.03"}
  value_added:
    description: {zh: 增值电信, en: Value-added telecom}
    classification: "3030299000000000000"
    reference: {title: test}
    general: {2018-05-01: "0.06"}
    small_scale: {2023-01-01: "0.01"}
"""
ACCOUNTS = """
bill:
  receivable: {code: "1122", name: {zh: 应收账款, en: Receivable}}
  revenue: {code: "6001", name: {zh: 主营业务收入, en: Revenue}}
  output_vat: {code: "222101", name: {zh: 销项税额, en: Output VAT}}
settlement:
  cost: {code: "6401", name: {zh: 主营业务成本, en: Cost}}
  input_vat: {code: "222102", name: {zh: 进项税额, en: Input VAT}}
  payable: {code: "2202", name: {zh: 应付账款, en: Payable}}
commission:
  expense: {code: "6601", name: {zh: 销售费用, en: Commission}}
  payable: {code: "2241", name: {zh: 其他应付款, en: Commission payable}}
"""
SETTLEMENT = """
plan: carrier_plan
description: {zh: 结算, en: Settlement}
tax: included
tax_code: voice
currency: CNY
reference: {title: test}
versions:
  2024-01-01:
    call: {schedule: 60/60, price_per_minute: "0.06"}
    minimum_by_grade: {A: "30.00", default: "5.00"}
"""
STANDARD = """
scheme: standard
description: {zh: 标准, en: Standard}
reference: {title: test}
versions:
  2020-01-01:
    full_prepayment: "0.30"
    annual_payment_by_year: ["0.15", "0.10", "0.05"]
    monthly_function_fee: "0.15"
    one_year_prepay: annual
    release: collected
    change: old
    base_tax: gross
    products: [split_charge_400]
"""
MINIMUM_40 = {"per_month": "40.00", "scope": "number", "first_month": "actual", "last_month": "actual"}


def retail(
    plan: str = "plan", product: str = "split_charge_400", start: str = "2024-01-01", **terms: Any
) -> RetailPlan:
    """A plan of one version: 60/60 at 0.10 a minute and the terms given."""
    call = {"schedule": "60/60", "price_per_minute": "0.10"}
    return RetailPlan.model_validate(
        {
            "plan": plan,
            "description": {"zh": plan, "en": plan},
            "product": product,
            "tax": "included",
            "tax_code": "voice",
            "currency": "CNY",
            "reference": {"title": "test"},
            "versions": {start: {"call": call} | terms},
        }
    )


def scheme(**changed: Any) -> CommissionScheme:
    """The standard scheme with some fields changed."""
    values = yaml.load(STANDARD, yaml.BaseLoader)
    values["versions"]["2020-01-01"] |= changed
    return CommissionScheme.model_validate(values)


def policy(taxpayer: str = "general") -> Policy:
    """Books of a general taxpayer from January 2026."""
    company = {
        "name": "test",
        "tax_number": "91000000000000000X",
        "taxpayer": [{"start": "2020-01-01", "kind": taxpayer}],
    }
    readings = {"revenue_mode": "gross", "fapiao_at": "bill", "collects": "house"}
    key = "0123456789abcdef"
    return Policy.model_validate(
        {"lang": "en", "first_period": "2026-01", "pseudonym_key": key, "company": company, "readings": readings}
    )


def rate_book(
    *plans: RetailPlan, commission: CommissionScheme | None = None, taxpayer: str = "general", **tables: str
) -> RateBook:
    """Books from plans and catalog tables written as aligned text, `-` for null; what is not given has defaults."""
    shapes = {table.name: table for table in CATALOG_TABLES}
    tables = {"carrier": CARRIER, "customer": CUSTOMER, "agent": AGENT} | tables
    rows = {name: read_rows(tables.get(name, "")) for name in shapes}
    for contract in rows["contract"]:
        # A trial is one that the customer agreed to pay after, unless a test says otherwise.
        contract.setdefault("trial_confirmed_on", contract.get("trial_until"))
    prices = PriceBook(
        retail={plan.plan: plan for plan in plans},
        settlement={"carrier_plan": SettlementPlan.model_validate(yaml.load(SETTLEMENT, yaml.BaseLoader))},
        commission={"standard": commission or scheme()},
        tax=TaxTable.model_validate(yaml.load(TAX, yaml.BaseLoader)),
        accounts=AccountMap.model_validate(yaml.load(ACCOUNTS, yaml.BaseLoader)),
    )
    return RateBook(prices, {name: typed(shapes[name], rows[name]) for name in shapes}, policy(taxpayer))


CARRIER = """
carrier_id carrier_name prefixes settlement_plan
unicom     Unicom       4006     carrier_plan
"""
CUSTOMER = """
customer_id customer_name
K1          Customer-1
K2          Customer-2
"""
AGENT = """
agent_id tier parent_agent_id share_bp scheme
A1       1    -               10000    standard
"""


def read_rows(text: str) -> list[dict[str, str | None]]:
    """Rows of a table written as text: a heading line, then one row a line, `-` for null."""
    lines = [line.split() for line in text.strip().splitlines()]
    if not lines:
        return []
    return [
        {name: None if cell == "-" else cell for name, cell in zip(lines[0], line, strict=True)} for line in lines[1:]
    ]


def typed(table: Any, rows: Sequence[dict[str, str | None]]) -> pl.DataFrame:
    """Rows of text as a table: money read as yuan, days and times as such, columns left out as null."""
    columns = {
        str(column): pl.Series(str(column), [_cell(column, row.get(str(column))) for row in rows], column.dtype)
        for column in table.columns
    }
    return pl.DataFrame(columns, schema=table.schema())


def _cell(column: Any, cell: str | None) -> Any:
    if cell is None:
        return None
    if column.is_money:
        return micro_from_text(cell)
    if column.dtype == pl.Date:
        return dt.date.fromisoformat(cell)
    if column.dtype == pl.Datetime("ms"):
        return dt.datetime.fromisoformat(cell)
    return int(cell) if column.dtype == pl.Int64 else cell


def usage(text: str) -> pl.DataFrame:
    """Usage totals from a short table: day, number, contract, calls, amount and, where wished, any other column."""
    rows = []
    for row in read_rows(text):
        amount = row.get("amount") or "0"
        rows.append(
            {
                "usage_date": f"2026-10-{int(row['day'] or 1):02d}",
                "service_number": row["number"],
                "contract_id": row["contract"],
                "rate_id": row.get("rate_id", "plan@2024-01-01"),
                "settlement_rate_id": "carrier_plan@2024-01-01",
                "outcome": row.get("outcome", "answered"),
                "free_reason": row.get("free_reason"),
                "call_count": row.get("calls", "1"),
                "usage_ms": "0",
                "billed_seconds": row.get("seconds", "60"),
                "charged_seconds": row.get("seconds", "60"),
                "block_count": "1",
                "amount_micro": amount,
                "rest_parts": row.get("rest", "0"),
                "settlement_billed_seconds": row.get("seconds", "60"),
                "settlement_micro": row.get("cost", "0"),
            }
        )
    return typed(UsageTotal, rows)


def no_calls(days: Sequence[dt.date], numbers: Sequence[str]) -> pl.DataFrame:
    """For books in which no cap may cross: any question is a fault."""
    raise AssertionError(f"asked for calls of {numbers} on {days}")


def contracts(*contract_ids: str, customer: str = "K1", more: str = "") -> str:
    """Contracts of one customer, sold by agent A1, as a table."""
    rows = [f"{contract_id} {customer} A1" for contract_id in contract_ids]
    return "\n".join(["contract_id customer_id agent_id", *rows, more])


def calls(text: str, price: int = 100_000, cost: int = 60_000) -> pl.DataFrame:
    """Calls from a short table: day, number, start, seconds, and where wished contract and outcome.

    Money by begun minutes (0.10 and 0.06 a minute unless said otherwise), zero unless answered.
    """
    rows = []
    for index, row in enumerate(read_rows(text), start=1):
        start = dt.datetime.fromisoformat(f"2026-10-{int(row['day'] or 1):02d} {row['start']}")
        rows.append(call(index, row["number"] or "", start, int(row["seconds"] or 0), price, cost, row))
    return pl.DataFrame(rows, schema=CALL_SCHEMA)


CALL_SCHEMA = {
    "cdr_id": pl.Int64,
    "service_number": pl.String,
    "contract_id": pl.String,
    "rate_id": pl.String,
    "source": pl.String,
    "call_id": pl.String,
    "caller": pl.String,
    "started_at": pl.Datetime("ms"),
    "ended_at": pl.Datetime("ms"),
    "talk_ms": pl.Int64,
    "outcome": pl.String,
    "free_reason": pl.String,
    "charged_seconds": pl.Int64,
    "amount_micro": pl.Int64,
    "rest_parts": pl.Int64,
    "settlement_micro": pl.Int64,
}


def call(
    index: int, number: str, start: dt.datetime, seconds: int, price: int, cost: int, more: dict[str, str | None]
) -> dict[str, Any]:
    """One rated call."""
    outcome = more.get("outcome") or ("answered" if seconds else "no_answer")
    minutes = -(-seconds // 60) if outcome == "answered" else 0
    return {
        "cdr_id": index,
        "service_number": number,
        "contract_id": more.get("contract") or "C1",
        "rate_id": "plan@2024-01-01",
        "source": "test",
        "call_id": str(index),
        "caller": "13800000000",
        "started_at": start,
        "ended_at": start + dt.timedelta(seconds=seconds),
        "talk_ms": seconds * 1000,
        "outcome": outcome,
        "free_reason": None if minutes else "zero_seconds" if outcome == "answered" else "not_answered",
        "charged_seconds": minutes * 60,
        "amount_micro": minutes * price,
        "rest_parts": 0,
        "settlement_micro": minutes * cost,
    }


def totals(calls: pl.DataFrame, rate_id: str = "plan@2024-01-01") -> pl.DataFrame:
    """Usage totals of calls."""
    seconds = pl.col("charged_seconds")
    return (
        calls.with_columns(
            pl.col("started_at").dt.date().alias("usage_date"),
            pl.lit(rate_id).alias("rate_id"),
            pl.lit("carrier_plan@2024-01-01").alias("settlement_rate_id"),
        )
        .group_by(UsageTotal.key)
        .agg(
            pl.len().alias("call_count"),
            pl.col("talk_ms").sum().alias("usage_ms"),
            seconds.sum().alias("billed_seconds"),
            seconds.sum().alias("charged_seconds"),
            pl.len().alias("block_count"),
            pl.col("amount_micro").sum(),
            pl.col("rest_parts").sum(),
            seconds.sum().alias("settlement_billed_seconds"),
            pl.col("settlement_micro").sum(),
        )
        .sort(UsageTotal.key)
        .pipe(UsageTotal.conform)
    )


class Calls:
    """Stands for the call table: answers from a frame and remembers what it was asked."""

    def __init__(self, calls: pl.DataFrame) -> None:
        self.calls = calls
        self.asked: list[tuple[list[int], list[str]]] = []

    def __call__(self, days: Sequence[dt.date], numbers: Sequence[str]) -> pl.DataFrame:
        """Calls of the numbers on the days."""
        self.asked.append(([day.day for day in days], list(numbers)))
        return self.calls.filter(
            pl.col("started_at").dt.date().is_in(list(days)), pl.col("service_number").is_in(list(numbers))
        )


def shown(charges: pl.DataFrame, *columns: str) -> list[str]:
    """Charges in short, one a line: number, kind, amount in yuan, then the columns asked for."""
    return [
        " ".join(
            [
                row["service_number"] or "*",
                row["kind"],
                yuan_exact(row["amount_micro"]),
                *(str(row[c]) for c in columns),
            ]
        )
        for row in charges.iter_rows(named=True)
    ]


def due(charges: pl.DataFrame) -> str:
    """The sum of all charges in yuan."""
    return yuan_exact(int(charges["amount_micro"].sum()))
