"""How often each wallet trades: decayed counts of its trades, in columns of `whales`."""

from typing import NamedTuple

from opinionscope.store.database import Transaction


class RateColumns(NamedTuple):
    """Decayed counts of a wallet's trades, and the unix seconds of the oldest and the newest of them."""

    usual_trades: float
    daytime_trades: float
    recent_trades: float
    counted_from: int | None
    counted_until: int | None


def find_trade_rate(transaction: Transaction, wallet_id: int) -> RateColumns:
    """The counts of a wallet."""
    sql = "SELECT usual_trades, daytime_trades, recent_trades, counted_from, counted_until FROM whales WHERE id = ?"
    return RateColumns(*transaction.execute(sql, (wallet_id,)).fetchone())


def save_trade_rate(transaction: Transaction, wallet_id: int, rate: RateColumns) -> None:
    """Store the counts of a wallet, in the transaction that stores the trades they count."""
    transaction.execute(
        "UPDATE whales SET usual_trades = ?, daytime_trades = ?, recent_trades = ?, counted_from = ?, "
        "counted_until = ? WHERE id = ?",
        (*rate, wallet_id),
    )
