"""Records that tell a part of a call, by hand, and what they come to."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import polars as pl

from billing.assembly.rule import AssemblyRule
from billing.assembly.stage import Assembly, assemble_calls
from billing.tables.calls import Waiting

DAY = dt.date(2026, 10, 5)
PIECES = AssemblyRule("pieces", window_hours=12, first_number=1)
UNNUMBERED = AssemblyRule("pieces", window_hours=12)
EVENTS = AssemblyRule("events", window_hours=24)
TELLINGS = AssemblyRule("tellings", window_hours=12, is_corrected=True)
BARE = dict.fromkeys(Waiting.schema().names()) | {
    "source": "A", "call_id": "1", "call_key": "1", "caller": "13900000001", "service_number": "4001234567",
    "outcome": "answered",
}  # fmt: skip


def legs(charged: Any) -> AssemblyRule:
    return AssemblyRule("legs", window_hours=12, charged=charged)


def at(clock: str, day: dt.date = DAY) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.fromisoformat(clock))


def record(cdr_id: int, start: str, talk: int | None = None, **fields: Any) -> dict[str, Any]:
    """A record; with `talk` seconds it ends so long after its start."""
    started = at(start) if isinstance(start, str) else start
    told = {"cdr_id": cdr_id, "started_at": started, "usage_date": started.date()}
    if talk is not None:
        told |= {"talk_ms": talk * 1000, "ended_at": started + dt.timedelta(seconds=talk)}
    return BARE | told | fields


def put_together(rule: AssemblyRule, records: Sequence[dict[str, Any]]) -> Assembly:
    return assemble_calls(pl.DataFrame(records, schema=Waiting.schema()), rule)


def verdicts(assembly: Assembly) -> list[str]:
    """The verdict of each set, in order of the sets."""
    return assembly.records.unique("set_id", maintain_order=True)["verdict"].to_list()


def only_call(assembly: Assembly) -> dict[str, Any]:
    assert assembly.calls.height == 1
    return assembly.calls.row(0, named=True)
