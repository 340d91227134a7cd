"""JSON as a stream of records: objects one a line, one array of objects, or objects one after the other.

Only one record is held at a time. Numbers stay as they are written. An object that names a key twice has no one
meaning, and is none. Of a file with one object a line, a line that is no whole object is broken and costs itself; in
an array, or where an object goes on over several lines, nothing tells where the next record begins, so a fault refuses
the file whole, and so does a missing end.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

RECORD_LIMIT = 1 << 20
"""Characters of one record."""
DEPTH_LIMIT = 32
"""Objects and arrays inside one another."""
LOOKED_AT_LINES = 20
"""Lines among which one that is a whole object tells that every line is one."""


class Written(str):
    """A number, true, false or NaN as the file writes it, so not in quotes."""

    __slots__ = ()


class Twice(dict[str, Any]):
    """An object that names a key twice."""


@dataclass(frozen=True)
class Record:
    """One record.

    Attributes:
        line: its first physical line.
        text: as the file has it.
        value: the object; None when it is broken.
    """

    line: int
    text: str
    value: Mapping[str, Any] | None


class Fault(Exception):
    """A fault in the JSON of a whole file: its line, and what is wrong there."""

    def __init__(self, line: int, problem: str, *, is_cut_off: bool) -> None:
        super().__init__(problem)
        self.line, self.problem, self.is_cut_off = line, problem, is_cut_off


def scan_records(chunks: Iterable[str]) -> Iterator[Record]:
    """The records of a file in their order, from its text with plain line ends.

    Raises:
        Fault: the file as a whole cannot be read.
    """
    window = _Window(chunks)
    window.skip_blanks()
    if window.starts_with("["):
        yield from _of_array(window)
    elif _has_object_a_line(window):
        yield from _of_lines(window)
    else:
        yield from _of_objects(window)


def as_text(value: object) -> str:
    """A value as JSON on one line, numbers as they were written."""
    if value is None or isinstance(value, Written):
        return "null" if value is None else str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_text(key)}: {as_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def holds_twice(value: object) -> bool:
    """Whether an object inside a value, or the value itself, names a key twice."""
    if isinstance(value, dict):
        return isinstance(value, Twice) or any(map(holds_twice, value.values()))
    return isinstance(value, list) and any(map(holds_twice, value))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    return named if len(named) == len(pairs) else Twice(named)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=Written, parse_int=Written, parse_constant=Written)


_OPEN_STRING = "Unterminated string"
_TOO_LONG = f"a record of more than {RECORD_LIMIT} characters"


def _decode(text: str, place: int) -> tuple[Any, int]:
    """The value that begins at a place of a text, and where it ends."""
    try:
        value, end = _DECODER.raw_decode(text, place)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if end - place > RECORD_LIMIT:
        raise ValueError(_TOO_LONG)
    if text.count("{", place, end) + text.count("[", place, end) > DEPTH_LIMIT:
        _check_depth(value)
    return value, end


class _Window:
    """A text read piece by piece: at least one record's limit of it is at hand behind the place that is looked at."""

    def __init__(self, chunks: Iterable[str]) -> None:
        self._chunks = iter(chunks)
        self._is_ended = False
        self.text = ""
        self.place = 0
        self.line = 1
        self._fill()

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self.place >= len(self.text)

    def starts_with(self, sign: str) -> bool:
        """Whether the text goes on with some characters."""
        return self.text.startswith(sign, self.place)

    def move(self, place: int) -> None:
        """Go on to a place in the text at hand."""
        self.line += self.text.count("\n", self.place, place)
        self.place = place
        self._fill()

    def skip_blanks(self) -> None:
        """Go on to the next character that is no blank."""
        while not self.at_end:
            rest = self.text[self.place : self.place + 4096]
            bare = rest.lstrip(" \t\r\n")
            self.move(self.place + len(rest) - len(bare))
            if bare:
                return

    def line_end(self) -> int:
        """Where the line ends that is looked at; the end of the text at hand when no end is there."""
        end = self.text.find("\n", self.place)
        return len(self.text) if end < 0 else end

    def decode(self) -> tuple[Any, int]:
        """The value that begins here, and where it ends.

        Raises:
            ValueError: it is no JSON, has no end within the limit of a record, or is too deep.
        """
        try:
            return _decode(self.text, self.place)
        except json.JSONDecodeError as error:
            is_at_edge = error.pos >= len(self.text) or error.msg.startswith(_OPEN_STRING)
            if is_at_edge and not self._is_ended:
                raise ValueError(_TOO_LONG) from None
            raise

    def fault(self, problem: str) -> Fault:
        """A fault at this place; at the end of the text the file is cut off."""
        return Fault(self.line, problem, is_cut_off=self.at_end)

    def fault_of(self, error: ValueError) -> Fault:
        """A fault found while a value was decoded that begins here."""
        if not isinstance(error, json.JSONDecodeError):
            return Fault(self.line, str(error), is_cut_off=False)
        is_cut_off = not self.text[error.pos :].strip() or error.msg.startswith(_OPEN_STRING)
        return Fault(self.line + self.text.count("\n", self.place, error.pos), error.msg, is_cut_off=is_cut_off)

    def _fill(self) -> None:
        if self.place > RECORD_LIMIT:
            self.text, self.place = self.text[self.place :], 0
        while not self._is_ended and len(self.text) - self.place <= RECORD_LIMIT:
            chunk = next(self._chunks, None)
            self._is_ended = chunk is None
            self.text += chunk or ""


