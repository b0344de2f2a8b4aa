"""The `whale_tags` table: the tags of wallets. A removed wallet keeps its own."""

from collections.abc import Iterable, Mapping

from opinionscope.store.database import Store
from opinionscope.tags import parse_tag

_INSERT = "INSERT OR IGNORE INTO whale_tags (whale_address, tag) VALUES (?, ?)"


def add_tag(store: Store, addresses: Iterable[str], tag: str) -> int:
    """Tag the wallets; how many did not have the tag. Raises UsageError if it is not a valid tag."""
    return _change(store, _INSERT, addresses, tag)


def add_tags(store: Store, tags: Mapping[str, Iterable[str]]) -> None:
    """Tag each wallet with its own tags, by address; all of it or nothing."""
    pairs = [(address, parse_tag(tag)) for address, each in tags.items() for tag in each]
    with store.transaction() as connection:
        connection.executemany(_INSERT, pairs)


def remove_tag(store: Store, addresses: Iterable[str], tag: str) -> int:
    """Take the tag from the wallets; how many had it. Raises UsageError if it is not a valid tag."""
    return _change(store, "DELETE FROM whale_tags WHERE whale_address = ? AND tag = ?", addresses, tag)


def find_tags(store: Store) -> dict[str, tuple[str, ...]]:
    """The tags of the wallets that have any, by address, each wallet's in alphabetical order."""
    tags: dict[str, tuple[str, ...]] = {}
    for address, tag in store.query("SELECT whale_address, tag FROM whale_tags ORDER BY whale_address, tag"):
        tags[address] = (*tags.get(address, ()), tag)
    return tags


def find_tagged(store: Store, tag: str) -> list[str]:
    """The addresses of the wallets with this tag. Raises UsageError if it is not a valid tag."""
    rows = store.query("SELECT whale_address FROM whale_tags WHERE tag = ? ORDER BY whale_address", (parse_tag(tag),))
    return [row["whale_address"] for row in rows]


def _change(store: Store, statement: str, addresses: Iterable[str], tag: str) -> int:
    parsed = parse_tag(tag)
    with store.transaction() as connection:
        return sum(connection.execute(statement, (address, parsed)).rowcount for address in addresses)
