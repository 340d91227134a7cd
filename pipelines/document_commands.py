"""`documents`: what is said when a period's documents are made again."""

from pathlib import Path

from billing.documents.model import Lang
from pipelines.documents import make_again
from pipelines.session import Session


def documents(
    session: Session, books: Path, period: str, only: str | None, written_in: Lang | None, to: Path | None
) -> None:
    """Make documents again and hold them against what is published."""
    wanted = session.period(period)
    with session.reading(books) as opened:
        made = make_again(opened, wanted, session.progress, only=only, lang=written_in, to=to)
    same = sum(document.is_published for document in made)
    session.give(
        documents=[{"file": document.file, "is_published": document.is_published} for document in made],
        folder=None if to is None else str(to),
    )
    if only is not None:
        for document in made:
            session.say(
                "summary.document_same" if document.is_published else "summary.document_other", file=document.file
            )
    session.say("summary.documents_made", count=len(made), same=same)
    if to is not None:
        session.say("summary.documents_written", folder=to)
