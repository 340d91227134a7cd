"""A small month that adds up: three customers (one with a hostile name), four numbers, two days of calls, two parts."""

import datetime as dt
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import polars as pl

from billing.balances.stage import carry_balances
from billing.call_analysis.stage import analyse_calls
from billing.core.money import allot_net, net_of_vat, round_to_fen
from billing.core.period import Period
from billing.documents.model import Standing
from billing.documents.report.inputs import GateBatch, GateFile, GateRule, ReportInputs
from billing.documents.report.page import REPORT, render_report
from billing.documents.stage import make_documents, print_documents, print_lists
from billing.publishing.calls import PartPaths
from billing.publishing.conservation import certify
from billing.publishing.stage import publish_period
from billing.rate_book.book import RateBook, read_price_book
from billing.rate_book.policy import Policy
from billing.rate_book.rating_rows import rating_rows
from billing.rating.stage import rate_calls, total_usage
from billing.tables.calls import CallAdjustment, Cdr, RatedCall, Suspense, UsageTotal
from billing.tables.catalog import (
    CATALOG_TABLES,
    Agent,
    Carrier,
    Contract,
    Customer,
    ServiceNumber,
    Subscription,
)
from billing.tables.documents import (
    AgentBalance,
    Charge,
    CommissionLine,
    Conservation,
    Invoice,
    InvoiceLine,
    LateFee,
    Posting,
    ResourceFee,
    SettlementLine,
    SourceFile,
    TaxLine,
)
from billing.tables.parquet import scan_tables, write_table
from billing.tables.schema import Table

PERIOD = Period(2026, 10)
DAYS = (dt.date(2026, 10, 3), dt.date(2026, 10, 4))
FILE = 2**32
HOSTILE = "<script>alert('云')</script>=HYPERLINK(\"x\")"
MOBILE = "13812345678"
CALLERS = (MOBILE, "18600001234", "01087655678", "075512345678", "95588", None, "0085212345678")
LANDING = "13900007777"
PLANS = {
    "4006000001": ("HT-1", "C-1", "split_6s_010"),
    "4006000002": ("HT-1", "C-1", "split_180_60"),
    "4006000003": ("HT-2", "C-2", "split_60_6_012"),
    "4008000004": ("HT-3", "../C 3", "split_010"),
}
AGENT_OF = {"HT-1": "A-1", "HT-2": "A-2", "HT-3": None}


def table(shape: type[Table], *rows: dict[str, Any]) -> pl.DataFrame:
    """Rows of a table; columns that are not named are null."""
    return shape.of_rows([{str(column): row.get(column) for column in shape.columns} for row in rows])


def book() -> RateBook:
    catalog = {
        Carrier: [
            {"carrier_id": "unicom", "carrier_name": "联通", "prefixes": "4006", "settlement_plan": "unicom_400"},
            {"carrier_id": "telecom", "carrier_name": "=1+1", "prefixes": "4008", "settlement_plan": "telecom_400"},
        ],
        Agent: [
            {"agent_id": agent, "agent_name": name, "tier": 1, "share_bp": 10_000, "scheme": "standard"}
            for agent, name in (("A-1", "甲代理"), ("A-2", "乙代理"))
        ],
        Customer: [
            {"customer_id": "C-1", "customer_name": HOSTILE, "tax_number": "91310000MA1FL0000X"},
            {"customer_id": "C-2", "customer_name": "乙公司"},
            {"customer_id": "../C 3", "customer_name": "丙公司"},
        ],
        Contract: [
            {
                "contract_id": contract,
                "customer_id": customer,
                "agent_id": AGENT_OF[contract],
                "payment_mode": "monthly",
                "service_start": dt.date(2026, 1, 1),
                "trial_until": dt.date(2026, 10, 4) if contract == "HT-2" else None,
                "trial_confirmed_on": dt.date(2026, 10, 4) if contract == "HT-2" else None,
            }
            for contract, customer in dict.fromkeys((plan[0], plan[1]) for plan in PLANS.values())
        ],
        ServiceNumber: [
            {
                "service_number": number,
                "carrier_id": "unicom" if number.startswith("4006") else "telecom",
                "landing_number": LANDING,
            }
            for number in PLANS
        ],
        Subscription: [
            {
                "contract_id": contract,
                "service_number": number,
                "plan_id": plan,
                "valid_from": dt.date(2026, 1, 1),
            }
            for number, (contract, _, plan) in PLANS.items()
        ],
    }
    policy = Policy.model_validate(
        {
            "first_period": "2026-10",
            "pseudonym_key": "sample key of the tests",
            "company": {
                "name": "示例通信",
                "tax_number": "91110000000000000X",
                "taxpayer": [{"start": dt.date(2020, 1, 1), "kind": "general"}],
            },
            "readings": {"revenue_mode": "gross", "fapiao_at": "bill", "collects": "house"},
        }
    )
    prices = read_price_book(Path(__file__).parents[2] / "rate_plans")
    return RateBook(prices, {shape.name: table(shape, *catalog.get(shape, [])) for shape in CATALOG_TABLES}, policy)


