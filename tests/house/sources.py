"""The sources a rule looks at: every Python file of some folders, parsed once, and what each of them imports."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OURS = ("billing", "pipelines")


@dataclass(frozen=True)
class Source:
    """One parsed file.

    Attributes:
        place: path from the root, as a breach names it.
        module: dotted name; a package bears the name of its folder.
    """

    place: str
    module: str
    is_package: bool
    text: str
    tree: ast.Module

    @functools.cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree; walked once, since each rule looks at all of them."""
        return tuple(ast.walk(self.tree))

    def breach(self, node: ast.AST | int, what: str) -> str:
        """`file:line: what`."""
        line = node if isinstance(node, int) else getattr(node, "lineno", 1)
        return f"{self.place}:{line}: {what}"


@functools.cache
def sources(root: Path, *folders: str) -> tuple[Source, ...]:
    """The Python files under some folders of a tree.

    Raises:
        LookupError: there is none, so a rule that looks there could never fail.
    """
    found = [_parse(root, path) for folder in folders for path in sorted((root / folder).rglob("*.py"))]
    if not found:
        raise LookupError(f"no Python file under {', '.join(folders)}")
    return tuple(found)


def in_order(breaches: list[str]) -> list[str]:
    """Breaches by file and line."""

    def place(breach: str) -> tuple[str, int, str]:
        file, line, what = breach.split(":", 2)
        return file, int(line), what

    return sorted(set(breaches), key=place)


def imports(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Every dotted name a file imports: at the top, in functions, for typing only, and by `import_module`.

    `from a import b` gives `a.b`: only the caller knows whether `b` is a module. A module named by anything but a
    literal gives `?`.
    """
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(source, node)
            yield from ((node, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and name_of(node.func) in ("import_module", "__import__"):
            named = node.args[0] if node.args else None
            yield node, named.value if isinstance(named, ast.Constant) and isinstance(named.value, str) else "?"


def name_of(node: ast.AST) -> str:
    """The last part of a name: `b` of `a.b`, empty for what has none."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _parse(root: Path, path: Path) -> Source:
    place = path.relative_to(root)
    is_package = place.name == "__init__.py"
    parts = place.parent.parts if is_package else place.with_suffix("").parts
    text = path.read_text("utf-8")
    return Source(place.as_posix(), ".".join(parts), is_package, text, ast.parse(text, place.as_posix()))


def _absolute(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = source.module.split(".")
    kept = parts[: len(parts) - node.level + source.is_package]
    return ".".join([*kept, node.module] if node.module else kept)
