"""The `whale_activity` table: the trades of the tracked wallets."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, NamedTuple

from opinionscope.records import INTERNAL, Millis, Seconds
from opinionscope.store.counted_trades import TradeKey, count_trades
from opinionscope.store.database import Store, Transaction
from opinionscope.store.markets import PLATFORM, MarketKey
from opinionscope.store.rows import StoredRow, select_filtered
from opinionscope.times import from_unix, to_millis_text, to_seconds_text


class NewTrade(NamedTuple):
    """A trade to be stored, under the names of the columns. `timestamp` is ISO text."""

    market_external_id: str
    root_market_external_id: str | None
    market_title: str | None
    tx_hash: str
    action: str
    outcome: str | None
    outcome_side: int | None
    price: float | None
    shares: float
    amount: float
    fee: float | None
    profit: float | None
    quote_token: str | None
    chain_id: str | None
    timestamp: str
    fingerprint: int
    copy: int


@dataclass(frozen=True)
class StoredTrade(StoredRow):
    """A stored trade. Amounts are in the quote token."""

    TABLE: ClassVar[str] = "whale_activity"

    id: int
    whale_address: str
    platform: str
    market_external_id: str
    root_market_external_id: str | None
    market_title: str | None
    tx_hash: str
    action: str
    outcome: str | None
    outcome_side: int | None
    price: float | None
    shares: float | None
    amount: float
    fee: float | None
    profit: float | None
    quote_token: str | None
    chain_id: str | None
    timestamp: Seconds
    first_seen_at: Millis
    fingerprint: int = field(metadata=INTERNAL)
    copy: int = field(metadata=INTERNAL)


_COLUMNS = NewTrade._fields
_INSERT = f"""
    INSERT INTO whale_activity (whale_address, platform, first_seen_at, {", ".join(_COLUMNS)})
    VALUES (?, '{PLATFORM}', ?, {", ".join("?" * len(_COLUMNS))})
"""  # noqa: S608
_CONDITIONS = {
    "whale": "whale_address = :whale",
    "market": "market_external_id = :market",
    "topic": "market_external_id IN "
    "(SELECT external_id FROM markets WHERE parent_external_id = :topic AND market_type = 'child')",
    # A market without a topic names its own number as its root.
    "unsynced_topic": "root_market_external_id = :unsynced_topic AND market_external_id <> :unsynced_topic",
    "min_amount": "amount >= :min_amount",
    "since": "timestamp >= :since",
}


def known_copies(transaction: Transaction, wallet_id: int, address: str, seconds: Collection[int]) -> Counter[TradeKey]:
    """How many trades of each key are known among those of these unix seconds, whether stored or only counted."""
    places = ", ".join("?" * len(seconds))
    by_text = {from_unix(second): second for second in seconds}
    known: Counter[TradeKey] = Counter()
    stored = transaction.execute(
        f"SELECT timestamp, fingerprint FROM whale_activity WHERE whale_address = ? AND timestamp IN ({places})",  # noqa: S608
        (address, *by_text),
    )
    for timestamp, fingerprint in stored:
        known[by_text[timestamp], fingerprint] += 1
    counted = transaction.execute(
        f"SELECT second, fingerprint, copies FROM counted_trades WHERE whale_id = ? AND second IN ({places})",  # noqa: S608
        (wallet_id, *seconds),
    )
    for second, fingerprint, copies in counted:
        known[second, fingerprint] += copies
    return known


def stored_details(transaction: Transaction, address: str, key: TradeKey) -> Counter[tuple[float | None, float | None]]:
    """The fee and profit of the stored trades of one key: what may differ between trades that are otherwise equal."""
    rows = transaction.execute(
        "SELECT fee, profit FROM whale_activity WHERE whale_address = ? AND timestamp = ? AND fingerprint = ?",
        (address, from_unix(key[0]), key[1]),
    )
    return Counter((row[0], row[1]) for row in rows)


def insert_trades(transaction: Transaction, address: str, trades: Sequence[NewTrade], now: datetime) -> None:
    """Store new trades. A trade that is already stored is an error: the caller has checked."""
    moment = to_millis_text(now)
    transaction.executemany(_INSERT, [(address, moment, *trade) for trade in trades])


def find_activity(
    store: Store,
    *,
    whale: str | None = None,
    market: MarketKey | None = None,
    min_amount: float | None = None,
    since: datetime | None = None,
    limit: int = 50,
) -> Iterator[StoredTrade]:
    """Trades, newest first. `market` is the market that they are of, or the topic that their markets belong to.

    The children of a topic come from `markets`, because trades are indexed by market and not by topic. If none was
    ever synced, the trades themselves say which topic they belong to.
    """
    number, is_topic = market or (None, False)
    is_synced = is_topic and store.value(
        "SELECT 1 FROM markets WHERE platform = ? AND parent_external_id = ? LIMIT 1", (PLATFORM, number)
    )
    filters = {
        "whale": whale,
        "market": None if is_topic else number,
        "topic": number if is_synced else None,
        "unsynced_topic": number if is_topic and not is_synced else None,
        "min_amount": min_amount,
        "since": None if since is None else to_seconds_text(since),
    }
    return select_filtered(store, StoredTrade, _CONDITIONS, filters, order="timestamp DESC, id DESC", limit=limit)


def count_old_trades(store: Store, older_than: datetime) -> int:
    """How many stored trades are older than the moment."""
    return int(store.value("SELECT count(*) FROM whale_activity WHERE timestamp < ?", (to_seconds_text(older_than),)))


def purge_trades(store: Store, older_than: datetime, batch: int) -> int:
    """Delete at most `batch` trades older than the moment, remembering that they are known; how many were deleted."""
    with store.transaction() as connection:
        rows = connection.execute(
            "SELECT a.id, w.id, CAST(strftime('%s', a.timestamp) AS INTEGER), a.fingerprint FROM whale_activity AS a "
            "LEFT JOIN whales AS w ON w.address = a.whale_address WHERE a.timestamp < ? ORDER BY a.timestamp LIMIT ?",
            (to_seconds_text(older_than), batch),
        ).fetchall()
        copies: dict[int, Counter[TradeKey]] = {}
        for _, wallet_id, second, fingerprint in rows:
            if wallet_id is not None:
                copies.setdefault(wallet_id, Counter())[second, fingerprint] += 1
        for wallet_id, keys in copies.items():
            count_trades(connection, wallet_id, keys)
        connection.executemany("DELETE FROM whale_activity WHERE id = ?", [(row[0],) for row in rows])
    return len(rows)
