"""Every message stands in both languages with the same values; what is spoken is there, what is there is spoken."""

import ast
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.house.sources import OURS, Source, in_order, name_of, sources

MESSAGES = "billing/core/messages"
LANGUAGES = {"en", "zh"}

NO_REASONS = {
    "BILL400_LANG": "an environment variable",
    "TIMESTAMP_MS": "a type of DuckDB",
    "GW_IN_01": "a trunk in a switch's file",
    "GW_OUT_01": "a trunk in a switch's file",
}
"""Literals in capitals that are no reason codes; any other must stand in the catalogue."""

SPEAKERS = {"Finding", "refuse", "render", "say", "word", "words", "said"}
"""Who takes a code; a method called `render` takes the name of a template."""
_REASON = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
_CODE = re.compile(r"[A-Z][A-Z0-9_]*|[a-z]\w*(\.\w+)+")
_TOKEN = re.compile(r"[A-Za-z][\w.]*")
_TEMPLATE_WORD = re.compile(r"\bt\(\s*'([^']*)'\s*(~?)")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Message:
    """One code of the catalogue: where it stands and its words by language."""

    place: str
    words: dict[str, str] = field(default_factory=dict)

    def fields(self, lang: str) -> set[str]:
        """Names of the values the sentence takes."""
        parsed = string.Formatter().parse(self.words.get(lang, ""))
        return {re.split(r"[.\[]", name)[0] for _, name, _, _ in parsed if name is not None}


def both_languages(root: Path) -> list[str]:
    """Every code stands once and has words in exactly the two languages, not empty, with the same values."""
    breaches, seen = [], dict[str, str]()
    for code, message in messages(root):
        if code in seen:
            breaches.append(f"{message.place}: {code} stands twice, first at {seen[code]}")
        seen.setdefault(code, message.place)
        breaches += [f"{message.place}: {code} {what}" for what in _wrong(message)]
    return in_order(breaches)


def known_codes(root: Path) -> list[str]:
    """Every code in use stands in the catalogue, and whoever speaks it gives the values of its sentence."""
    catalogue = dict(messages(root))
    families = {code.split(".")[0] for code in catalogue if "." in code}
    tails = {code.rpartition(".")[2] for code in catalogue}
    breaches: list[str] = []
    for source in sources(root, *OURS):
        free = _free_literals(source)
        for node in source.nodes:
            if isinstance(node, ast.Call) and _is_speaker(node.func):
                breaches += _spoken(source, node, catalogue)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in free:
                is_dotted = bool(_CODE.fullmatch(node.value)) and node.value.partition(".")[0] in families
                is_unknown = is_dotted and node.value not in catalogue
                if is_unknown or (_REASON.fullmatch(node.value) and node.value not in tails | NO_REASONS.keys()):
                    breaches.append(source.breach(node, f"no message {node.value}"))
    return in_order(breaches + list(_template_words(root, catalogue)))


def used_codes(root: Path) -> list[str]:
    """Every code of the catalogue is used: named whole, or by a pattern such as `stage.{name}` and a known name."""
    literals, patterns, names = _vocabulary(root)

    def put_together(name: str, known: Callable[[str], bool]) -> bool:
        fitting = (found for pattern in patterns if (found := pattern.fullmatch(name)))
        return any(all(map(known, found.groups())) for found in fitting)

    def is_name(part: str) -> bool:
        return part in names or put_together(part, names.__contains__)

    unused = [
        (code, message) for code, message in messages(root) if code not in literals and not put_together(code, is_name)
    ]
    return in_order([f"{message.place}: {code} is used nowhere" for code, message in unused])


def messages(root: Path) -> Iterator[tuple[str, Message]]:
    files = sorted((root / MESSAGES).glob("*.yaml"))
    if not files:
        raise LookupError(f"no file in {MESSAGES}")
    for path in files:
        place = path.relative_to(root).as_posix()
        document = yaml.compose(path.read_text("utf-8"), Loader=_LOADER)
        for key, value in document.value if document else ():
            words = {lang.value: words.value for lang, words in value.value} if value.id == "mapping" else {}
            yield key.value, Message(f"{place}:{key.start_mark.line + 1}", words)


def _wrong(message: Message) -> Iterator[str]:
    if set(message.words) != LANGUAGES:
        yield f"has {', '.join(sorted(message.words)) or 'no language'}, not en and zh"
        return
    yield from (f"has no words in {lang}" for lang, words in sorted(message.words.items()) if not words.strip())
    try:
        en, zh = message.fields("en"), message.fields("zh")
    except ValueError as error:
        yield f"cannot be filled in: {error}"
        return
    if en != zh:
        yield f"takes other values in en than in zh: {', '.join(sorted(en ^ zh))}"