def calls(day: dt.date, file_number: int, count: int = 60) -> pl.DataFrame:
    """Calls of a day: every outcome, durations around the block edges."""
    talks = (1, 1_000, 59_999, 60_000, 60_001, 180_000, 180_001, 241_500, 6_001, 0)
    outcomes = ("answered", "answered", "answered", "busy", "no_answer")
    rows = []
    for line in range(count):
        outcome = outcomes[line % len(outcomes)]
        talk = talks[line % len(talks)] if outcome == "answered" else 0
        start = dt.datetime.combine(day, dt.time(8)) + dt.timedelta(seconds=37 * line)
        answered = start + dt.timedelta(seconds=3) if outcome == "answered" else None
        rows.append(
            {
                "cdr_id": file_number * FILE + line + 2,
                "usage_date": day,
                "source": "unicom",
                "caller": CALLERS[line % len(CALLERS)],
                "service_number": list(PLANS)[line % len(PLANS)],
                "landing_number": LANDING,
                "started_at": start,
                "answered_at": answered,
                "ended_at": (answered or start) + dt.timedelta(milliseconds=talk),
                "talk_ms": talk,
                "outcome": outcome,
            }
        )
    return table(Cdr, *rows)


def write_parts(folder: Path, rates: RateBook, count: int = 60) -> list[PartPaths]:
    """The month's parts in a lake, each rated."""
    parts = []
    for file_number, day in enumerate(DAYS, start=17):
        received = calls(day, file_number, count)
        numbers = rates.table(ServiceNumber.name)[ServiceNumber.service_number]
        rated = rate_calls(received.lazy(), rating_rows(rates, day), numbers).rated
        part = PartPaths(
            f"{day}-{file_number}", folder / "cdr" / f"{day}.parquet", folder / "rated_call" / f"{day}.parquet"
        )
        write_table(received, Cdr, part.cdr)
        write_table(rated, RatedCall, part.rated_call)
        parts.append(part)
    return parts


def month(parts: list[PartPaths]) -> dict[str, pl.DataFrame]:
    """Every table of the period, from the rated calls on."""
    usage = total_usage(pl.scan_parquet([part.rated_call for part in parts])).collect()
    tables = {UsageTotal.name: usage, Charge.name: _charges(usage), CallAdjustment.name: CallAdjustment.empty()}
    tables |= _bills(tables[Charge.name])
    tables |= analyse_calls(PERIOD, usage, [scan_tables([part.cdr for part in parts], Cdr)], book()).tables
    tables[SettlementLine.name] = _settlement(usage)
    tables[CommissionLine.name] = _commission()
    documents = (tables[table.name] for table in (Invoice, InvoiceLine, CommissionLine))
    tables |= carry_balances(PERIOD, *documents, book()).tables
    tables[Posting.name] = _postings(tables)
    tables[Conservation.name] = _conservation(tables)
    tables[Suspense.name] = table(
        Suspense,
        {
            "cdr_id": 17 * FILE + 900,
            "usage_date": DAYS[0],
            "reason": "NUMBER_UNKNOWN",
            "raw_text": f"{MOBILE},4009999999,2026-10-03 08:00:00,６０",
            "first_seen": DAYS[0],
        },
    )
    tables[SourceFile.name] = table(
        SourceFile,
        {"file_number": 17, "file_name": "=cmd.csv", "sha256": "ab" * 32, "layout": "x@1", "record_count": 61},
    )
    return tables


def publish(folder: Path, lake: Path, *, status: Literal["draft", "closed"] = "draft") -> dict[str, Any]:
    """The whole month, published into a folder."""
    rates = book()
    parts = write_parts(lake, rates)
    tables = month(parts)
    earlier = {table.name: table.empty() for table in (Invoice, TaxLine, AgentBalance)}
    standing: Standing = "final" if status == "closed" else "draft"
    documents = make_documents(tables, earlier, rates, PERIOD, standing)
    return publish_period(
        folder,
        PERIOD,
        tables,
        parts,
        rates,
        pages={REPORT: render_report(report_inputs(tables, status, has_documents=True), rates)},
        documents=chain(print_documents(documents), print_lists(tables, PERIOD, standing)),
        engine="0.0.test",
        status=status,
        previous_manifest=None,
    )


