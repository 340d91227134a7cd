"""Files as such: no trace of one machine or network, nothing left to do, docstrings, and stories without code."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.house.sources import OURS, Source, in_order, sources

_TOP_FOLDERS = ("home", "root", "Users", "work", "tmp", "mnt", "opt", "srv", "var", "usr", "etc", "private")
_HOSTS = (
    ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("crates", "io"),
    ("golang", "org"), ("anaconda", "org"), ("anaconda", "com"), ("huggingface", "co"), ("docker", "io"),
    ("ghcr", "io"), ("aliyun", "com"), ("tsinghua", "edu.cn"), ("ustc", "edu.cn"), ("jfrog", "io"),
)  # fmt: skip
_INDEX_OPTIONS = (("index", "url"), ("find", "links"), ("trusted", "host"))

_TOPS = "|".join(_TOP_FOLDERS)
_REGISTRIES = "|".join(re.escape(".".join(parts)) for parts in _HOSTS)
_OPTIONS = "|".join("[-_]".join(parts) for parts in _INDEX_OPTIONS)

NEEDLES = {
    "a path of one machine": re.compile(
        rf"(?<![\w./*)\]}}<~-])/(?:{_TOPS})(?=/|[\s\"'`,;:)]|$)|\b[A-Z]:\\+(?:Users|Temp|Program)"
    ),
    "a registry": re.compile(rf"\b(?:{_REGISTRIES}|{_OPTIONS})\b"),
    "something left to do": re.compile(rf"\b(?:{'TO' + 'DO'}|{'FIX' + 'ME'})\b"),
}


def no_traces(root: Path) -> list[str]:
    """No file names a path of one machine, a package registry or something left to do.

    Raises:
        LookupError: the tree has no file.
    """
    places = _kept(root)
    if not places:
        raise LookupError("no file")
    return in_order([breach for place in places for breach in _traces(root, place)])


def documented(root: Path) -> list[str]:
    """Modules, public classes and public functions have a docstring, and functions full annotations."""
    return in_order([breach for source in sources(root, *OURS) for breach in _undocumented(source)])


def stories(root: Path) -> list[str]:
    """A story is a paragraph, input files and expected tables; neither it nor the test of stories holds a number.

    Raises:
        LookupError: there is no story.
    """
    folders = sorted(path for path in (root / "cdr_samples").glob("*") if path.is_dir() and path.name[0] not in "._")
    if not folders:
        raise LookupError("no story in cdr_samples")
    breaches = []
    for folder in folders:
        place = folder.relative_to(root).as_posix()
        page = folder / "README.md"
        if not page.exists() or not page.read_text("utf-8").strip():
            breaches.append(f"{place}/README.md:1: the story is not told")
        if not list(folder.glob("expected/*.csv")):
            breaches.append(f"{place}/expected:1: no expected table")
        scripts = sorted(folder.rglob("*.py"))
        breaches += [f"{path.relative_to(root).as_posix()}:1: a story holds no Python" for path in scripts]
    return in_order(breaches + list(_numbers(root, "tests/test_stories.py")))


def _kept(root: Path) -> list[str]:
    """Files under version control or about to be; where there is none, all files."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(asked, cwd=root, capture_output=True, check=False)
    if listed.returncode:
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    places = {name for name in listed.stdout.decode().split("\0") if name}
    return sorted(place for place in places if (root / place).is_file())


def _traces(root: Path, place: str) -> Iterator[str]:
    for number, line in enumerate((root / place).read_text("utf-8", errors="replace").splitlines(), 1):
        if number == 1 and line.startswith("#!"):
            continue
        for what, needle in NEEDLES.items():
            yield from (f"{place}:{number}: {what}: {found[0]}" for found in needle.finditer(line))


def _undocumented(source: Source) -> Iterator[str]:
    if not ast.get_docstring(source.tree):
        yield source.breach(1, "the module has no docstring")
    for node, is_method in _public(source.tree.body, False):
        is_told = node.name.startswith("__") or _is_shape(node) or ast.get_docstring(node)
        if not is_told:
            yield source.breach(node, f"{node.name} has no docstring")
        if not isinstance(node, ast.ClassDef):
            yield from (source.breach(node, f"{node.name}: {what}") for what in _unannotated(node, is_method))


Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _is_shape(node: Named) -> bool:
    """Whether a function only says what a protocol's member looks like."""
    return len(node.body) == 1 and isinstance(node.body[0], ast.Expr) and ast.unparse(node.body[0]) == "..."


def _public(body: list[ast.stmt], in_class: bool) -> Iterator[tuple[Named, bool]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            is_magic = node.name.startswith("__") and node.name.endswith("__")
            if is_magic or not node.name.startswith("_"):
                yield node, in_class
                if isinstance(node, ast.ClassDef):
                    yield from _public(node.body, True)


def _unannotated(node: ast.FunctionDef | ast.AsyncFunctionDef, is_method: bool) -> Iterator[str]:
    every = node.args
    taken = [*every.posonlyargs, *every.args, *every.kwonlyargs]
    taken += [argument for argument in (every.vararg, every.kwarg) if argument]
    is_static = any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in node.decorator_list)
    for argument in taken[1 if is_method and not is_static else 0 :]:
        if argument.annotation is None:
            yield f"{argument.arg} has no type"
    if node.returns is None:
        yield "no return type"


def _numbers(root: Path, place: str) -> Iterator[str]:
    """Numbers and texts with digits in a file, docstrings and encodings apart."""
    if not (root / place).exists():
        return
    tree = ast.parse((root / place).read_text("utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings and not isinstance(node.value, bool):
            shown = str(node.value)
            if re.search(r"\d", shown) and not re.fullmatch(r"utf-8(-sig)?", shown):
                yield f"{place}:{node.lineno}: a number in the test of stories: {shown}"
