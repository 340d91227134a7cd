"""Layouts: what a file of call records looks like, as data, one YAML file each, checked when it is loaded.

A layout knows columns, forms, words and the zone; it holds no code. Unknown keys are refused: a misspelt key that is
silently ignored would read a column the wrong way.
"""

import zoneinfo
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from billing.core.findings import Finding, Refusal, refuse
from billing.core.period import ZONE
from billing.ingest.assembling import Assemble, Corrections
from billing.ingest.file_form import FileForm
from billing.ingest.times import time_problem
from billing.tables.calls import CALL_CLASS, OUTCOMES

TIMES = ("started_at", "platform_answered_at", "answered_at", "ended_at")
NUMBERS = ("caller", "service_number", "landing_number")
EPOCHS = ("epoch_s", "epoch_ms", "epoch_us")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _outcome(word: str) -> str:
    if word not in OUTCOMES:
        raise ValueError(f"{word} is not one of {', '.join(OUTCOMES)}")
    return word


def _zone(name: str) -> str:
    try:
        known = "/" in name and bool(zoneinfo.ZoneInfo(name).key)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = False
    if not known:
        raise ValueError(f"{name} is not a zone with a place in its name, such as {ZONE}")
    return name


CallClass = Annotated[str, Field(pattern=CALL_CLASS)]
OutcomeWord = Annotated[str, AfterValidator(_outcome)]


class FieldForm(_Strict):
    """Where one value stands and how it is written.

    Attributes:
        column: the header's word.
        form: `text`, `number` (a telephone number), `seconds`, `milliseconds`, `epoch_s`, `epoch_ms`, `epoch_us`
            or a time format.
    """

    column: str
    form: str


class Identity(_Strict):
    """The source's own call id, and how far apart (hours) two calls with one id must start to be two calls.

    `normalise` gives an id that comes in several forms one form, before it is compared and stored.
    """

    column: str | None = None
    window_hours: int = Field(default=12, ge=1, le=24)
    normalise: list[Literal["remove_blanks", "upper"]] = []


class OutcomeWords(_Strict):
    """The source's words for how a call went.

    Attributes:
        column: where the word stands.
        words: word -> outcome.
        other: outcome of words that are not listed; without it such a word cannot be read.
        answered_by: what tells that a call was answered: its word, talk above zero, or an answer time.
    """

    column: str
    words: dict[str, OutcomeWord] = Field(min_length=1)
    other: OutcomeWord | None = None
    answered_by: Literal["word", "talk", "answer_time"] = "word"


class CallClassWords(_Strict):
    """The source's words for the class of a call, by which plans may have other prices.

    Attributes:
        column: where the word stands; an empty cell tells no class.
        words: word -> class.
        other: class of words that are not listed; without it such a word cannot be read.
    """

    column: str
    words: dict[str, CallClass] = Field(min_length=1)
    other: CallClass | None = None


class NotOurs(_Strict):
    """Records that are no calls to a 400 number: those with one of these values in a column."""

    column: str
    values: list[str]


class Derived(_Strict):
    """Values a layout lacks, from those it has."""

    answered_at: Literal["end - talk"] | None = None
    ended_at: Literal["start + talk", "answer + talk"] | None = None
    talk_ms: Literal["end - answer"] | None = None


class Title(_Strict):
    """The layout's name for people."""

    en: str
    zh: str


