"""Books policy: what `books.toml` says about our own company and the readings that the whole books share."""

import datetime as dt
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from billing.core.email_addresses import email_addresses
from billing.core.findings import Finding, Refusal
from billing.core.money import BASIS_POINTS
from billing.core.period import Period
from billing.rate_book.call_price import Share
from billing.rate_book.yaml_file import YamlFile, parse

Taxpayer = Literal["general", "small_scale"]


def _line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("it must be one line of text; leave the key out where there is none")
    return text.strip()


def _one_email(text: str) -> str:
    try:
        is_one = email_addresses(text) == [text]
    except ValueError:
        is_one = False
    if not is_one:
        raise ValueError("it must be one e-mail address, name@company.cn")
    return text


Line = Annotated[str, AfterValidator(_line)]
"""Text that a document prints in one line."""


class TaxpayerFrom(BaseModel):
    """Kind of taxpayer from a day on."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    start: dt.date
    kind: Taxpayer


class Company(BaseModel):
    """The legal entity whose books these are; what it leaves out, its documents do not print."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    tax_number: str
    taxpayer: Annotated[tuple[TaxpayerFrom, ...], Field(min_length=1)]
    address: Line | None = None
    hotline: Line | None = None
    email: Annotated[str, AfterValidator(_one_email)] | None = None
    bank_name: Line | None = None
    bank_account: Line | None = None

    @model_validator(mode="after")
    def _whole_account(self) -> Self:
        if (self.bank_name is None) != (self.bank_account is None):
            raise ValueError("bank_name and bank_account belong together: a bill names both or neither")
        return self


class Readings(BaseModel):
    """Wordings that allow two readings with different money: stated, never assumed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    revenue_mode: Literal["gross"]
    fapiao_at: Literal["bill"]
    collects: Literal["house"]


class LateFeeRate(BaseModel):
    """Share of what is overdue that a day costs, from a day on."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    start: dt.date
    per_day: Share


TELECOM_REGULATION = LateFeeRate.model_validate({"start": "2016-02-06", "per_day": "0.003"})
"""电信条例 (text of 2016-02-06) art. 34: 3 per mille of the amount owed a day."""


class LateFeeTerms(BaseModel):
    """What overdue bills cost: simple, by the day, at most a share of the principal (domain rule 10.33)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rates: Annotated[tuple[LateFeeRate, ...], Field(min_length=1)] = (TELECOM_REGULATION,)
    cap: Share = BASIS_POINTS
    tax_code: str = "voice"

    def rate_bp(self, day: dt.date) -> int:
        """The rate of a day; the first entry also covers days before it."""
        rates = sorted(self.rates, key=lambda entry: entry.start)
        held = [entry.per_day for entry in rates if entry.start <= day]
        return held[-1] if held else rates[0].per_day


class AnsweredShare(BaseModel):
    """Below what answered share of its calls a number is told of, from how many calls a month on."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    answer_rate: Share = 5_000
    least_calls: Annotated[int, Field(ge=1)] = 20


class PrintedDocuments(BaseModel):
    """What is printed at close, and how much of a long list."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    at_close: bool = True
    paper_rows: Annotated[int, Field(ge=1, le=10_000)] = 2_000


class Policy(BaseModel):
    """`books.toml` as a whole."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    lang: Literal["zh", "en"] = "zh"
    first_period: Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
    due_day: Annotated[int, Field(ge=1, le=28)] = 15
    keep_raw: bool = True
    keep_drafts_days: Annotated[int, Field(ge=0)] = 7
    sample: bool = False
    pseudonym_key: Annotated[str, Field(min_length=16)]
    company: Company
    readings: Readings
    late_fee: LateFeeTerms = LateFeeTerms()
    call_analysis: AnsweredShare = AnsweredShare()
    documents: PrintedDocuments = PrintedDocuments()

    def taxpayer_on(self, day: dt.date) -> Taxpayer:
        """Kind of taxpayer we are on a day; the first entry also covers days before it."""
        kinds = sorted(self.company.taxpayer, key=lambda entry: entry.start)
        held = [entry.kind for entry in kinds if entry.start <= day]
        return held[-1] if held else kinds[0].kind

    @property
    def start(self) -> Period:
        """The first period these books bill."""
        return Period.parse(self.first_period)


def read_policy(path: Path) -> Policy:
    """Read `books.toml`.

    Raises:
        Refusal: no TOML, an unknown, missing or wrong field.
    """
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8")
        values = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refusal(Finding("PLAN_FILE_UNREADABLE", "critical", f"{path.name}:1", {"problem": error})) from error
    return parse(Policy, YamlFile(path.name, values, _toml_lines(text)))


def _toml_lines(text: str) -> dict[tuple[str | int, ...], int]:
    """Lines of keys by table, good enough to point a reader at the field."""
    lines: dict[tuple[str | int, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        head = line.strip()
        if head.startswith("["):
            table = tuple(head.strip("[]").split("."))
            lines.setdefault(table, number)
        elif "=" in head and not head.startswith("#"):
            lines.setdefault((*table, head.split("=")[0].strip()), number)
    return lines
