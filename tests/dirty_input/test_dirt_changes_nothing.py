"""Dirt changes nothing: good calls beside dirty rows and dirty files are billed to the millionth as without them.

`BILL400_DIRT_CALLS` says how many good calls (3,000 when it is not set); a million take some minutes.
"""

import csv
import gzip
import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from billing.ingest import received
from billing.tables.calls import LINES_PER_FILE, Cdr, Duplicate, RatedCall
from pipelines import suspense_commands
from pipelines.books import Books, open_books
from pipelines.parts import parts_of
from tests.commands.corner_shop import HEADER, NUMBERS, PERIOD, bill400, one_call, open_shop
from tests.dirty_input.dirty_rows import DUPLICATE, NOT_OURS, DirtyRow, copies, dirty_rows
from tests.dirty_input.good_calls import cells_of, good_calls, header, line, oddly

CALLS = int(os.environ.get("BILL400_DIRT_CALLS", "3000"))
TURNS = max(1, CALLS // 20_000)
"""How often all dirty rows stand in the files."""
COPIED = 7
UNEQUAL = ("suspense", "source_file", "conservation")
"""Published tables that tell of the dirt."""
ENCODINGS = {"carrier_400_zh": "gb18030", "mobile_400_zh": "gb18030"}
LONG_AGO = 1_790_000_000


@dataclass
class Written:
    """What was written into an inbox: the fate of every dirty row by file and line, and what must become of files."""

    fates: dict[tuple[str, int], str] = field(default_factory=dict)
    copies: Counter[str] = field(default_factory=Counter)
    not_ours: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    good: Counter[str] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)
    known: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Line:
    """A line of a file; its fate is empty when it is a good call."""

    text: str
    fate: str = ""


@pytest.fixture(scope="module")
def lines() -> Mapping[str, tuple[list[Line], list[Line]]]:
    """By layout the good calls as clean lines, and the same calls oddly written among dirty rows."""
    chance = random.Random(7)
    found = {}
    for layout_id, calls in good_calls(CALLS).items():
        clean = [cells_of(layout_id, call) for call in calls]
        odd = [line(layout_id, oddly(layout_id, cells, turn)) for turn, cells in enumerate(clean)]
        dirt = [row for turn in range(TURNS) for row in dirty_rows(layout_id, turn)]
        dirt += copies(chance.sample(odd, COPIED * TURNS))
        mixed = [Line(text) for text in odd]
        for row in dirt:
            # A copy stands behind what it repeats, so that it is the copy and not the first.
            first = mixed.index(Line(row.text)) + 1 if row.fate == DUPLICATE and CALLS < 10_000 else 0
            mixed.insert(chance.randrange(first, len(mixed) + 1), _as_line(row))
        found[layout_id] = ([Line(line(layout_id, cells)) for cells in clean], mixed)
    return found


def _as_line(row: DirtyRow) -> Line:
    return Line(row.text, row.fate)


def write_clean(inbox: Path, lines: Mapping[str, tuple[list[Line], list[Line]]]) -> None:
    """Every layout in one file, the calls in the order of their start."""
    for layout_id, (clean, _) in lines.items():
        _write(inbox, f"{layout_id}.csv", [header(layout_id), *(each.text for each in clean)], Written())