def report_inputs(tables: dict[str, pl.DataFrame], status: str = "draft", **others: Any) -> ReportInputs:
    """What the close report of the month is made of: one file broke a rule of files, one call waits."""
    sentence = {"en": "the file follows the last one", "zh": "文件序号相连"}
    told = {
        "period": PERIOD,
        "status": status,
        "engine": "0.0.test",
        "tables": tables,
        "previous": None,
        "held": pl.DataFrame(
            {
                "reason": ["NUMBER_UNKNOWN"],
                "count": [1],
                "talk_ms": [61_000],
                "value_micro": [240_000],
                "unvalued_count": [0],
            },
        ),
        "batches": [GateBatch("gate/000017.html", [GateFile(HOSTILE, {"F004": None})])],
        "rules": [GateRule("F004", "warning", "note", sentence), GateRule("F005", "warning", "note", sentence)],
        "facts": {"draft_digest": "d" * 64, "snapshot": "5" * 16, "digests": {Charge.name: "c" * 64}},
        "previous_manifest": None,
        "has_documents": False,
    }
    return ReportInputs(**{**told, **others})


def _charges(usage: pl.DataFrame) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    sums = usage.group_by("contract_id", "service_number", "rate_id").agg(
        pl.col("call_count", "charged_seconds", "amount_micro").sum()
    )
    for row in sums.sort(pl.all()).iter_rows(named=True):
        contract, number = row["contract_id"], row["service_number"]
        key = f"{contract}/{number}/usage/{row['rate_id']}"
        base = {
            "period": str(PERIOD),
            "usage_period": str(PERIOD),
            "contract_id": contract,
            "customer_id": PLANS[number][1],
            "agent_id": AGENT_OF[contract],
            "service_number": number,
            "rate_id": row["rate_id"],
            "product": "split_charge_400",
            "tax_code": "voice",
            "vat_rate_bp": 900,
            "explanation": "{}",
        }
        exact = row["amount_micro"]
        usage_charge = {
            "charge_key": key,
            "line_key": key,
            "kind": "usage",
            "item": "usage",
            "usage_key": f"{PERIOD}|{contract}|{number}|{row['rate_id']}",
            "call_count": row["call_count"],
            "quantity": row["charged_seconds"],
            "quantity_unit": "second",
            "amount_micro": exact,
        }
        rounding = {
            "charge_key": f"{key}/rounding",
            "line_key": key,
            "kind": "rounding",
            "item": "rounding",
            "amount_micro": round_to_fen(exact) - exact,
        }
        fee = {
            "charge_key": f"{contract}/{number}/fee",
            "line_key": f"{contract}/{number}/fee",
            "kind": "recurring",
            "item": "monthly_function_fee",
            "tax_code": "value_added",
            "vat_rate_bp": 600,
            "quantity": 1,
            "quantity_unit": "month",
            "amount_micro": 50_000_000,
        }
        rows += [base | usage_charge, base | rounding, base | fee]
    return table(Charge, *rows)


def _bills(charges: pl.DataFrame) -> dict[str, pl.DataFrame]:
    merged: dict[str, dict[str, Any]] = {}
    for row in charges.iter_rows(named=True):
        line = merged.setdefault(row["line_key"], row | {"gross_micro": 0})
        line["gross_micro"] += row["amount_micro"]
    bills: dict[str, list[dict[str, Any]]] = {}
    for line in merged.values():
        bills.setdefault(line["customer_id"], []).append(line)
    invoices, lines, taxes = [], [], []
    names = dict(book().table(Customer.name).select("customer_id", "customer_name").iter_rows())
    for customer, own in bills.items():
        key = f"{customer}/{PERIOD}"
        groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for number, line in enumerate(own, start=1):
            line |= {"invoice_key": key, "line_number": number}
            groups.setdefault((line["tax_code"], line["vat_rate_bp"]), []).append(line)
        for (code, rate), members in groups.items():
            gross = sum(line["gross_micro"] for line in members)
            for line, net in zip(members, allot_net([line["gross_micro"] for line in members], rate), strict=True):
                line |= {"net_micro": net, "tax_micro": line["gross_micro"] - net}
            tax = {"gross_micro": gross, "net_micro": net_of_vat(gross, rate)}
            tax |= {"tax_micro": gross - tax["net_micro"], "classification_code": "3030101000000000000"}
            taxes.append({"invoice_key": key, "tax_code": code, "vat_rate_bp": rate} | tax)
        sums = {name: sum(line[name] for line in own) for name in ("gross_micro", "net_micro", "tax_micro")}
        head = {"customer_id": customer, "customer_name": names[customer], "due_date": dt.date(2026, 11, 15)}
        invoices.append({"invoice_key": key, "period": str(PERIOD), "line_count": len(own)} | head | sums)
        lines += own
    return {
        Invoice.name: table(Invoice, *invoices),
        InvoiceLine.name: table(InvoiceLine, *lines),
        TaxLine.name: table(TaxLine, *taxes),
    }


