"""The documentation keeps up with the program: generated pages, links, commands, examples, printed sessions."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

from billing.ingest.layout import parse_layout
from billing.rate_book.plans import AccountMap, CommissionScheme, RetailPlan, SettlementPlan, TaxTable
from billing.rate_book.yaml_file import parse, read_yaml
from pipelines.cli import build

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
OPTIONS = ("--by", "--calls", "--draft", "--dry-run", "--fail-on", "--first-period", "--json", "--lang", "--layout",
           "--no-ingest", "--reason", "--seed", "--wait")  # fmt: skip
MODELS: dict[str, type[BaseModel]] = {
    "retail": RetailPlan,
    "settlement": SettlementPlan,
    "commission": CommissionScheme,
    "tax": TaxTable,
    "posting": AccountMap,
}

LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (?P<words>.+)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"(?:`|^\$ |^)bill400 (?P<name>[a-z][a-z-]+)", re.MULTILINE)
EXAMPLE = re.compile(r"^```yaml\n# (?P<path>\S+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
FENCED_YAML = re.compile(r"^```yaml$", re.MULTILINE)


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate, replay = _script("generate"), _script("replay")


def _shown(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _anchors(text: str) -> set[str]:
    """How GitHub names the headings of a page."""
    heads = (match["words"].replace("`", "").strip().lower() for match in HEADING.finditer(FENCE.sub("", text)))
    return {re.sub(r"[^\w\- ]", "", head).replace(" ", "-") for head in heads}


def _broken_links(page: Path, text: str) -> list[str]:
    broken = []
    for match in LINK.finditer(FENCE.sub("", text)):
        path, _, anchor = match["target"].partition("#")
        if ":" in path:
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target.read_text("utf-8"))):
            broken.append(match["target"])
    return broken


def _unknown_commands(text: str) -> list[str]:
    known = build("en").commands
    return [match["name"] for match in NAMED.finditer(text) if match["name"] not in known]


@pytest.mark.parametrize("name", generate.pages())
def test_generated_page_is_what_the_script_gives(name: str) -> None:
    page = ROOT / "docs" / "reference" / name
    assert page.read_text("utf-8") == generate.pages()[name], "run `python docs/generate.py`"


@pytest.mark.parametrize("page", PAGES, ids=_shown)
def test_relative_links_lead_somewhere(page: Path) -> None:
    assert _broken_links(page, page.read_text("utf-8")) == []


def test_a_broken_link_is_seen() -> None:
    text = "[a](nowhere.md) [b](docs/README.md#no-such-heading) [c](README.md)"
    assert _broken_links(ROOT / "README.md", text) == ["nowhere.md", "docs/README.md#no-such-heading"]


@pytest.mark.parametrize("page", PAGES, ids=_shown)
def test_commands_in_the_pages_exist(page: Path) -> None:
    assert _unknown_commands(page.read_text("utf-8")) == []


def test_an_unknown_command_is_seen() -> None:
    assert _unknown_commands("use `bill400 rewind BOOKS`\n$ bill400 run books 2026-10\n") == ["rewind"]


def test_every_command_and_option_is_in_the_reference() -> None:
    page = (ROOT / "docs/reference/commands.md").read_text("utf-8")
    words = [*(f"## bill400 {name}" for name in build("en").commands), *(f"`{option}`" for option in OPTIONS)]
    assert [word for word in words if word not in page] == []


@pytest.mark.parametrize("page", ["plans.md", "layouts.md"])
def test_yaml_examples_load(page: str, tmp_path: Path) -> None:
    text = (ROOT / "docs/reference" / page).read_text("utf-8")
    examples = list(EXAMPLE.finditer(text))
    assert len(examples) == len(FENCED_YAML.findall(text)) > 0, "every example begins with `# folder/name.yaml`"
    for example in examples:
        path = Path(example["path"])
        if page == "layouts.md":
            assert parse_layout(example["body"], path.name).id == path.stem
            continue
        file = tmp_path / path.name
        file.write_text(example["body"], "utf-8")
        plan = parse(MODELS[path.parent.name], read_yaml(file, path.name))
        assert getattr(plan, "plan", getattr(plan, "scheme", path.stem)) == path.stem


@pytest.mark.parametrize("page", replay.pages(), ids=_shown)
def test_printed_sessions_are_what_the_commands_say(page: Path, tmp_path: Path) -> None:
    assert replay.replay(page, tmp_path).differences == [], "see `python docs/replay.py --accept`"


def test_another_output_is_seen() -> None:
    assert replay.fits(["a ... c", "...", "z"], "a b c\nd\ne\nz\n")
    assert not replay.fits(["a ... c"], "a b d\n")
