"""Write the generated reference pages: commands, tables, reasons, catalog, each from what the engine itself uses.

`python docs/generate.py` writes them; a test fails while a page is not what this script gives.
"""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from billing.catalog.words import ColumnWords, TableWords, catalog_words  # noqa: E402 - the checkout beside this file
from billing.core.messages import LANGUAGES, catalogue, render  # noqa: E402
from billing.publishing.shapes import PublishedCall, published  # noqa: E402
from billing.publishing.tables import PERIOD_TABLES  # noqa: E402
from billing.publishing.views import read_views  # noqa: E402
from billing.tables.calls import Cdr, Duplicate, Joined, RatedCall, Waiting  # noqa: E402
from billing.tables.catalog import CATALOG_TABLES  # noqa: E402
from billing.tables.deliveries import Delivery  # noqa: E402
from billing.tables.schema import Table  # noqa: E402
from billing.validation.facts import FACTS  # noqa: E402
from billing.validation.rules import load_rules, share_rules  # noqa: E402
from pipelines.cli import build  # noqa: E402

FOLDER = ROOT / "docs" / "reference"
MADE = "<!-- Made by docs/generate.py; change the source, not this page. -->"
SITUATIONS = ROOT / "tests" / "dirty_input" / "situations.yaml"
MESSAGES = ROOT / "billing" / "core" / "messages"
REASON = re.compile(r"[A-Z][A-Z0-9_]*")
GROUPS = {
    "validation": ("Records held back or files refused by a rule", "规则挂起的记录、被拒的文件"),
    "ingest": ("Call files and layouts", "话单文件与版式"),
    "catalog": ("Catalog files", "客户资料"),
    "charging": ("Charges", "出账"),
    "call_analysis": ("Call analysis", "呼叫分析"),
    "delivery": ("What goes out", "单据分发与话单导出"),
    "commission": ("Commission", "计佣"),
    "pipelines": ("Books, periods, plans, proofs", "账套、账期、资费、核验"),
}
TYPES = {"String": "text", "Int64": "whole number", "Date": "day"}
VALUES = {"text": "TEXT", "integer": "NUMBER", "integer range": "NUMBER", "time": "TIME"}
EXIT_CODES = (
    ("0", "done", "完成"),
    ("1", "findings at or above `--fail-on` (default: critical)", "有达到 `--fail-on` 级别的问题（默认 critical）"),
    ("2", "the command was used wrongly: option, folder, month, key", "用法错误：选项、目录、账期、编号"),
    ("3", "refused by a rule; repeating will not help", "按规则拒绝，重试无用"),
    ("4", "another command is writing; try again", "另一条命令正在写入，请稍后再试"),
    ("70", "a fault of ours; the trace is in a file", "程序内部错误，详情在文件中"),
)


def pages() -> dict[str, str]:
    """Every generated page by file name."""
    makers: dict[str, Callable[[], Iterable[str]]] = {
        "commands.md": commands,
        "tables.md": tables,
        "reasons.md": reasons,
        "catalog.md": catalog,
        "dirty-input.md": dirty_input,
        "gate.md": gate,
    }
    return {name: "\n".join([*make(), ""]) for name, make in makers.items()}


def commands() -> Iterable[str]:
    """Every command with its arguments and options, in both languages."""
    english, chinese = build("en"), build("zh")
    yield from _head("Commands", "命令")
    yield "Results go to standard output, progress and findings to standard error."
    yield "结果写到标准输出，进度与问题写到标准错误。"
    yield ""
    yield "`BOOKS` is the folder of the books, `PERIOD` a month such as `2026-10`."
    yield "`BOOKS` 为账套目录，`PERIOD` 为账期，写作 `2026-10`。"
    yield "Language: `--lang`, else that of `books.toml`, else the variable `BILL400_LANG`, else Chinese."
    yield ""
    names = list(english.commands)
    helps = [(f"[`bill400 {name}`](#bill400-{name})", english, chinese, name) for name in names]
    rows = [(link, en.commands[name].help or "", zh.commands[name].help or "") for link, en, zh, name in helps]
    yield from _table(("command", "does", "作用"), rows)
    yield from ("## Exit codes 退出码", "")
    yield from _table(("code", "meaning", "含义"), EXIT_CODES)
    for name in names:
        yield from _command(name, english.commands[name], chinese.commands[name])


def _command(name: str, command: click.Command, chinese: click.Command) -> Iterable[str]:
    yield from (f"## bill400 {name}", "", f"{command.help}", "", f"{chinese.help}", "")
    usage = [name, *(_argument(each) for each in command.params if isinstance(each, click.Argument)), "[options]"]
    yield from ("```text", f"bill400 {' '.join(usage)}", "```", "")
    words = {each.name: each.help or "" for each in chinese.params if isinstance(each, click.Option)}
    options = [each for each in command.params if isinstance(each, click.Option)]
    rows = [(_option(each), each.help or "", words[each.name], _default(each)) for each in options]
    yield from _table(("option", "meaning", "含义", "default"), rows)