def write_dirty(inbox: Path, lines: Mapping[str, tuple[list[Line], list[Line]]], *, pieces: int, seed: int) -> Written:
    """Every layout in some files whose bytes are as untidy as a reader must bear, and dirty files beside them."""
    written, chance = Written(), random.Random(seed)
    for layout_id, (_, mixed) in lines.items():
        order = list(mixed)
        if seed:
            chance.shuffle(order)
        for piece in range(pieces):
            # Two headers more in the middle and at the end, as when exports are joined.
            own = order[piece::pieces] if seed else order[piece * len(order) // pieces :][: len(order) // pieces + 1]
            body: list[Line | None] = [*own[: len(own) // 2], None, *own[len(own) // 2 :], None]
            _write_untidily(inbox, f"{layout_id}-{piece}", layout_id, body, written, chance)
    _write_dirty_files(inbox, written, lines)
    return written


def _write_untidily(
    inbox: Path, stem: str, layout_id: str, body: Sequence[Line | None], written: Written, chance: random.Random
) -> None:
    texts = [header(layout_id)]
    name = f"{stem}.csv.gz" if layout_id == "ti_net" else f"{stem}.csv"
    for each in body:
        texts.append(header(layout_id) if each is None else each.text)
        if each is None:
            continue
        written.records[name] += 1
        if each.fate == DUPLICATE:
            written.copies[name] += 1
        elif each.fate == NOT_OURS:
            written.not_ours[name] += 1
        elif each.fate:
            written.fates[name, len(texts)] = each.fate
        else:
            written.good[name] += 1
    ends = ("\n", "\r\n", "\r") if layout_id != "freeswitch_csv" else ("\n",)
    text = "".join(text + chance.choice(ends) for text in texts[:-1]) + texts[-1]
    content = text.encode(ENCODINGS.get(layout_id, "utf-8"))
    if layout_id == "plain_csv":
        content = b"\xef\xbb\xbf" + content
    if layout_id == "ti_net":
        # Two members, as when packed files are joined with cat.
        half = content.rfind(b"\n", 0, len(content) // 2) + 1
        content = gzip.compress(content[:half], 1) + gzip.compress(content[half:], 1)
    path = inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    # Long at rest: the last line has no end.
    os.utime(path, (LONG_AGO, LONG_AGO))


def _write(inbox: Path, name: str, texts: Sequence[str], written: Written) -> None:
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / name).write_text("\n".join([*texts, ""]), "utf-8", newline="\n")
    written.records[name] += len(texts) - 1


def _write_dirty_files(inbox: Path, written: Written, lines: Mapping[str, tuple[list[Line], list[Line]]]) -> None:
    """Files that are refused whole, and one that came before under another name."""
    calls = [one_call(f"F-{index}", NUMBERS[0], "2026-10-12 09:00:00", 60) for index in range(40)]
    text = "\n".join([HEADER, *calls, ""])
    swapped = HEADER.replace("caller,service_number", "service_number,caller")
    ringing = [cells_of("carrier_400_zh", call) for call in good_calls(300, 9)["carrier_400_zh"]]
    rung = [cells | {"呼叫结果": "无人接听", "应答时间": "", "通话时长(秒)": "9"} for cells in ringing]
    packed = gzip.compress(text.encode(), mtime=0)
    files: dict[str, tuple[bytes, str]] = {
        "cut.csv.gz": (packed[: len(packed) // 2], "GZIP_DAMAGED"),
        "bomb.csv.gz": (gzip.compress(b"\0" * 3_000_000, 1, mtime=0), "LINE_WITHOUT_END"),
        "plain.csv.gz": (text.encode(), "NOT_GZIP"),
        "utf16.csv": (text.encode("utf-16"), "FILE_IS_UTF16"),
        "utf16-bare.csv": (text.encode("utf-16-le"), "UNKNOWN_LAYOUT"),
        "gbk.csv": (text.replace(",,", ",上海,").encode("gb18030"), "ENCODING_NOT_ALLOWED"),
        "latin.csv": (text.replace(",,", ",M\xfcnchen,").encode("latin-1") + b"\xff\n", "FILE_NOT_TEXT"),
        "bom-and-gbk.csv": (b"\xef\xbb\xbf" + text.replace(",,", ",上海,").encode("gb18030"), "FILE_NOT_TEXT"),
        "picture.csv": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, "FILE_NOT_TEXT"),
        "semicolons.csv": (text.replace(",", ";").encode(), "UNKNOWN_LAYOUT"),
        "case.csv": (text.replace("caller,service", "Caller,service").encode(), "UNKNOWN_LAYOUT"),
        "twice.csv": (text.replace("call_id,caller", "caller,call_id,caller").encode(), "COLUMN_TWICE"),
        "order.csv": ("\n".join([HEADER, *calls[:30], swapped, *calls[30:], ""]).encode(), "HEADER_CHANGES"),
        "empty.csv": (b"", "FILE_EMPTY"),
        "blank.csv": (b"\n \r\n\r", "FILE_WITHOUT_HEADER"),
        "broken.csv": ("\n".join([HEADER, *calls[:3], *["1.5E+3,x"] * 4, ""]).encode(), "FILE_REFUSED_BY_RULE"),
        "ringing.csv": (
            "\n".join([header("carrier_400_zh"), *(line("carrier_400_zh", cells) for cells in rung), ""]).encode(),
            "RINGING_COUNTED_AS_TALK",
        ),
    }
    for name, (content, reason) in files.items():
        (inbox / name).write_bytes(content)
        os.utime(inbox / name, (LONG_AGO, LONG_AGO))
        written.refused[name] = reason
    first = sorted(inbox.glob("mobile_400_zh-*"))[0]
    (inbox / "mobile_again.csv").write_bytes(first.read_bytes())
    os.utime(inbox / "mobile_again.csv", (LONG_AGO, LONG_AGO))
    written.known.append("mobile_again.csv")
    # Good calls once more, plainly written and under another layout's name for the file: all of them are copies.
    again = [each.text for each in lines["carrier_400_zh"][0][:200]]
    _write(inbox, "vos3000-again.csv", [header("carrier_400_zh"), *again], written)
    written.copies["vos3000-again.csv"] = len(again)


@dataclass(frozen=True)
class Billed:
    """Books after a month was ingested and drafted."""

    root: Path
    ingested: dict
    rated: pl.DataFrame
    printed: str

    def tables(self) -> dict[str, str]:
        """The published tables that dirt must not change, without numbers of files in them."""
        found = {}
        for path in sorted((self.root / "published" / PERIOD / "tables").glob("*.csv")):
            if path.stem not in UNEQUAL:
                frame = pl.read_csv(path, infer_schema=False)
                found[path.stem] = frame.drop("cdr_id", strict=False).write_csv()
        return found


def _billed(root: Path) -> Billed:
    ended = bill400("ingest", root, root / "inbox", "--json", code=None)
    assert ended.code in (0, 1), ended.err
    said = bill400("run", root, PERIOD, "--no-ingest", code=None)
    assert said.code == 0, said.err
    with open_books(root, write=False) as books:
        return Billed(
            root,
            ended.json["ingest"] | {"findings": ended.json["findings"]},
            _rated(books),
            ended.out + said.out + said.err,
        )


def _rated(books: Books) -> pl.DataFrame:
    """Every rated call with what identifies it, in an order that files play no part in."""
    parts = [part for part in parts_of(books.state) if part.rated]
    cdr = pl.concat([pl.read_parquet(path, glob=False) for path in books.paths([part.cdr for part in parts])])
    rated = pl.concat([pl.read_parquet(path, glob=False) for path in books.paths([part.rated for part in parts])])
    named = cdr.select(Cdr.cdr_id, Cdr.source, Cdr.call_id, Cdr.caller, Cdr.started_at)
    joined = rated.join(named, on=RatedCall.cdr_id, how="left", suffix="_received").drop(RatedCall.cdr_id)
    return joined.sort(Cdr.source, Cdr.call_id, Cdr.caller, Cdr.started_at)


@pytest.fixture(scope="module", autouse=True)
def _quickly():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        patch.setattr(received, "OPEN_LIMIT_BYTES", 1 << 20)
        yield


@pytest.fixture(scope="module")
def clean(lines, tmp_path_factory) -> Billed:
    root = open_shop(tmp_path_factory.mktemp("clean") / "books")
    write_clean(root / "inbox", lines)
    return _billed(root)


@pytest.fixture(scope="module", params=[(1, 0), (3, 5)], ids=["in order", "shuffled and split"])
def dirty(request, lines, tmp_path_factory) -> tuple[Billed, Written]:
    root = open_shop(tmp_path_factory.mktemp("dirty") / "books")
    pieces, seed = request.param
    written = write_dirty(root / "inbox", lines, pieces=pieces, seed=seed)
    return _billed(root), written


def test_good_calls_cost_what_they_cost_without_the_dirt(clean, dirty):
    billed, _ = dirty
    assert clean.rated.height == CALLS
    assert billed.rated.equals(clean.rated)
    assert billed.tables() == clean.tables()
    assert len(billed.tables()) > 10


def test_every_dirty_row_has_its_fate(dirty):
    billed, written = dirty
    rows = bill400("suspense", billed.root, "--json").json["records"]
    found = {(row["file"], row["line"]): row["reason"] for row in rows}
    wanted = written.fates
    assert {key: (found.get(key), wanted.get(key)) for key in found.keys() | wanted.keys()
            if found.get(key) != wanted.get(key)} == {}  # fmt: skip
    with open_books(billed.root, write=False) as books:
        names = {number: source.file_name for number, source in books.state.sources.items()}
        copies = pl.concat(pl.read_parquet(path) for path in books.paths(books.state.of_table(Duplicate.name)))
    counted = Counter(names[cdr_id // LINES_PER_FILE] for cdr_id in copies[Duplicate.cdr_id])
    assert counted.total() == written.copies.total()
    for told in billed.ingested["read"]:
        name = told["file"]
        assert (told["records"], told["not_ours"]) == (written.records[name], written.not_ours[name])
        # What rating holds back waits, too, but counts as accepted when the file comes in.
        held = Counter(fate for (file, _), fate in written.fates.items() if file == name)
        assert told["suspense"] == held.total() - held["NUMBER_UNKNOWN"] - held["NO_CONTRACT_AT_CALL"]
    accepted = sum(told["records"] - told["suspense"] - told["not_ours"] for told in billed.ingested["read"])
    rated = (
        accepted
        - written.copies.total()
        - sum(fate in ("NUMBER_UNKNOWN", "NO_CONTRACT_AT_CALL") for fate in written.fates.values())
    )
    assert rated == written.good.total() == CALLS


def test_every_dirty_file_has_its_reason(dirty):
    billed, written = dirty
    assert sorted(billed.ingested["refused"]) == sorted(written.refused)
    assert billed.ingested["known"] == written.known
    critical = [each for each in billed.ingested["findings"] if each["severity"] == "critical"]
    told = {each["where"].partition(":")[0]: each["reason"] for each in critical}
    assert told == written.refused


def test_hostile_text_goes_nowhere_as_it_is(dirty, tmp_path, monkeypatch):
    billed, _ = dirty
    printed = billed.printed
    printed += bill400("suspense", billed.root, "--list").out
    printed += bill400("suspense", billed.root, "--json").out
    for row in bill400("suspense", billed.root, "--json").json["records"][:5]:
        printed += bill400("explain", billed.root, row["key"]).out
    assert all(char.isprintable() or char == "\n" for char in printed)
    for target in (tmp_path / "list.csv", tmp_path / "list.xlsx"):
        bill400("suspense", billed.root, "--to", target)
    assert _formulas(tmp_path / "list.csv") == []
    assert b"<f>" not in (tmp_path / "list.xlsx").read_bytes()
    cells = [cell for row in CalamineWorkbook.from_path(str(tmp_path / "list.xlsx")).get_sheet_by_index(0).to_python()
             for cell in row]  # fmt: skip
    assert all(char.isprintable() for cell in cells for char in str(cell))
    assert max(len(str(cell)) for cell in cells) <= 2_000
    published = sorted((billed.root / "published" / PERIOD).rglob("*"))
    assert [bad for path in published if path.suffix == ".csv" for bad in _formulas(path)] == []
    for path in (path for path in published if path.suffix == ".html"):
        text = path.read_text("utf-8")
        assert "<img src=x" not in text and "<script>alert" not in text
        assert all(char.isprintable() or char in "\n\t" for char in text), path.name


def test_a_sheet_that_is_too_small_is_refused_and_a_long_list_is_cut(dirty, tmp_path, monkeypatch):
    billed, written = dirty
    monkeypatch.setattr(suspense_commands, "SHEET_ROWS", len(written.fates) - 1)
    monkeypatch.setattr(suspense_commands, "SHOWN_RECORDS", 5)
    assert "EXPORT_TOO_LONG" in bill400("suspense", billed.root, "--to", tmp_path / "a.xlsx", code=2).err
    told = bill400("suspense", billed.root, "--to", tmp_path / "a.csv", "--json").json
    assert (len(told["records"]), told["records_left_out"]) == (5, len(written.fates) - 5)
    assert len(list(csv.reader((tmp_path / "a.csv").read_text("utf-8-sig").splitlines()))) == len(written.fates) + 1
    assert f"{len(written.fates) - 5} more records" in bill400("suspense", billed.root, "--list").out


def _formulas(path: Path) -> list[str]:
    """Cells that a spreadsheet would run; a number may begin with a sign."""
    cells = [cell for row in csv.reader(path.read_text("utf-8-sig").splitlines()) for cell in row]
    return [
        cell
        for cell in cells
        if cell[:1] in tuple("=+-@\t\r＝＋－＠") and not cell.lstrip("-").replace(".", "").isdigit()
    ]
