"""Every command on consoles that lack characters, and into a pipe: no crash, no colours, JSON that loses nothing."""

import io
import json
import subprocess
import sys

import pytest

from pipelines.cli import build, main
from tests.commands.corner_shop import PERIOD

RARE = "𬭎龘店 ✓ ¥ \u202e"
"""Characters of which a console of GBK lacks some and one of ASCII all; the last turns text round."""


def _journey(books, folder):
    """A line a command, in an order in which each has something to say; those that write go through to the end."""
    plan = books / "rate_plans" / "retail" / "split_010.yaml"
    calls = folder / "calls.csv"
    calls.write_text("start,duration_s\n2026-10-01 08:00:00,61\n", "utf-8")
    return [
        ("demo", folder / "demo", "--dry-run"),
        ("init", folder / f"新账套{RARE}"),
        ("check", books),
        ("layouts",),
        ("price", plan, calls),
        ("ingest", books, books / "inbox"),
        ("run", books, PERIOD),
        ("suspense", books, "--list"),
        ("recycle", books),
        ("write-off", books, "--code", "UNKNOWN_NUMBER", "--by", RARE, "--reason", RARE),
        ("take-back", books, "99", "--reason", RARE),
        ("run", books, PERIOD),
        ("close", books, PERIOD, "--by", RARE),
        ("documents", books, PERIOD, "--only", "C1"),
        ("deliver", books, PERIOD, "--to", folder / "出", "--by", RARE),
        ("deliver", books, PERIOD, "--list"),
        ("call-details", books, PERIOD, "C1", "--to", folder / "话单.csv", "--by", RARE, "--reason", RARE),
        ("explain", books, f"C1/{PERIOD}#1"),
        ("explain", books, RARE),
        ("verify", books),
        ("status", books),
        ("log", books),
    ]


def _ended(encoding, monkeypatch, *arguments):
    """A command as the console of an encoding sees it: exit code, standard output, standard error."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict") for _ in range(2))
    code = 0
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        patch.setattr(sys, "argv", ["bill400", *map(str, arguments)])
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        out.flush()
        err.flush()
    # Click writes help as UTF-8 where somebody set ASCII, which is rarely what the terminal is.
    known = "utf-8" if "--help" in arguments and encoding == "ascii" else encoding
    return code, *(stream.buffer.getvalue().decode(known) for stream in (out, err))


@pytest.mark.parametrize("encoding", ["gbk", "ascii"])
def test_every_command_speaks_on_every_console(encoding, stocked, tmp_path, monkeypatch):
    names = stocked / "catalog" / "customers.csv"
    names.write_text(names.read_text("utf-8").replace("Tea house", "龘𬭎茶行 ✓"), "utf-8")
    journey = _journey(stocked, tmp_path)
    assert {line[0] for line in journey} == set(build("zh").commands)
    for line in journey:
        code, out, err = _ended(encoding, monkeypatch, *line, "--lang", "zh")
        assert code in (0, 1, 2, 3), (line, out, err)
        assert out or err, line
        assert "\x1b" not in out + err and "\u202e" not in out + err
        code, out, err = _ended(encoding, monkeypatch, *line, "--json")
        assert code in (0, 1, 2, 3) and json.loads(out)["exit_code"] == code, (line, out)


@pytest.mark.parametrize("encoding", ["gbk", "ascii"])
def test_help_speaks_on_every_console(encoding, monkeypatch):
    for lang in ("zh", "en"):
        for name in build(lang).commands:
            code, out, _ = _ended(encoding, monkeypatch, "--lang", lang, name, "--help")
            assert code == 0 and "--json" in out


def test_json_loses_no_character_that_the_console_lacks(stocked, tmp_path, monkeypatch):
    _, out, _ = _ended("ascii", monkeypatch, "explain", stocked, RARE, "--json")
    assert out.isascii()
    assert json.loads(out)["findings"][0]["values"]["key"] == RARE


@pytest.mark.parametrize("encoding", ["gbk", "ascii"])
def test_a_pipe_gets_plain_lines(encoding, drafted):
    # A process of its own, as a script starts it.
    ended = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "status", str(drafted), "--lang", "zh"],
        env={"PYTHONIOENCODING": encoding, "PATH": ""},
        capture_output=True,
        check=False,
    )
    told = ended.stdout.decode(encoding)
    assert ended.returncode == 0, ended.stderr
    assert told.startswith("2026-10") and ("草稿" in told) == (encoding == "gbk") and "\x1b" not in told
