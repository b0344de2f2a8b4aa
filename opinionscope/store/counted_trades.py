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
