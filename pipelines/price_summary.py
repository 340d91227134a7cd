"""What `price` prints of the months: charges with how they came about, allowances, VAT, what is due."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from billing.core.messages import catalogue, render
from pipelines.summaries import plain, table


def price_lines(months: Sequence[Mapping[str, Any]], lang: str) -> Iterable[str]:
    """The months as they are printed."""
    for month in months:
        yield month["month"]
        rows = [
            (
                charge["number"] or "*",
                _item(charge, lang)
                + (f" ({charge['usage_month']})" if charge["usage_month"] != month["month"] else ""),
                charge["amount"],
                _explained(charge["explanation"]),
            )
            for charge in month["charges"]
        ]
        rows += [("", render(f"figure.{name}", lang), month[name], "") for name in ("net", "tax", "total")]
        headings = [render(f"heading.{name}", lang) for name in ("service_number", "item", "amount", "explanation")]
        yield from table(headings, rows, frozenset({2}))


def _item(charge: Mapping[str, Any], lang: str) -> str:
    return catalogue().get(f"item.{charge['item']}", {}).get(lang, plain(charge["item"]))


def _explained(explanation: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {plain(str(value))}" for name, value in explanation.items())