def _argument(argument: click.Argument) -> str:
    name = (argument.name or "").upper() + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _option(option: click.Option) -> str:
    values = option.type.choices if isinstance(option.type, click.Choice) else None
    if option.is_flag:
        return f"`{option.opts[0]}`"
    kind = option.type.name
    return f"`{option.opts[0]}` " + ("/".join(values) if values else VALUES.get(kind, kind.upper()))


def _default(option: click.Option) -> str:
    if option.required:
        return "required"
    shown = isinstance(option.default, str | int | float) and not option.is_flag
    return f"`{option.default}`" if shown else ""


def tables() -> Iterable[str]:
    """Every table, published and inside, with its columns."""
    yield from _head("Tables", "数据表")
    yield "What `published/<period>/tables/` and the [audit database](../how-to/read-the-audit-database.md) hold."
    yield "Money is in yuan there; inside the books the same columns end in `_micro` and count millionths of a yuan."
    yield "已发布的表金额以元为单位；账套内部同名列以 `_micro` 结尾，单位为百万分之一元。"
    yield ""
    yield from ("## The month 本月", "")
    for table in PERIOD_TABLES:
        yield from _columns(published(table))
    yield from ("## The catalog, as it was used 所用客户资料", "", "In the audit database only. 只在审计库中。", "")
    for table in CATALOG_TABLES:
        yield from _columns(published(table))
    yield from ("## Calls 话单", "", "`published/<period>/calls/`, from close on. 关账后发布于 `calls/`。", "")
    yield from _columns(PublishedCall)
    yield from ("## Views of the audit database 审计库视图", "")
    rows = []
    for view in read_views(calls_inside=True):
        zh, _, en = view.comment.partition(" / ")
        rows.append((f"`{view.name}`", en, zh))
    yield from _table(("view", "shows", "内容"), rows)
    yield from ("## Inside the books 账套内部", "", "In `lake/`, never published. 位于 `lake/`，不对外发布。", "")
    for table in (Cdr, Waiting, Joined, Duplicate, RatedCall, Delivery):
        yield from _columns(table)


def _columns(table: type[Table]) -> Iterable[str]:
    key = ", ".join(f"`{name}`" for name in table.key)
    yield from (f"### {table.name} {table.zh}", "", f"{table.en} Key: {key}.", "")
    rows = [(f"`{each}`", _type(str(each.dtype)), each.unit, each.en, each.zh) for each in table.columns]
    yield from _table(("column", "holds", "unit", "meaning", "含义"), rows)


def _type(name: str) -> str:
    if found := re.match(r"Decimal\(.*?(\d+)\)$", name):
        return f"amount, {found[1]} places"
    return TYPES.get(name, "time" if name.startswith("Datetime") else name)


def reasons() -> Iterable[str]:
    """Every reason code with its sentence in both languages."""
    yield from _head("Reasons", "原因代码")
    yield "A message reads `severity: file:line: REASON: what, for which key; what to do`. The code never changes; the"
    yield "sentence may. Words in braces are filled in. 原因代码固定不变，文字可能调整；花括号内为具体内容。"
    yield ""
    for stem, (en, zh) in GROUPS.items():
        codes = yaml.safe_load((MESSAGES / f"{stem}.yaml").read_text("utf-8"))
        words = {code: catalogue()[code] for code in codes if REASON.fullmatch(code)}
        yield from (f"## {en} {zh}", "")
        yield from _table(("reason", "what it says", "中文"), [(f"`{c}`", w["en"], w["zh"]) for c, w in words.items()])


GATE_HEAD = """Every batch of files that one `ingest` or `run` reads is judged by Great Expectations before a yuan is
rated.
每次 `ingest`（或 `run`）读入的一批文件，都先由 Great Expectations 检查，合格后才批价。

* A call that breaks a rule of calls with `suspend` waits in suspense under the first such rule; with `note` it is
  billed and counted. 违反 `suspend` 规则的话单按首个原因转入待处理；违反 `note` 规则的照常计费并计数。
* A file that breaks a critical rule is not read, unless somebody answers for it: `--override RULE --by NAME --reason
  TEXT`. 违反严重规则的文件不予读入，除非具名放行。
* A rule that cannot run stops the whole batch, whatever its severity. 规则无法执行时整批停止。
* What was found lies beside the calls: `lake/gate/FILE.json` of each file, named by the commit, and a page of the batch
  in `published/PERIOD/gate/`. No file is rated without such a result. 每个文件的检查结果由提交命名，无结果不批价。

The rules are data, an SQL condition each that good rows satisfy: `billing/validation/rules/calls.yaml`, `files.yaml`.
"""


