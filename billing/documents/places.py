"""Where a recipient's documents lie in a published period: a folder of their own, and names that say what they are."""

from billing.documents.file_names import file_stem
from billing.documents.model import Document, Standing

FOLDERS = {"bill": "invoices", "credit_note": "invoices", "statement": "statements", "settlement": "settlement"}
"""The folder of each kind of document."""


def place(kind: str, recipient_id: str, period: str, suffix: str, standing: Standing) -> str:
    """The file of a document, relative to the published period: `invoices/C0001/bill-2026-10-C0001.pdf`.

    The name of a draft begins with `draft-`: it is not taken for the paper that is sent.
    """
    stem = file_stem(recipient_id)
    mark = "draft-" if standing == "draft" else ""
    return f"{FOLDERS[kind]}/{stem}/{mark}{kind}-{period}-{stem}{suffix}"


def place_of(document: Document, suffix: str) -> str:
    """`place` of a document."""
    return place(document.kind, document.recipient_id, document.period, suffix, document.standing)
