"""The fields of a line, one expression each, made from the call columns; a text is the same on every line.

Sources that write whole seconds lose the milliseconds of a start, VOS3000 keeps them.
"""

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from billing.sample_company import dirt
from billing.sample_company.call_columns import (
    CALLER,
    DIRT,
    LANDING,
    OUTCOME,
    RING_S,
    SERIAL,
    SERVICE_NUMBER,
    STARTED_MS,
    TALK_S,
)

Field = pl.Expr | str

BAD_TIME = "2026-13-40 25:61:00"
"""What stands where a start should: neither month, day, hour nor minute exists."""
BAD_EPOCH = "17999x0000000"


def fields(layout: str, header: Sequence[str], words: Mapping[str, str]) -> list[Field]:
    """The fields of a layout's line, in the order of its header; `words` are its words for outcomes."""
    values = _FIELDS[layout](pl.col(OUTCOME).replace_strict(words, return_dtype=pl.String))
    return [values.get(column, "") for column in header]


def leg_fields(header: Sequence[str], words: Mapping[str, str]) -> list[Field]:
    """The fields of the leg a FreeSWITCH platform dialled to answer a call."""
    values = _freeswitch_csv(pl.col(OUTCOME).replace_strict(words, return_dtype=pl.String))
    leg_id = pl.concat_str(_start_s().cast(pl.String), pl.lit("."), pl.col(SERIAL).cast(pl.String), pl.lit("-b"))
    values |= {"callid": leg_id, "callfrom": pl.col(SERVICE_NUMBER), "callto": pl.col(LANDING), "type": "outbound"}
    return [values.get(column, "") for column in header]


def _start_s() -> pl.Expr:
    return pl.col(STARTED_MS) // 1000


def _stamp(seconds: pl.Expr) -> pl.Expr:
    return pl.from_epoch(seconds, "s").dt.strftime("%Y-%m-%d %H:%M:%S")


def _stamps() -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Start, answer (empty when there was none) and end to the second."""
    answer = _start_s() + pl.col(RING_S)
    is_bad = pl.col(DIRT) == dirt.code("unreadable_time")
    start = pl.when(is_bad).then(pl.lit(BAD_TIME)).otherwise(_stamp(_start_s()))
    answered = pl.when(pl.col(OUTCOME) == "answered").then(_stamp(answer)).otherwise(pl.lit(""))
    return start, answered, _stamp(answer + pl.col(TALK_S))


def _serial(mark: str) -> pl.Expr:
    return pl.concat_str(pl.lit(mark), (10**11 + pl.col(SERIAL)).cast(pl.String))


def _carrier_400_zh(outcome: pl.Expr) -> dict[str, Field]:
    start, answered, ended = _stamps()
    return {
        "话单流水号": _serial("LT"),
        "主叫号码": pl.col(CALLER),
        "被叫号码": pl.col(SERVICE_NUMBER),
        "落地号码": pl.col(LANDING),
        "来话时间": start,
        "应答时间": answered,
        "结束时间": ended,
        "通话时长(秒)": pl.col(TALK_S).cast(pl.String),
        "呼叫结果": outcome,
    }


def _plain_csv(outcome: pl.Expr) -> dict[str, Field]:
    start, answered, ended = _stamps()
    return {
        "call_id": _serial("P"),
        "caller": pl.col(CALLER),
        "service_number": pl.col(SERVICE_NUMBER),
        "landing_number": pl.col(LANDING),
        "started_at": start,
        "answered_at": answered,
        "ended_at": ended,
        "outcome": outcome,
    }


def _freeswitch_csv(outcome: pl.Expr) -> dict[str, Field]:
    start, answered, ended = _stamps()
    return {
        "callid": pl.concat_str(_start_s().cast(pl.String), pl.lit("."), pl.col(SERIAL).cast(pl.String)),
        "start_stamp": start,
        "answer_stamp": answered,
        "end_stamp": ended,
        "billsec": pl.col(TALK_S).cast(pl.String),
        "ivr_duration": "0",
        "queue_duration": "0",
        "ring_duration": pl.col(RING_S).cast(pl.String),
        "ext_duration": pl.col(TALK_S).cast(pl.String),
        "callfrom": pl.col(CALLER),
        "callto": pl.col(SERVICE_NUMBER),
        "type": "inbound",
        "hangup_cause": outcome,
    }


def _vos3000(outcome: pl.Expr) -> dict[str, Field]:
    """Its own fee is the platform's claim and plays no part in ours."""
    answer_ms = pl.col(STARTED_MS) + pl.col(RING_S) * 1000
    is_bad = pl.col(DIRT) == dirt.code("unreadable_time")
    minutes = (pl.col(TALK_S) + 59) // 60
    delay = (pl.col(RING_S) * 1000).cast(pl.String)
    zeros: dict[str, Field] = dict.fromkeys(_VOS_ZEROS, "0")
    return zeros | {
        "callere164": pl.col(CALLER),
        "calleraccesse164": pl.col(CALLER),
        "calleee164": pl.col(SERVICE_NUMBER),
        "calleeaccesse164": pl.col(SERVICE_NUMBER),
        "callerip": "192.0.2.11",
        "callercodec": "g711a",
        "callergatewayid": "GW_IN_01",
        "calleeip": "192.0.2.21",
        "calleecodec": "g711a",
        "calleegatewayid": "GW_OUT_01",
        "calleetogatewaye164": pl.col(LANDING),
        "starttime": pl.when(is_bad).then(pl.lit(BAD_EPOCH)).otherwise(pl.col(STARTED_MS).pipe(_instant_ms)),
        "stoptime": (answer_ms + pl.col(TALK_S) * 1000).pipe(_instant_ms),
        "callerpdd": delay,
        "calleepdd": delay,
        "holdtime": pl.col(TALK_S).cast(pl.String),
        "feetime": (minutes * 60).cast(pl.String),
        "fee": pl.concat_str((minutes // 10).cast(pl.String), pl.lit("."), (minutes % 10).cast(pl.String)),
        "flowno": (10**12 + pl.col(SERIAL)).cast(pl.String),
        "softswitchname": "vos01",
        "enddirection": "1",
        "endreason": outcome,
    }


def _instant_ms(civil_ms: pl.Expr) -> pl.Expr:
    """A civil time of Asia/Shanghai as an instant: the clock has been eight hours ahead of UTC since 1991."""
    return (civil_ms - 8 * 3_600_000).cast(pl.String)


_VOS_ZEROS = (
    "callertype",
    "calleetype",
    "billingmode",
    "calllevel",
    "agentfeetime",
    "tax",
    "suitefee",
    "suitefeetime",
    "incomefee",
    "incometax",
    "agentfee",
    "agenttax",
    "agentsuitefee",
    "agentsuitefeetime",
    "rtpforward",
    "billingtype",
    "cdrlevel",
)
_FIELDS: dict[str, Callable[[pl.Expr], dict[str, Field]]] = {
    "carrier_400_zh": _carrier_400_zh,
    "vos3000": _vos3000,
    "freeswitch_csv": _freeswitch_csv,
    "plain_csv": _plain_csv,
}
