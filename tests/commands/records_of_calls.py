"""Files of records that are not calls by themselves, for the corner shop."""

import shutil
from pathlib import Path

from tests.commands.corner_shop import open_shop, write_calls

LAYOUTS = Path(__file__).resolve().parents[1] / "properties" / "layouts"
HEADERS = {
    "pieces": "call_id,piece,place,caller,service_number,landing_number,started_at,answered_at,ended_at,talk_seconds,"
    "outcome",
    "events": "method|from_tag|to_tag|callid|code|time|src|dst",
    "legs": "leg,linkedid,src,dst,begin,answer,end,disposition",
    "tellings": "id,push,src,dst,begin,seconds",
}


def open_switch_shop(root: Path) -> Path:
    """The shop without calls, with layouts of switches that tell a call in several records."""
    open_shop(root)
    shutil.copytree(LAYOUTS, root / "layouts", dirs_exist_ok=True)
    return root


def write_records(path: Path, kind: str, *rows: str) -> Path:
    """A file of records as a switch sends it."""
    return write_calls(path, rows, HEADERS[kind])


def piece(call: str, number: int, place: str, start: str, end: str, seconds: int, dialled: str = "4006000001") -> str:
    """A piece of an answered call."""
    return f"{call},{number},{place},13900000001,{dialled},,{start},,{end},{seconds},answered"