def _settlement(usage: pl.DataFrame) -> pl.DataFrame:
    sums = usage.group_by("service_number", "settlement_rate_id").agg(
        pl.col("call_count", "settlement_billed_seconds", "settlement_micro").sum()
    )
    rows = []
    for row in sums.sort(pl.all()).iter_rows(named=True):
        gross = round_to_fen(row["settlement_micro"])
        net = net_of_vat(gross, 900)
        rows.append(
            row
            | {
                "period": str(PERIOD),
                "usage_period": str(PERIOD),
                "carrier_id": "unicom" if row["service_number"].startswith("4006") else "telecom",
                "kind": "usage",
                "billed_seconds": row["settlement_billed_seconds"],
                "gross_micro": gross,
                "vat_rate_bp": 900,
                "net_micro": net,
                "tax_micro": gross - net,
            }
        )
    return table(SettlementLine, *rows)


def _commission() -> pl.DataFrame:
    found = book().commission("standard", PERIOD.start)
    assert found
    scheme = found[0]
    rows = [
        {
            "commission_key": f"{agent}/{contract}/monthly_function_fee/2026-09",
            "period": str(PERIOD),
            "agent_id": agent,
            "contract_id": contract,
            "customer_id": customer,
            "rule": "monthly_function_fee",
            "scheme": scheme,
            "base_micro": 50_000_000,
            "rate_bp": 1500,
            "share_bp": 10_000,
            "accrued_micro": 7_500_000,
            "released_micro": released,
            "source": f"2026-09/{contract}",
        }
        for agent, contract, customer, released in (("A-1", "HT-1", "C-1", 7_500_000), ("A-2", "HT-2", "C-2", 0))
    ]
    return table(CommissionLine, *rows)


def _postings(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    documents: list[tuple[str, str, str, list[tuple[str, int]]]] = []
    for row in tables[Invoice.name].iter_rows(named=True):
        legs = [("1122", row["gross_micro"]), ("6001", -row["net_micro"]), ("222101", -row["tax_micro"])]
        documents.append((row["invoice_key"], "bill", row["customer_id"], legs))
    settled = tables[SettlementLine.name].group_by("carrier_id").agg(pl.col("gross_micro", "net_micro").sum())
    for carrier, gross, net in settled.sort("carrier_id").iter_rows():
        legs = [("6401", net), ("222102", gross - net), ("2202", -gross)]
        documents.append((f"settlement/{carrier}", "settlement", carrier, legs))
    for agent, accrued in tables[CommissionLine.name].select("agent_id", "accrued_micro").iter_rows():
        legs = [("6601", accrued), ("2241", -accrued)]
        documents.append((f"commission/{agent}", "commission", agent, legs))
    rows = [
        {
            "document": document,
            "leg": leg,
            "period": str(PERIOD),
            "event": event,
            "account": account,
            "account_name": account,
            "debit_micro": max(amount, 0),
            "credit_micro": max(-amount, 0),
            "party_id": party,
        }
        for document, event, party, legs in documents
        for leg, (account, amount) in enumerate(legs, start=1)
    ]
    return table(Posting, *rows)


def _conservation(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    rated = int(tables[UsageTotal.name]["call_count"].sum())
    records = {"read": rated + 1, "not_ours": 0, "duplicate": 0, "suspense_ingest": 1, "suspense_rating": 0}
    empty = {shape.name: shape.empty() for shape in (CallAdjustment, LateFee, ResourceFee)}
    rows, findings = certify(PERIOD, records, tables[UsageTotal.name], empty | tables)
    assert not findings, findings
    return rows
