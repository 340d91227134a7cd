"""Sizes to feel at home in, printed by `python -m tests.house.sizes`; an orientation, never a failure."""

import ast
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.house.sources import OURS, Source, imports, sources

ROOT = Path(__file__).resolve().parents[2]
HOME = {"files": "120 / 250 / 400", "functions": "12 / 35 / 70", "imports": "3"}
NINE_TENTHS = (9, 10)
SHOWN_HUBS = 5
BAD = "tests/house/bad/"


def main() -> None:
    """Print medians, ninth deciles, the longest, and the busiest modules."""
    ours = sources(ROOT, *OURS)
    tests = [source for source in sources(ROOT, "tests") if not source.place.startswith(BAD)]
    modules = {source.module for source in ours}
    print(f"{'':24}{'number':>8}{'median':>8}{'p90':>8}{'max':>8}  longest (at home: {HOME['files']})")
    print(_row("lines a file", ((_lines(source), source.place) for source in ours)))
    print(_row("lines a function", (size for source in ours for size in _functions(source)), HOME["functions"]))
    print(_row("our imports a file", ((len(_targets(source, modules)), source.place) for source in ours),
               HOME["imports"]))  # fmt: skip
    busiest = Counter(target for source in ours for target in _targets(source, modules)).most_common(SHOWN_HUBS)
    print("most imported:", ", ".join(f"{module} {count}" for module, count in busiest))
    code, checked = sum(map(_lines, ours)), sum(map(_lines, tests))
    print(f"lines: code {code:,}, tests {checked:,} ({checked * 100 // code} % of the code)")


def _row(name: str, sized: Iterable[tuple[int, str]], home: str = "") -> str:
    found = sorted(sized)
    sizes = [size for size, _ in found]
    ninth, tenth = NINE_TENTHS
    figures = (len(sizes), sizes[len(sizes) // 2], sizes[len(sizes) * ninth // tenth], sizes[-1])
    shown = "".join(f"{figure:>8,}" for figure in figures)
    return f"{name:24}{shown}  {found[-1][1]}" + (f" (at home: {home})" if home else "")


def _lines(source: Source) -> int:
    return source.text.count("\n")


def _functions(source: Source) -> list[tuple[int, str]]:
    return [
        ((node.end_lineno or node.lineno) - node.lineno + 1, f"{source.place}:{node.lineno} {node.name}")
        for node in source.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _targets(source: Source, modules: set[str]) -> set[str]:
    found = {name for _, named in imports(source) for name in (named, named.rpartition(".")[0]) if name in modules}
    return found - {source.module}


if __name__ == "__main__":
    main()
