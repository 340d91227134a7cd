"""One file of each shipped layout that no other test reads, with what every record must come to, worked out by hand."""

import datetime as dt

import pytest

from tests.ingest.cdr_files import read_bytes, rows_of

CASES = {
    # 61 s local, 60 s long distance, a call that nobody answered; a word for neither is told by none.
    "mobile_400_zh": (
        """主叫号码,被叫号码,目的地号码,通话开始时间,本地/长途,时长
13900000001,4001000001,02155550001,2026/10/05 09:00:00,本地,61
01087128906,4001000001,02155550001,2026/10/05 10:00:00,长途,60
13900000001,4001000001,02155550001,2026/10/05 11:00:00,,0
""",
        [
            ("13900000001", "09:00:00", None, "09:01:01", 61_000, "answered", "local"),
            ("01087128906", "10:00:00", None, "10:01:00", 60_000, "answered", "toll"),
            ("13900000001", "11:00:00", None, "11:00:00", 0, "no_answer", None),
        ],
    ),
    # 1791248400 is 2026-10-06 09:00:00 in Beijing. The platform answers after 5 s, the seat after 12 s; the third call
    # was heard by the platform alone, the fourth came over the limit of the number.
    "ti_net": (
        """uniqueId,callType,customerNumber,hotline,calleeNumber,startTime,answerTime,bridgeTime,endTime,bridgeDuration,totalDuration,status
m-1,1,13900000001,4001000001,02155550001,1791248400,1791248405,1791248412,1791248472,60,72,1
m-2,2,01087128906,4001000001,02155550001,1791248400,1791248405,0,1791248430,0,30,2
m-3,1,13900000001,4001000001,,1791248400,1791248405,0,1791248420,0,20,3
m-4,1,13900000001,4001000001,,1791248400,0,0,1791248400,0,0,11
m-5,4,13900000001,4001000001,,1791248400,0,0,1791248400,0,0,1
""",
        [
            ("13900000001", "09:00:00", "09:00:05", "09:01:12", 60_000, "answered", None),
            ("01087128906", "09:00:00", "09:00:05", "09:00:30", 0, "no_answer", None),
            ("13900000001", "09:00:00", "09:00:05", "09:00:20", 0, "ivr_only", None),
            ("13900000001", "09:00:00", None, "09:00:00", 0, "cap_reached", None),
            ("13900000001", "09:00:00", None, "09:00:00", 0, "not_ours", None),
        ],
    ),
    # callduraction holds 8 s of ringing; the outbound call is none of a 400 number.
    "yeastar": (
        """callid,timestart,callfrom,callto,callduraction,talkduraction,status,type,didnumber
1,2026-10-05 09:00:00,13900000001,1001,69,61,ANSWERED,Inbound,4001000001
2,2026-10-05 10:00:00,13900000001,1001,30,0,NO ANSWER,Inbound,4001000001
3,2026-10-05 11:00:00,1001,13900000001,20,10,ANSWERED,Outbound,4001000001
""",
        [
            ("13900000001", "09:00:00", None, "09:01:01", 61_000, "answered", None),
            ("13900000001", "10:00:00", None, "10:00:00", 0, "no_answer", None),
            ("1001", "11:00:00", None, "11:00:10", 10_000, "not_ours", None),
        ],
    ),
}


def clock(when: dt.datetime | None) -> str | None:
    return when and when.strftime("%H:%M:%S")


@pytest.mark.parametrize("layout", CASES)
def test_a_file_of_the_layout(layout, tmp_path):
    text, expected = CASES[layout]
    reading = read_bytes(tmp_path, text.encode())
    assert reading.layout == f"{layout}@1"
    found = [
        (row["caller"], clock(row["started_at"]), clock(row["platform_answered_at"]), clock(row["ended_at"]),
         row["talk_ms"], row["outcome"], row["call_class"])
        for row in rows_of(reading).iter_rows(named=True)
    ]  # fmt: skip
    assert found == expected
    assert rows_of(reading)["unreadable"].null_count() == len(expected)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_headers_in_either_encoding(encoding, tmp_path):
    text, expected = CASES["mobile_400_zh"]
    assert read_bytes(tmp_path, text.encode(encoding)).record_count == len(expected)


def test_a_status_that_the_table_has_not_waits(tmp_path):
    text = CASES["ti_net"][0].replace(",72,1\n", ",72,10\n")
    rows = rows_of(read_bytes(tmp_path, text.encode()))
    assert rows["unreadable"].to_list() == ["outcome", None, None, None, None]
