"""Who may import whom, typing-only imports included, and no cycles.

Stages meet in `billing/tables`; only `pipelines` knows their order. A heavy library has one room: a layer that does not
name it here may not import it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.house.sources import OURS, Source, imports, in_order, sources


class Layer(NamedTuple):
    """What a folder or file may import: layers of ours, and libraries with the reason for each."""

    ours: tuple[str, ...]
    libraries: dict[str, str]


CORE, TABLES, RATE_BOOK, CATALOG = "billing/core", "billing/tables", "billing/rate_book", "billing/catalog"
POLARS = {"polars": "tables are Polars frames"}


def _stage(**libraries: str) -> Layer:
    return Layer((CORE, TABLES, RATE_BOOK), POLARS | libraries)


LAYERS: dict[str, Layer] = {
    "billing/__init__.py": Layer((), {}),
    CORE: Layer((), POLARS | {"yaml": "the message catalogue is YAML"}),
    TABLES: Layer((CORE,), POLARS | {"pyarrow": "Parquet fields carry descriptions and units"}),
    RATE_BOOK: Layer(
        (CORE, TABLES), POLARS | {"pydantic": "plan files are checked field by field", "yaml": "plan files are YAML"}
    ),
    CATALOG: Layer(
        (CORE, TABLES),
        POLARS
        | {
            "python_calamine": "finance keeps its tables as workbooks",
            "xlsxwriter": "templates are workbooks",
            "yaml": "the header words are YAML",
        },
    ),
    "billing/ingest": _stage(
        pyarrow="received bytes are cut into lines at the file edge",
        pydantic="layout files are checked field by field",
        python_calamine="some send their calls as a workbook",
        yaml="layout files are YAML",
    ),
    "billing/assembly": _stage(),
    "billing/validation": _stage(duckdb="the gate scans rows in SQL", yaml="its rules are YAML, an SQL condition each"),
    "billing/validation/gx": Layer(
        ("billing/validation",),
        {
            "duckdb": "it judges tables of the gate's own database",
            "great_expectations": "it judges; loaded only when a batch is judged",
            "sqlalchemy": "by which it speaks to DuckDB",
            "duckdb_sqlalchemy": "by which it speaks to DuckDB",
        },
    ),
    "billing/validation/gx/loading.py": Layer(
        ("billing/validation",), {"?": "a stand-in imports the module it stands for when somebody asks for it"}
    ),
    "billing/rating": _stage(),
    "billing/charging": _stage(),
    "billing/call_analysis": _stage(),
    "billing/call_analysis/make_provinces.py": Layer(
        ("billing/call_analysis",), {"phonenumbers": "the source of the province table; run by hand, not installed"}
    ),
    "billing/resource_fees": _stage(),
    "billing/late_fees": _stage(),
    "billing/balances": _stage(),
    "billing/invoicing": _stage(),
    "billing/commission": _stage(),
    "billing/settlement": _stage(),
    "billing/posting": _stage(),
    "billing/publishing": _stage(
        duckdb="the audit pack is a DuckDB file", pyarrow="published Parquet is written at the file edge"
    ),
    "billing/documents": _stage(
        jinja2="bills and statements are templates",
        markupsafe="pages put text together that is markup already, and escape the rest",
        xlsxwriter="lists for people are workbooks, too",
    ),
    "billing/documents/delivery/pdf_files.py": Layer(
        (CORE, "billing/documents"), {"pikepdf": "it joins PDFs and locks copies; an extra, loaded when asked for"}
    ),
    "billing/documents/pdf": Layer(
        (CORE, "billing/documents"), {"typst": "pages are typeset; loaded only when a document is printed"}
    ),
    "billing/documents/pdf/make_fonts.py": Layer(
        (CORE, "billing/documents"), {"fontTools": "fonts are cut from a full one; run by hand, not installed"}
    ),
    "billing/second_route": Layer(
        (TABLES,),
        POLARS | {"duckdb": "the second route is SQL", "pyarrow": "tables are handed to DuckDB as Arrow"},
    ),
    "billing/sample_company": Layer(
        (CORE, TABLES, CATALOG), POLARS | {"yaml": "names and shapes of the company are YAML beside it"}
    ),
    "pipelines/cli.py": Layer(("pipelines",), {"click": "the command line"}),
    "pipelines/cli_values.py": Layer(("pipelines",), {"click": "values of the command line are types of its own"}),
}
# Pipelines know every layer; the package itself only tells where the shipped files lie.
LAYERS["pipelines"] = Layer(("billing", *(key for key in LAYERS if key != "pipelines/cli.py")), POLARS)

DATA_FOLDERS = ("rate_plans", "cdr_samples")


def layers(root: Path) -> list[str]:
    """Every import is one its layer may make; folders of data hold no Python."""
    breaches = [breach for source in sources(root, *OURS) for breach in _forbidden(source)]
    for folder in DATA_FOLDERS:
        scripts = sorted((root / folder).rglob("*.py"))
        breaches += [f"{path.relative_to(root).as_posix()}:1: {folder}/ is data, no Python" for path in scripts]
    return in_order(breaches)


def cycles(root: Path) -> list[str]:
    """No module imports itself by way of others, wherever the import stands."""
    edges = _edges(sources(root, *OURS))
    reach = {module: _reached(edges, module) for module in edges}
    looped = sorted(module for module in edges if module in reach[module])
    breaches, told = [], set[str]()
    for module in looped:
        if module not in told:
            told |= {other for other in looped if other in reach[module] and module in reach[other]}
            target, place = next(
                (target, place)
                for target, place in sorted(edges[module].items())
                if target == module or module in reach[target]
            )
            breaches.append(f"{place}: cycle {' -> '.join([module, *_way(edges, target, module)])}")
    return in_order(breaches)


def _forbidden(source: Source) -> Iterator[str]:
    own = _layer_of_place(source.place)
    if own is None:
        yield source.breach(1, "no layer is named for this file")
        return
    layer = LAYERS[own]
    for node, target in imports(source):
        if target.endswith(".*"):
            yield source.breach(node, f"star import of {target[:-2]}")
        package = target.split(".")[0]
        if package in OURS:
            other = _layer_of_module(target)
            if other != own and other not in layer.ours:
                yield source.breach(node, f"{own} may not import {other}")
        elif package not in sys.stdlib_module_names and package not in layer.libraries:
            yield source.breach(node, f"{own} may not import {package}")


def _layer_of_place(place: str) -> str | None:
    fitting = [key for key in LAYERS if place == key or place.startswith(f"{key}/")]
    return max(fitting, key=len, default=None)


def _layer_of_module(module: str) -> str:
    first, second = [*module.split("."), ""][:2]
    return f"{first}/{second}" if first == "billing" and second else first


def _edges(found: tuple[Source, ...]) -> dict[str, dict[str, str]]:
    modules = {source.module for source in found}
    edges: dict[str, dict[str, str]] = {module: {} for module in modules}
    for source in found:
        for node, named in imports(source):
            target = next((name for name in (named, named.rpartition(".")[0]) if name in modules), None)
            if target:
                edges[source.module].setdefault(target, source.breach(node, "").removesuffix(": "))
    return edges


def _reached(edges: dict[str, dict[str, str]], start: str) -> set[str]:
    reached, waiting = set[str](), [start]
    while waiting:
        for target in edges[waiting.pop()]:
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    return reached


def _way(edges: dict[str, dict[str, str]], start: str, end: str) -> list[str]:
    """The shortest way along imports, both ends included."""
    ways = [[start]]
    for way in ways:
        if way[-1] == end:
            return way
        ways += [[*way, target] for target in sorted(edges[way[-1]]) if target not in way]
    raise LookupError(f"{end} is not reached from {start}")
