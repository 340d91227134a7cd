"""How what is paid out comes about: step by step, by the rates of the scheme, and beside the months before."""

from collections.abc import Sequence

from billing.documents.model import Bars, Column, Grid, Ladder, Step
from billing.documents.printed import printed
from billing.documents.rows import Row, total
from billing.documents.statements.agent_month import AgentMonth
from billing.documents.words import Words
from billing.rate_book.book import RateBook
from billing.tables.catalog import Agent
from billing.tables.documents import AgentBalance, CommissionLine

_MONTHS_SHOWN = 12
Tier = tuple[str, int | None, int]
"""Rule, contract year, rate."""


def ladder(month: AgentMonth, words: Words) -> Ladder:
    """From the money that commission rests on to what is paid out; every result is the sum of what stands above it."""
    own = [line for line in month.own if not is_taken_back(line)]
    below = [line for line in month.below if not is_taken_back(line)]
    arose = [*own, *below]
    balance, taken_back = month.balance, month.balance[AgentBalance.taken_back_micro]
    later = sum(max(line[CommissionLine.accrued_micro] - line[CommissionLine.released_micro], 0) for line in arose)
    before = sum(max(line[CommissionLine.released_micro] - line[CommissionLine.accrued_micro], 0) for line in arose)
    steps = [Step(words("statement.base"), total(own, CommissionLine.base_micro), "", words("statement.base_told"))]
    for tier, lines in _by_tier(own).items():
        steps.append(Step(_tier_name(tier, words), total(lines, CommissionLine.accrued_micro), "+"))
    if below:
        steps.append(Step(words("statement.from_below"), total(below, CommissionLine.accrued_micro), "+"))
    steps += [
        Step(words("statement.arose"), total(arose, CommissionLine.accrued_micro), "="),
        *_unless_zero(Step(words("statement.not_yet"), -later, "-", words("statement.not_yet_told"))),
        *_unless_zero(Step(words("statement.from_before"), before, "+")),
        Step(words("statement.earned"), balance[AgentBalance.earned_micro], "="),
        *_unless_zero(Step(words("statement.taken_back"), taken_back, "-", words("statement.back_told"))),
        *_unless_zero(Step(words("statement.carried_in"), balance[AgentBalance.carried_in_micro], "-")),
        Step(words("statement.payable"), balance[AgentBalance.payable_micro], "="),
    ]
    if balance[AgentBalance.carried_out_micro]:
        told = words("doc.carried_forward")
        steps.append(Step(words("statement.carried_out"), balance[AgentBalance.carried_out_micro], "", told))
    return Ladder(words("statement.ladder"), steps)


def _unless_zero(step: Step) -> list[Step]:
    return [step] if step.value else []


def is_taken_back(line: Row) -> bool:
    """Whether a line takes back what was earned before."""
    return bool(line[CommissionLine.accrued_micro] < 0 or line[CommissionLine.released_micro] < 0)


def _by_tier(lines: Sequence[Row]) -> dict[Tier, list[Row]]:
    tiers: dict[Tier, list[Row]] = {}
    for line in sorted(lines, key=lambda line: (line[CommissionLine.rule], line[CommissionLine.contract_year] or 0)):
        year = line[CommissionLine.contract_year] if line[CommissionLine.rule] == "annual_payment" else None
        tiers.setdefault((line[CommissionLine.rule], year, line[CommissionLine.rate_bp]), []).append(line)
    return tiers


def _tier_name(tier: Tier, words: Words) -> str:
    rule, year, rate_bp = tier
    name = words(f"doc.rule.{rule}")
    if year is not None:
        name = words("statement.rule_year", rule=name, year=year)
    return f"{name} {printed(rate_bp, 'percent', words.lang)}"


def tiers(month: AgentMonth, book: RateBook, words: Words) -> Grid:
    """The scheme's rates, and how much of the month fell under each."""
    found = book.commission(month.agent[Agent.scheme] or "", month.period.start)
    hit = {tier: lines for tier, lines in _by_tier(month.own).items() if any(not is_taken_back(line) for line in lines)}
    shown: list[Tier] = list(hit)
    if found:
        version = found[1]
        in_scheme: list[Tier] = [("full_prepayment", None, version.full_prepayment)]
        in_scheme += [("annual_payment", year, rate) for year, rate in enumerate(version.annual_payment_by_year, 1)]
        in_scheme.append(("monthly_function_fee", None, version.monthly_function_fee))
        shown += [tier for tier in in_scheme if tier not in hit]
    rows = [
        (
            _tier_name(tier, words),
            words("statement.hit") if tier in hit else "",
            len(hit.get(tier, [])),
            total(hit.get(tier, []), CommissionLine.base_micro),
            total(hit.get(tier, []), CommissionLine.accrued_micro),
        )
        for tier in sorted(shown, key=lambda tier: (-tier[2], tier[0], tier[1] or 0))
    ]
    columns = (
        Column(words("doc.rule"), share=4),
        Column(words("statement.this_month"), share=1),
        Column(words("statement.count"), "count"),
        Column(words("doc.base"), "money"),
        Column(words("doc.accrued"), "money"),
    )
    return Grid(words("statement.tiers"), columns, rows)


def months(month: AgentMonth, words: Words) -> Bars:
    """What was payable in each of the last twelve months; nothing for months that are not in the books."""
    payable = dict(month.payable_by_period) | {str(month.period): month.balance[AgentBalance.payable_micro]}
    periods = [str(month.period.shifted(back)) for back in range(1 - _MONTHS_SHOWN, 1)]
    bars = [(period[2:], payable.get(period)) for period in periods]
    told = words("statement.months_told", count=len([period for period in periods if period in payable]))
    return Bars(words("statement.months"), told, bars, "money", str(month.period)[2:])
