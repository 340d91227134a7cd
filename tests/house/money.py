"""Money is exact, integers are 64 bits wide, one module rounds, and nothing in `billing` looks at a clock."""

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import polars as pl

from billing.tables.schema import Column, Table
from tests.house.sources import Source, imports, in_order, name_of, sources

ROUNDING_ROOM = "billing/core/money.py"

FLOAT_FILES: dict[str, str] = {}
"""Files of `billing` that may make a float, each with its reason: none needs one."""

NARROW_FILES = {
    "billing/sample_company/traffic.py": "positions in a table of draws, no measure",
    "billing/sample_company/dirt.py": "a code of one byte a row, no measure",
}
"""Files of `billing` that may use a narrower integer."""

FLOAT_TYPES = {"Float16", "Float32", "Float64", "float16", "float32", "float64"}
FLOAT_CALLS = {"float", "mean", "median", "std", "var", "quantile", "truediv"}
NARROW_TYPES = {f"{kind}{bits}" for kind in ("Int", "UInt", "int", "uint") for bits in (8, 16, 32)}
ROUNDING_CALLS = {"round", "round_sig_figs", "quantize"}
CLOCK_CALLS = {"now", "utcnow", "today"}
CLOCK_MODULE = "time"

_MEASURE = re.compile(r".*_(micro|bp|ms|seconds|count)|(MICRO|FEN|MS|SECONDS)_PER_[A-Z]+|BASIS_POINTS", re.DOTALL)
_SQL_FLOAT = re.compile(r"\b(double|float[48]?|real)\b", re.IGNORECASE)
_SQL_CLOCK = re.compile(r"\b(now|today|get_current_time\w*)\s*\(|\bcurrent_(date|time|timestamp)\b", re.IGNORECASE)


def no_float(root: Path) -> list[str]:
    """No float type, call, literal or division in `billing`, in Python or SQL."""
    breaches = _sql(root, _SQL_FLOAT, "a float in SQL")
    for source in sources(root, "billing"):
        breaches += _with_leave(source, FLOAT_FILES, [breach for node in source.nodes
                                                      for breach in _float(source, node)])  # fmt: skip
    return in_order(breaches)


def wide_integers(root: Path) -> list[str]:
    """No integer type narrower than 64 bits in `billing`, outside the files that say why."""
    breaches: list[str] = []
    for source in sources(root, "billing"):
        named = [node for node in source.nodes if isinstance(node, ast.Attribute) and _is_type(node)]
        found = [source.breach(node, f"integer narrower than 64 bits: {node.attr}") for node in named]
        breaches += _with_leave(source, NARROW_FILES, found)
    return in_order(breaches)


def one_rounding_room(root: Path) -> list[str]:
    """Only the money module rounds."""
    calls = [
        (source, node)
        for source in sources(root, "billing")
        for node in source.nodes
        if isinstance(node, ast.Call) and name_of(node.func) in ROUNDING_CALLS and source.place != ROUNDING_ROOM
    ]
    return in_order([source.breach(node, f"{name_of(node.func)} outside {ROUNDING_ROOM}") for source, node in calls])


def no_clock(root: Path) -> list[str]:
    """Nothing in `billing` asks what time it is: `pipelines` says it."""
    breaches = _sql(root, _SQL_CLOCK, "a clock in SQL")
    for source in sources(root, "billing"):
        for node in source.nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK_CALLS:
                breaches.append(source.breach(node, f"{ast.unparse(node.func)} is a clock"))
        clocks = [node for node, name in imports(source) if name.split(".")[0] == CLOCK_MODULE]
        breaches += [source.breach(node, "the time module is a clock") for node in clocks]
    return in_order(breaches)


def table_columns(root: Path) -> list[str]:
    """In every table: integers are Int64, no float, and `_micro` and declared money go together."""
    breaches: list[str] = []
    for source in sources(root, "billing/tables"):
        for table in _tables(_load(root / source.place)):
            for column in table.columns:
                for what in _column(column):
                    breaches.append(source.breach(_line(source, table, column), f"{table.name}.{column} {what}"))
    return in_order(breaches)


def _float(source: Source, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and node.attr in FLOAT_TYPES:
        yield source.breach(node, f"float type {node.attr}")
    elif isinstance(node, ast.Call) and name_of(node.func) in FLOAT_CALLS:
        yield source.breach(node, f"{name_of(node.func)} makes a float")
    elif isinstance(node, ast.Constant) and isinstance(node.value, float):
        yield source.breach(node, f"float literal {node.value}")
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        is_exact = _called(node.left) == "Decimal"
        if not is_exact and (_is_number(node.left) or _is_number(node.right)):
            yield source.breach(node, f"division makes a float: {ast.unparse(node)}")


def _called(node: ast.AST) -> str:
    return name_of(node.func) if isinstance(node, ast.Call) else ""


def _is_number(node: ast.AST) -> bool:
    """Whether an operand is plainly a number or a column, not a path."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float)
    return bool(_MEASURE.fullmatch(name_of(node))) or _called(node) in ("col", "lit", "sum", "len")


def _is_type(node: ast.Attribute) -> bool:
    return node.attr in NARROW_TYPES and name_of(node.value) in ("pl", "pa", "polars", "pyarrow", "datatypes")


def _with_leave(source: Source, leave: dict[str, str], found: list[str]) -> list[str]:
    """No breach where leave was given; leave that nobody needs any more is one."""
    if source.place not in leave:
        return found
    return [] if found else [source.breach(1, "needs no exception any more: take it off the list")]


def _sql(root: Path, pattern: re.Pattern[str], what: str) -> list[str]:
    return [
        f"{path.relative_to(root).as_posix()}:{number}: {what}: {found[0].strip()}"
        for path in sorted((root / "billing").rglob("*.sql"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (found := pattern.search(line.split("--")[0]))
    ]


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"house_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _tables(module: ModuleType) -> list[type[Table]]:
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Table)]
    return [kind for kind in kinds if kind.__module__ == module.__name__ and kind is not Table]


def _column(column: Column) -> Iterator[str]:
    if column.dtype.is_integer() and column.dtype != pl.Int64:
        yield f"is {column.dtype}, not Int64"
    if column.dtype.is_float():
        yield f"is {column.dtype}"
    if column.endswith("_micro"):
        if column.dtype != pl.Int64:
            yield "holds money and is not Int64"
        if not column.is_money:
            yield "holds money and is declared neither money nor fen"
    elif column.is_money:
        yield "is declared money and does not end with _micro"


def _line(source: Source, table: type[Table], column: Column) -> int:
    for kind in source.nodes:
        if isinstance(kind, ast.ClassDef) and kind.name == table.__name__:
            for node in kind.body:
                if isinstance(node, ast.Assign) and name_of(node.targets[0]) == column:
                    return node.lineno
    return 1
