"""E-mail addresses as people list them: several in one cell, each in the one plain form.

Only the plain form goes into the head of a mail: no name before the address, no quotes, nothing a header could be
forged with.
"""

import re

LONGEST_ADDRESS = 254
"""RFC 5321: the longest address that a mail can be sent to."""
_PLAIN = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE | re.ASCII)
_SEPARATORS = re.compile(r"[;；,，、]")


def email_addresses(text: str) -> list[str]:
    """The addresses of a cell, in their order; none of an empty one.

    Raises:
        ValueError: a part is no plain address; the message is that part.
    """
    parts = [part.strip(" ") for part in _SEPARATORS.split(text)]
    addresses = [part for part in parts if part]
    for address in addresses:
        if not _PLAIN.fullmatch(address) or len(address) > LONGEST_ADDRESS:
            raise ValueError(address)
    return addresses
