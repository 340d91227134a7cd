"""`make bench-documents`: what a thousand bills and a hundred statements cost as PDF and workbook.

Makes the sample company's month, takes its documents, and prints them under other names until there are as many as
wanted (equal documents would find each other's work done). Prints CPU and wall seconds and the peak of memory.
"""

import argparse
import itertools
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.bench import measure
from billing.core.period import Period
from billing.documents.model import Document
from billing.documents.stage import make_documents, print_documents
from pipelines.books import open_books
from pipelines.demo import PERIOD
from pipelines.documents import EARLIER, tables_of
from pipelines.past import rows_before
from pipelines.rate_book_of import book_of_snapshot

SEED = 400


def named_anew(documents: list[Document], kind: str, count: int) -> Iterator[Document]:
    """So many documents of a kind, each of another recipient."""
    own = [document for document in documents if document.kind == kind]
    for number, document in zip(range(count), itertools.cycle(own), strict=False):
        name = f"{document.recipient_name}{number:05d}"
        told = [replace(field, value=name) if index == 0 else field for index, field in enumerate(document.recipient)]
        yield replace(document, recipient_id=f"{kind}-{number:05d}", recipient_name=name, recipient=told)


def print_all(root: Path, bills: int, statements: int) -> None:
    """Print so many documents of the books into nothing, and say how many files and bytes they were."""
    period = Period.parse(str(PERIOD))
    with open_books(root, write=False) as books:
        commit = books.state.published(str(period))
        assert commit is not None, "the demo is closed"
        book = book_of_snapshot(books, commit.facts["snapshot"])
        earlier = {table.name: rows_before(books, table, period) for table in EARLIER}
        documents = list(make_documents(tables_of(books, book, period), earlier, book, period, "final"))
    wanted = itertools.chain(named_anew(documents, "bill", bills), named_anew(documents, "statement", statements))
    sizes = [len(content) for _, content in print_documents(wanted)]
    print(json.dumps({"files": len(sizes), "bytes": sum(sizes)}))


def main() -> None:
    """Make the books, then print in a process of its own and measure it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bills", type=int, default=1_000)
    parser.add_argument("--statements", type=int, default=100)
    parser.add_argument("--books", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.books:
        print_all(wanted.books, wanted.bills, wanted.statements)
        return
    with tempfile.TemporaryDirectory() as folder:
        books = Path(folder) / "books"
        measure([sys.executable, "-m", "pipelines.cli", "demo", str(books), "--seed", str(SEED), "--json"])
        own = [sys.executable, "-m", "benchmarks.print_documents", "--books", str(books)]
        done = measure([*own, "--bills", str(wanted.bills), "--statements", str(wanted.statements)])
    figures = {
        "bills": wanted.bills,
        "statements": wanted.statements,
        "wall_seconds": round(done.wall_seconds, 1),
        "cpu_seconds": round(done.cpu_seconds, 1),
        "peak_memory_mb": round(done.peak_mb),
        **json.loads(done.output),
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
