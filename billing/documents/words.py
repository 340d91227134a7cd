"""Words of documents in one language, from the catalogue of messages."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from billing.core.messages import catalogue, render
from billing.documents.model import Lang


@dataclass(frozen=True)
class Words:
    """Words in one language: zh or en."""

    lang: Lang

    def __call__(self, code: str, **values: object) -> str:
        """The words of a code with its values filled in.

        Raises:
            KeyError: the catalogue lacks the code or a value.
        """
        return render(code, self.lang, values)

    def name(self, code: str, default: str | None = None) -> str:
        """The words of a code; one that nobody wrote words for reads as its last part, or as `default`."""
        return words(self.lang, code, default)

    def heading(self, heading: str, kind: str) -> str:
        """The heading of a column with its unit, where its cells show none: yuan, seconds."""
        unit = {"money": "doc.in_yuan", "price": "doc.in_yuan", "seconds": "doc.in_seconds"}.get(kind)
        return self(unit, heading=heading) if unit else heading

    def first_that_fits(self, codes: Sequence[str], values: Mapping[str, Any]) -> str:
        """The words of the first code that exists and asks for no value that is not there; nothing when none fits."""
        for code in codes:
            text = catalogue().get(code, {}).get(self.lang)
            if text is not None and _asked(text) <= set(values):
                return text.format_map(values)
        return ""


def words(lang: str, code: str, default: str | None = None) -> str:
    """The words of a code in a language, or the last part of the code."""
    return catalogue().get(code, {}).get(lang) or (default if default is not None else code.rpartition(".")[2])


def _asked(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
