"""Small files of call records for the tests of ingest, and what was read from them."""

import datetime as dt
from pathlib import Path

import polars as pl

from billing.ingest.layout import load_layouts
from billing.ingest.stage import FileReading, read_cdr_file
from billing.tables.calls import LINES_PER_FILE, Cdr

LAYOUTS = load_layouts()
CARRIER_HEADER = "话单流水号,主叫号码,被叫号码,落地号码,来话时间,应答时间,结束时间,通话时长(秒),呼叫结果"
PLAIN_HEADER = "call_id,caller,service_number,landing_number,started_at,answered_at,ended_at,outcome"
FREESWITCH_HEADER = (
    "callid,start_stamp,answer_stamp,end_stamp,billsec,ivr_duration,queue_duration,ring_duration,ext_duration,"
    "callfrom,callto,type,hangup_cause"
)
ANSWERED = "C1,13800138000,4001234567,075512345678,2026-10-03 10:00:00,2026-10-03 10:00:05,2026-10-03 10:01:05,60,接通"
MISSED = "C2,01012345678,4001234567,,2026-10-03 11:00:00,,2026-10-03 11:00:30,0,无人接听"


def carrier_text(*lines: str, end: str = "\n") -> str:
    return end.join([CARRIER_HEADER, *lines]) + end


def read_bytes(folder: Path, content: bytes, name: str = "calls.csv", number: int = 1, **options) -> FileReading:
    """Write a file and read it; a folder serves several files, each under its own number."""
    inbox = folder / "inbox"
    inbox.mkdir(exist_ok=True)
    path = inbox / name
    path.write_bytes(content)
    arguments = {"layouts": LAYOUTS, "staging": folder / f"staging{number}", "raw_copy": folder / f"raw{number}"}
    return read_cdr_file(path, file_number=number, **(arguments | options))


def rows_of(reading: FileReading) -> pl.DataFrame:
    """All rows in order of line, with the line beside them."""
    frames = [pl.read_parquet(part.path).select(Cdr.schema().names()) for part in reading.parts.values()]
    rows = pl.concat([Cdr.empty(), *frames]).sort(Cdr.cdr_id)
    return rows.with_columns(line=pl.col(Cdr.cdr_id) % LINES_PER_FILE)


def read_lines(folder: Path, *lines: str, **options) -> pl.DataFrame:
    return rows_of(read_bytes(folder, carrier_text(*lines).encode(), **options))


def clock(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
