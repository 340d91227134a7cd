"""A book in which three accounts of ten have an allowance, a price by volume or a cap, and those of the busiest bind.

The calls are those of the plain book; only the plans differ, so the two can be compared.
"""

from pathlib import Path

from billing.catalog.reading import read_catalog
from billing.core.money import MICRO_PER_YUAN, yuan_exact
from billing.sample_company.numbers import busy_ranks
from billing.tables.catalog import Subscription

PLAN = """\
plan: {plan}
description: {{zh: 基准, en: Bench}}
product: split_charge_400
tax: included
tax_code: voice
currency: CNY
illustrative: true
reference: {{title: Benchmark}}
versions:
  2022-01-01:
    call: {{schedule: 60/60, price_per_minute: "0.1000"}}
    minimum: {{per_month: "50.00", scope: number, first_month: actual, last_month: actual}}
{terms}
"""
BUSIEST = 40
"""A tenth of the numbers; they hold three fifths of the calls."""
CALLS_A_THRESHOLD = 400
"""A threshold is one minute for each of so many calls of the month: nearly every busiest number passes it."""


def mix(books: Path, calls: int) -> int:
    """Put three numbers of ten on plans with rules of the month; the busiest tenth all.

    Returns:
        How many numbers have such a plan.
    """
    threshold = max(10, calls // CALLS_A_THRESHOLD)
    cap = yuan_exact(threshold * MICRO_PER_YUAN // 10)
    terms = {
        "mixed_pool": f'    allowances: [{{name: pool, of: minute, quantity: "{threshold}", every: month,'
        " scope: number, last_call: split, unused: lapse, first_month: full}]",
        "mixed_tier": "    volume: {of: minute, scope: number, graduated:"
        f' [{{above: "0", price: "0.1000"}}, {{above: "{threshold}", price: "0.0800"}}]}}',
        "mixed_cap": f'    cap_amount: {{amount: "{cap}", fee_base: usage, scope: number}}',
    }
    for plan, text in terms.items():
        path = books / "rate_plans" / "retail" / f"{plan}.yaml"
        path.write_text(PLAN.format(plan=plan, terms=text), "utf-8")
    subscriptions = read_catalog(books / "catalog").subscriptions
    ranks = busy_ranks(set(subscriptions[Subscription.service_number]))
    names = list(terms)
    lines = ["contract_id,service_number,plan_id,valid_from,valid_to,monthly_minimum,cap_amount,cap_count"]
    mixed = set()
    for row in subscriptions.iter_rows(named=True):
        rank = ranks[row[Subscription.service_number]]
        is_mixed = rank < BUSIEST or rank % 9 in (0, 1)
        if is_mixed:
            mixed.add(row[Subscription.service_number])
        plan = names[rank % len(names)] if is_mixed else row[Subscription.plan_id]
        minimum = row[Subscription.monthly_minimum_micro]
        agreed = "" if minimum is None else yuan_exact(minimum)
        cap_amount = None if is_mixed else row[Subscription.cap_amount_micro]
        cap_count = None if is_mixed else row[Subscription.cap_count]
        cells = (
            row[Subscription.contract_id], row[Subscription.service_number], plan, row[Subscription.valid_from],
            row[Subscription.valid_to] or "", agreed, "" if cap_amount is None else yuan_exact(cap_amount),
            "" if cap_count is None else cap_count,
        )  # fmt: skip
        lines.append(",".join(str(cell) for cell in cells))
    (books / "catalog" / "subscriptions.xlsx").unlink()
    (books / "catalog" / "subscriptions.csv").write_text("\n".join([*lines, ""]), "utf-8")
    return len(mixed)
