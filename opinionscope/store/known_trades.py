"""What is known of a wallet's trades of some seconds: rows of `whale_activity`, and `counted_trades`."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from opinionscope.store.counted_trades import TradeKey
from opinionscope.store.database import Transaction
from opinionscope.times import from_unix, to_millis_text


class KnownTrade(NamedTuple):
    """A stored trade. `missed_at` and `withdrawn_at` are ISO text, None for a trade that the list shows."""

    id: int
    second: int
    fingerprint: int
    copy: int
    tx_hash: str
    market_external_id: str
    action: str
    outcome_side: int | None
    price: float | None
    shares: float | None
    amount: float
    fee: float | None
    profit: float | None
    missed_at: str | None
    withdrawn_at: str | None
    root_market_external_id: str | None
    market_title: str | None
    outcome: str | None

    @property
    def key(self) -> TradeKey:
        """What tells the trade apart from others."""
        return self.second, self.fingerprint


@dataclass
class KnownTrades:
    """The trades of some seconds by their keys: `live` ones, `withdrawn` ones, and how many are only `counted`.

    `highest_copy` is the largest number that a row of the key has.
    """

    live: defaultdict[TradeKey, list[KnownTrade]] = field(default_factory=lambda: defaultdict(list))
    withdrawn: defaultdict[TradeKey, list[KnownTrade]] = field(default_factory=lambda: defaultdict(list))
    counted: Counter[TradeKey] = field(default_factory=Counter)
    highest_copy: Counter[TradeKey] = field(default_factory=Counter)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known."""
        return not (self.live or self.withdrawn or self.counted)

    def seconds(self) -> set[int]:
        """The seconds of which anything is known."""
        return {key[0] for keys in (self.live, self.withdrawn, self.counted) for key in keys}

    def copies(self, key: TradeKey) -> int:
        """How many trades of the key are known and not withdrawn."""
        return len(self.live.get(key, ())) + self.counted[key]

    def next_copy(self, key: TradeKey) -> int:
        """A number for a further row of the key, taken with this call."""
        highest = self.highest_copy.get(key, 0)
        if key in self.live or key in self.counted or key in self.withdrawn:
            highest = max(highest, self.copies(key) + len(self.withdrawn.get(key, ())))
        self.highest_copy[key] = highest + 1
        return highest + 1


_SELECT_STORED = """
    SELECT id, CAST(strftime('%s', timestamp) AS INTEGER), fingerprint, copy, tx_hash, market_external_id, action,
        outcome_side, price, shares, amount, fee, profit, missed_at, withdrawn_at, root_market_external_id,
        market_title, outcome
    FROM whale_activity WHERE whale_address = ? AND
"""
_SELECT_COUNTED = "SELECT second, fingerprint, copies FROM counted_trades WHERE whale_id = ? AND "


def find_known_in_seconds(
    transaction: Transaction, wallet_id: int, address: str, seconds: Collection[int]
) -> KnownTrades:
    """What is known of these unix seconds."""
    places = f"({', '.join('?' * len(seconds))})"
    stored = transaction.execute(
        f"{_SELECT_STORED} timestamp IN {places}", (address, *(from_unix(second) for second in seconds))
    )
    counted = transaction.execute(f"{_SELECT_COUNTED} second IN {places}", (wallet_id, *seconds))
    return _collect(stored.fetchall(), counted.fetchall())


def find_known_between(
    transaction: Transaction, wallet_id: int, address: str, first: int, last: int | None
) -> KnownTrades:
    """What is known from unix second `first` to `last`, both included; None: to the newest."""
    if last is None:
        stored = transaction.execute(f"{_SELECT_STORED} timestamp >= ?", (address, from_unix(first)))
        counted = transaction.execute(f"{_SELECT_COUNTED} second >= ?", (wallet_id, first))
    else:
        stored = transaction.execute(
            f"{_SELECT_STORED} timestamp BETWEEN ? AND ?", (address, from_unix(first), from_unix(last))
        )
        counted = transaction.execute(f"{_SELECT_COUNTED} second BETWEEN ? AND ?", (wallet_id, first, last))
    return _collect(stored.fetchall(), counted.fetchall())


def _collect(stored: Sequence[Any], counted: Sequence[Any]) -> KnownTrades:
    known = KnownTrades()
    for row in stored:
        trade = KnownTrade(*row)
        (known.live if trade.withdrawn_at is None else known.withdrawn)[trade.key].append(trade)
        known.highest_copy[trade.key] = max(known.highest_copy[trade.key], trade.copy)
    for second, fingerprint, copies in counted:
        known.counted[second, fingerprint] += copies
    return known


def mark_missed(transaction: Transaction, trades: Sequence[KnownTrade], now: datetime) -> None:
    """Note that the list does not show these trades although it should."""
    transaction.executemany(
        "UPDATE whale_activity SET missed_at = ? WHERE id = ?", [(to_millis_text(now), trade.id) for trade in trades]
    )


def mark_shown(transaction: Transaction, trades: Sequence[KnownTrade]) -> None:
    """Note that the list shows these trades, whatever was noted before: they are neither missed nor withdrawn."""
    transaction.executemany(
        "UPDATE whale_activity SET missed_at = NULL, withdrawn_at = NULL WHERE id = ?",
        [(trade.id,) for trade in trades],
    )


def count_missed(transaction: Transaction, address: str) -> tuple[int, str | None]:
    """How many trades are missed and not yet withdrawn, and since when the first of them (ISO text)."""
    row = transaction.execute(
        "SELECT count(*), min(missed_at) FROM whale_activity "
        "WHERE whale_address = ? AND missed_at IS NOT NULL AND withdrawn_at IS NULL",
        (address,),
    ).fetchone()
    return int(row[0]), row[1]


def withdraw_missed(transaction: Transaction, address: str, missed_until: datetime, now: datetime) -> list[KnownTrade]:
    """Withdraw the trades that have been missed since that moment or longer; which ones they were."""
    rows = transaction.execute(
        f"{_SELECT_STORED} missed_at <= ? AND withdrawn_at IS NULL", (address, to_millis_text(missed_until))
    ).fetchall()
    trades = [KnownTrade(*row) for row in rows]
    transaction.executemany(
        "UPDATE whale_activity SET withdrawn_at = ? WHERE id = ?", [(to_millis_text(now), trade.id) for trade in trades]
    )
    return trades


def forget_missed(transaction: Transaction, address: str) -> None:
    """Forget which trades are missed, where the list turned out to be in an order that does not tell."""
    transaction.execute(
        "UPDATE whale_activity SET missed_at = NULL "
        "WHERE whale_address = ? AND missed_at IS NOT NULL AND withdrawn_at IS NULL",
        (address,),
    )


def update_details(transaction: Transaction, trade: KnownTrade, fee: float | None, profit: float | None) -> None:
    """Bring up to date what the exchange works out anew."""
    transaction.execute("UPDATE whale_activity SET fee = ?, profit = ? WHERE id = ?", (fee, profit, trade.id))
