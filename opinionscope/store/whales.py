"""The `whales` table: the tracked wallets and their figures."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from opinionscope.records import INTERNAL, Flag, Millis, Seconds, Texts
from opinionscope.store.database import Store
from opinionscope.store.known_history import KnownHistory
from opinionscope.store.rows import StoredRow, select, select_first
from opinionscope.store.shards import TRACKED_HERE, shard_in
from opinionscope.times import to_seconds_text


@dataclass(frozen=True)
class Whale(KnownHistory, StoredRow):
    """A wallet that is tracked, or was. The figures are those of the last `stats`; None before it.

    `realized_profit` is the exchange's own word, `net_profit` follows from the wallet's trades and how their markets
    ended, in the quote token. `record_withheld` says why figures of the track record are None. `win_rate_low` and
    `win_rate_high` bound the share of the decided questions that are won, with 95 % confidence; see
    `track_record.records` for `roi` and `luck`, and `track_record.farming` for `farming_share`: it is known since
    `farming_since`, and a wallet is `flagged` by it.

    `elsewhere`: it belongs to another shard. `api_total` is the exchange's count of its trades at the last poll,
    `known_trades` counts those stored or counted. `standing_since` is when its completeness last changed,
    `whole_read_at` when a reading last showed its whole list, `listed_newest` how many of its trades the exchange
    lists, if that is fewer than it counts.
    """

    TABLE: ClassVar[str] = "whales"

    address: str
    name: str | None
    source: str
    enabled: Flag
    elsewhere: Flag
    added_at: Seconds
    last_synced_at: Millis | None
    last_error: str | None
    api_total: int | None
    known_trades: int
    trade_count: int | None
    total_volume: float | None
    last_active_at: Seconds | None
    volume_24h: float | None
    volume_7d: float | None
    volume_30d: float | None
    realized_profit: float | None
    net_profit: float | None
    unrealized_profit: float | None
    exposure: float | None
    decided_questions: int | None
    won_questions: int | None
    win_rate_low: float | None
    win_rate_high: float | None
    roi: float | None
    luck: float | None
    record_withheld: str | None
    farming_share: float | None
    farming_since: Seconds | None
    flagged: Flag
    tags: Texts = field(
        metadata={
            "column": "(SELECT json_group_array(tag) FROM "
            "(SELECT tag FROM whale_tags WHERE whale_address = address ORDER BY tag))"
        }
    )
    stats_updated_at: Millis | None
    standing_since: Millis | None
    whole_read_at: Millis | None
    listed_newest: int | None
    history_read_at: Millis | None = field(metadata=INTERNAL)
    resume_position: int | None = field(metadata=INTERNAL)
    doubted: Flag = field(metadata=INTERNAL)
    missed: int = field(metadata=INTERNAL)
    waiting: int = field(metadata=INTERNAL)

    @property
    def has_no_trades(self) -> bool:
        """Whether the exchange knows no trade of the address, as of a Safe's: it lists trades by their owner."""
        return self.api_total == 0 and not self.known_trades

    @classmethod
    def document_names(cls) -> tuple[str, ...]:
        """The names in its JSON document, in their order."""
        return (*super().document_names(), "completeness", "missing")

    def as_document(self) -> dict[str, Any]:
        """The row as JSON shows it, with its completeness."""
        completeness = self.completeness
        return super().as_document() | {"completeness": completeness.word, "missing": completeness.missing}


WHALE_ORDERS = {
    "net-profit": "net_profit DESC NULLS LAST",
    "roi": "roi DESC NULLS LAST",
    "win-rate": "win_rate_low DESC NULLS LAST",
    "luck": "luck DESC NULLS LAST",
    "exposure": "exposure DESC NULLS LAST",
    "unrealized": "unrealized_profit DESC NULLS LAST",
    "volume": "total_volume DESC",
    "volume-30d": "volume_30d DESC",
    "last-trade": "last_active_at DESC",
    "name": "casefold(ifnull(name, address))",
}
"""The keys that a list of wallets can be sorted by, and the SQL of each. A win rate counts by its lower bound."""


class Added(NamedTuple):
    """How many wallets were not tracked before, and how many of the others have a new name.

    `elsewhere` counts those of all of them that other shards poll.
    """

    new: int
    renamed: int
    elsewhere: int


