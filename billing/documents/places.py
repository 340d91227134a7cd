"""Where a recipient's documents lie in a published period: a folder of their own, and names that say what they are."""

from billing.documents.file_names import file_stem
from billing.documents.model import Document

FOLDERS = {"bill": "invoices", "credit_note": "invoices", "statement": "statements", "settlement": "settlement"}
"""The folder of each kind of document."""


def place(kind: str, recipient_id: str, period: str, suffix: str) -> str:
    """The file of a document, relative to the published period: `invoices/C0001/bill-2026-10-C0001.pdf`."""
    stem = file_stem(recipient_id)
    return f"{FOLDERS[kind]}/{stem}/{kind}-{period}-{stem}{suffix}"


def place_of(document: Document, suffix: str) -> str:
    """`place` of a document."""
    return place(document.kind, document.recipient_id, document.period, suffix)
