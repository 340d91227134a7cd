"""The form of a file, as a layout declares it: delimited text, JSON, fixed width, Parquet or a sheet of a workbook.

Here stand the keys of a layout that say how records lie in a file; what their columns mean is the layout's own part.
"""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Encoding = Literal["utf-8", "gb18030"]
Form = Literal["delimited", "json_lines", "fixed_width", "parquet", "xlsx"]
TEXT_FORMS = ("delimited", "fixed_width")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _pattern(text: str) -> str:
    try:
        groups = re.compile(text).groups
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    if groups != 1:
        raise ValueError("the number must stand in one pair of round brackets, and nothing else in such")
    return text


class Place(_Strict):
    """Where a figure stands in a header record or trailer.

    Attributes:
        field: of a delimited line, counted from 1.
        start: first position of a fixed-width line, counted from 1.
        length: positions it takes.
    """

    field: int | None = Field(default=None, ge=1)
    start: int | None = Field(default=None, ge=1)
    length: int | None = Field(default=None, ge=1, le=18)

    @property
    def is_span(self) -> bool:
        """Whether it is told by start and length."""
        return self.start is not None and self.length is not None and self.field is None

    @property
    def is_field(self) -> bool:
        """Whether it is told by the number of a field."""
        return self.field is not None and self.start is None and self.length is None


class FramingRecord(_Strict):
    """A line that is no call and tells about the file: its header record or its trailer.

    Attributes:
        prefix: how the line begins.
        length: of a fixed-width line; null when it may have any.
        required: whether a file without one is not complete.
        records: where it states how many records there are.
        talk_seconds: where it states the seconds of talk of all records.
        sequence: where it states the file's number in the row of files.
    """

    prefix: str = Field(min_length=1)
    length: int | None = Field(default=None, ge=1)
    required: bool = True
    records: Place | None = None
    talk_seconds: Place | None = None
    sequence: Place | None = None

    @property
    def places(self) -> list[Place]:
        """Where the figures stand that it states."""
        return [place for place in (self.records, self.talk_seconds, self.sequence) if place]


class FixedColumn(_Strict):
    """One column of a fixed-width record; blanks around its value are padding.

    Attributes:
        start: first position, counted from 1.
        length: positions it takes.
        zero_padded: whether zeros in front are padding, too.
    """

    start: int = Field(ge=1)
    length: int = Field(ge=1)
    zero_padded: bool = False


class FixedWidth(_Strict):
    """Records of one length whose columns are told by their positions.

    Attributes:
        unit: what positions and lengths count: characters, or bytes of the file's own encoding.
        prefix: how a record of a call begins; empty when every line that is no header record and no trailer is one.
        length: of a record.
        columns: by name.
    """

    unit: Literal["characters", "bytes"]
    prefix: str = ""
    length: int = Field(ge=1, le=64 << 10)
    columns: dict[str, FixedColumn] = Field(min_length=1)

    @model_validator(mode="after")
    def _columns_lie_inside(self) -> Self:
        for name, column in self.columns.items():
            if column.start + column.length - 1 > self.length:
                raise ValueError(f"columns.{name} ends behind position {self.length}")
        return self


class JsonRecords(_Strict):
    """How records lie in JSON.

    Attributes:
        records_at: dotted path of the list of records within each object; null when each object is a record.
        url_encoded: whether text values are percent-encoded.
        optional: columns that a file may lack; they are empty then.
    """

    records_at: str | None = Field(default=None, min_length=1)
    url_encoded: bool = False
    optional: list[str] = []


class FileForm(_Strict):
    """The keys of a layout that say how a file is written; each belongs to one or more forms and to no other."""

    form: Form = "delimited"
    encodings: list[Encoding] = []
    delimiter: str = Field(default="", max_length=1)
    quoting: Literal["none", "always"] = "none"
    comment_prefix: str | None = Field(default=None, min_length=1)
    has_header: bool = True
    header: list[str] = Field(min_length=1)
    header_record: FramingRecord | None = None
    trailer: FramingRecord | None = None
    file_sequence: Annotated[str, AfterValidator(_pattern)] | None = None
    json_records: JsonRecords = JsonRecords()
    fixed_width: FixedWidth | None = None
    sheet: str | None = Field(default=None, min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _header_of_fixed_width(cls, values: Any) -> Any:  # noqa: ANN401 - as the file has it, not yet checked
        """Fixed-width columns are named where their positions stand, and need not be named again."""
        if isinstance(values, dict) and "header" not in values and isinstance(values.get("fixed_width"), dict):
            columns = values["fixed_width"].get("columns")
            if isinstance(columns, dict) and columns:
                return values | {"header": list(columns)}
        return values

    @model_validator(mode="after")
    def _keys_belong_to_the_form(self) -> Self:
        given = self.model_fields_set
        for key, forms in _KEYS.items():
            if key in given and self.form not in forms:
                raise ValueError(f"{key} does not belong to form {self.form}")
        lacking = [key for key in _NEEDED[self.form] if key not in given or not getattr(self, key)]
        if lacking:
            raise ValueError(f"form {self.form} needs {', '.join(lacking)}")
        if self.fixed_width and set(self.header) != set(self.fixed_width.columns):
            raise ValueError("header and fixed_width.columns name other columns")
        if strangers := sorted(set(self.json_records.optional) - set(self.header)):
            raise ValueError(f"json_records.optional: not in the header: {', '.join(strangers)}")
        for name, framing in (("header_record", self.header_record), ("trailer", self.trailer)):
            if framing and (problem := self._framing_problem(framing)):
                raise ValueError(f"{name}: {problem}")
        return self

    def _framing_problem(self, framing: FramingRecord) -> str:
        is_fixed = self.form == "fixed_width"
        if framing.length is not None and not is_fixed:
            return "length belongs to form fixed_width"
        for place in framing.places:
            if not (place.is_span if is_fixed else place.is_field):
                return "a figure needs start and length" if is_fixed else "a figure needs field"
            if framing.length and place.start and place.length and place.start + place.length - 1 > framing.length:
                return f"a figure ends behind position {framing.length}"
        return ""


_KEYS: dict[str, tuple[Form, ...]] = {
    "encodings": ("delimited", "json_lines", "fixed_width"),
    "delimiter": ("delimited",),
    "quoting": ("delimited",),
    "comment_prefix": ("delimited", "fixed_width"),
    "has_header": ("delimited",),
    "header_record": ("delimited", "fixed_width"),
    "trailer": ("delimited", "fixed_width"),
    "json_records": ("json_lines",),
    "fixed_width": ("fixed_width",),
    "sheet": ("xlsx",),
}
"""Which forms have a key."""
_NEEDED: dict[Form, tuple[str, ...]] = {
    "delimited": ("encodings", "delimiter", "quoting"),
    "json_lines": ("encodings",),
    "fixed_width": ("encodings", "fixed_width"),
    "parquet": (),
    "xlsx": (),
}
"""Which keys a form cannot do without."""