class Layout(FileForm):
    """One layout. `source` is who wrote the file (identity holds within a source); it defaults to the id.

    With `assemble` or `corrections` its records are not calls by themselves: they wait until calls are made of them.
    Without a header line (`has_header: false`) columns go by their position, and `header` names them in order.
    """

    id: str
    version: int
    title: Title
    source: str = ""
    zone: Annotated[str, AfterValidator(_zone)]
    identity: Identity
    fields: dict[str, FieldForm]
    derived: Derived = Derived()
    not_ours: NotOurs | None = None
    outcome: OutcomeWords
    call_class: CallClassWords | None = None
    assemble: Annotated[Assemble, Field(discriminator="kind")] | None = None
    corrections: Corrections | None = None

    @property
    def is_assembled(self) -> bool:
        """Whether calls are put together from its records."""
        return self.assemble is not None or self.corrections is not None

    @property
    def key_columns(self) -> list[str]:
        """What the records of one call share, beside the source; empty when each record is a call."""
        if self.assemble:
            return self.assemble.by
        return [self.identity.column] if self.corrections and self.identity.column else []

    @property
    def tag(self) -> str:
        """`id@version`, as it is stored with every file."""
        return f"{self.id}@{self.version}"

    @property
    def source_name(self) -> str:
        """Who wrote the file."""
        return self.source or self.id

    def used_columns(self) -> list[str]:
        """Every column that a value is taken from, once, in the order of the header."""
        used = {field.column for field in self.fields.values()} | {self.outcome.column}
        used |= {self.identity.column} if self.identity.column else set()
        used |= {rule.column for rule in (self.not_ours, self.call_class) if rule}
        used |= set(self._assembly_columns())
        return [column for column in self.header if column in used]

    def _assembly_columns(self) -> list[str]:
        own = [*self.key_columns, *(self.assemble.columns() if self.assemble else [])]
        return [*own, self.corrections.column] if self.corrections else own

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if len(set(self.header)) < len(self.header):
            raise ValueError("header names a column twice")
        named = [field.column for field in self.fields.values()] + [self.outcome.column]
        named += [self.identity.column] if self.identity.column else []
        named += [rule.column for rule in (self.not_ours, self.call_class) if rule]
        named += self._assembly_columns()
        if strangers := sorted(set(named) - set(self.header)):
            raise ValueError(f"columns that are not in the header: {', '.join(strangers)}")
        for name, field in self.fields.items():
            if problem := _form_problem(name, field.form):
                raise ValueError(f"fields.{name}: {problem}")
        for name in ("started_at", "service_number"):
            if name not in self.fields:
                raise ValueError(f"fields lacks {name}")
        # Events tell when a call began and ended; talk is what lies between.
        is_told_by_events = self.assemble is not None and self.assemble.kind == "events"
        if "talk_ms" not in self.fields and not self.derived.talk_ms and not is_told_by_events:
            raise ValueError("talk_ms is neither a field nor derived")
        stated = [record for record in (self.header_record, self.trailer) if record and record.talk_seconds]
        if stated and not ("talk_ms" in self.fields and self.fields["talk_ms"].form == "seconds"):
            raise ValueError("stated talk_seconds can only be compared with a field talk_ms of form seconds")
        if self.corrections and not self.key_columns:
            raise ValueError("corrections without assemble need identity.column: what would they correct")
        return self


def _form_problem(name: str, form: str) -> str:
    """Why a form does not fit a field; empty when it does."""
    if name in TIMES:
        if "%" in form:
            return time_problem(form)
        fits = form in EPOCHS
    elif name in NUMBERS:
        fits = form == "number" or (form == "text" and name == "landing_number")
    elif name == "talk_ms":
        fits = form in ("seconds", "milliseconds")
    else:
        return "no such field"
    return "" if fits else f"form {form} does not fit"


def load_layouts(extra_folder: Path | None = None) -> list[Layout]:
    """The layouts that come with the engine, then the user's own, in order of file name.

    Raises:
        Refusal: a file breaks the model (each problem with file and line), or an id stands twice.
    """
    texts = [
        (entry.name, entry.read_bytes())
        for entry in resources.files("billing.ingest").joinpath("layouts").iterdir()
        if entry.name.endswith(".yaml")
    ]
    own = sorted(extra_folder.glob("*.yaml")) if extra_folder and extra_folder.is_dir() else []
    texts = sorted(texts) + [(path.name, path.read_bytes()) for path in own]
    layouts: dict[str, Layout] = {}
    for name, content in texts:
        try:
            layout = parse_layout(content.decode("utf-8"), name)
        except UnicodeDecodeError as error:
            raise refuse("LAYOUT_INVALID", f"{name}:1", field="-", problem="not UTF-8") from error
        if layout.id in layouts:
            raise refuse("LAYOUT_TWICE", f"{name}:1", layout=layout.id)
        _joins_like_its_source(layout, layouts.values(), name)
        layouts[layout.id] = layout
    return list(layouts.values())


def _joins_like_its_source(layout: Layout, others: Iterable[Layout], name: str) -> None:
    """Refuse two layouts of one source that put calls together differently: which is right would hang on the order."""
    for other in others:
        same_rule = (other.assemble, other.corrections) == (layout.assemble, layout.corrections)
        if other.source_name == layout.source_name and not same_rule:
            problem = f"layout {other.id} of the same source puts calls together otherwise"
            raise refuse("LAYOUT_INVALID", f"{name}:1", field="assemble", problem=problem)


def parse_layout(text: str, name: str) -> Layout:
    """One layout from YAML text; `name` is the file's name for messages.

    Raises:
        Refusal: not YAML, or not a layout.
    """
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise refuse("LAYOUT_INVALID", f"{name}:1", field="-", problem="an alias (*name); write it out")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        return Layout.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise refuse("LAYOUT_INVALID", f"{name}:{line}", field="-", problem="not YAML") from None
    except ValidationError as error:
        findings = [
            Finding(
                "LAYOUT_INVALID",
                where=f"{name}:{_line_of(tree, problem['loc'])}",
                values={"field": ".".join(map(str, problem["loc"])) or "-", "problem": problem["msg"]},
            )
            for problem in error.errors()
        ]
        raise Refusal(*findings) from None


def _line_of(node: yaml.Node | None, loc: Sequence[int | str]) -> int:
    """The line of a key in a YAML tree, or of the nearest key above it that stands there."""
    line = 1
    for step in loc:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(step)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line
