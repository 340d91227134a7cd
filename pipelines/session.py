"""One invocation of the command line: language, output, progress, findings, exit code."""

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from billing.core.findings import SEVERITIES, Finding, Refusal, refuse
from billing.core.messages import LANGUAGES, render
from billing.core.period import Period
from billing.rate_book.policy import read_policy
from pipelines.books import Books, BusyError, open_books
from pipelines.checkout import mend_checkouts
from pipelines.progress import Progress
from pipelines.summaries import finding_lines, plain, plain_value
from pipelines.sweep import sweep_orphans

EXIT_FINDINGS, EXIT_USAGE, EXIT_REFUSED, EXIT_BUSY, EXIT_FAULT = 1, 2, 3, 4, 70
USAGE_REASONS = {
    "NAME_MISSING",
    "REASON_MISSING",
    "OVERRIDE_UNKNOWN",
    "NOTHING_CHOSEN",
    "NOT_IN_SUSPENSE",
    "EXPORT_FORM_UNKNOWN",
    "EXPORT_NOT_FREE",
    "CODE_UNKNOWN",
    "FILE_UNKNOWN",
    "EXPORT_TOO_LONG",
    "NOT_BOOKS",
    "PERIOD_WRONG",
    "FOLDER_NOT_EMPTY",
    "FOLDER_NOT_FREE",
    "DELIVERY_LEFT_BEHIND",
    "FOLDER_NOT_MADE",
    "PATH_MISSING",
    "COMMIT_UNKNOWN",
    "KEY_NOT_FOUND",
    "RECIPIENT_UNKNOWN",
    "RECIPIENT_SHARED",
    "FOLDER_IN_BOOKS",
    "DELIVER_WITHOUT_FOLDER",
    "PASSWORDS_UNREADABLE",
    "PASSWORD_RECIPIENT_UNKNOWN",
    "PASSWORD_TWICE",
    "PASSWORD_WEAK",
    "REASON_WITH_NUMBER",
    "CALLS_OF_NOBODY",
    "CALLS_OF_SEVERAL",
    "CALLS_TOO_LONG",
}
RULE_REASONS = {
    "COMMITS_LOST",
    "TAKE_BACK_TWICE",
    "PERIOD_CLOSED",
    "PERIOD_BEFORE_BOOKS",
    "NOTHING_TO_DELIVER",
    "EARLIER_PERIOD_OPEN",
    "NO_DRAFT",
    "NOT_THE_DRAFT",
    "STALE_DRAFT",
    "NOT_CONSERVED",
    "TAKE_BACK_KIND",
    "TAKE_BACK_CLOSED",
    "TAKE_BACK_RESTS",
    "TAKE_BACK_DELIVERED",
    "PERIOD_NOT_CLOSED",
    "PUBLISHED_CHANGED",
    "REPRINT_DIFFERS",
    "EXTRA_MISSING",
}


def words(code: str, lang: str, **values: object) -> str:
    """A message of the catalogue."""
    return render(code, lang, values)


def language_of(arguments: Sequence[str]) -> str:
    """Language of the help: --lang, else BILL400_LANG, else Chinese."""
    for index, argument in enumerate(arguments):
        if argument.startswith("--lang="):
            return argument[7:] if argument[7:] in LANGUAGES else "zh"
        if argument == "--lang" and index + 1 < len(arguments) and arguments[index + 1] in LANGUAGES:
            return arguments[index + 1]
    return os.environ.get("BILL400_LANG", "zh") if os.environ.get("BILL400_LANG") in LANGUAGES else "zh"


