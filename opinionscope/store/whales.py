"""The `whales` table: the tracked wallets, how far each one's history has been read, and their figures."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from opinionscope.store.database import Store, Transaction
from opinionscope.times import to_millis_text, to_seconds_text


@dataclass
class Progress:
    """How far a wallet's list of trades has been read. Saved with the trades that it speaks of.

    `known_trades` counts each trade that was ever stored or counted. `resume_position` is how many of the newest
    entries of the list have been read without a gap, where something below them has not; None where nothing is left.
    `history_read_at` is when the end of the list was first reached. The rest belongs to rereads: readings of the
    whole list because `api_total` says that something is missing. `settled_difference` is what was still missing
    after the last one that found nothing, `fruitless_rereads` counts those in a row, `reread_after` is when to look
    again, and `reread_found` counts what the present one has found. `newest_page` is the digest of the newest page's
    answer, if that was the last one read and all of it could be.
    """

    known_trades: int
    api_total: int | None
    history_read_at: str | None
    resume_position: int | None
    settled_difference: int
    reread_found: int
    fruitless_rereads: int
    reread_after: str | None
    newest_page: bytes | None

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to read and as many trades are known as upstream counts, neither fewer nor more."""
        return self.history_read_at is not None and self.resume_position is None and self.missing == 0

    @property
    def missing(self) -> int:
        """By how much upstream's total is above what is known; below zero where upstream counts fewer."""
        return 0 if self.api_total is None else self.api_total - self.known_trades


@dataclass(frozen=True)
class Wallet:
    """A tracked wallet as a poll needs it."""

    id: int
    address: str
    progress: Progress


_PROGRESS_COLUMNS = tuple(Progress.__dataclass_fields__)


def add_whales(store: Store, wallets: Iterable[tuple[str, str | None]], source: str, now: datetime) -> int:
    """Track each (address, name), and track again those that had been removed; how many were not tracked before.

    A name is kept where the new one is None.
    """
    added = 0
    with store.transaction() as connection:
        for address, name in wallets:
            before = connection.execute("SELECT enabled FROM whales WHERE address = ?", (address,)).fetchone()
            added += before is None or not before["enabled"]
            connection.execute(
                "INSERT INTO whales (address, name, source, added_at) VALUES (?, ?, ?, ?) ON CONFLICT (address) "
                "DO UPDATE SET enabled = 1, name = ifnull(excluded.name, name)",
                (address, name, source, to_seconds_text(now)),
            )
    return added


def remove_whale(store: Store, address: str) -> None:
    """Stop tracking a wallet, keeping its history and how far it has been read."""
    with store.transaction() as connection:
        connection.execute("UPDATE whales SET enabled = 0 WHERE address = ?", (address,))


def find_whales(store: Store) -> list[sqlite3.Row]:
    """The tracked wallets, by volume, largest first."""
    return store.query("SELECT * FROM whales WHERE enabled = 1 ORDER BY total_volume DESC, address")


def has_wallets(store: Store) -> bool:
    """Whether any wallet is tracked."""
    return store.value("SELECT 1 FROM whales WHERE enabled = 1 LIMIT 1") is not None


def find_whale(store: Store, address: str) -> sqlite3.Row | None:
    """One wallet, tracked or removed."""
    rows = store.query("SELECT * FROM whales WHERE address = ?", (address,))
    return rows[0] if rows else None


def find_names(store: Store) -> dict[str, str]:
    """The names of the wallets that have one, by address; removed wallets included."""
    return {row["address"]: row["name"] for row in store.query("SELECT address, name FROM whales WHERE name <> ''")}


# Waiting counts double for a wallet that traded in the last day, so that it is polled before one that sleeps; but it
# counts for every wallet, so that each has its turn. Never polled is before all.
_MOST_URGENT_FIRST = """
    ORDER BY last_polled_at IS NOT NULL,
        (julianday(:now) - julianday(last_polled_at)) * iif(newest_trade_at >= :yesterday, 2, 1) DESC,
        newest_trade_at DESC, id
"""


def find_wallets_to_poll(
    store: Store, now: datetime, yesterday: datetime, addresses: Sequence[str] = ()
) -> list[Wallet]:
    """The tracked wallets, or those of them named by `addresses`, the most urgent first."""
    rows = store.query(
        f"SELECT id, address, {', '.join(_PROGRESS_COLUMNS)} FROM whales WHERE enabled = 1 {_MOST_URGENT_FIRST}",  # noqa: S608
        {"now": to_millis_text(now), "yesterday": to_seconds_text(yesterday)},
    )
    wanted = set(addresses) or {row["address"] for row in rows}
    return [Wallet(row[0], row[1], Progress(*row[2:])) for row in rows if row["address"] in wanted]


def save_progress(transaction: Transaction, wallet: Wallet) -> None:
    """Store how far the wallet has been read; part of the transaction that stores what was read."""
    transaction.execute(
        f"UPDATE whales SET {', '.join(f'{name} = ?' for name in _PROGRESS_COLUMNS)} WHERE id = ?",  # noqa: S608
        (*(getattr(wallet.progress, name) for name in _PROGRESS_COLUMNS), wallet.id),
    )


def note_poll(store: Store, wallet: Wallet, now: datetime, error: str | None) -> None:
    """Note that the wallet has had its turn, and how it ended: `error` is None where all went well."""
    moment = to_millis_text(now)
    with store.transaction() as connection:
        connection.execute(
            "UPDATE whales SET last_polled_at = ?, last_synced_at = iif(? IS NULL, ?, last_synced_at), last_error = ? "
            "WHERE id = ?",
            (moment, error, moment, error, wallet.id),
        )
