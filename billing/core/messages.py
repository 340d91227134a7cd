"""The one catalogue of words people read: messages, findings, help, headings, in Chinese and English.

Each file in `messages/` maps a code to `{en: ..., zh: ...}`; values are filled in by name. Codes and JSON keys are
English everywhere.
"""

import functools
from collections.abc import Mapping
from importlib import resources
from typing import Any

import yaml

LANGUAGES = ("zh", "en")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@functools.cache
def catalogue() -> dict[str, dict[str, str]]:
    """Every message by code.

    Raises:
        ValueError: a code stands in two files.
    """
    merged: dict[str, dict[str, str]] = {}
    for entry in sorted(resources.files("billing.core").joinpath("messages").iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".yaml"):
            for code, words in yaml.load(entry.read_text("utf-8"), Loader=_LOADER).items():
                if code in merged:
                    raise ValueError(f"message {code} stands twice, again in {entry.name}")
                merged[code] = words
    return merged


def render(code: str, lang: str, values: Mapping[str, Any] | None = None) -> str:
    """The words for a code in one language, with its values filled in.

    Raises:
        KeyError: the catalogue lacks the code, the language or a value.
    """
    return catalogue()[code][lang].format_map(values or {})
