"""`make bench`: how much a complete draft run costs, in units of bare conversion of the same files.

Makes N calls in plain UTF-8 files of eight columns, converts them to Parquet and nothing else, and runs a whole draft
month on them (identity, rules, rating three ways, charges, invoices, commission, settlement, postings, publishing), in
turn, each in a process of its own below this one. Prints the figures and appends them as one JSON line.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mixed_book import mix
from billing.catalog.reading import read_catalog
from billing.core.period import Period
from billing.sample_company.calls import write_plain_calls
from billing.sample_company.catalog import write_sample_catalog
from pipelines.init_books import make_folders

PERIOD = Period(2026, 10)
SEED = 400
RESULTS = Path(__file__).with_name("results.jsonl")
BARE = """
import sys, polars as pl
for number, path in enumerate(sys.argv[2:]):
    # The files hold a few broken lines and values, as real ones do: no type fits a whole column, so all stay text.
    calls = pl.scan_csv(path, truncate_ragged_lines=True, infer_schema=False)
    calls.sink_parquet(f"{sys.argv[1]}/{number}.parquet", compression="zstd", compression_level=1)
"""


@dataclass(frozen=True)
class Measured:
    """One process: wall seconds, CPU seconds, and the largest sum of proportional set sizes over its tree."""

    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


def measure(command: Sequence[str]) -> Measured:
    """Run a command and watch it until it ends."""
    usage = Path("/proc")
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output)
        peak, done = [0.0], threading.Event()

        def watch() -> None:
            while not done.is_set():
                peak[0] = max(peak[0], sum(_pss_mb(usage / str(pid)) for pid in _tree(process.pid)))
                done.wait(0.05)

        watcher = threading.Thread(target=watch)
        watcher.start()
        _, status, resources = _wait(process)
        wall = time.perf_counter() - start
        done.set()
        watcher.join()
        output.seek(0)
        if status:
            raise SystemExit(f"{' '.join(command[:6])} ... ended with {status}: {output.read()[-2000:]}")
        return Measured(wall, resources.ru_utime + resources.ru_stime, peak[0], output.read())


def _wait(process: "subprocess.Popen[bytes]"):  # noqa: ANN202 - what os.wait4 gives
    result = os.wait4(process.pid, 0)
    process.returncode = result[1]
    return result


def _tree(pid: int) -> list[int]:
    children = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children.extend(int(child) for child in task.read_text().split())
        except OSError:
            continue
    return [pid, *(grandchild for child in children for grandchild in _tree(child))]


def _pss_mb(process: Path) -> float:
    try:
        for line in (process / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        return 0.0
    return 0.0


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000_000)
    parser.add_argument("--pairs", type=int, default=1, help="how many times the two are run in turn")
    parser.add_argument("--mixed", action="store_true", help="also a book in which 30 %% of accounts have month rules")
    parser.add_argument("--keep", type=Path, help="work in this folder and keep it")
    arguments = parser.parse_args()
    work = arguments.keep or Path(tempfile.mkdtemp(prefix="bill400-bench-"))
    try:
        run(work, arguments.calls, arguments.pairs, mixed=arguments.mixed)
    finally:
        if not arguments.keep:
            shutil.rmtree(work, ignore_errors=True)


def run(work: Path, calls: int, pairs: int, *, mixed: bool) -> None:
    """Make the files once, then bare conversion and draft run in turn, and the mixed book after the plain one."""
    files = _files(work, calls)
    blended: list[Measured] = []
    bare: list[Measured] = []
    full: list[Measured] = []
    for _ in range(pairs):
        target = work / "bare"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        bare.append(measure([sys.executable, "-c", BARE, str(target), *map(str, files)]))
        shutil.rmtree(target)
        books = _books(work, files)
        full.append(measure([sys.executable, "-m", "pipelines.cli", "run", str(books), str(PERIOD), "--json"]))
        if mixed:
            mix(_books(work, files), calls)
            blended.append(measure([sys.executable, "-m", "pipelines.cli", "run", str(books), str(PERIOD), "--json"]))
    _tell(calls, files, bare, full, blended)


def _files(work: Path, calls: int) -> list[Path]:
    inbox = work / "files"
    if not inbox.exists():
        catalog = work / "catalog"
        write_sample_catalog(catalog, seed=SEED, period=PERIOD)
        write_plain_calls(inbox, period=PERIOD, calls=calls, seed=SEED, catalog=read_catalog(catalog))
    return sorted(path for path in inbox.rglob("*") if path.is_file())


def _books(work: Path, files: Sequence[Path]) -> Path:
    books = work / "books"
    shutil.rmtree(books, ignore_errors=True)
    make_folders(books, first=PERIOD, lang="en", company="Bench", key="0" * 32)
    shutil.rmtree(books / "catalog")
    shutil.copytree(work / "catalog", books / "catalog")
    for path in files:
        (books / "inbox" / path.name).hardlink_to(path)
    return books


def _tell(
    calls: int,
    files: Sequence[Path],
    bare: Sequence[Measured],
    full: Sequence[Measured],
    blended: Sequence[Measured],
) -> None:
    best_bare = min(bare, key=lambda measured: measured.wall_seconds)
    best = min(full, key=lambda measured: measured.wall_seconds)
    report = json.loads(best.output)
    row = {
        "commit": _commit(),
        "calls": calls,
        "bytes": sum(path.stat().st_size for path in files),
        "bare_seconds": round(best_bare.wall_seconds, 2),
        "bare_cpu_seconds": round(best_bare.cpu_seconds, 2),
        "run_seconds": round(best.wall_seconds, 2),
        "run_cpu_seconds": round(best.cpu_seconds, 2),
        "ratio": round(best.wall_seconds / best_bare.wall_seconds, 2),
        "cpu_ratio": round(best.cpu_seconds / best_bare.cpu_seconds, 2),
        "peak_memory_mb": round(max(measured.peak_mb for measured in full)),
        "bare_memory_mb": round(max(measured.peak_mb for measured in bare)),
        "stages": {name: round(seconds, 2) for name, seconds in report["seconds"].items()},
        "records": report["conservation"]["records_read"]["count"],
        "rated": report["conservation"]["calls_rated"]["count"],
    }
    if blended:
        own = min(blended, key=lambda measured: measured.wall_seconds)
        row |= {
            "mixed_seconds": round(own.wall_seconds, 2),
            "mixed_cpu_seconds": round(own.cpu_seconds, 2),
            "mixed_to_plain": round(own.wall_seconds / best.wall_seconds, 2),
            "mixed_cpu_to_plain": round(own.cpu_seconds / best.cpu_seconds, 2),
            "mixed_memory_mb": round(max(measured.peak_mb for measured in blended)),
            "mixed_stages": {name: round(seconds, 2) for name, seconds in json.loads(own.output)["seconds"].items()},
        }
    with RESULTS.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")
    print(json.dumps(row, indent=2))


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "none"


if __name__ == "__main__":
    main()
