"""The `counted_trades` table: trades that are known but not stored, because they are too old to keep."""

from collections import Counter

from opinionscope.store.database import Transaction

TradeKey = tuple[int, int]
"""What tells a wallet's trades apart: the unix second and the fingerprint. Equal trades are told apart by number."""


def count_trades(transaction: Transaction, wallet_id: int, keys: Counter[TradeKey]) -> None:
    """Remember trades without storing them, so that they are known when the list shows them again."""
    transaction.executemany(
        "INSERT INTO counted_trades (whale_id, second, fingerprint, copies) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET copies = copies + excluded.copies",
        [(wallet_id, second, fingerprint, copies) for (second, fingerprint), copies in keys.items()],
    )


def respell_counted(transaction: Transaction, wallet_id: int, old: TradeKey, new: TradeKey) -> None:
    """Know one of the counted trades of a key under another key from now on."""
    transaction.execute(
        "UPDATE counted_trades SET copies = copies - 1 WHERE whale_id = ? AND second = ? AND fingerprint = ?",
        (wallet_id, *old),
    )
    transaction.execute(
        "DELETE FROM counted_trades WHERE whale_id = ? AND second = ? AND fingerprint = ? AND copies <= 0",
        (wallet_id, *old),
    )
    count_trades(transaction, wallet_id, Counter({new: 1}))
