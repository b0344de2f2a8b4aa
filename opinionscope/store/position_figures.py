"""The table `positions` with the view `position_figures`: what the wallets hold and held, and what became of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from opinionscope.records import INTERNAL, Flag, Millis, Seconds
from opinionscope.store.database import Store
from opinionscope.store.known_history import KnownHistory
from opinionscope.store.markets import MarketKey
from opinionscope.store.rows import StoredRow, count_filtered, select_filtered
from opinionscope.store.shards import TRACKED_HERE

STATES = ("open", "exited", "won", "lost", "void")
_ORDERS: Mapping[str, str] = {
    "exposure": "exposure DESC, id",
    "unrealized": "unrealized DESC NULLS LAST, id",
    "realized": "realized DESC, id",
    "settled": "settled DESC, id",
    "profit": "realized + settled DESC, id",
    "last": "last_traded_at DESC, id",
}
SORT_ORDERS = tuple(_ORDERS)
"""What a listing can be sorted by."""


@dataclass(frozen=True)
class Position(KnownHistory, StoredRow):
    """What a wallet holds or held of one outcome. Amounts are in the quote token, shares pay 1 if their outcome wins.

    `outcome` is the label of the outcome in its market or in the wallet's trades; None where neither gives one.
    `exposure` is what the shares held cost, `settled` what they gained or lost when their market was decided, and
    `unexplained_shares` were disposed of without having been acquired by a trade. The `api_…` fields are what the
    exchange said at `checked_at`; `differs_since` is when its number of shares began to differ from ours, and
    `disagrees_since` is the same once a second check in a row has shown it.
    """

    TABLE: ClassVar[str] = f"""(
        SELECT position.*, net_shares, cost_per_share, figures.exposure, realized, unrealized, settled,
            unexplained_shares, figures.state, ifnull(market.title, position.market_title) AS title,
            ifnull(
                nullif(CASE position.outcome_side WHEN 1 THEN market.yes_label WHEN 2 THEN market.no_label END, ''),
                nullif(position.outcome, '')) AS label,
            market.parent_external_id AS topic, whale.name AS whale_name, {TRACKED_HERE} AS tracked, whale.unsummed,
            whale.api_total, whale.known_trades, whale.history_read_at, whale.resume_position,
            whale.doubted, whale.missed, whale.waiting
        FROM positions AS position
            JOIN position_figures AS figures ON figures.id = position.id
            JOIN whales AS whale ON whale.address = position.whale_address
            LEFT JOIN markets AS market ON market.platform = position.platform
                AND market.external_id = position.market_external_id AND (market.market_type = 'categorical') = 0)
    """  # noqa: S608
    KEY: ClassVar[str] = "id"

    id: int
    whale_address: str
    whale_name: str | None
    platform: str
    market_external_id: str
    root_market_external_id: str | None
    question: str | None
    market_title: str | None = field(metadata={"column": "title"})
    outcome_side: int
    outcome: str | None = field(metadata={"column": "label"})
    state: str
    net_shares: float
    cost_per_share: float | None
    exposure: float
    realized: float
    unrealized: float | None
    settled: float
    unexplained_shares: float
    buy_shares: float
    buy_amount: float
    sell_shares: float
    sell_amount: float
    split_shares: float
    merge_shares: float
    fees: float
    trade_count: int
    first_traded_at: Seconds | None
    last_traded_at: Seconds | None
    api_shares: float | None
    api_value: float | None
    api_unrealized: float | None
    claim_status: str | None
    checked_at: Millis | None
    differs_since: Millis | None
    disagrees_since: Millis | None
    unsummed: int = field(metadata=INTERNAL)
    api_total: int | None = field(metadata=INTERNAL)
    known_trades: int = field(metadata=INTERNAL)
    history_read_at: Millis | None = field(metadata=INTERNAL)
    resume_position: int | None = field(metadata=INTERNAL)
    doubted: Flag = field(metadata=INTERNAL)
    missed: int = field(metadata=INTERNAL)
    waiting: int = field(metadata=INTERNAL)

    @property
    def mark(self) -> float | None:
        """What the exchange values a share at; None if unknown."""
        return self.api_value / self.api_shares if self.api_value is not None and self.api_shares else None

    @property
    def is_partial(self) -> bool:
        """Whether trades may be missing from the sums: the position is not known as a whole."""
        return self.completeness.word != "complete" or self.unsummed > 0

    @classmethod
    def document_names(cls) -> tuple[str, ...]:
        """The names in the JSON document."""
        return (*super().document_names(), "mark", "is_partial")

    def as_document(self) -> dict[str, Any]:
        """The row as JSON shows it, with its mark, and whether it may lack trades."""
        return super().as_document() | {"mark": self.mark, "is_partial": self.is_partial}


_CONDITIONS = {
    "traded": "(trade_count > 0 OR api_shares > 0)",
    "tracked": "tracked",
    "whale": "whale_address = :whale",
    "market": "market_external_id = :market",
    "topic": "(topic = :topic OR topic IS NULL AND root_market_external_id = :topic AND market_external_id <> :topic)",
    # What the exchange alone says is held is worth a look, too.
    "held": "(state = 'open' OR state = 'exited' AND disagrees_since IS NOT NULL AND api_shares > 0)",
    "state": "state = :state",
    "min_exposure": "exposure >= :min_exposure",
}


def find_positions(store: Store, *, sort: str = "exposure", limit: int = 50, **filters: Any) -> Iterator[Position]:
    """Positions in the order of one of SORT_ORDERS; see `position_filters` for `filters`."""
    found = position_filters(**filters)
    return select_filtered(store, Position, _CONDITIONS, found, order=_ORDERS[sort], limit=limit)


def count_positions(store: Store, **filters: Any) -> int:
    """How many positions `find_positions` finds without a limit."""
    return count_filtered(store, Position, _CONDITIONS, position_filters(**filters))


def position_filters(
    *,
    whale: str | None = None,
    market: MarketKey | None = None,
    state: str | None = "open",
    min_exposure: float | None = None,
) -> Mapping[str, object]:
    """The filters of a listing. `state` None means every state. Only a named whale may be one that was removed.

    Open ones include those that the exchange says are held, though the trades say they are not.
    """
    number, is_topic = market or (None, False)
    return {
        "traded": True,
        "tracked": None if whale else True,
        "whale": whale,
        "market": None if is_topic else number,
        "topic": number if is_topic else None,
        "held": True if state == "open" else None,
        "state": None if state == "open" else state,
        "min_exposure": min_exposure,
    }