def gate() -> Iterable[str]:
    """The rules of the quality gate, and the facts of files that they go by."""
    yield from _head("Quality gate", "质量检查")
    yield from GATE_HEAD.splitlines()
    yield ""
    rules = load_rules()
    for scope, title in (("call", "## Rules of calls 话单规则"), ("file", "## Rules of files 文件规则")):
        yield from (title, "")
        head = ("rule", "what is good", "合格条件", "severity", "else", "reason", "who mends it")
        rows = [
            (r.id, r.sentence["en"], r.sentence["zh"], r.severity, r.action, f"`{r.reason}`", r.owner)
            for r in rules
            if r.scope == scope
        ]
        yield from _table(head, rows)
    shares = [(rule.id, rule.sentence["en"], rule.sentence["zh"]) for rule in share_rules(rules)]
    yield "A file most of whose calls are broken is not what it should be; these rules are critical, too:"
    yield ""
    yield from _table(("rule", "what is good", "合格条件"), shares)
    yield from ("## Facts of a file 文件的统计量", "")
    yield "What rules of files may name, and what a file's result holds. Null where a file does not state it."
    yield ""
    yield from _table(("fact", "what it is", "说明"), [(f"`{name}`", en, zh) for name, (en, zh) in FACTS.items()])


def dirty_input() -> Iterable[str]:
    """Every situation of dirty input, what the engine does about it, and the tests and stories that hold it."""
    yield from _head("Dirty input", "异常输入")
    yield "What call files, values and terms can bring, and what the engine does about each. No record disappears."
    yield "Nothing that can be read in two ways becomes money. What waits tells its reason; see [Reasons](reasons.md)."
    yield "话单与资费可能出现的各种异常及系统的处理方式：不丢记录，不猜测，挂起的记录注明原因代码。"
    yield ""
    for group in yaml.safe_load(SITUATIONS.read_text("utf-8")):
        yield from (f"## {group['family']['en']} {group['family']['zh']}", "")
        rows = [
            (
                each["id"],
                each["what"],
                each["does"] if not each.get("building") else f"Not built yet: {each['does']}",
                ", ".join(f"`{code}`" for code in each.get("reason", ())),
                "; ".join(_proof(proof) for proof in each.get("proof", ())),
            )
            for each in group["situations"]
        ]
        yield from _table(("id", "situation 情形", "what the engine does 处理", "reason 原因", "held by 验证"), rows)


def _proof(proof: str) -> str:
    """A link to a story, to an error case, or to the file of a test."""
    if proof.startswith("story:"):
        name = proof.removeprefix("story:")
        return f"[{name}](../../cdr_samples/{name}/README.md)"
    path, _, test = proof.partition("::")
    return f"[{test or Path(path).stem}](../../tests/{path})"


def catalog() -> Iterable[str]:
    """Every catalog file, its headers and how values are written."""
    yield from _head("Catalog", "客户资料")
    yield "Tables in `catalog/`, each one file: `<name>.xlsx` or `<name>.csv` (UTF-8 or GB18030). Any order of"
    yield "columns, headers in Chinese or English. `bill400 init` writes empty workbooks with lists to choose from."
    yield "每张表一个文件，xlsx 或 csv；列的顺序不限，列名中英文均可。`bill400 init` 会写出带下拉列表的空白模板。"
    yield ""
    example = render("catalog.notes.example", "en", {"marks": "EXAMPLE / 示例"})
    yield f"{example} A day that ends something is the first day outside. 表示结束的日期为“不含的第一天”。"
    yield ""
    for words in catalog_words():
        yield from _catalog_table(words)
    kinds = dict.fromkeys(reading.kind for w in catalog_words() for c in w.columns for reading in c.readings)
    yield from ("## How values are written 填写方法", "")
    yield from _table(
        ("kind", "write", "写法"), [(k, *(render(f"catalog.kind.{k}", lang) for lang in ("en", "zh"))) for k in kinds]
    )


def _catalog_table(words: TableWords) -> Iterable[str]:
    need = "Required. 必需。" if words.required else "May be missing. 可以没有。"
    yield from (f"## {words.file} {words.table.zh}", "", f"{words.table.en} {need}", "")
    yield from _table(
        ("headers that mean it 列名", "required 必填", "kind", "meaning", "含义", "values 取值", "example 示例"),
        [_catalog_row(column) for column in words.columns],
    )


def _catalog_row(column: ColumnWords) -> Sequence[str]:
    headers = "; ".join(f"{', '.join(reading.words)} ({reading.kind})" for reading in column.readings)
    values = ", ".join(" = ".join(dict.fromkeys((zh, en))) for en, zh in column.choices.values())
    required = "yes 是" if column.required else ""
    kind = column.readings[0].kind
    example = " / ".join(dict.fromkeys(column.example))
    return headers, required, kind, column.column.en, column.column.zh, values, example


def _head(en: str, zh: str) -> Iterable[str]:
    return (MADE, f"# {en} {zh}", "")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(_cell(each) for each in row)} |"
    yield ""


def _cell(text: str) -> str:
    """Text that Markdown shows as it is."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def main() -> None:
    """Write the pages."""
    assert set(LANGUAGES) == {"en", "zh"}, "a page holds both languages"
    for name, text in pages().items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
