"""Dirty rows of every family, each with the fate it must have, stated by hand.

A row is a good call of its layout with some cells changed, or a line that is changed as text. Its fate is the reason
under which it waits, `DUPLICATE`, or `NOT_OURS`.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.commands.corner_shop import NUMBERS, STRANGER
from tests.dirty_input.good_calls import Call, cells_of, line, seconds_of

DUPLICATE, NOT_OURS = "DUPLICATE", "NOT_OURS"
START = dt.datetime(2026, 10, 10, 10, 0, 0)  # noqa: DTZ001 - civil time of Beijing
LONG = "x" * 200_000
FORMULA, MARKUP = "=cmd|' /C calc'!A0", "<img src=x onerror=alert(1)>"
ESCAPE, TURNED = "\x1b]0;owned\x07\x1b[31m", "\u202e1000004\u202c"

Cells = Mapping[str, str]
TextChange = Callable[[str], str]


@dataclass(frozen=True)
class DirtyRow:
    """A line, and what must become of it."""

    text: str
    fate: str


PLAIN: tuple[tuple[Cells, str], ...] = (
    # Hostile text where a telephone number or a word of the table is due.
    ({"caller": FORMULA}, "VALUE_UNREADABLE"),
    ({"caller": MARKUP}, "VALUE_UNREADABLE"),
    ({"outcome": ESCAPE}, "VALUE_UNREADABLE"),
    ({"landing_number": TURNED}, "VALUE_UNREADABLE"),
    ({"outcome": "{{7*7}}%s../../x"}, "VALUE_UNREADABLE"),
    ({"outcome": "＝1+1"}, "VALUE_UNREADABLE"),
    ({"caller": LONG}, "LINE_BROKEN"),
    ({"call_id": "=HYPERLINK(1)", "caller": "\x00"}, "LINE_BROKEN"),
    ({"caller": "\ufeff13900000000"}, "LINE_BROKEN"),
    # Spreadsheets: digits are gone.
    ({"caller": "1.39E+10"}, "VALUE_UNREADABLE"),
    ({"service_number": "4.006E+09"}, "SERVICE_NUMBER_WRONG"),
    ({"call_id": "2.02610E+14"}, "VALUE_UNREADABLE"),
    ({"call_id": "2.0261e+14"}, "VALUE_UNREADABLE"),
    ({"caller": "13900000000.0"}, "VALUE_UNREADABLE"),
    ({"started_at": "46305.41667"}, "START_UNREADABLE"),
    # Digits that are no digits of ours.
    ({"started_at": "２０２６-10-10 10:00:00"}, "START_UNREADABLE"),
    ({"caller": "١٣٩٠٠٠٠٠٠٠٠"}, "VALUE_UNREADABLE"),
    # Columns that changed places.
    ({"caller": NUMBERS[0], "service_number": "13900000000"}, "SERVICE_NUMBER_WRONG"),
    ({"answered_at": "2026-10-10 10:01:05", "ended_at": "2026-10-10 10:00:05"}, "TALK_NEGATIVE"),
    ({"started_at": "2026-10-10 10:00:05", "answered_at": "2026-10-10 10:00:00"}, "TIMES_OUT_OF_ORDER"),
    # Times that never were, and clocks that were never set or run far ahead.
    ({"started_at": "2026-10-10 24:00:00"}, "START_UNREADABLE"),
    ({"started_at": "2026-02-30 10:00:00"}, "START_UNREADABLE"),
    ({"started_at": "2026-13-10 10:00:00"}, "START_UNREADABLE"),
    ({"started_at": "2026-10-10 10:59:60"}, "START_UNREADABLE"),
    ({"started_at": "0000-00-00 00:00:00"}, "START_UNREADABLE"),
    ({"started_at": "1970-01-01 08:00:00"}, "START_UNREADABLE"),
    ({"started_at": "26-10-10 10:00:00"}, "START_UNREADABLE"),
    ({"started_at": "10.10.2026 10:00:00"}, "START_UNREADABLE"),
    ({"started_at": "*2026-10-10 10:00:00"}, "START_UNREADABLE"),
    ({"started_at": "2026-10-10 10:00"}, "START_UNREADABLE"),
    ({"started_at": "2026-10-10 10:00:0"}, "START_UNREADABLE"),
    ({"started_at": "2026-10-10 10:00:00Z"}, "START_UNREADABLE"),
    ({"ended_at": "2026-10-10 24:00:00"}, "VALUE_UNREADABLE"),
    ({"ended_at": ""}, "TALK_NEGATIVE"),  # talk is not known
    ({"started_at": "2027-12-10 10:00:00", "answered_at": "2027-12-10 10:00:05", "ended_at": "2027-12-10 10:01:05"},
     "START_AHEAD"),
    ({"started_at": "2027-03-10 10:00:00", "answered_at": "2027-03-10 10:00:05", "ended_at": "2027-03-10 10:01:05"},
     "START_FAR_OFF"),
    ({"started_at": "2026-04-10 10:00:00", "answered_at": "2026-04-10 10:00:05", "ended_at": "2026-04-10 10:01:05"},
     "EXPIRED"),
    # 25 h and one second of talk.
    ({"ended_at": "2026-10-11 11:00:06"}, "CALL_TOO_LONG"),
    # Numbers nobody entered, or without a contract on that day.
    ({"service_number": STRANGER}, "NUMBER_UNKNOWN"),
    ({"service_number": NUMBERS[5], "started_at": "2026-10-01 10:00:00", "answered_at": "2026-10-01 10:00:05",
      "ended_at": "2026-10-01 10:01:05"}, "NO_CONTRACT_AT_CALL"),
)  # fmt: skip
CARRIER: tuple[tuple[Cells, str], ...] = (
    ({"通话时长(秒)": "-60"}, "VALUE_UNREADABLE"),
    ({"通话时长(秒)": "６０"}, "VALUE_UNREADABLE"),
    ({"通话时长(秒)": "60.0"}, "VALUE_UNREADABLE"),
    ({"通话时长(秒)": "00:01:00"}, "VALUE_UNREADABLE"),
    ({"通话时长(秒)": "000126"}, "VALUE_UNREADABLE"),
    ({"通话时长(秒)": "6e1"}, "VALUE_UNREADABLE"),
    ({"通话时长(秒)": "NaN"}, "VALUE_UNREADABLE"),
    ({"通话时长(秒)": "1_000"}, "VALUE_UNREADABLE"),
    ({"通话时长(秒)": "99999999999999999999"}, "VALUE_UNREADABLE"),
    ({"通话时长(秒)": "600"}, "TALK_DISAGREES"),
    ({"通话时长(秒)": "63"}, "TALK_DISAGREES"),  # three seconds: one more than clocks explain
    ({"应答时间": "", "通话时长(秒)": "600"}, "TALK_EXCEEDS_CALL"),
    ({"呼叫结果": "无人接听"}, "TALK_WITHOUT_ANSWER"),
    ({"呼叫结果": "已打通"}, "VALUE_UNREADABLE"),
    ({"主叫号码": FORMULA}, "VALUE_UNREADABLE"),
)
FREESWITCH: tuple[tuple[Cells, str], ...] = (
    ({"type": "outbound"}, NOT_OURS),
    ({"type": "outbound", "callfrom": FORMULA, "start_stamp": ESCAPE}, NOT_OURS),
    ({"callfrom": 'Bob "the cat" <13900000000>'}, "VALUE_UNREADABLE"),
    ({"callfrom": MARKUP}, "VALUE_UNREADABLE"),
    ({"billsec": "7200"}, "TALK_DISAGREES"),
    ({"callto": "+1 415 555 1234"}, "SERVICE_NUMBER_WRONG"),
)
MOBILE: tuple[tuple[Cells, str], ...] = (
    ({"本地/长途": "国际"}, "VALUE_UNREADABLE"),
    ({"时长": "1:01"}, "VALUE_UNREADABLE"),
    ({"时长": "+60"}, "VALUE_UNREADABLE"),
    ({"时长": ""}, "VALUE_UNREADABLE"),  # talk tells whether it was answered, and there is none
    ({"时长": "90061"}, "CALL_TOO_LONG"),
    ({"通话开始时间": "2026-10-10 10:00:00"}, "START_UNREADABLE"),
    ({"通话开始时间": "10/10/2026 10:00:00"}, "START_UNREADABLE"),
)
TI_NET: tuple[tuple[Cells, str], ...] = (
    ({"callType": "4"}, NOT_OURS),
    ({"startTime": f"{seconds_of(START)}000"}, "START_UNREADABLE"),
    ({"startTime": "0"}, "START_UNREADABLE"),
    ({"endTime": str(seconds_of(START) - 1)}, "TIMES_OUT_OF_ORDER"),
    ({"endTime": f"{seconds_of(START)}000000"}, "VALUE_UNREADABLE"),
    ({"status": "99"}, "VALUE_UNREADABLE"),
)
VOS3000: tuple[tuple[Cells, str], ...] = (
    ({"starttime": str(seconds_of(START))}, "START_UNREADABLE"),
    ({"starttime": f"{seconds_of(START)}000000"}, "START_UNREADABLE"),
    ({"starttime": f"+{seconds_of(START)}000"}, "START_UNREADABLE"),
    ({"holdtime": "2147483648"}, "TIMES_OUT_OF_ORDER"),  # answered 68 years before it began
    ({"holdtime": "99999999999999"}, "VALUE_UNREADABLE"),
    ({"holdtime": "-1"}, "VALUE_UNREADABLE"),
    ({"holdtime": ""}, "VALUE_UNREADABLE"),
    ({"holdtime": "120"}, "TIMES_OUT_OF_ORDER"),  # longer than from start to stop
)
CHANGED_CELLS = {"plain_csv": PLAIN, "carrier_400_zh": CARRIER, "freeswitch_csv": FREESWITCH, "mobile_400_zh": MOBILE,
                 "ti_net": TI_NET, "vos3000": VOS3000}  # fmt: skip
CHANGED_TEXTS: dict[str, tuple[TextChange, ...]] = {
    "plain_csv": (
        lambda text: '"' + text,  # a quote that is never closed
        lambda text: ' "' + text.replace(",", '",', 1),  # a blank before the quote
        lambda text: text.replace(",", '" x,', 1),
        lambda text: text.rpartition(",")[0],
        lambda text: text + ",one more",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace(",", ";"),
        lambda text: "\x00" * 40,
        lambda _: "<xml><!DOCTYPE x [<!ENTITY a 'b'>]></xml>",
    ),
    "freeswitch_csv": (
        lambda text: text[:-1],
        lambda text: text.replace('"inbound"', '"in"bound"'),
        lambda text: text.replace('","', '"";"'),
    ),
}
"""Lines whose cells cannot be told apart any more: every one of them is broken."""


def dirty_rows(layout_id: str, turn: int) -> list[DirtyRow]:
    """The dirty rows of a layout; each turn has ids and callers of its own."""
    rows = []
    for index, (change, fate) in enumerate(CHANGED_CELLS[layout_id]):
        rows.append(DirtyRow(line(layout_id, _base(layout_id, turn, index) | change), fate))
    for index, changed in enumerate(CHANGED_TEXTS.get(layout_id, ()), 500):
        rows.append(DirtyRow(changed(line(layout_id, _base(layout_id, turn, index))), "LINE_BROKEN"))
    if layout_id != "mobile_400_zh":
        rows += _contradicting(layout_id, turn)
    return rows


def copies(lines: list[str]) -> list[DirtyRow]:
    """Good lines once more."""
    return [DirtyRow(text, DUPLICATE) for text in lines]


def _base(layout_id: str, turn: int, index: int) -> dict[str, str]:
    """A call of a minute that nothing is wrong with, of a caller of its own."""
    mark = turn * 1000 + index
    return cells_of(layout_id, Call(f"D{mark}", f"137{mark:08d}", NUMBERS[0], START, 5, 60))


def _contradicting(layout_id: str, turn: int) -> list[DirtyRow]:
    """Two records of one id that tell different callers: nobody knows which is right, so both wait."""
    mark = turn * 1000 + 900
    calls = (Call(f"D{mark}", f"137{mark + which:08d}", NUMBERS[1], START, 5, 60) for which in (0, 1))
    return [DirtyRow(line(layout_id, cells_of(layout_id, call)), "IDENTITY_CONFLICT") for call in calls]
