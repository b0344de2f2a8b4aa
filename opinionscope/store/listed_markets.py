"""The `listed_markets` table: which markets are stored exactly as an entry of the exchange's list says.

An entry of a topic is that of its children as well. Whatever else changes a market's row takes it out of here: that is
what triggers are for.
"""

from collections.abc import Mapping

from opinionscope.store.database import Store
from opinionscope.store.markets import PLATFORM, MarketKey

_NOTE = f"""
    INSERT INTO listed_markets (platform, external_id, is_topic, entry) VALUES ('{PLATFORM}', ?, ?, ?)
    ON CONFLICT (platform, external_id, is_topic) DO UPDATE SET entry = excluded.entry
"""  # noqa: S608


def find_listed(store: Store) -> dict[bytes, list[MarketKey]]:
    """By the digest of each entry the markets that are stored as it says, a topic before its children."""
    listed: dict[bytes, list[MarketKey]] = {}
    rows = store.query(
        "SELECT external_id, is_topic, entry FROM listed_markets WHERE platform = ? ORDER BY is_topic DESC", (PLATFORM,)
    )
    for number, is_topic, entry in rows:
        listed.setdefault(entry, []).append(MarketKey(number, bool(is_topic)))
    return listed


def note_listed(store: Store, entries: Mapping[MarketKey, bytes]) -> None:
    """Note of markets that they are stored as the entries of these digests say."""
    if entries:
        with store.transaction() as transaction:
            transaction.executemany(_NOTE, [(*key, entry) for key, entry in entries.items()])
