"""What signals are judged by: a wallet's fills and positions, the markets, the wallets and what they hold."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple

from opinionscope.store.database import Transaction
from opinionscope.store.markets import PLATFORM
from opinionscope.store.shards import TRACKED_HERE
from opinionscope.times import from_text, from_unix


class StoredFill(NamedTuple):
    """A stored trade, as far as orders are made of it. `second` is unix time."""

    id: int
    whale_address: str
    market_external_id: str
    outcome_side: int | None
    outcome: str | None
    action: str
    second: int
    shares: float | None
    amount: float
    fee: float | None
    market_title: str | None
    root_market_external_id: str | None
    first_seen_at: str
    fingerprint: int
    copy: int


_FILL = """
    SELECT id, whale_address, market_external_id, outcome_side, outcome, action,
        CAST(strftime('%s', timestamp) AS INTEGER), shares, amount, fee, market_title, root_market_external_id,
        first_seen_at, fingerprint, copy
    FROM whale_activity WHERE withdrawn_at IS NULL AND
"""
_AMONG = "IN (SELECT value FROM json_each(?))"
# By the wallet's trades in time: those of a market may be far more.
_FILLS_OF_WALLET = (
    f"{_FILL} whale_address = ? AND timestamp BETWEEN ? AND ? AND +market_external_id {_AMONG} ORDER BY timestamp, id"
)
# Some splits and merges only give the amount, and their shares are worth 1 together.
_TOTALS_AFTER = f"""
    SELECT market_external_id, outcome_side, outcome, action, sum(amount),
        sum(iif(action IN ('SPLIT', 'MERGE') AND ifnull(shares, 0) = 0, amount, ifnull(shares, 0)))
    FROM whale_activity
    WHERE withdrawn_at IS NULL AND whale_address = ? AND timestamp > ? AND +market_external_id {_AMONG}
    GROUP BY market_external_id, outcome_side, outcome, action
"""  # noqa: S608
_FILLS_SINCE = f"{_FILL} timestamp >= ? AND (? IS NULL OR whale_address {_AMONG}) ORDER BY id"


def _array(texts: Collection[str]) -> str:
    return json.dumps(sorted(texts))


def find_fills(
    transaction: Transaction, address: str, markets: Collection[str], since: int, until: int
) -> list[StoredFill]:
    """A wallet's fills in the markets from one unix second to another, in the order in which they were made."""
    rows = transaction.execute(_FILLS_OF_WALLET, (address, from_unix(since), from_unix(until), _array(markets)))
    return [StoredFill(*row) for row in rows.fetchall()]


class FillTotals(NamedTuple):
    """What a wallet traded of one market, outcome and action."""

    market_external_id: str
    outcome_side: int | None
    outcome: str | None
    action: str
    amount: float
    shares: float


def find_totals_after(
    transaction: Transaction, address: str, markets: Collection[str], second: int
) -> list[FillTotals]:
    """What a wallet traded in the markets after a unix second."""
    rows = transaction.execute(_TOTALS_AFTER, (address, from_unix(second), _array(markets)))
    return [FillTotals(*row) for row in rows.fetchall()]


def find_fills_since(
    transaction: Transaction, since: str, addresses: Collection[str] | None = None
) -> list[StoredFill]:
    """All fills, or those of the wallets, since a moment (ISO text), in the order in which they were stored."""
    wallets = None if addresses is None else _array(addresses)
    rows = transaction.execute(_FILLS_SINCE, (since, wallets, wallets))
    return [StoredFill(*row) for row in rows.fetchall()]


class StoredSums(NamedTuple):
    """The sums of a position."""

    whale_address: str
    market_external_id: str
    outcome_side: int
    buy_shares: float
    buy_amount: float
    sell_shares: float
    sell_amount: float
    split_shares: float
    merge_shares: float
    fees: float
    trade_count: int


_SUM_COLUMNS = StoredSums._fields
_SUMS = f"SELECT {', '.join(_SUM_COLUMNS)} FROM positions WHERE platform = '{PLATFORM}' AND "  # noqa: S608
_SUMS_OF_WALLET = f"{_SUMS} whale_address = ? AND market_external_id {_AMONG}"
_SUMS_OF_MARKETS = f"{_SUMS} market_external_id {_AMONG}"


def find_sums(transaction: Transaction, address: str, markets: Collection[str]) -> list[StoredSums]:
    """A wallet's positions in the markets."""
    rows = transaction.execute(_SUMS_OF_WALLET, (address, _array(markets)))
    return [StoredSums(*row) for row in rows.fetchall()]


def find_sums_of_markets(transaction: Transaction, markets: Collection[str]) -> list[StoredSums]:
    """The positions of all wallets in the markets."""
    rows = transaction.execute(_SUMS_OF_MARKETS, (_array(markets),))
    return [StoredSums(*row) for row in rows.fetchall()]


class OpenHolding(NamedTuple):
    """What a wallet tracked here, whose whole history is known, holds open."""

    whale_address: str
    market_external_id: str
    outcome_side: int
    exposure: float
    net_shares: float


_HOLDINGS = f"""
    SELECT whale_address, market_external_id, outcome_side, figures.exposure, net_shares
    FROM position_figures AS figures JOIN whales AS whale ON whale.address = whale_address
    WHERE platform = '{PLATFORM}' AND state = 'open' AND {TRACKED_HERE} AND whale.history_read_at IS NOT NULL
        AND whale.unsummed = 0
"""  # noqa: S608
_HOLDINGS_IN = f"{_HOLDINGS} AND market_external_id {_AMONG}"


