"""`layouts`: a user sees how a file is read before it is taken in."""

import gzip
import json

from tests.commands.corner_shop import bill400

TEXT = """主叫号码,被叫号码,目的地号码,通话开始时间,本地/长途,时长
13900000001,4001000001,02155550001,2026/10/05 09:00:00,本地,61
13900000001,4001000001,02155550001,2026/10/05 10:00:00,国际,60
"""


def test_the_layouts_are_listed():
    known = {each["layout"].partition("@")[0] for each in bill400("layouts", "list", "--json").json["layouts"]}
    assert {"carrier_400_zh", "mobile_400_zh", "ti_net", "vos3000", "yeastar"} <= known


def test_a_file_is_shown_as_it_would_be_read(tmp_path):
    path = tmp_path / "calls.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode("gb18030")))
    tried = bill400("layouts", "try", str(path), "--json").json
    assert (tried["layout"], tried["encoding"], tried["records"]) == ("mobile_400_zh@1", "gb18030", 2)
    first, second = tried["rows"]
    assert (first["line"], first["talk_ms"], first["call_class"], first["unreadable"]) == (2, 61_000, "local", None)
    assert (second["line"], second["unreadable"]) == (3, "call_class")
    assert "mobile_400_zh@1" in bill400("layouts", "try", str(path), "--lang", "zh").out


def test_only_the_head_of_a_long_file_is_read(tmp_path):
    header, line = TEXT.splitlines()[0], TEXT.splitlines()[1]
    path = tmp_path / "long.csv"
    path.write_text("\n".join([header, *[line] * 20_000]) + "\n", "utf-8")
    tried = json.loads(bill400("layouts", "try", str(path), "--json").out)
    assert 2_000 < tried["records"] < 20_000
    assert len(tried["rows"]) == 10


def test_a_file_that_no_layout_fits_is_refused(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("a;b\n1;2\n", "utf-8")
    ended = bill400("layouts", "try", str(path), "--json", code=1)
    assert [finding["reason"] for finding in ended.json["findings"]] == ["UNKNOWN_LAYOUT"]