def _check_depth(value: object, depth: int = 1) -> None:
    if depth > DEPTH_LIMIT:
        raise ValueError("nested too deeply")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        _check_depth(each, depth + 1)


def _has_object_a_line(window: _Window) -> bool:
    """Whether one of the first lines is a whole object by itself, from its first character on."""
    place = window.place
    for _ in range(LOOKED_AT_LINES):
        end = window.text.find("\n", place)
        line = window.text[place : len(window.text) if end < 0 else end]
        if line.startswith("{") and _whole_object(line) is not None:
            return True
        if end < 0:
            return False
        place = end + 1
    return False


def _whole_object(line: str) -> dict[str, Any] | None:
    """The object that a line is and nothing else; None when it is none."""
    bare = line.strip(" \t\r\n")
    try:
        value, end = _decode(bare, 0)
    except ValueError:
        return None
    return value if isinstance(value, dict) and end == len(bare) else None


def _of_lines(window: _Window) -> Iterator[Record]:
    while not window.at_end:
        line, end = window.line, window.line_end()
        text = window.text[window.place : end]
        is_whole = len(text) <= RECORD_LIMIT
        while end == len(window.text) and not window.at_end:
            # The rest of a line that is too long is passed over piece by piece.
            window.move(end)
            end = window.line_end()
        window.move(min(end + 1, len(window.text)))
        if text.strip():
            yield Record(line, text, _bare(_whole_object(text)) if is_whole else None)


def _of_objects(window: _Window) -> Iterator[Record]:
    window.skip_blanks()
    while not window.at_end:
        yield _next_object(window)
        window.skip_blanks()


def _of_array(window: _Window) -> Iterator[Record]:
    window.move(window.place + 1)
    window.skip_blanks()
    is_first = True
    while not window.starts_with("]"):
        if not is_first:
            if not window.starts_with(","):
                raise window.fault("a comma or the end of the array is missing")
            window.move(window.place + 1)
            window.skip_blanks()
        yield _next_object(window)
        is_first = False
        window.skip_blanks()
    window.move(window.place + 1)
    window.skip_blanks()
    if not window.at_end:
        raise window.fault("something stands behind the array")


def _next_object(window: _Window) -> Record:
    if not window.starts_with("{"):
        raise window.fault("an object is missing")
    try:
        value, end = window.decode()
    except ValueError as error:
        raise window.fault_of(error) from None
    record = Record(window.line, window.text[window.place : end], _bare(value))
    window.move(end)
    return record


def _bare(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """An object; None when it names a key twice itself."""
    return None if isinstance(value, Twice) else value
