"""The corner shop: books of six numbers and some hundred calls, made in a moment, for tests that need whole books.

The calls are written as a carrier would send them (plain CSV), with a copy, two broken lines, an unknown number and a
call of a month before the books; the caps are low enough to bind.
"""

import csv
import datetime as dt
import hashlib
import json
import random
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from billing.core.period import Period
from pipelines.cli import build
from pipelines.init_books import make_folders

PERIOD = "2026-10"
HEADER = "call_id,caller,service_number,landing_number,started_at,answered_at,ended_at,outcome"
NUMBERS = ("4006000001", "4006000002", "4001000003", "4006000004", "4006000005", "4001000006")
STRANGER = "4006999999"
KEPT_PLANS = ("split_010", "split_6s_010", "split_180_60", "split_capped_010", "split_counted_010",
              "split_function_010")  # fmt: skip

CATALOG = {
    "carriers": """
carrier_id,carrier_name,prefixes,settlement_plan
UNICOM,Unicom,4006;4000,unicom_400
MOBILE,Mobile,4001;4007,mobile_400
""",
    "agents": """
agent_id,agent_name,branch,tier,parent_agent_id,share,scheme
A1,First agency,East,tier-1,,100%,standard
A2,Second agency,East,tier-2,A1,60%,standard
""",
    "customers": """
customer_id,customer_name,tax_number,branch
C1,Tea house,,East
C2,Book shop,,East
C3,Bakery,,East
C4,Florist,,East
""",
    "contracts": """
contract_id,customer_id,agent_id,branch,signed_on,service_start,ends_on,payment_mode,term_years,total,trial_until
HT1,C1,A2,East,2026-01-05,2026-01-10,2028-01-10,monthly,2,,
HT2,C2,A1,East,2025-10-01,2025-10-12,2028-10-12,annual_payment,3,1800.00,
HT3,C3,,East,2026-10-01,2026-10-01,2027-10-01,monthly,1,,2026-10-03
HT4,C4,A1,East,2026-03-01,2026-03-01,2027-03-01,full_prepayment,1,600.00,
""",
    "numbers": """
service_number,carrier_id,grade,landing_number
4006000001,,A,02155550001
4006000002,,C,02155550002
4001000003,,B,02155550003
4006000004,,C,02155550004
4006000005,,C,02155550005
4001000006,,C,02155550006
""",
    "subscriptions": """
contract_id,service_number,plan_id,valid_from,valid_to,monthly_minimum,cap_amount,cap_count
HT1,4006000001,split_010,2026-01-10,,,,
HT2,4006000002,split_6s_010,2025-10-12,,25.00,,
HT3,4001000003,split_180_60,2026-10-01,,,,
HT4,4006000004,split_capped_010,2026-03-01,,,1.00,
HT4,4006000005,split_counted_010,2026-03-01,,,,6
HT1,4001000006,split_function_010,2026-10-02,,,,
""",
    "receipts": """
receipt_id,contract_id,received_on,amount,purpose,bill_period
R1,HT2,2026-10-10,600.00,contract_year,
R2,HT4,2026-03-02,600.00,full_term,
""",
    "adjustments": """
adjustment_id,contract_id,service_number,period,amount,tax_code,reason
T1,HT1,4006000001,2026-10,-3.00,voice,Fault of 3 October
""",
}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """What `--json` printed."""
        return json.loads(self.out)


def bill400(*arguments: object, code: int | None = 0) -> Ended:
    """Run a command in this process.

    Args:
        arguments: as on the command line.
        code: the exit code it must have; None takes any.
    """
    result = CliRunner().invoke(build("en"), [str(argument) for argument in arguments], env={"BILL400_LANG": "en"})
    ended = Ended(result.exit_code, result.stdout, result.stderr)
    assert code is None or ended.code == code, f"{arguments} ended with {ended.code}\n{ended.out}\n{ended.err}"
    return ended


def open_shop(root: Path) -> Path:
    """Books with catalog and plans, no calls."""
    make_folders(root, first=Period(2026, 10), lang="en", company="Corner Shop", key="0123456789abcdef")
    for name, text in CATALOG.items():
        (root / "catalog" / f"{name}.csv").write_text(text.lstrip(), "utf-8")
    for plan in (root / "rate_plans" / "retail").iterdir():
        if plan.stem not in KEPT_PLANS:
            plan.unlink()
    return root


def call_rows(seed: int = 1, count: int = 90, days: Sequence[int] = (1, 2, 3, 4, 31)) -> list[str]:
    """Calls of October as CSV lines, in the order of their start."""
    chance = random.Random(seed)
    rows = []
    for index in range(count):
        start = dt.datetime.combine(dt.date(2026, 10, chance.choice(days)), dt.time()) + dt.timedelta(
            seconds=chance.randrange(86_400)
        )
        rings = dt.timedelta(seconds=chance.randrange(2, 30))
        talk = dt.timedelta(seconds=chance.choice((1, 6, 59, 60, 61, 180, 181, 400, 1801)))
        outcome = chance.choice(("answered", "answered", "answered", "no_answer", "busy"))
        number = chance.choice(NUMBERS)
        answered = start + rings if outcome == "answered" else None
        ended = answered + talk if answered else start + rings
        cells = (f"S{seed}-{index:05d}", f"139{index:08d}", number, "", start, answered or "", ended, outcome)
        rows.append((start, ",".join(str(cell) for cell in cells)))
    return [row for _, row in sorted(rows)]


def one_call(call_id: str, number: str, start: str, talk_seconds: int, outcome: str = "answered") -> str:
    """One call as a CSV line."""
    begin = dt.datetime.fromisoformat(start)
    answered = begin + dt.timedelta(seconds=5) if outcome == "answered" else ""
    ended = begin + dt.timedelta(seconds=5 + talk_seconds)
    return f"{call_id},13900000000,{number},,{begin},{answered},{ended},{outcome}"


def write_calls(path: Path, rows: Iterable[str], header: str = HEADER) -> Path:
    """A file of calls as a carrier sends it, or of records under another header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows, ""]), "utf-8")
    return path


ODDITIES = (
    one_call("X-1", STRANGER, "2026-10-02 10:00:00", 60),
    one_call("X-2", NUMBERS[0], "2026-09-30 23:59:59", 70),
    one_call("X-3", NUMBERS[2], "2026-10-01 08:00:00", 0),
    "X-4,13900000000,4006000001,,not a time,,,answered",
    "X-5,13900000000,4006000001",
)


def stock_shop(root: Path) -> Path:
    """Books with three files in the inbox; the third repeats some calls of the first."""
    open_shop(root)
    rows = call_rows()
    write_calls(root / "inbox" / "a.csv", rows[:40])
    write_calls(root / "inbox" / "b.csv", [*rows[40:], *ODDITIES])
    write_calls(root / "inbox" / "c.csv", [*rows[5:9], one_call("Y-1", NUMBERS[1], "2026-10-04 12:00:00", 33)])
    return root


def listing(root: Path, *folders: str) -> dict[str, str]:
    """SHA-256 of every file below some folders of the books, or of all of them; the lock apart."""
    tops = [root / folder for folder in folders] or [root]
    files = [path for top in tops for path in top.rglob("*") if path.is_file() and path.name != "lock"]
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}


def copied(books: Path, target: Path) -> Path:
    """A copy of books to be changed at will."""
    return Path(shutil.copytree(books, target))


def published_rows(books: Path, table: str, period: str = PERIOD) -> list[dict[str, str]]:
    """A published table as CSV rows."""
    text = (books / "published" / period / "tables" / f"{table}.csv").read_text("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))