@dataclass
class Session:
    """How a command talks: in which language, as text or JSON, and what it found."""

    lang: str | None
    as_json: bool
    fail_on: str
    books: Path | None = None
    findings: list[Finding] = field(default_factory=list)
    output: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Settle the language: --lang, else that of the books, else BILL400_LANG, else Chinese."""
        if self.lang is None:
            self.lang = language_of([])
            try:
                if self.books and (self.books / "books.toml").exists():
                    self.lang = read_policy(self.books / "books.toml").lang
            except Refusal:
                pass  # the command itself reports what is wrong with books.toml
        self.progress = Progress(self.language)

    @property
    def language(self) -> str:
        """The language, settled."""
        return self.lang or "zh"

    def word(self, code: str, **values: object) -> str:
        """A word or phrase of the catalogue."""
        return render(code, self.language, values)

    def say(self, code: str, **values: object) -> None:
        """Print a message of the catalogue on stdout, unless JSON is wanted."""
        self.print(render(code, self.language, values))

    def print(self, *lines: str) -> None:
        """Print lines on stdout, unless JSON is wanted."""
        if not self.as_json:
            for line in lines:
                write_line(plain(line), sys.stdout)

    def give(self, **values: Any) -> None:  # noqa: ANN401 - JSON values
        """Put values into the JSON output."""
        self.output.update(values)

    def found(self, findings: Iterable[Finding]) -> None:
        """Remember findings; they are printed on stderr at the end."""
        self.findings.extend(findings)

    def period(self, text: str) -> Period:
        """Read a period argument."""
        try:
            return Period.parse(text)
        except ValueError as error:
            raise refuse("PERIOD_WRONG", text=text) from error

    @contextmanager
    def writing(self, root: Path, wait: float) -> Iterator[Books]:
        """Open books for writing, with everything published made equal to the last commit."""
        with open_books(root, write=True, wait_seconds=wait) as books:
            sweep_orphans(books)
            self.found(mend_checkouts(books, root / ".work" / "mend", self.progress))
            yield books

    @contextmanager
    def reading(self, root: Path) -> Iterator[Books]:
        """Open books for reading."""
        with open_books(root, write=False) as books:
            yield books

    def carry_out(self, command: Callable[[], None]) -> int:
        """Run a command; everything that can go wrong becomes a message and an exit code."""
        try:
            command()
            code = 0
        except Refusal as refusal:
            self.found(refusal.findings)
            code = _code_of(refusal)
        except BusyError:
            self.found([Finding("BUSY", values={"folder": self.books or "-"})])
            code = EXIT_BUSY
        except BrokenPipeError:
            # Whoever read our output has gone; what was committed stands, and there is nobody left to tell.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except FileNotFoundError as error:
            self.found([Finding("FILE_OF_BOOKS_MISSING", values={"problem": str(error)[:300]})])
            code = EXIT_REFUSED
        except Exception as error:
            self.found([Finding("FAULT", values={"problem": repr(error)[:300], "file": _trace_file()})])
            code = EXIT_FAULT
        return self._finish(code)

    def _finish(self, code: int) -> int:
        if self.as_json:
            self.output["findings"] = [finding.as_json(self.language) for finding in self.findings]
            self.output["exit_code"] = code or self._findings_code()
            write_line(_json_text(self.output, sys.stdout), sys.stdout)
        else:
            for line in finding_lines(self.findings, self.language):
                write_line(line, sys.stderr)
        return code or self._findings_code()

    def _findings_code(self) -> int:
        threshold = SEVERITIES.index(self.fail_on)
        return EXIT_FINDINGS if any(SEVERITIES.index(f.severity) >= threshold for f in self.findings) else 0


def write_line(line: str, stream: Any) -> None:  # noqa: ANN401 - a text stream
    """Write a line."""
    stream.write(line + "\n")
    stream.flush()


def tell_usage(problem: str, lang: str, *, as_json: bool) -> None:
    """A wrong command line, told like every other failure."""
    finding = Finding("USAGE", values={"problem": problem})
    if not as_json:
        for line in finding_lines([finding], lang):
            write_line(line, sys.stderr)
        return
    output = {"findings": [finding.as_json(lang)], "exit_code": EXIT_USAGE}
    write_line(_json_text(output, sys.stdout), sys.stdout)


def _json_text(output: dict[str, Any], stream: Any) -> str:  # noqa: ANN401 - a text stream
    """JSON whose texts a terminal may show: what it would obey, turn round, hide or lacks is written as an escape."""
    text = json.dumps(output, ensure_ascii=False, indent=2, default=plain_value)
    if text.isascii():
        return text
    lacking = {char for char in set(text) if not _is_shown(char, stream.encoding or "ascii")}
    return "".join(json.dumps(char)[1:-1] if char in lacking else char for char in text)


def _is_shown(char: str, encoding: str) -> bool:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return char.isprintable() or char == "\n"


def _code_of(refusal: Refusal) -> int:
    reasons = {finding.reason for finding in refusal.findings}
    if reasons & RULE_REASONS:
        return EXIT_REFUSED
    return EXIT_USAGE if reasons & USAGE_REASONS else EXIT_FINDINGS


def _trace_file() -> str:
    with tempfile.NamedTemporaryFile("w", prefix="bill400-fault-", suffix=".txt", delete=False) as file:
        file.write(traceback.format_exc())
        return file.name
