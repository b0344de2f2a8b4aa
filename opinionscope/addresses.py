"""Wallet addresses: checked for their form, and kept in lower case, in which they are compared."""

import re

from opinionscope.errors import UsageError


def parse_address(text: str) -> str:
    """The address in lower case. Raises UsageError if it is none."""
    address = text.strip().lower()
    if not re.fullmatch(r"0x[0-9a-f]{40}", address):
        raise UsageError(f"{text.strip()[:80]!r} is no wallet address: write 0x and 40 hexadecimal digits.")
    return address
