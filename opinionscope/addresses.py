"""Wallet addresses: validated, and kept in lower case so that they can be compared."""

import re

from opinionscope.errors import UsageError


def parse_address(text: str) -> str:
    """The address in lower case. Raises UsageError if it is not valid."""
    address = text.strip().lower()
    if not re.fullmatch(r"0x[0-9a-f]{40}", address):
        raise UsageError(f"{text.strip()[:80]!r} is not a wallet address; expected 0x plus 40 hex digits.")
    return address
