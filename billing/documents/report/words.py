"""Words of a page in both languages at once: the page shows one of them and holds the other beside it."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup, escape

from billing.core.messages import LANGUAGES, catalogue, render
from billing.documents.model import Kind, Value
from billing.documents.printed import printed


@dataclass(frozen=True)
class Said:
    """The same in two languages: that of the page, and the other one."""

    own: str
    other: str

    def __str__(self) -> str:
        """In the language of the page."""
        return self.own

    def __html__(self) -> str:
        """For a template: text that the page can exchange."""
        own = escape(self.own)
        return own if self.own == self.other else Markup("<span{}>{}</span>").format(self.attribute(), own)

    def attribute(self, name: str = "o") -> Markup:
        """What an element needs to be exchanged: its text (`o`), its label (`ol`) or its placeholder (`op`)."""
        return Markup(' data-{}="{}"').format(name, self.other) if self.own != self.other else Markup("")


class Words:
    """Speaks a page's language and the other one."""

    def __init__(self, lang: str) -> None:
        self.languages = (lang, *(other for other in LANGUAGES if other != lang))

    def __call__(self, code: str, **values: object) -> Said:
        """The words of a code, with values filled in; values that are said come in the same language."""
        own, other = (render(code, lang, _in(index, values)) for index, lang in enumerate(self.languages))
        return Said(own, other)

    def named(self, code: str) -> Said:
        """The words of a code that may be unknown: then its last part; of an instruction only what it begins with."""
        words = catalogue().get(code, {})
        own, other = (words.get(lang, code.rpartition(".")[2]) for lang in self.languages)
        return Said(_begin(own, code), _begin(other, code))

    def of(self, sentence: Mapping[str, str]) -> Said:
        """A sentence that comes in both languages."""
        own, other = (sentence[lang] for lang in self.languages)
        return Said(own, other)

    def printed(self, value: Value, kind: Kind) -> Said:
        """A value as documents print it."""
        own, other = (printed(value, kind, lang) for lang in self.languages)
        return Said(own, other)


def _in(index: int, values: Mapping[str, object]) -> dict[str, object]:
    return {
        name: (value.other if index else value.own) if isinstance(value, Said) else value
        for name, value in values.items()
    }


def _begin(sentence: str, code: str) -> str:
    """What is the matter, without what to do about it; a sentence that lacks values is its code."""
    begin = sentence.replace("；", ";").partition(";")[0].strip()
    return code if "{" in begin else begin