def find_open_holdings(transaction: Transaction, markets: Collection[str] | None = None) -> list[OpenHolding]:
    """What the wallets tracked here hold open in the markets, or in all.

    A history that is read in part tells nothing.
    """
    if markets is None:
        return [OpenHolding(*row) for row in transaction.execute(_HOLDINGS).fetchall()]
    return [OpenHolding(*row) for row in transaction.execute(_HOLDINGS_IN, (_array(markets),)).fetchall()]


@dataclass(frozen=True)
class MarketFacts:
    """What a signal tells of a market. `question` is the topic's title where the market is an option of one."""

    external_id: str
    topic_id: str | None
    title: str
    question: str | None
    status: str | None
    labels: tuple[str, ...]
    url: str | None
    cutoff_at: datetime | None
    yes_label: str | None
    no_label: str | None
    result_token_id: str | None = None
    yes_token_id: str | None = None
    no_token_id: str | None = None


_MARKETS = f"""
    SELECT market.external_id, market.parent_external_id, market.title, parent.title AS question, market.status,
        iif(market.labels = '[]', ifnull(parent.labels, '[]'), market.labels) AS labels,
        ifnull(market.url, parent.url) AS url, ifnull(market.cutoff_at, parent.cutoff_at) AS cutoff_at,
        market.yes_label, market.no_label, market.result_token_id, market.yes_token_id, market.no_token_id
    FROM markets AS market LEFT JOIN markets AS parent ON parent.platform = market.platform
        AND parent.external_id = market.parent_external_id AND (parent.market_type = 'categorical') = 1
    WHERE market.platform = '{PLATFORM}' AND (market.market_type = 'categorical') = 0 AND market.external_id {_AMONG}
"""  # noqa: S608


def find_market_facts(transaction: Transaction, markets: Collection[str]) -> dict[str, MarketFacts]:
    """The markets of these numbers that are known, by number."""
    rows = transaction.execute(_MARKETS, (_array(markets),))
    return {row["external_id"]: _market_facts(row) for row in rows.fetchall()}


def _market_facts(row: Mapping[str, Any]) -> MarketFacts:
    return MarketFacts(
        external_id=row["external_id"],
        topic_id=row["parent_external_id"],
        title=row["title"],
        question=row["question"],
        status=row["status"],
        labels=tuple(json.loads(row["labels"])),
        url=row["url"],
        cutoff_at=None if row["cutoff_at"] is None else from_text(row["cutoff_at"]),
        yes_label=row["yes_label"],
        no_label=row["no_label"],
        result_token_id=row["result_token_id"],
        yes_token_id=row["yes_token_id"],
        no_token_id=row["no_token_id"],
    )


_TITLES = f"""
    SELECT market_external_id, max(market_title) FROM positions
    WHERE market_title IS NOT NULL AND market_external_id {_AMONG} GROUP BY market_external_id
"""  # noqa: S608


def find_market_titles(transaction: Transaction, markets: Collection[str]) -> dict[str, str]:
    """What trades call the markets, by number; for those that have not been synced."""
    rows = transaction.execute(_TITLES, (_array(markets),))
    return {row[0]: row[1] for row in rows.fetchall()}


@dataclass(frozen=True)
class WhaleFacts:
    """What a signal tells of a wallet, and when its news begins. Times are ISO text.

    `tracked`: it is tracked, and not by another shard. `history_read_at` is when its history was first read to the end;
    `unsummed` counts the trades that are in no position yet.
    """

    address: str
    name: str | None
    tracked: bool
    tracked_since: str
    history_read_at: str | None
    flagged: bool
    farming_share: float | None
    decided_questions: int | None
    won_questions: int | None
    win_rate_low: float | None
    win_rate_high: float | None
    roi: float | None
    net_profit: float | None
    record_withheld: str | None
    unsummed: int
    tags: tuple[str, ...] = ()

    @property
    def is_partial(self) -> bool:
        """Whether its positions are those of its known trades, and not yet those that it has."""
        return self.history_read_at is None or self.unsummed > 0


def find_whale_facts(transaction: Transaction) -> dict[str, WhaleFacts]:
    """The wallets that are tracked or were, by address."""
    tags: dict[str, list[str]] = {}
    for address, tag in transaction.execute("SELECT whale_address, tag FROM whale_tags ORDER BY whale_address, tag"):
        tags.setdefault(address, []).append(tag)
    rows = transaction.execute(
        f"SELECT address, name, {TRACKED_HERE} AS tracked, ifnull(tracked_since, added_at) AS tracked_since, "  # noqa: S608
        "history_read_at, flagged, farming_share, decided_questions, won_questions, win_rate_low, win_rate_high, roi, "
        "net_profit, record_withheld, unsummed FROM whales"
    )
    return {row["address"]: _whale_facts(row, tuple(tags.get(row["address"], ()))) for row in rows.fetchall()}


def _whale_facts(row: Mapping[str, Any], tags: tuple[str, ...]) -> WhaleFacts:
    columns = {field.name: row[field.name] for field in fields(WhaleFacts) if field.name != "tags"}
    return WhaleFacts(**columns | {"tracked": bool(row["tracked"]), "flagged": bool(row["flagged"]), "tags": tags})
