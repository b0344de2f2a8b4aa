"""The `whale_activity` table: the trades of the tracked wallets."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, NamedTuple

from opinionscope.records import INTERNAL, Millis, Seconds
from opinionscope.store.counted_trades import TradeKey, count_trades
from opinionscope.store.database import Store, Transaction
from opinionscope.store.markets import PLATFORM, MarketKey
from opinionscope.store.rows import StoredRow, count_filtered, select_by_keys, select_filtered
from opinionscope.times import to_millis_text, to_seconds_text


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


@dataclass(frozen=True)
class FillAmount(StoredRow):
    """The little of a stored trade that tells which order it can be part of. `second` is in unix seconds."""

    TABLE: ClassVar[str] = "whale_activity"

    id: int
    whale_address: str
    market_external_id: str
    action: str
    amount: float
    second: int = field(metadata={"column": "CAST(strftime('%s', timestamp) AS INTEGER)"})


_COLUMNS = NewTrade._fields
_INSERT = f"""
    INSERT INTO whale_activity (whale_address, platform, first_seen_at, {", ".join(_COLUMNS)})
    VALUES (?, '{PLATFORM}', ?, {", ".join("?" * len(_COLUMNS))})
"""  # noqa: S608
_CONDITIONS = {
    "listed": "withdrawn_at IS NULL",
    "whale": "whale_address = :whale",
    "market": "market_external_id = :market",
    "topic": "market_external_id IN "
    "(SELECT external_id FROM markets WHERE parent_external_id = :topic AND market_type = 'child')",
    # A market without a topic names its own number as its root.
    "unsynced_topic": "root_market_external_id = :unsynced_topic AND market_external_id <> :unsynced_topic",
    "tag": "whale_address IN (SELECT whale_address FROM whale_tags WHERE tag = :tag)",
    "action": "action = :action",
    "min_amount": "amount >= :min_amount",
    "since": "timestamp >= :since",
    "after": "id > :after",
}
ACTIONS = ("BUY", "SELL", "SPLIT", "MERGE")
_MOST_FOLLOWED = 10_000


def respell_trade(transaction: Transaction, trade_id: int, trade: NewTrade) -> None:
    """Bring a stored trade up to date that came back in another spelling; it is shown again."""
    transaction.execute(
        f"UPDATE whale_activity SET missed_at = NULL, {', '.join(f'{name} = ?' for name in _COLUMNS)} WHERE id = ?",  # noqa: S608
        (*trade, trade_id),
    )


def insert_trades(transaction: Transaction, address: str, trades: Sequence[NewTrade], now: datetime) -> None:
    """Store new trades. A trade that is already stored is an error: the caller has checked."""
    moment = to_millis_text(now)
    transaction.executemany(_INSERT, [(address, moment, *trade) for trade in trades])


@dataclass(frozen=True)
class ActivityFilter:
    """Which trades to list; None for any. `market` is the market or the topic that they belong to."""

    whale: str | None = None
    tag: str | None = None
    market: MarketKey | None = None
    action: str | None = None
    min_amount: float | None = None
    since: datetime | None = None


ANY = ActivityFilter()


def find_activity(store: Store, wanted: ActivityFilter = ANY, *, limit: int = 50) -> Iterator[StoredTrade]:
    """Trades that are not withdrawn, newest first."""
    filters = _parameters(store, wanted)
    return select_filtered(store, StoredTrade, _CONDITIONS, filters, order="timestamp DESC, id DESC", limit=limit)


def find_amounts(store: Store, wanted: ActivityFilter, *, limit: int) -> Iterator[FillAmount]:
    """The same trades as `find_activity`, with their amounts alone: in a tenth of the time."""
    filters = _parameters(store, wanted)
    return select_filtered(store, FillAmount, _CONDITIONS, filters, order="timestamp DESC, id DESC", limit=limit)


def find_trades(store: Store, ids: Sequence[int]) -> Iterator[StoredTrade]:
    """The trades of these ids, which are newest first."""
    return select_by_keys(store, StoredTrade, ids, order="timestamp DESC, id DESC")


def find_activity_after(store: Store, wanted: ActivityFilter, trade_id: int) -> list[StoredTrade]:
    """The trades that were stored after the one of this id, newest first."""
    filters = _parameters(store, wanted) | {"after": trade_id}
    found = select_filtered(
        store, StoredTrade, _CONDITIONS, filters, order="timestamp DESC, id DESC", limit=_MOST_FOLLOWED
    )
    return list(found)


def find_last_trade_id(store: Store) -> int:
    """The id of the trade that was stored last; 0 without any."""
    return int(store.value("SELECT ifnull(max(id), 0) FROM whale_activity"))


def count_activity(store: Store, wanted: ActivityFilter, *, most: int = 10_000) -> int | None:
    """How many trades `find_activity` finds without a limit; None if they are more than `most`."""
    number = count_filtered(store, StoredTrade, _CONDITIONS, _parameters(store, wanted), most=most + 1)
    return number if number <= most else None


def _parameters(store: Store, wanted: ActivityFilter) -> dict[str, object]:
    """The children of a topic come from `markets`, because trades are indexed by market and not by topic.

    If none was ever synced, the trades themselves say which topic they belong to.
    """
    number, is_topic = wanted.market or (None, False)
    is_synced = is_topic and store.value(
        "SELECT 1 FROM markets WHERE platform = ? AND parent_external_id = ? LIMIT 1", (PLATFORM, number)
    )
    return {
        "listed": True,
        "whale": wanted.whale,
        "tag": wanted.tag,
        "market": None if is_topic else number,
        "topic": number if is_synced else None,
        "unsynced_topic": number if is_topic and not is_synced else None,
        "action": wanted.action,
        "min_amount": wanted.min_amount,
        "since": None if wanted.since is None else to_seconds_text(wanted.since),
        "after": None,
    }


def find_last_trade(transaction: Transaction) -> int:
    """The id of the trade that was stored last; 0 if there is none."""
    return int(transaction.execute("SELECT ifnull(max(id), 0) FROM whale_activity").fetchone()[0])


def find_markets_traded_after(transaction: Transaction, last_trade: int) -> set[str]:
    """The markets of the trades that were stored after the one with this id."""
    # The + keeps SQLite from scanning the index by market, which has every trade in it, to find each market once.
    rows = transaction.execute("SELECT DISTINCT +market_external_id FROM whale_activity WHERE id > ?", (last_trade,))
    return {row[0] for row in rows}


def count_old_trades(store: Store, older_than: datetime) -> int:
    """How many stored trades are older than the moment."""
    return int(store.value("SELECT count(*) FROM whale_activity WHERE timestamp < ?", (to_seconds_text(older_than),)))


def purge_trades(store: Store, older_than: datetime, batch: int) -> int:
    """Delete at most `batch` trades older than the moment; how many were deleted.

    What is deleted stays known by its key, but for withdrawn trades.
    """
    with store.transaction() as connection:
        rows = connection.execute(
            "SELECT a.id, w.id, CAST(strftime('%s', a.timestamp) AS INTEGER), a.fingerprint, a.withdrawn_at, "
            "a.timestamp "
            "FROM whale_activity AS a "
            "LEFT JOIN whales AS w ON w.address = a.whale_address WHERE a.timestamp < ? ORDER BY a.timestamp LIMIT ?",
            (to_seconds_text(older_than), batch),
        ).fetchall()
        copies: dict[int, Counter[TradeKey]] = {}
        for _, wallet_id, second, fingerprint, withdrawn_at, _ in rows:
            if wallet_id is not None and withdrawn_at is None:
                copies.setdefault(wallet_id, Counter())[second, fingerprint] += 1
        for wallet_id, keys in copies.items():
            count_trades(connection, wallet_id, keys)
        connection.executemany("DELETE FROM whale_activity WHERE id = ?", [(row[0],) for row in rows])
        if rows:
            connection.execute(
                "UPDATE purges SET deleted = deleted + ?, until = max(until, ?)", (len(rows), rows[-1]["timestamp"])
            )
    return len(rows)
