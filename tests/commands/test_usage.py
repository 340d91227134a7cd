"""A wrong command line is told in the language that was asked for, as text or JSON, and ends with 2."""

import json

import pytest

from pipelines import cli

WRONG = [
    ("nonsense", "没有命令 nonsense; 见 `bill400 --help`", "there is no command nonsense; see `bill400 --help`"),
    ("run", "缺少 BOOKS; 见 `bill400 run --help`", "BOOKS is missing; see `bill400 run --help`"),
    ("run b 2026-10 --foo", "没有选项 --foo; 见 `bill400 run --help`",
     "there is no option --foo; see `bill400 run --help`"),
    ("close b 2026-10", "缺少 --by; 见 `bill400 close --help`", "--by is missing; see `bill400 close --help`"),
    ("close b 2026-10 --by", "选项 --by 缺少取值; 见 `bill400 --help`",
     "option --by needs a value; see `bill400 --help`"),
    ("run b 2026-10 more", "参数过多; 见 `bill400 run --help`",
     "there are more words than the command takes; see `bill400 run --help`"),
    ("demo d --calls 5", "--calls 的取值不符；应为：1000 ... 100000000",
     "the value of --calls does not fit; it takes: 1000 ... 100000000"),
    ("run b 2026-10 --wait 5x", "--wait 的取值不符；应为：600, 30s, 10m",
     "the value of --wait does not fit; it takes: 600, 30s, 10m"),
    ("run b 2026-10 --fail-on no", "--fail-on 的取值不符；应为：critical, warning, info",
     "the value of --fail-on does not fit; it takes: critical, warning, info"),
]  # fmt: skip


def end_of(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["bill400", *arguments])
    monkeypatch.setattr("sys.stdout.reconfigure", lambda **options: None, raising=False)
    monkeypatch.setattr("sys.stderr.reconfigure", lambda **options: None, raising=False)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


@pytest.mark.parametrize(("line", "zh", "en"), WRONG, ids=[line for line, *_ in WRONG])
def test_a_wrong_command_line(line, zh, en, monkeypatch, capsys):
    for lang, problem, said in (("zh", zh, "命令行有误："), ("en", en, "the command line is wrong: ")):
        monkeypatch.setenv("BILL400_LANG", lang)
        assert end_of(monkeypatch, *line.split()) == 2
        out, err = capsys.readouterr()
        assert (out, err.rstrip().endswith(f"USAGE: {said}{problem}")) == ("", True)


def test_a_wrong_command_line_as_json(monkeypatch, capsys):
    monkeypatch.setenv("BILL400_LANG", "en")
    assert end_of(monkeypatch, "run", "b", "2026-10", "--json", "--foo") == 2
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == 2
    (finding,) = told["findings"]
    assert finding["reason"] == "USAGE"
    assert "--foo" in finding["message"]
