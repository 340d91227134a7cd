import gzip
import hashlib
import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from billing.core.findings import Refusal
from billing.ingest import received
from billing.ingest.raw_lines import read_raw_lines
from billing.ingest.received import Inspector, unpack
from billing.ingest.stage import read_cdr_file
from tests.ingest.cdr_files import ANSWERED, CARRIER_HEADER, LAYOUTS, MISSED, carrier_text, read_bytes, rows_of

TEXT = carrier_text(ANSWERED, MISSED)


def refusal_of(folder: Path, content: bytes, name: str = "calls.csv", **options) -> str:
    with pytest.raises(Refusal) as caught:
        read_bytes(folder, content, name, **options)
    assert not (folder / "staging1").exists(), "a refused file leaves no part"
    assert not list(folder.glob("raw1*")), "a refused file leaves no copy"
    return caught.value.findings[0].reason


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + TEXT.encode(), "utf-8"),
        (TEXT.encode("gb18030"), "gb18030"),
        (TEXT.replace("\n", "\r\n").encode("gb18030"), "gb18030"),
        (TEXT.replace("\n", "\r\n").encode(), "utf-8"),
        (TEXT.replace("\n", "\r").encode(), "utf-8"),
        (TEXT.rstrip("\n").encode(), "utf-8"),
    ],
    ids=["utf-8", "bom", "gb18030", "gb18030 crlf", "crlf", "lone cr", "no last line end"],
)
@pytest.mark.parametrize("is_packed", [False, True])
def test_every_encoding_and_line_end_gives_the_same_rows(tmp_path, content, encoding, is_packed):
    content = gzip.compress(content) if is_packed else content
    reading = read_bytes(tmp_path, content, "calls.csv.gz" if is_packed else "calls.csv")
    rows = rows_of(reading)
    assert reading.encoding == encoding
    assert rows["line"].to_list() == [2, 3]
    assert rows["outcome"].to_list() == ["answered", "no_answer"]
    assert rows["unreadable"].null_count() == 2
    assert (reading.record_count, reading.framing_count) == (2, 1)
    assert reading.sha256 == hashlib.sha256(content).hexdigest()


def test_the_kept_copy_holds_the_bytes_as_received(tmp_path):
    reading = read_bytes(tmp_path, TEXT.encode("gb18030"))
    assert (reading.raw_copy.name, reading.raw_form) == ("raw1.zst", "zst")
    with pa.CompressedInputStream(str(reading.raw_copy), "zstd") as stream:
        assert stream.read() == TEXT.encode("gb18030")
    packed = gzip.compress(TEXT.encode())
    reading = read_bytes(tmp_path, packed, "calls.gz", number=2)
    assert (reading.raw_copy.name, reading.raw_form) == ("raw2.gz", "gz")
    assert reading.raw_copy.read_bytes() == packed


