"""Tags of wallets: validated, and kept in one case so that they can be compared."""

import json
from contextlib import suppress

from opinionscope.errors import UsageError
from opinionscope.text import casefold

LONGEST_TAG = 32
SEPARATORS = ",;|"
"""What separates tags in a list of them, besides white space, and so is part of none."""


def parse_tag(text: str) -> str:
    """The tag in lower case. Raises UsageError if it is not valid."""
    tag = casefold(text.strip()) or ""
    fits = 0 < len(tag) <= LONGEST_TAG
    if not fits or tag.startswith("-") or not tag.isprintable() or any(c.isspace() or c in SEPARATORS for c in tag):
        raise UsageError(
            f"{text.strip()[:80]!r} is not a valid tag; expected 1 to {LONGEST_TAG} characters without spaces, "
            "commas, semicolons or bars, and no hyphen at the start."
        )
    return tag


def parse_tags(text: str) -> list[str]:
    """The tags in a list such as `smart, sports`, or in a JSON array, each once.

    Raises UsageError if one is not valid.
    """
    with suppress(ValueError):
        return list(dict.fromkeys(parse_tag(str(tag)) for tag in _array(text)))
    for separator in SEPARATORS:
        text = text.replace(separator, " ")
    return list(dict.fromkeys(parse_tag(word) for word in text.split()))


def _array(text: str) -> list[object]:
    """The JSON array that `whales list --csv` writes. Raises ValueError if it is none."""
    array = json.loads(text)
    if not isinstance(array, list):
        raise ValueError(text)
    return array
