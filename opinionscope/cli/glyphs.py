"""What the output can show: blocks and ticks where it can, ASCII where it cannot do better."""

import os
import sys


def can_show(text: str) -> bool:
    """Whether the output has each of these characters in its encoding, and is no terminal from the days before them."""
    if os.environ.get("TERM") == "dumb":
        return False
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
