"""The command line: a stable contract. Data on stdout, progress and findings on stderr, `--json` everywhere.

Exit codes: 0 done; 1 findings at or above --fail-on; 2 usage; 3 refused by a rule, repeating will not help; 4 busy,
try again; 70 a fault of ours, with the trace in a file.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipelines import commands, delivery_commands, document_commands, suspense_commands
from pipelines.cli_values import DATED_EVENT, DAY, MONTHS, NAMED_QUANTITY, Waiting
from pipelines.session import EXIT_USAGE, Session, language_of, tell_usage, words

Options = Callable[[Callable[..., Any]], Callable[..., Any]]


def formatter(lang: str) -> type[click.HelpFormatter]:
    """A help formatter whose headings are in one language."""

    class Formatter(click.HelpFormatter):
        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            super().write_usage(prog, args, words("help.usage", lang))

        def write_heading(self, heading: str) -> None:
            super().write_heading(words(f"help.{heading.lower()}", lang))

    return Formatter


def build(lang: str) -> click.Group:
    """The command group with its help in one language."""

    def said(code: str) -> str:
        return words(f"help.{code}", lang)

    def common(function: Callable[..., Any]) -> Callable[..., Any]:
        function = click.option("--json", "as_json", is_flag=True, help=said("opt_json"))(function)
        function = click.option("--lang", type=click.Choice(["zh", "en"]), help=said("opt_lang"))(function)
        choice = click.Choice(["critical", "warning", "info"])
        return click.option("--fail-on", type=choice, default="critical", help=said("opt_fail_on"))(function)

    def writing(function: Callable[..., Any]) -> Callable[..., Any]:
        function = click.option("--dry-run", is_flag=True, help=said("opt_dry_run"))(function)
        wait = click.option("--wait", type=Waiting(), default="0", help=said("opt_wait"))
        return common(wait(function))

    books = click.argument("books", type=click.Path(path_type=Path, file_okay=False))
    period = click.argument("period")
    click.Context.formatter_class = formatter(lang)
    settings = {"help_option_names": ["--help", "-h"]}
    group = click.Group("bill400", help=said("bill400"), context_settings=settings)
    group.params.append(click.Option(["--lang"], type=click.Choice(["zh", "en"]), help=said("opt_lang")))
    group.callback = lambda lang: None  # read again by each command, which may have its own

    def command(name: str, *options: Options, base: Options = common) -> Callable[[Callable[..., None]], None]:
        def register(function: Callable[..., None]) -> None:
            def run(as_json: bool, lang: str | None, fail_on: str, **values: Any) -> None:  # noqa: ANN401
                before = click.get_current_context().find_root().params.get("lang")
                session = Session(lang=lang or before, as_json=as_json, fail_on=fail_on, books=values.get("books"))
                sys.exit(session.carry_out(lambda: function(session, **values)))

            wrapped: Callable[..., Any] = run
            for option in reversed(options):
                wrapped = option(wrapped)
            group.add_command(click.command(name, help=said(name.replace("-", "_")))(base(wrapped)))

        return register

    calls = click.option("--calls", type=click.IntRange(1000, 100_000_000), default=20_000, help=said("opt_calls"))
    seed = click.option("--seed", type=click.IntRange(0), default=400, help=said("opt_seed"))
    folder = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
    first = click.option("--first-period", default="2026-10", help=said("opt_first_period"))
    paths = click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
    layout = click.option("--layout", help=said("opt_layout"))
    no_ingest = click.option("--no-ingest", is_flag=True, help=said("opt_no_ingest"))
    by = click.option("--by", required=True, help=said("opt_by"))
    draft = click.option("--draft", help=said("opt_draft"))
    key = click.argument("key")
    optional_period = click.argument("period", required=False)
    commit = click.argument("commit", type=click.IntRange(1))
    reason = click.option("--reason", required=True, help=said("opt_reason"))
    file = click.Path(path_type=Path, exists=True, dir_okay=False)

    command("demo", folder, calls, seed, base=writing)(commands.demo)
    command("init", folder, first)(commands.init)
    command("check", books)(commands.check)
    override = click.option("--override", "override", multiple=True, help=said("opt_override"))
    by_whom = click.option("--by", default="", help=said("opt_by_whom"))
    why = click.option("--reason", default="", help=said("opt_reason"))
    command("ingest", books, paths, layout, override, by_whom, why, base=writing)(commands.ingest)
    code = click.option("--code", multiple=True, help=said("opt_code"))
    of_period = click.option("--period", help=said("opt_period"))
    of_file = click.option("--file", multiple=True, help=said("opt_file"))
    listed = click.option("--list", "listed", is_flag=True, help=said("opt_list"))
    to = click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help=said("opt_to"))
    keys = click.argument("keys", nargs=-1)
    answered = click.option("--override", multiple=True, help=said("opt_override_call"))
    command("suspense", books, of_period, code, of_file, listed, to)(suspense_commands.suspense)
    command("recycle", books, keys, code, answered, by_whom, why, base=writing)(suspense_commands.recycle)
    command("write-off", books, keys, code, of_period, by_whom, why, base=writing)(suspense_commands.write_off)
    documents = click.option("--documents", is_flag=True, help=said("opt_documents"))
    command("run", books, period, no_ingest, documents, base=writing)(commands.run)
    command("close", books, period, by, draft, base=writing)(commands.close)
    command(
        "price",
        click.argument("plan", type=file),
        click.argument("calls", type=file),
        click.option("--opened", type=DAY, help=said("opt_opened")),
        click.option("--closed", type=DAY, help=said("opt_closed")),
        click.option("--bought", type=NAMED_QUANTITY, multiple=True, help=said("opt_bought")),
        click.option("--held", type=NAMED_QUANTITY, multiple=True, help=said("opt_held")),
        click.option("--months", type=MONTHS, help=said("opt_months")),
        click.option("--event", type=DATED_EVENT, multiple=True, help=said("opt_event")),
    )(commands.price)
    command(
        "layouts",
        click.argument("action", type=click.Choice(["list", "try"]), default="list"),
        click.argument("path", required=False, type=file),
        click.option("--books", type=click.Path(path_type=Path, exists=True), help=said("opt_books")),
        layout,
    )(commands.layouts)
    command(
        "documents",
        books,
        period,
        click.option("--only", help=said("opt_only")),
        click.option("--in", "written_in", type=click.Choice(["zh", "en"]), help=said("opt_written_in")),
        click.option("--to", type=click.Path(path_type=Path, file_okay=False), help=said("opt_to_folder")),
    )(document_commands.documents)
    command(
        "deliver",
        books,
        period,
        click.option("--to", type=click.Path(path_type=Path, file_okay=False), help=said("opt_deliver_to")),
        click.option("--only", help=said("opt_deliver_only")),
        click.option("--passwords", type=file, help=said("opt_passwords")),
        click.option("--print", "printed", is_flag=True, help=said("opt_print")),
        click.option("--list", "listed", is_flag=True, help=said("opt_deliver_list")),
        by_whom,
        base=writing,
    )(delivery_commands.deliver)
    command(
        "call-details",
        books,
        period,
        click.argument("recipient"),
        click.option("--to", required=True, type=click.Path(path_type=Path, dir_okay=False), help=said("opt_calls_to")),
        click.option("--masked", is_flag=True, help=said("opt_masked")),
        click.option("--by", required=True, help=said("opt_by_whom")),
        click.option("--reason", required=True, help=said("opt_calls_reason")),
        base=writing,
    )(delivery_commands.call_details)
    command("explain", books, key)(commands.explain)
    command("verify", books, optional_period)(commands.verify)
    command("status", books)(commands.status)
    command("log", books)(commands.log)
    command("take-back", books, commit, reason, base=writing)(commands.take_back)
    return group


def problem_of(error: click.ClickException, lang: str) -> str:
    """What is wrong with a command line, in our words; where Click alone knows, in its own."""

    def said(code: str, **values: object) -> str:
        return words(f"help.{code}", lang, **values)

    context = error.ctx if isinstance(error, click.UsageError) else None
    remedy = said("try_help", command=context.command_path if context else "bill400")
    if isinstance(error, click.NoSuchCommand):
        return f"{said('no_command', name=error.command_name)}; {remedy}"
    if isinstance(error, click.NoSuchOption):
        return f"{said('no_option', name=error.option_name)}; {remedy}"
    if isinstance(error, click.BadOptionUsage):
        return f"{said('value_missing', name=error.option_name)}; {remedy}"
    if isinstance(error, click.BadParameter) and error.param:
        name = error.param.opts[0] if isinstance(error.param, click.Option) else error.param.human_readable_name
        if isinstance(error, click.MissingParameter):
            return f"{said('missing', name=name)}; {remedy}"
        return said("value_wrong", name=name, wanted=_wanted(error.param.type, lang))
    if type(error) is click.UsageError:
        return f"{said('too_many')}; {remedy}"
    return error.format_message()


def _wanted(kind: click.ParamType[Any], lang: str) -> str:
    """What values a parameter takes."""
    if isinstance(kind, click.Choice):
        return ", ".join(kind.choices)
    if isinstance(kind, click.IntRange):
        return f"{kind.min} ... {'' if kind.max is None else kind.max}".strip()
    if isinstance(kind, click.Path):
        return words("help.wants_file", lang)
    return str(getattr(kind, "examples", Waiting.examples))


def main() -> None:
    """Entry point of `bill400`."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    lang = language_of(sys.argv)
    try:
        build(lang).main(prog_name="bill400", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except click.ClickException as error:
        tell_usage(problem_of(error, lang), lang, as_json="--json" in sys.argv)
        sys.exit(EXIT_USAGE)
    except click.Abort:
        sys.exit(EXIT_USAGE)


if __name__ == "__main__":
    main()
