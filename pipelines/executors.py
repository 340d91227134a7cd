"""How independent pieces of work are carried out: here, side by side in a few threads.

Polars and DuckDB release the interpreter lock, so two threads overlap the fixed cost of one part with the work of
another. Results come back in the order of the tasks, whoever finished first, so nothing depends on timing.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

WORKERS = min(2, os.cpu_count() or 1)
"""More than two hold more parts in memory without being faster: each part uses all cores already."""


def side_by_side(work: Callable[[Task], Result], tasks: Iterable[Task]) -> list[Result]:
    """Carry out a piece of work for each task.

    Raises:
        Exception: the first task's that failed, in the order of the tasks; the others are finished or not started.
    """
    with ThreadPoolExecutor(WORKERS) as threads:
        futures = [threads.submit(work, task) for task in tasks]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()
