"""What a rule can name: tracked wallets with their tags, and markets."""

from collections.abc import Iterable

from opinionscope.store.database import Store
from opinionscope.store.markets import PLATFORM
from opinionscope.store.shards import TRACKED_HERE

_TOPIC = "topic:"


def find_tags_of_tracked(store: Store) -> dict[str, set[str]]:
    """The tags of each tracked wallet, by address, whichever shard polls it; an empty set for one without."""
    tags: dict[str, set[str]] = {}
    rows = store.query(
        "SELECT address, tag FROM whales LEFT JOIN whale_tags ON whale_address = address WHERE enabled = 1"
    )
    for address, tag in rows:
        tags.setdefault(address, set()).update([tag] if tag else [])
    return tags


def find_tracked_here(store: Store) -> set[str]:
    """The addresses of the wallets that this installation polls."""
    return {row[0] for row in store.query(f"SELECT address FROM whales WHERE {TRACKED_HERE}")}  # noqa: S608


def find_statuses(store: Store, markets: Iterable[str]) -> dict[str, str | None]:
    """The status of each market, named by its number or by `topic:` and a topic's; None for one that is not known."""
    sql = "SELECT status FROM markets WHERE platform = ? AND external_id = ? AND (market_type = 'categorical') = ?"
    return {
        market: store.value(sql, (PLATFORM, market.removeprefix(_TOPIC), market.startswith(_TOPIC)))
        for market in markets
    }


def has_markets(store: Store) -> bool:
    """Whether any market has been synced."""
    return store.value("SELECT 1 FROM markets LIMIT 1") is not None


def has_label(store: Store, label: str) -> bool:
    """Whether any market has this label, in any letter case."""
    sql = "SELECT 1 FROM markets, json_each(labels) WHERE casefold(value) = casefold(?) LIMIT 1"
    return store.value(sql, (label,)) is not None