def add_whales(store: Store, wallets: Iterable[tuple[str, str | None]], source: str, now: datetime) -> Added:
    """Track each (address, name), and track again those that had been removed. A name is kept where the new is None.

    Nothing is written of a wallet that is tracked under this name already.
    """
    new = renamed = elsewhere = 0
    with store.transaction() as connection:
        shard = shard_in(connection)
        for address, name in wallets:
            before = connection.execute("SELECT enabled, name FROM whales WHERE address = ?", (address,)).fetchone()
            is_new = before is None or not before["enabled"]
            is_renamed = not is_new and name not in (None, before["name"])
            is_elsewhere = shard is not None and not shard.polls(address)
            new, renamed, elsewhere = new + is_new, renamed + is_renamed, elsewhere + is_elsewhere
            if is_new or is_renamed:
                connection.execute(
                    "INSERT INTO whales (address, name, source, added_at, tracked_since, elsewhere) "
                    "VALUES (?, ?, ?, ?, ?, ?) "
                    "ON CONFLICT (address) DO UPDATE SET enabled = 1, name = ifnull(excluded.name, name), "
                    "tracked_since = iif(enabled, tracked_since, excluded.tracked_since)",
                    (address, name, source, to_seconds_text(now), to_seconds_text(now), is_elsewhere),
                )
    return Added(new, renamed, elsewhere)


def remove_whale(store: Store, address: str) -> None:
    """Stop tracking a wallet, keeping its history and how far it has been read."""
    with store.transaction() as connection:
        connection.execute("UPDATE whales SET enabled = 0 WHERE address = ?", (address,))


def rename_whale(store: Store, address: str, name: str | None) -> None:
    """Give a wallet another name, or none."""
    with store.transaction() as connection:
        connection.execute("UPDATE whales SET name = ? WHERE address = ?", (name, address))


def find_whales(
    store: Store,
    *,
    sort: str = "net-profit",
    tag: str | None = None,
    hide_flagged: bool | None = None,
    limit: int | None = None,
) -> list[Whale]:
    """The wallets tracked here in the order of a key of WHALE_ORDERS; those that are flagged for farming come last."""
    conditions = [TRACKED_HERE]
    conditions += ["address IN (SELECT whale_address FROM whale_tags WHERE tag = :tag)"] if tag is not None else []
    conditions += ["NOT flagged"] if hide_flagged else []
    order = f"flagged, {WHALE_ORDERS[sort]}, total_volume DESC, address"
    parameters = {"tag": tag, "limit": -1 if limit is None else limit}
    return select(store, Whale, f"WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT :limit", parameters)


def has_whales(store: Store) -> bool:
    """Whether any wallet is tracked here."""
    return store.value(f"SELECT 1 FROM whales WHERE {TRACKED_HERE} LIMIT 1") is not None  # noqa: S608


def find_whale(store: Store, address: str) -> Whale | None:
    """One wallet, tracked or removed."""
    return select_first(store, Whale, "WHERE address = ?", (address,))


def find_whales_called(store: Store, name: str, beginning: str | None = None) -> list[Whale]:
    """The wallets of this name, in any letter case, and those whose addresses begin with `beginning`, in lower case.

    The tracked ones come first, then those that were removed.
    """
    return select(
        store,
        Whale,
        "WHERE casefold(name) = casefold(:name) OR (address >= :beginning AND address < :beginning || 'g') "
        "ORDER BY enabled DESC, total_volume DESC, address",
        {"name": name, "beginning": beginning},
    )


class KnownWallet(NamedTuple):
    """What is known of a wallet. `flagged` is None before the first `stats` that counts it."""

    name: str | None
    tracked: bool
    flagged: bool | None


def find_known_wallets(store: Store) -> dict[str, KnownWallet]:
    """All wallets that are tracked, or were, by address."""
    rows = store.query("SELECT address, name, enabled, flagged, stats_updated_at FROM whales")
    return {
        address: KnownWallet(name, bool(enabled), bool(flagged) if counted_at else None)
        for address, name, enabled, flagged, counted_at in rows
    }


def find_tracked_names(store: Store) -> dict[str, str | None]:
    """The names of the tracked wallets, by address, whichever shard polls them."""
    return dict(tuple(row) for row in store.query("SELECT address, name FROM whales WHERE enabled = 1 ORDER BY id"))


def find_names(store: Store) -> dict[str, str]:
    """The names of the wallets that have one, by address; removed wallets included."""
    return dict(tuple(row) for row in store.query("SELECT address, name FROM whales WHERE name <> ''"))