def test_only_the_parts_stay_in_staging(tmp_path):
    read_bytes(tmp_path, gzip.compress(TEXT.encode("gb18030")))
    assert [entry.name for entry in (tmp_path / "staging1").iterdir()] == ["2026-10-03.parquet"]


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "calls.csv", "FILE_EMPTY"),
        (gzip.compress(b""), "calls.gz", "FILE_EMPTY"),
        (b"\n\n  \n", "calls.csv", "FILE_WITHOUT_HEADER"),
        (TEXT.encode("utf-16"), "calls.csv", "FILE_IS_UTF16"),
        (gzip.compress(TEXT.encode("utf-16")), "calls.gz", "FILE_IS_UTF16"),
        (TEXT.encode(), "calls.gz", "NOT_GZIP"),
        (gzip.compress(TEXT.encode())[:-9], "calls.gz", "GZIP_DAMAGED"),
        (gzip.compress(TEXT.encode())[:-8] + b"\0" * 8, "calls.gz", "GZIP_DAMAGED"),
        (gzip.compress(TEXT.encode()) + b"more", "calls.gz", "GZIP_DAMAGED"),
        (TEXT.encode() + b"\xff\xff,1\n", "calls.csv", "FILE_NOT_TEXT"),
        (b"\xef\xbb\xbf" + TEXT.encode("gb18030"), "calls.csv", "FILE_NOT_TEXT"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(tmp_path, content, name, reason):
    assert refusal_of(tmp_path, content, name) == reason


def test_a_byte_of_no_encoding_names_its_line(tmp_path):
    content = TEXT.encode("gb18030") + b"C3,\xff\xff,1\n"
    with pytest.raises(Refusal) as caught:
        read_bytes(tmp_path, content)
    assert caught.value.findings[0].where == "calls.csv:4"


def test_gb18030_is_refused_where_the_layout_wants_utf_8(tmp_path):
    layouts = [layout.model_copy(update={"encodings": ["utf-8"]}) for layout in LAYOUTS]
    assert refusal_of(tmp_path, TEXT.encode("gb18030"), layouts=layouts) == "ENCODING_NOT_ALLOWED"


def test_a_gzip_file_that_unpacks_to_too_much_is_refused(tmp_path):
    bomb = tmp_path / "bomb.gz"
    bomb.write_bytes(gzip.compress(b"1\n" * 5_000_000))
    with pytest.raises(Refusal, match="GZIP_TOO_LARGE"):
        unpack(bomb, tmp_path / "plain", limit_bytes=1_000_000)


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(received, "OPEN_LIMIT_BYTES", 1_000_000)
    content = TEXT.encode() + b"x" * 3_000_000
    assert refusal_of(tmp_path, content) == "LINE_WITHOUT_END"
    assert refusal_of(tmp_path, gzip.compress(content), "calls.gz") == "LINE_WITHOUT_END"


def test_a_refusal_after_the_parts_were_begun_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("billing.ingest.stage._row_count", lambda _: 1 / 0)
    path = tmp_path / "calls.csv"
    path.write_text(TEXT, encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        read_cdr_file(path, file_number=1, layouts=LAYOUTS, staging=tmp_path / "st", raw_copy=tmp_path / "raw")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["calls.csv"]


@example(b"\xef\xbb\xbf", 1)
@example(b"\n\xef\xbb\xbf\r", 2)
@given(st.binary(max_size=60), st.integers(1, 7))
def test_facts_do_not_depend_on_where_chunks_are_cut(content, size):
    inspector = Inspector("calls.csv")
    for first in range(0, len(content), size):
        inspector.add(content[first : first + size])
    facts = inspector.finish()
    try:
        content.decode("utf-8")
        is_utf8 = True
    except UnicodeDecodeError:
        is_utf8 = False
    assert facts.is_utf8 == is_utf8
    assert facts.line_count == len(content.split(b"\n")) - (content.endswith(b"\n") or not content)
    assert facts.has_lone_cr == (b"\r" in content.replace(b"\r\n", b""))
    assert facts.has_bom_inside == (b"\xef\xbb\xbf" in content[1:])
    assert (facts.has_quote, facts.has_nul) == (b'"' in content, b"\0" in content)


@given(st.text(alphabet="aé语\n😀", max_size=40), st.integers(1, 5))
def test_utf_8_is_known_wherever_chunks_are_cut(text, size):
    content = text.encode()
    inspector = Inspector("calls.csv")
    for first in range(0, len(content), size):
        inspector.add(content[first : first + size])
    assert inspector.finish().is_utf8


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_raw_lines_come_back_by_their_physical_number(tmp_path, end):
    content = carrier_text(ANSWERED, "", "bad\0line\u202e", MISSED, end=end).encode("gb18030")
    reading = read_bytes(tmp_path, content)
    found = read_raw_lines(reading.raw_copy, reading.encoding, [5, 4, 1, 99])
    assert found == {1: CARRIER_HEADER, 4: "bad\\x00line\\x202e", 5: MISSED}


def test_raw_lines_are_cut_and_hold_no_control_characters(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_bytes(b"\xef\xbb\xbfhead\n" + b"\x1b[2J" * 2_000 + b"\nlast")
    found = read_raw_lines(path, "utf-8", [1, 2, 3])
    assert found[1] == "head"
    assert len(found[2]) == 2_000
    assert found[2].isprintable()
    assert found[3] == "last"


def test_one_more_gzip_member_is_read_too(tmp_path):
    packed = io.BytesIO(gzip.compress(carrier_text(ANSWERED).encode()) + gzip.compress(f"{MISSED}\n".encode()))
    assert read_bytes(tmp_path, packed.getvalue(), "calls.gz").record_count == 2
