"""Recipients as people name them: by id, or as `agent:ID` where a customer, an agent and a carrier share one."""

from collections.abc import Iterable
from typing import Literal, get_args

from billing.core.findings import Finding

Role = Literal["customer", "agent", "carrier"]
Recipient = tuple[Role, str]
"""Role and id: ids are only unique within a role."""


def id_named(word: str) -> str:
    """The id in a word that may have a role before it."""
    role, mark, recipient_id = word.partition(":")
    return recipient_id if mark and role in get_args(Role) else word


def meant(word: str, known: Iterable[Recipient]) -> list[Recipient]:
    """Whom a word names: nobody, one recipient, or all that share the id."""
    return sorted({(role, own) for role, own in known if word == f"{role}:{own}" or word == own == id_named(word)})


def shared(word: str, recipients: Iterable[Recipient], where: str = "") -> Finding:
    """What is said of an id that several recipients have."""
    spellings = ", ".join(f"{role}:{own}" for role, own in recipients)
    return Finding("RECIPIENT_SHARED", "critical", where, {"recipient": word, "spellings": spellings})
