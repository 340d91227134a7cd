"""Templates and how they print: amounts, shares, quantities and words in one language, everything escaped."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from billing.core.money import yuan, yuan_exact
from billing.documents.words import words

_SECONDS_PER_MINUTE = 60


@dataclass(frozen=True)
class Renderer:
    """Renders documents in one language."""

    lang: str
    environment: Environment

    def render(self, template: str, **values: object) -> str:
        """One document from `templates/<template>.html.j2`."""
        return self.environment.get_template(f"{template}.html.j2").render(lang=self.lang, **values) + "\n"

    def words(self, code: str, default: str | None = None) -> str:
        """The words of a code; a code nobody wrote words for prints as itself, or as `default`."""
        return words(self.lang, code, default)


@functools.cache
def renderer(lang: str) -> Renderer:
    """The renderer of a language."""
    environment = Environment(
        loader=PackageLoader("billing.documents"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        yuan=lambda micro: yuan(micro).replace("-", "\u2212"),
        yuan_exact=lambda micro: yuan_exact(micro, grouped=True).replace("-", "\u2212"),
        percent=_percent,
        quantity=functools.partial(_quantity, lang),
    )
    environment.globals["t"] = functools.partial(words, lang)
    return Renderer(lang, environment)


def _percent(basis_points: int) -> str:
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + "%"


def _quantity(lang: str, row: Mapping[str, Any]) -> str:
    """Quantity with its unit: seconds print as minutes and seconds."""
    amount, unit = row["quantity"], row["quantity_unit"]
    if amount is None:
        return ""
    if unit != "second":
        return f"{amount:,} {words(lang, f'doc.unit.{unit}')}"
    minutes, seconds = divmod(amount, _SECONDS_PER_MINUTE)
    shown = f"{minutes:,} {words(lang, 'doc.unit.minute')}"
    return f"{shown} {seconds} {words(lang, 'doc.unit.second')}" if seconds else shown
