"""What is known at the moment at which trades are judged: from the database, or from a replay's memory."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple, Protocol

from opinionscope.store.database import Transaction
from opinionscope.store.signal_evidence import (
    MarketFacts,
    StoredFill,
    StoredSums,
    WhaleFacts,
    find_fills,
    find_market_facts,
    find_open_holdings,
    find_sums,
    find_totals_after,
)
from opinionscope.store.whale_activity import NewTrade
from opinionscope.times import from_text
from opinionscope.track_record.consensus import Holding
from opinionscope.track_record.orders import Fill, Sides
from opinionscope.track_record.outcome_sides import named_side
from opinionscope.track_record.positions import PositionSums


class News(NamedTuple):
    """A trade that has just been stored. `second` is when it was made, in unix seconds."""

    market_external_id: str
    second: int
    fingerprint: int
    copy: int

    @classmethod
    def of(cls, trade: NewTrade | StoredFill) -> "News":
        """The news that a trade is."""
        second = trade.second if isinstance(trade, StoredFill) else int(from_text(trade.timestamp).timestamp())
        return cls(trade.market_external_id, second, trade.fingerprint, trade.copy)


class Evidence(Protocol):
    """What there is to judge trades by."""

    def fills(self, address: str, markets: Collection[str], since: int, until: int) -> list[StoredFill]:
        """A wallet's fills in the markets from one unix second to another, oldest first."""
        ...

    def traded_after(self, address: str, markets: Collection[str], second: int) -> list[Fill]:
        """What a wallet traded in the markets after a unix second: fills that each stand for all of their kind."""
        ...

    def sums(self, address: str, markets: Collection[str]) -> dict[str, Sides]:
        """The sums of a wallet's positions, by market."""
        ...

    def holdings(self, markets: Collection[str]) -> list[Holding]:
        """What the tracked wallets hold open in the markets."""
        ...

    def markets(self, markets: Collection[str]) -> dict[str, MarketFacts]:
        """The markets that have been synced."""
        ...


class StoredEvidence:
    """Evidence from the database, in the transaction that has stored the trades."""

    def __init__(self, transaction: Transaction, whales: Mapping[str, WhaleFacts]) -> None:
        self._transaction = transaction
        self._whales = whales

    def fills(self, address: str, markets: Collection[str], since: int, until: int) -> list[StoredFill]:
        """As the protocol says."""
        return find_fills(self._transaction, address, markets, since, until)

    def traded_after(self, address: str, markets: Collection[str], second: int) -> list[Fill]:
        """As the protocol says."""
        return [
            Fill(0, address, row.market_external_id, side, row.action, second + 1, row.shares, row.amount)
            for row in find_totals_after(self._transaction, address, markets, second)
            for side in [named_side(row.outcome_side, row.outcome)]
        ]

    def sums(self, address: str, markets: Collection[str]) -> dict[str, Sides]:
        """As the protocol says."""
        return sums_by_market(find_sums(self._transaction, address, markets))

    def holdings(self, markets: Collection[str] | None) -> list[Holding]:
        """As the protocol says; None: in all markets."""
        return [
            Holding(
                row.whale_address,
                row.market_external_id,
                row.outcome_side,
                row.exposure,
                row.net_shares,
                row.whale_address in self._whales and self._whales[row.whale_address].flagged,
            )
            for row in find_open_holdings(self._transaction, markets)
        ]

    def markets(self, markets: Collection[str]) -> dict[str, MarketFacts]:
        """As the protocol says."""
        return find_market_facts(self._transaction, markets)


def to_fill(stored: StoredFill) -> Fill:
    """A stored trade as a fill of an order."""
    return Fill(
        stored.id,
        stored.whale_address,
        stored.market_external_id,
        named_side(stored.outcome_side, stored.outcome),
        stored.action,
        stored.second,
        stored.shares or 0.0,
        stored.amount,
        stored.fee or 0.0,
    )


def sums_by_market(rows: Iterable[StoredSums]) -> dict[str, Sides]:
    """Positions of one wallet as sums by market and outcome side."""
    sums: dict[str, Sides] = {}
    for row in rows:
        sums.setdefault(row.market_external_id, {})[row.outcome_side] = PositionSums(*row[3:])
    return sums
