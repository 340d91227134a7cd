"""The canned views of the audit pack: one SQL file each, headed by its words in Chinese and English."""

from dataclasses import dataclass
from importlib import resources

_FROM_CALLS = "_from_calls"


@dataclass(frozen=True)
class View:
    """One view: its name, the sentence that explains it, its query."""

    name: str
    comment: str
    sql: str


def read_views(*, calls_inside: bool) -> list[View]:
    """Every view, in an order in which each may be created.

    Args:
        calls_inside: the pack holds the calls, so views that have a form over `calls` take it.
    """
    texts = {
        entry.name.removesuffix(".sql"): entry.read_text("utf-8")
        for entry in resources.files(__package__).iterdir()
        if entry.name.endswith(".sql")
    }
    views = []
    for name in sorted(name for name in texts if not name.endswith(_FROM_CALLS)):
        text = texts.get(name + _FROM_CALLS) if calls_inside else None
        views.append(_parse(name, text or texts[name]))
    return sorted(views, key=lambda view: view.name != "usage_by_key")


def _parse(name: str, text: str) -> View:
    zh, en, sql = text.split("\n", 2)
    return View(name, f"{zh.removeprefix('-- zh: ')} / {en.removeprefix('-- en: ')}", sql.strip())
