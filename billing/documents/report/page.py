"""The close report: everything of a period on one page that needs nothing beside itself.

Scripts run only by the hash that the page's own policy names; names of customers are text wherever they stand.
"""

import base64
import functools
import hashlib
from collections.abc import Collection, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from billing.core.money import MICRO_PER_FEN, MICRO_PER_YUAN
from billing.documents.model import Standing
from billing.documents.places import place
from billing.documents.report import svg
from billing.documents.report.equations import equations
from billing.documents.report.figures import Worth, amounts_of, days_of, key_figures, over_caps, share_bp, worth_of
from billing.documents.report.gate import gate_told
from billing.documents.report.inputs import ReportInputs
from billing.documents.report.levels import carrier_levels
from billing.documents.report.margins import Margin, customers_of, margins
from billing.documents.report.others import other_documents
from billing.documents.report.waterfall import FallStep, waterfall
from billing.documents.report.words import Said, Words
from billing.rate_book.book import RateBook
from billing.tables.catalog import Agent
from billing.tables.documents import AgentBalance, Invoice

REPORT = "close_report.html"
_TOP = 10
_SPOKEN_BY_SCRIPT = ("more", "none_found", "of_contract", "nobody")


def render_report(told: ReportInputs, book: RateBook) -> str:
    """The page `close_report.html` of a period.

    Args:
        told: tables and facts of the period.
        book: names, the company, the language.

    Returns:
        HTML; equal tables and facts are equal bytes.
    """
    words = Words(book.policy.lang)
    agents = margins(told.tables, book, told.period)
    customers = [customer for customer in customers_of(agents) if customer.key]
    steps, worth = waterfall(told.tables), worth_of(told.held)
    return page(
        "report",
        words,
        told=told,
        company=book.policy.company,
        figures=key_figures(told.tables, told.previous),
        daily=_daily(told, words),
        fall=_fall(steps, words),
        steps=steps,
        resource_fees=amounts_of(told.tables).get("resource_fees", 0),
        agents=agents,
        top=agents[:_TOP],
        equations=list(equations(told.tables)),
        gate=gate_told(told),
        carriers=carrier_levels(told.tables, book),
        over_caps=over_caps(told.tables),
        customers=customers,
        losing=sum(customer.margin_micro < 0 for customer in customers),
        reasons=list(told.held.select("reason", "count").sort("count", "reason", descending=[True, False]).iter_rows()),
        held=worth,
        held_told=_worth_told(worth, words),
        stated=_stated(told, book),
        others=other_documents(told.tables, book, {own.key for own in customers}) if told.has_documents else [],
        outputs=_outputs(told),
        share=share_bp,
        rows=_embedded(agents, told, words),
        place=functools.partial(place, standing=_standing(told)),
    )


def page(template: str, words: Words, **values: object) -> str:
    """One page from `templates/<template>.html.j2`, with style and script inside it and the policy that names them."""
    environment, style, script = _environment(), _text("page.css"), _text("page.js")
    policy = f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; base-uri 'none'"
    return (
        environment.get_template(f"{template}.html.j2").render(
            t=words,
            lang=words.languages[0],
            policy=policy,
            style=Markup(style),
            script=Markup(script),
            **values,
        )
        + "\n"
    )


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("billing.documents.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(share_bar=svg.share_bar, compact=svg.compact)
    return environment


@functools.cache
def _text(name: str) -> str:
    return resources.files("billing.documents.report").joinpath("templates", name).read_text("utf-8")


@functools.cache
def _source(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _worth_told(worth: Worth, words: Words) -> Said:
    if worth.micro is None:
        return words("report.worth_unknown")
    code = "report.worth_at_least" if worth.unvalued_count else "report.worth_about"
    return words(code, amount=words.printed(worth.micro, "money"), count=worth.unvalued_count)


def _outputs(told: ReportInputs) -> list[tuple[str, int, str]]:
    """The stored tables with their rows and content digests."""
    digests = told.facts["digests"]
    return [(name, table.height, digests[name]) for name, table in told.tables.items() if name in digests]


def _stated(told: ReportInputs, book: RateBook) -> dict[str, str]:
    """Agents for whom a statement was made, with their names."""
    if not told.has_documents:
        return {}
    names = dict(book.table(Agent.name).select(Agent.agent_id, Agent.agent_name).iter_rows())
    stated = told.tables[AgentBalance.name][AgentBalance.agent_id].unique().sort()
    return {agent_id: names.get(agent_id) or "" for agent_id in stated}


def _daily(told: ReportInputs, words: Words) -> dict[str, Any]:
    days, late = days_of(told.tables, told.period)
    most = max(days, key=lambda day: day.usage_micro)
    if not any(day.call_count for day in days):
        return {"days": days, "late": late, "chart": None, "told": words("report.no_calls")}
    lines = [
        svg.Line(words("report.day_usage"), [day.usage_micro for day in days], "one"),
        svg.Line(words("report.day_cost"), [day.settlement_micro for day in days], "two"),
    ]
    said = words("report.daily_told", day=most.date.isoformat(), amount=words.printed(most.usage_micro, "price"))
    chart = svg.line_chart(words("report.daily"), said, [day.date.strftime("%m-%d") for day in days], lines)
    return {"days": days, "late": late, "chart": chart, "told": said}


def _fall(steps: Sequence[FallStep], words: Words) -> Markup:
    bars = [
        svg.Bar(words(f"report.step.{step.figure}"), step.amount_micro, step.role != "change")
        for step in steps
        if abs(step.amount_micro) * 2 >= MICRO_PER_YUAN or step.role == "sum"
    ]
    by_figure = {step.figure: words.printed(step.amount_micro, "price") for step in steps}
    said = words("report.fall_told", usage=by_figure["gross_usage"], net=by_figure["revenue_net"],
                 margin=by_figure["margin"])  # fmt: skip
    return svg.fall_chart(words("report.fall"), said, bars)


def _embedded(agents: Sequence[Margin], told: ReportInputs, words: Words) -> dict[str, Any]:
    """What the script of the page reads: customers and numbers by agent, amounts in whole fen."""
    billed = set(told.tables[Invoice.name][Invoice.customer_id]) if told.has_documents else set()
    return {
        "lang": words.languages[0],
        "words": {
            lang: {name: str(Words(lang)(f"report.{name}")) for name in _SPOKEN_BY_SCRIPT} for lang in words.languages
        },
        "agents": [
            [agent.key, agent.name, *_sums(agent), [_customer(part, told, billed) for part in agent.parts]]
            for agent in agents
        ],
    }


def _customer(margin: Margin, told: ReportInputs, billed: Collection[str]) -> list[Any]:
    billed_to = margin.key if margin.key in billed else None
    bill = place("bill", billed_to, str(told.period), "", _standing(told)) if billed_to else ""
    numbers = [[part.key, *_sums(part)] for part in margin.parts]
    return [margin.key, margin.name, *_sums(margin), bill, numbers]


def _standing(told: ReportInputs) -> Standing:
    return "final" if told.status == "closed" else "draft"


def _sums(margin: Margin) -> list[int]:
    amounts = (margin.revenue_micro, margin.cost_micro, margin.commission_micro)
    return [amount // MICRO_PER_FEN for amount in amounts]
