"""A file of each shipped layout that no other test reads, with what every record must come to, worked out by hand."""

import datetime as dt
from pathlib import Path

import pytest

from billing.core.findings import Refusal
from tests.ingest.cdr_files import read_bytes, rows_of

SAMPLES = Path(__file__).parent / "layout_samples"
CALLER = "13900000001"
# caller, start, answer of the platform, end, talk, outcome, class
EXPECTED = {
    # 61 s local, 60 s long distance, a call that nobody answered; a word for neither is told by none.
    "mobile_400_zh": [
        (CALLER, "09:00:00", None, "09:01:01", 61_000, "answered", "local"),
        ("01087128906", "10:00:00", None, "10:01:00", 60_000, "answered", "toll"),
        (CALLER, "11:00:00", None, "11:00:00", 0, "no_answer", None),
    ],
    # 1791248400 is 2026-10-06 09:00:00 in Beijing. The platform answers after 5 s, the seat after 12 s; the third call
    # was heard by the platform alone, the fourth came over the limit of the number, the fifth went out.
    "ti_net": [
        (CALLER, "09:00:00", "09:00:05", "09:01:12", 60_000, "answered", None),
        ("01087128906", "09:00:00", "09:00:05", "09:00:30", 0, "no_answer", None),
        (CALLER, "09:00:00", "09:00:05", "09:00:20", 0, "ivr_only", None),
        (CALLER, "09:00:00", None, "09:00:00", 0, "cap_reached", None),
        (CALLER, "09:00:00", None, "09:00:00", 0, "not_ours", None),
    ],
    # callduraction holds 8 s of ringing; the outbound call is none of a 400 number.
    "yeastar": [
        (CALLER, "09:00:00", None, "09:01:01", 61_000, "answered", None),
        (CALLER, "10:00:00", None, "10:00:00", 0, "no_answer", None),
        ("1001", "11:00:00", None, "11:00:10", 10_000, "not_ours", None),
    ],
    # No header, lengths without quotes: 61 s of talk after 5 s of ringing; nobody answered the second.
    "asterisk_cdr_csv": [
        (CALLER, "09:00:00", None, "09:01:06", 61_000, "answered", None),
        (CALLER, "10:00:00", None, "10:00:30", 0, "no_answer", None),
    ],
    "asterisk_cdr_custom": [
        (CALLER, "09:00:00", None, "09:01:06", 61_000, "answered", None),
        (CALLER, "10:00:00", None, "10:00:30", 0, "busy", None),
    ],
    # An object a line. 1791248400250000 is 2026-10-06 09:00:00.250 in Beijing; the answer comes 5 s later and the end
    # 61.540 s after that, which billsec says as 62. The caller is percent-encoded; the third is a leg we
    # dialled 2 s after the call came.
    "freeswitch_json": [
        (CALLER, "09:00:00", None, "09:01:06", 61_540, "answered", None),
        ("01087128906", "09:00:00", None, "09:00:30", 0, "busy", None),
        ("4001000001", "09:00:02", None, "09:01:06", 61_540, "not_ours", None),
    ],
    # Four pushes, of which the first holds two calls, the second repeats one and the third is empty. 01:00 UTC is 09:00
    # in Beijing, 16:30 UTC half past midnight of the next day. Answer 01:00:07, end 01:01:08: 61 s.
    "huawei_cloud_voice": [
        (CALLER, "09:00:00", None, "09:01:08", 61_000, "answered", None),
        ("01087128906", "09:00:00", None, "09:00:30", 0, "busy", None),
        (CALLER, "09:00:00", None, "09:01:08", 61_000, "answered", None),
        (CALLER, "00:30:00", None, "00:30:20", 0, "abandoned", None),
    ],
}


def sample(layout: str) -> str:
    (path,) = SAMPLES.glob(f"{layout}.*")
    return path.read_text("utf-8")


def clock(when: dt.datetime | None) -> str | None:
    return when and when.strftime("%H:%M:%S")


@pytest.mark.parametrize("layout", EXPECTED)
def test_a_file_of_the_layout(layout, tmp_path):
    reading = read_bytes(tmp_path, sample(layout).encode())
    assert reading.layout == f"{layout}@1"
    found = [
        (row["caller"], clock(row["started_at"]), clock(row["platform_answered_at"]), clock(row["ended_at"]),
         row["talk_ms"], row["outcome"], row["call_class"])
        for row in rows_of(reading).iter_rows(named=True)
    ]  # fmt: skip
    assert found == EXPECTED[layout]
    assert rows_of(reading)["unreadable"].null_count() == len(found)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_headers_in_either_encoding(encoding, tmp_path):
    reading = read_bytes(tmp_path, sample("mobile_400_zh").encode(encoding))
    assert reading.record_count == len(EXPECTED["mobile_400_zh"])


def test_a_status_that_the_table_has_not_waits(tmp_path):
    rows = rows_of(read_bytes(tmp_path, sample("ti_net").replace(",72,1\n", ",72,10\n").encode()))
    assert rows["unreadable"].to_list() == ["outcome", None, None, None, None]


def test_a_file_without_a_header_that_is_no_record_is_refused(tmp_path):
    for text in ("a,b,c\n", sample("asterisk_cdr_csv").replace("2026-10-05 09:00:00", "Monday", 1)):
        with pytest.raises(Refusal, match="UNKNOWN_LAYOUT"):
            read_bytes(tmp_path, text.encode())


def test_blank_lines_around_records_without_a_header_are_framing(tmp_path):
    reading = read_bytes(tmp_path, f"\n{sample('asterisk_cdr_csv')}\n".encode())
    assert (reading.record_count, reading.framing_count) == (2, 2)
    assert rows_of(reading)["line"].to_list() == [2, 3]


def test_events_of_flatstore_are_records_that_cannot_be_billed_alone(tmp_path):
    # The first event belongs to a call of an earlier file and names no number. 1791248400 is 2026-10-06 09:00:00. An
    # answered call has no end in its event, so no talk; the rule that talk must be known holds it back.
    reading = read_bytes(tmp_path, sample("opensips_flatstore").encode(), "acc.psv")
    found = rows_of(reading).select("line", "call_id", "service_number", "talk_ms", "outcome").rows()
    assert reading.layout == "opensips_flatstore@1"
    assert found == [
        (1, "o-0@10.0.0.1", None, None, "answered"),
        (2, "o-1@10.0.0.1", "4001000001", 0, "busy"),
        (3, "o-2@10.0.0.1", "4001000001", None, "answered"),
        (4, "o-2@10.0.0.1", "4001000001", None, "answered"),
        (5, "o-2@10.0.0.1", None, None, "answered"),
    ]


def test_events_that_never_name_a_number_are_known_by_their_words(tmp_path):
    only_ends = [line for line in sample("opensips_flatstore").splitlines() if line.startswith("BYE")]
    assert read_bytes(tmp_path, "\n".join(only_ends).encode(), "acc.psv").layout == "opensips_flatstore@1"
    with pytest.raises(Refusal, match="UNKNOWN_LAYOUT"):
        read_bytes(tmp_path, "\n".join(only_ends).replace("BYE", "OPTIONS").encode(), "other.psv", number=2)
