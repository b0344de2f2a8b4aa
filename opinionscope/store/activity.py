"""The `whale_activity` table and what goes with each new trade: the wallet's totals and its volume by the hour."""

import sqlite3
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from opinionscope.store.database import Store, Transaction
from opinionscope.store.filters import find_rows
from opinionscope.store.markets import PLATFORM
from opinionscope.times import from_unix, to_millis_text, to_seconds_text

SECONDS_PER_HOUR = 3600

TradeKey = tuple[int, int]
"""What tells a wallet's trades apart: the unix second and the fingerprint. Equal trades are told apart by number."""


class TradeRow(NamedTuple):
    """A trade as it is stored, under the names of the columns."""

    market_external_id: str
    root_market_external_id: str | None
    market_title: str | None
    tx_hash: str
    action: str
    outcome: str | None
    outcome_side: int | None
    price: float
    shares: float
    amount: float
    fee: float | None
    profit: float | None
    quote_token: str | None
    chain_id: str | None
    timestamp: str
    fingerprint: int
    copy: int


_COLUMNS = TradeRow._fields
_INSERT = f"""
    INSERT INTO whale_activity (whale_address, platform, first_seen_at, {", ".join(_COLUMNS)})
    VALUES (?, '{PLATFORM}', ?, {", ".join("?" * len(_COLUMNS))})
"""  # noqa: S608
_CONDITIONS = {
    "whale": "whale_address = :whale",
    "market": "market_external_id IN "
    "(SELECT :market UNION ALL SELECT external_id FROM markets WHERE parent_external_id = :market)",
    "unsynced_market": ":unsynced_market IN (market_external_id, root_market_external_id)",
    "min_amount": "amount >= :min_amount",
    "since": "timestamp >= :since",
}


def known_copies(transaction: Transaction, wallet_id: int, address: str, seconds: Collection[int]) -> Counter[TradeKey]:
    """How many trades of each key are known among those of these unix seconds, be they stored or only counted."""
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


def insert_trades(transaction: Transaction, address: str, trades: Sequence[TradeRow], now: datetime) -> None:
    """Store new trades. A trade that is there already is an error: the caller has looked."""
    moment = to_millis_text(now)
    transaction.executemany(_INSERT, [(address, moment, *trade) for trade in trades])


def count_trades(transaction: Transaction, wallet_id: int, keys: Counter[TradeKey]) -> None:
    """Remember trades without storing them, so that they are known when the list shows them again."""
    transaction.executemany(
        "INSERT INTO counted_trades (whale_id, second, fingerprint, copies) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET copies = copies + excluded.copies",
        [(wallet_id, second, fingerprint, copies) for (second, fingerprint), copies in keys.items()],
    )


def add_to_totals(
    transaction: Transaction, wallet_id: int, *, traded: int, volume: float, profit: float, newest: str
) -> None:
    """Add new trades to the wallet's lifetime totals. `traded` and `volume` are of BUY and SELL alone."""
    transaction.execute(
        "UPDATE whales SET traded_count = traded_count + ?, traded_volume = traded_volume + ?, "
        "profit_sum = profit_sum + ?, newest_trade_at = max(ifnull(newest_trade_at, ''), ?) WHERE id = ?",
        (traded, volume, profit, newest, wallet_id),
    )


def add_to_hours(transaction: Transaction, wallet_id: int, volumes: dict[int, float]) -> None:
    """Add new volume to the hours (unix hours) that it was traded in."""
    transaction.executemany(
        "INSERT INTO whale_hours (whale_id, hour, volume) VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET volume = volume + excluded.volume",
        [(wallet_id, hour, volume) for hour, volume in volumes.items()],
    )


def find_activity(
    store: Store,
    *,
    whale: str | None = None,
    market: str | None = None,
    min_amount: float | None = None,
    since: datetime | None = None,
    limit: int = 50,
) -> list[sqlite3.Row]:
    """Trades, newest first. `market` is the id of a market or of the categorical one that it belongs to.

    The children of a categorical market are looked up where it is stored, since trades are found by market and not by
    parent; only for one that was never synced the trades themselves are asked what they belong to.
    """
    is_synced = market and store.value(
        "SELECT 1 FROM markets WHERE platform = ? AND external_id = ?", (PLATFORM, market)
    )
    asked = {
        "whale": whale,
        "market": market if is_synced else None,
        "unsynced_market": None if is_synced else market,
        "min_amount": min_amount,
        "since": None if since is None else to_seconds_text(since),
    }
    return find_rows(store, "whale_activity", _CONDITIONS, asked, order="timestamp DESC, id DESC", limit=limit)


def count_old_trades(store: Store, older_than: datetime) -> int:
    """How many stored trades are older than the moment."""
    return int(store.value("SELECT count(*) FROM whale_activity WHERE timestamp < ?", (to_seconds_text(older_than),)))


def purge_trades(store: Store, older_than: datetime, batch: int) -> int:
    """Take at most `batch` stored trades older than the moment and only remember that they were; how many went."""
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