def _spoken(source: Source, call: ast.Call, catalogue: dict[str, Message]) -> Iterator[str]:
    """The code a call speaks by name, and the values it visibly gives."""
    speaker = name_of(call.func)
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    spoken = named.get("reason") or named.get("code") or (call.args[0] if call.args else None)
    for literal in _branches(spoken):
        code = ("help." if speaker == "said" else "") + str(literal.value)
        if code in catalogue:
            given = _given(speaker, call, named)
            missing = sorted(catalogue[code].fields("en") - given) if given is not None else []
            if missing:
                yield source.breach(literal, f"{code} is spoken without {', '.join(missing)}")
        elif speaker != "words" or _CODE.fullmatch(code):
            yield source.breach(literal, f"no message {code}")
    for shape in (_shape(part) for part in call.args if isinstance(part, ast.JoinedStr)):
        if speaker not in ("Finding", "refuse", "said") and not any(re.fullmatch(shape, code) for code in catalogue):
            yield source.breach(call, f"no message like {shape}")


def _is_speaker(function: ast.expr) -> bool:
    return name_of(function) in SPEAKERS and not (isinstance(function, ast.Attribute) and function.attr == "render")


def _branches(node: ast.AST | None) -> Iterator[ast.Constant]:
    if isinstance(node, ast.IfExp):
        yield from _branches(node.body)
        yield from _branches(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node


def _given(speaker: str, call: ast.Call, named: dict[str | None, ast.expr]) -> set[str] | None:
    """Names of the values a call gives; None where that cannot be read off."""
    if speaker in ("refuse", "say"):
        return None if None in named else {name for name in named if name}
    if speaker in ("Finding", "render"):
        position = 3 if speaker == "Finding" else 2
        values = named.get("values") or (call.args[position] if len(call.args) > position else ast.Dict([], []))
        if isinstance(values, ast.Dict) and None not in values.keys:
            return {str(key.value) for key in values.keys if isinstance(key, ast.Constant)}
    return set() if speaker == "word" else None


def _free_literals(source: Source) -> set[int]:
    """Literals that are only a part: pieces of f-strings, starts and ends that are compared."""
    free: set[int] = set()
    for node in source.nodes:
        if isinstance(node, ast.JoinedStr):
            free |= {id(part) for part in node.values}
        elif isinstance(node, ast.Call) and name_of(node.func) in ("startswith", "endswith", "removeprefix"):
            free |= {id(part) for part in node.args}
    return free


def _templates(root: Path) -> Iterator[tuple[str, int, str]]:
    for path in sorted((root / "billing").rglob("*.j2")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            yield path.relative_to(root).as_posix(), number, line


def _template_words(root: Path, catalogue: dict[str, Message]) -> Iterator[str]:
    for place, number, line in _templates(root):
        for code, is_start in _TEMPLATE_WORD.findall(line):
            known = any(other.startswith(code) for other in catalogue) if is_start else code in catalogue
            if not known:
                yield f"{place}:{number}: no message {'that starts with ' if is_start else ''}{code}"


def _vocabulary(root: Path) -> tuple[set[str], list[re.Pattern[str]], set[str]]:
    """Literals, patterns of codes that are put together, and all names a part of a code may be."""
    literals, names, shapes = set[str](), set[str](), set[str]()
    for source in sources(root, *OURS):
        for node in source.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                literals.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                shapes.add(_shape(node))
            else:
                names.add(name_of(node) or getattr(node, "arg", None) or "")
    for _, _, line in _templates(root):
        literals.update(re.findall(r"'([^']*)'", line))
        shapes |= {re.escape(code) + r"(\w+)" for code, is_start in _TEMPLATE_WORD.findall(line) if is_start}
    for path in [*(root / "billing").rglob("*"), *(root / "rate_plans").rglob("*.yaml")]:
        if path.suffix in (".sql", ".yaml") and path.parent != root / MESSAGES:
            literals.update(_TOKEN.findall(path.read_text("utf-8")))
    names |= literals | {name.replace("-", "_") for name in literals}
    return literals, [re.compile(shape) for shape in sorted(shapes) if not shape.startswith("(")], names


def _shape(node: ast.JoinedStr) -> str:
    """A regular expression for what an f-string can become, one group a value."""
    parts = [
        re.escape(part.value) if isinstance(part, ast.Constant) and isinstance(part.value, str) else r"(\w+)"
        for part in node.values
    ]
    return "".join(parts)
