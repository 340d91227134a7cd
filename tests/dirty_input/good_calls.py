"""Good calls of October, each told in one of six layouts, cleanly or as people and spreadsheets write the same call."""

import datetime as dt
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from billing.ingest.layout import Layout, load_layouts
from tests.commands.corner_shop import NUMBERS

LAYOUTS = {layout.id: layout for layout in load_layouts()}
USED = ("plain_csv", "carrier_400_zh", "freeswitch_csv", "mobile_400_zh", "ti_net", "vos3000")
EPOCH = dt.datetime(1970, 1, 1, 8)  # noqa: DTZ001 - civil time of Beijing, as everywhere
HOSTILE_IDS = ("=1+1|cmd", "@SUM(A1)", "<script>alert(1)</script>", "../../x", "\u202e4006", "\x9b31m", "%s{{7*7}}",
               "\x1b[2J\x1b[31m", "' or 1=1 --")  # fmt: skip
"""Ids that are odd and yet ids: their calls are billed like any other."""
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
_SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda number: number,
    lambda number: f"+86{number}",
    lambda number: f"0086 {number}",
    lambda number: f" {number}\t",
    lambda number: number.translate(_FULL_WIDTH),
    lambda number: f"{number[:3]}-{number[3:7]}-{number[7:]}",
)


@dataclass(frozen=True)
class Call:
    """One call: what is true of it, whatever a file makes of it."""

    call_id: str
    caller: str
    number: str
    start: dt.datetime
    rings: int
    talk: int

    @property
    def answer(self) -> dt.datetime | None:
        """When it was answered, None when it was not."""
        return self.start + dt.timedelta(seconds=self.rings) if self.talk else None

    @property
    def end(self) -> dt.datetime:
        """When it ended."""
        return self.start + dt.timedelta(seconds=self.rings + self.talk)


def good_calls(count: int, seed: int = 400) -> dict[str, list[Call]]:
    """Calls by layout, in the order of their start.

    They start on six days, which are enough for parts of several days; on the 1st a number has no contract yet.
    """
    chance = random.Random(seed)
    calls: dict[str, list[Call]] = {layout: [] for layout in USED}
    for index in range(count):
        seconds = chance.randrange(86_400 * 6)
        start = dt.datetime(2026, 10, 3) + dt.timedelta(seconds=seconds)  # noqa: DTZ001
        call_id = HOSTILE_IDS[index] if index < len(HOSTILE_IDS) else f"G{index:07d}"
        talk = chance.choice((0, 1, 6, 59, 60, 61, 180, 181, 400, 1801))
        call = Call(call_id, f"139{index:08d}", chance.choice(NUMBERS), start, chance.randrange(2, 30), talk)
        calls[USED[index % len(USED)]].append(call)
    return {layout: sorted(found, key=lambda call: (call.start, call.call_id)) for layout, found in calls.items()}


def line(layout_id: str, cells: Mapping[str, str]) -> str:
    """Cells as a line of their layout, which quotes or does not."""
    layout = LAYOUTS[layout_id]
    texts = [cells.get(column, "") for column in layout.header]
    if layout.quoting == "always":
        texts = ['"' + text.replace('"', '""') + '"' for text in texts]
    return layout.delimiter.join(texts)


def header(layout_id: str) -> str:
    """The header line of a layout."""
    return LAYOUTS[layout_id].delimiter.join(LAYOUTS[layout_id].header)


def cells_of(layout_id: str, call: Call) -> dict[str, str]:
    """A call as its source writes it."""
    return _WRITERS[layout_id](call)


def oddly(layout_id: str, cells: Mapping[str, str], turn: int) -> dict[str, str]:
    """The same call, its telephone numbers and spaces written in another way."""
    layout: Layout = LAYOUTS[layout_id]
    odd = dict(cells)
    for name in ("caller", "service_number"):
        column = layout.fields[name].column
        odd[column] = _SPELLINGS[turn % len(_SPELLINGS)](odd[column]) if odd[column] else ""
    start = layout.fields["started_at"]
    if start.form == "%Y/%m/%d %H:%M:%S" and turn % 2:
        odd[start.column] = odd[start.column].replace("/0", "/").replace(" 0", " ")
    return odd


def _plain(call: Call) -> dict[str, str]:
    return {
        "call_id": call.call_id, "caller": call.caller, "service_number": call.number, "started_at": str(call.start),
        "answered_at": str(call.answer or ""), "ended_at": str(call.end),
        "outcome": "answered" if call.talk else "no_answer",
    }  # fmt: skip


def _carrier(call: Call) -> dict[str, str]:
    return {
        "话单流水号": call.call_id, "主叫号码": call.caller, "被叫号码": call.number, "来话时间": str(call.start),
        "应答时间": str(call.answer or ""), "结束时间": str(call.end), "通话时长(秒)": str(call.talk),
        "呼叫结果": "接通" if call.talk else "无人接听",
    }  # fmt: skip


def _freeswitch(call: Call) -> dict[str, str]:
    return {
        "callid": call.call_id, "start_stamp": str(call.start), "answer_stamp": str(call.answer or ""),
        "end_stamp": str(call.end), "billsec": str(call.talk), "callfrom": call.caller, "callto": call.number,
        "type": "inbound", "hangup_cause": "NORMAL_CLEARING" if call.talk else "NO_ANSWER",
    }  # fmt: skip


def _mobile(call: Call) -> dict[str, str]:
    return {
        "主叫号码": call.caller, "被叫号码": call.number, "通话开始时间": f"{call.start:%Y/%m/%d %H:%M:%S}",
        "本地/长途": "本地", "时长": str(call.talk),
    }  # fmt: skip


def _ti_net(call: Call) -> dict[str, str]:
    bridged = str(seconds_of(call.answer)) if call.answer else "0"
    return {
        "uniqueId": call.call_id, "callType": "1", "customerNumber": call.caller, "hotline": call.number,
        "startTime": str(seconds_of(call.start)), "answerTime": bridged, "bridgeTime": bridged,
        "endTime": str(seconds_of(call.end)), "bridgeDuration": str(call.talk), "status": "1" if call.talk else "2",
    }  # fmt: skip


def _vos3000(call: Call) -> dict[str, str]:
    return {
        "callere164": call.caller, "calleee164": call.number, "starttime": f"{seconds_of(call.start)}000",
        "stoptime": f"{seconds_of(call.end)}000", "holdtime": str(call.talk), "flowno": call.call_id,
        "endreason": "16" if call.talk else "19",
    }  # fmt: skip


def seconds_of(instant: dt.datetime) -> int:
    """Seconds since 1970 in UTC of a civil time of Beijing."""
    return int((instant - EPOCH).total_seconds())


_WRITERS: Mapping[str, Callable[[Call], dict[str, str]]] = {
    "plain_csv": _plain,
    "carrier_400_zh": _carrier,
    "freeswitch_csv": _freeswitch,
    "mobile_400_zh": _mobile,
    "ti_net": _ti_net,
    "vos3000": _vos3000,
}
