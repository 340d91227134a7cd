"""Where the documents of a period lie in its published folder: a folder a recipient, the same name for every form."""

from billing.documents.file_names import file_stem


def bill_place(period: object, customer_id: str) -> str:
    """A customer's bill, without the ending of its form."""
    return _place("invoices", "bill", period, customer_id)


def statement_place(period: object, agent_id: str) -> str:
    """An agent's commission statement, without the ending of its form."""
    return _place("statements", "statement", period, agent_id)


def sheet_place(period: object, carrier_id: str) -> str:
    """A carrier's settlement sheet, without the ending of its form."""
    return _place("settlement", "settlement", period, carrier_id)


def _place(folder: str, kind: str, period: object, recipient_id: str) -> str:
    stem = file_stem(recipient_id)
    return f"{folder}/{stem}/{kind}-{period}-{stem}"
