"""The catalog of the sample company, written as finance would keep it: CSV and XLSX, mostly under Chinese headers."""

from pathlib import Path
from typing import Any

from billing.core.money import BASIS_POINTS
from billing.core.period import Period
from billing.sample_company.catalog_files import write_csv, write_xlsx
from billing.sample_company.contracts import draft_contracts, hand_out_numbers, subscription_rows
from billing.sample_company.draws import Draws
from billing.sample_company.money_in import adjustment_rows, receipt_rows
from billing.sample_company.names import company_names, name_parts
from billing.sample_company.numbers import CARRIERS, sample_numbers
from billing.tables.catalog import (
    Adjustment,
    Agent,
    Carrier,
    Contract,
    Customer,
    Receipt,
    ServiceNumber,
    Subscription,
)

CUSTOMER_COUNT = 300
TIER_1_COUNT = 4
TIER_2_COUNT = 8
TIER_2_SHARES = (5000, 6000, 7000)
"""Basis points of the commission that tier-2 agents of the sample keep."""
WAYS_OF_CUSTOMERS = 25
"""Of so many customers in a row one has no e-mail address and one has two."""


def write_sample_catalog(folder: Path, *, seed: int, period: Period) -> dict[str, int]:
    """Write the eight catalog files of the sample company.

    Args:
        folder: made when missing; files of the same names are replaced.
        seed: another seed gives another company; the same seed gives the same bytes.
        period: the month that will be billed; openings, closings and hand-overs fall into it.

    Returns:
        Rows written, by file.
    """
    draws = Draws(seed, stream=1)
    carriers = _carriers()
    agents = _agents(draws)
    customers = _customers(draws)
    numbers = sample_numbers(draws)
    drafts = draft_contracts(draws, period, customers, agents)
    hand_out_numbers(draws, drafts, numbers)
    contracts = [draft.row for draft in drafts]
    subscriptions = [row for draft in drafts for row in subscription_rows(draws, period, draft)]
    receipts = receipt_rows(draws, period, drafts)
    adjustments = adjustment_rows(draws, period, subscriptions)
    number_rows = [_number_row(draws, number.service_number, number.grade) for number in numbers]
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder, Carrier, carriers, lang="zh", encoding="utf-8-sig")
    write_csv(folder, Agent, agents, lang="en", encoding="utf-8")
    write_xlsx(folder, Customer, customers, lang="zh")
    write_xlsx(folder, Contract, contracts, lang="zh")
    write_csv(folder, ServiceNumber, number_rows, lang="zh", encoding="gb18030")
    write_xlsx(folder, Subscription, subscriptions, lang="zh")
    write_csv(folder, Receipt, receipts, lang="zh", encoding="gb18030")
    write_csv(folder, Adjustment, adjustments, lang="zh", encoding="utf-8")
    counts = (carriers, agents, customers, contracts, number_rows, subscriptions, receipts, adjustments)
    names = ("carriers", "agents", "customers", "contracts", "numbers", "subscriptions", "receipts", "adjustments")
    return {name: len(rows) for name, rows in zip(names, counts, strict=True)}


def _carriers() -> list[dict[str, Any]]:
    return [
        {
            Carrier.carrier_id: carrier_id,
            Carrier.carrier_name: name,
            Carrier.prefixes: ";".join(prefixes),
            Carrier.settlement_plan: plan,
            Carrier.email: f"{carrier_id.lower()}.settlement@example.cn",
        }
        for carrier_id, name, prefixes, plan in CARRIERS
    ]


def _agents(draws: Draws) -> list[dict[str, Any]]:
    """Four tier-1 agents, and eight tier-2 agents, two below each."""
    names = company_names(draws, TIER_1_COUNT + TIER_2_COUNT, name_parts()["agent_trades"])
    rows: list[dict[str, Any]] = []
    for index, (name, (city, _, branch)) in enumerate(names):
        parent = rows[(index - TIER_1_COUNT) % TIER_1_COUNT] if index >= TIER_1_COUNT else None
        rows.append(
            {
                Agent.agent_id: f"A{index + 1:02d}",
                Agent.agent_name: name,
                Agent.branch: parent[Agent.branch] if parent else branch,
                Agent.tier: 2 if parent else 1,
                Agent.parent_agent_id: parent[Agent.agent_id] if parent else None,
                Agent.share_bp: draws.pick(TIER_2_SHARES) if parent else BASIS_POINTS,
                Agent.scheme: "standard",
                Agent.contract_number: f"DL-2025-{index + 1:03d}",
                # 99 is no bank's prefix, so the account belongs to nobody.
                Agent.payee_account: f"示例银行{city}分行 99990000{(index + 1) * 12_347:08d}",
                Agent.email: f"a{index + 1:02d}@example.cn",
            }
        )
    return rows


def _customers(draws: Draws) -> list[dict[str, Any]]:
    names = company_names(draws, CUSTOMER_COUNT, name_parts()["trades"])
    return [
        {
            Customer.customer_id: f"C{index:04d}",
            Customer.customer_name: name,
            # 910000 is no registration office, so the number belongs to nobody.
            Customer.tax_number: f"91000000{draws.below(10**9):09d}X",
            Customer.branch: branch,
            Customer.postal_address: f"{city}市示例路{index}号",
            Customer.email: _customer_email(index),
        }
        for index, (name, (city, _, branch)) in enumerate(names, start=1)
    ]


def _customer_email(index: int) -> str | None:
    """Mostly one address; some customers name two, some none. No draw: what was drawn before stays as it is."""
    address = f"c{index:04d}@example.cn"
    match index % WAYS_OF_CUSTOMERS:
        case 0:
            return None
        case 1:
            return f"{address};c{index:04d}.finance@example.cn"
    return address


def _number_row(draws: Draws, service_number: str, grade: str) -> dict[str, Any]:
    """A number whose carrier is left to its prefix, forwarded to a landline or a mobile."""
    _, area_code, _ = draws.pick(name_parts()["cities"])
    landing = f"{area_code}5555{draws.below(10**4):04d}" if draws.below(3) else f"1390000{draws.below(10**4):04d}"
    return {
        ServiceNumber.service_number: service_number,
        ServiceNumber.carrier_id: None,
        ServiceNumber.grade: grade,
        ServiceNumber.landing_number: landing,
    }
