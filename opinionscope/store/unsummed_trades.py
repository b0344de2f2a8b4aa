"""The `unsummed_trades` table: counted trades whose position is not known until the exchange shows them again."""

from collections import Counter
from collections.abc import Collection

from opinionscope.store.counted_trades import TradeKey
from opinionscope.store.database import Transaction


def find_unsummed(transaction: Transaction, wallet_id: int, seconds: Collection[int]) -> Counter[TradeKey]:
    """How many copies of each key are in no sum, of the trades of these unix seconds."""
    places = ", ".join("?" * len(seconds))
    rows = transaction.execute(
        "SELECT second, fingerprint, copies FROM unsummed_trades "  # noqa: S608
        f"WHERE whale_id = ? AND second IN ({places})",
        (wallet_id, *seconds),
    )
    return Counter({(row[0], row[1]): row[2] for row in rows})


def forget_unsummed(transaction: Transaction, wallet_id: int, keys: Counter[TradeKey]) -> None:
    """Note how many copies of each key are in the sums now."""
    transaction.executemany(
        "UPDATE unsummed_trades SET copies = copies - ? WHERE whale_id = ? AND second = ? AND fingerprint = ?",
        [(copies, wallet_id, *key) for key, copies in keys.items()],
    )
    transaction.executemany(
        "DELETE FROM unsummed_trades WHERE whale_id = ? AND second = ? AND fingerprint = ? AND copies <= 0",
        [(wallet_id, *key) for key in keys],
    )
    transaction.execute("UPDATE whales SET unsummed = unsummed - ? WHERE id = ?", (keys.total(), wallet_id))
