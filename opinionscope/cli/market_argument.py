"""How a market is named on the command line."""

import re

from opinionscope.errors import UsageError
from opinionscope.store.markets import MarketKey


def parse_market(text: str) -> MarketKey:
    """The market of a number such as `337`, or the topic of `topic:337`. Raises UsageError for anything else."""
    match = re.fullmatch(r"(topic:)?0*([1-9][0-9]{0,31})", text.strip().lower(), re.ASCII)
    if not match:
        raise UsageError(f"{text.strip()[:80]!r} is not a market; expected a number, or topic: and a topic's number.")
    return MarketKey(match[2], match[1] is not None)


def market_name(key: MarketKey) -> str:
    """The same words for a key."""
    return f"topic:{key.external_id}" if key.is_topic else key.external_id
