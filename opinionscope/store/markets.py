"""The `markets` table: upserts that write only what changed, and queries."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from opinionscope.records import Seconds, Texts
from opinionscope.store.database import Store
from opinionscope.store.rows import StoredRow, count_filtered, select_filtered, select_first
from opinionscope.times import to_seconds_text

PLATFORM = "opinion_trade"
FINAL_STATUSES = ("resolved", "failed", "deleted")
STATUSES = ("created", "activated", "resolving", *FINAL_STATUSES)
TYPES = ("binary", "categorical", "child")


class MarketKey(NamedTuple):
    """What tells markets apart. Topics and markets are numbered by two counters that overlap."""

    external_id: str
    is_topic: bool


class MarketRow(NamedTuple):
    """A market to be stored, under the names of the columns. None where upstream gives nothing; times are ISO text."""

    external_id: str
    parent_external_id: str | None
    market_type: str
    title: str
    status: str
    labels: str
    yes_label: str | None
    no_label: str | None
    yes_token_id: str | None
    no_token_id: str | None
    result_token_id: str | None
    volume: float | None
    volume_24h: float | None
    volume_7d: float | None
    quote_token: str | None
    chain_id: str | None
    slug: str | None
    rules: str | None
    url: str | None
    created_at: str | None
    cutoff_at: str | None
    resolved_at: str | None

    @property
    def key(self) -> MarketKey:
        return MarketKey(self.external_id, self.market_type == "categorical")


@dataclass(frozen=True)
class StoredMarket(StoredRow):
    """A stored market. Volumes are in the quote token; None where the API gives nothing."""

    TABLE: ClassVar[str] = "markets"

    platform: str
    external_id: str
    parent_external_id: str | None
    market_type: str
    title: str
    status: str
    labels: Texts
    yes_label: str | None
    no_label: str | None
    yes_token_id: str | None
    no_token_id: str | None
    result_token_id: str | None
    volume: float | None
    volume_24h: float | None
    volume_7d: float | None
    quote_token: str | None
    chain_id: str | None
    slug: str | None
    rules: str | None
    url: str | None
    created_at: Seconds | None
    cutoff_at: Seconds | None
    resolved_at: Seconds | None
    first_seen_at: Seconds
    updated_at: Seconds

    @property
    def key(self) -> MarketKey:
        return MarketKey(self.external_id, self.market_type == "categorical")


_COLUMNS = MarketRow._fields
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM markets WHERE platform = '{PLATFORM}' AND external_id"  # noqa: S608
_UPSERT = f"""
    INSERT INTO markets (platform, {", ".join(_COLUMNS)}, first_seen_at, updated_at)
    VALUES ('{PLATFORM}', {", ".join("?" * len(_COLUMNS))}, ?, ?)
    ON CONFLICT (platform, external_id, market_type = 'categorical') DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])}, updated_at = excluded.updated_at
"""  # noqa: S608
_OF_THE_RESULT = (
    "status",
    "result_token_id",
    "yes_token_id",
    "no_token_id",
    "parent_external_id",
    "resolved_at",
    "cutoff_at",
)
_MARK_POSITIONS_DUE = f"""
    UPDATE positions SET figures_due = 1 WHERE market_external_id = ? AND platform = '{PLATFORM}' AND figures_due = 0
"""  # noqa: S608
_TOPIC = """
    FROM markets AS topic WHERE topic.platform = markets.platform
        AND topic.external_id = markets.parent_external_id AND (topic.market_type = 'categorical') = 1
"""
_BY_TOPIC = f"CASE WHEN EXISTS (SELECT 1 {_TOPIC}) THEN (SELECT {{topics}} {_TOPIC}) ELSE {{own}} END"


def _order_by(value: str, direction: str) -> str:
    """An order in which the children of a topic that is stored follow it, in the same order."""
    own = value.format("markets")
    of_topic = _BY_TOPIC.format(topics=value.format("topic"), own=own)
    group = "market_type = 'binary', ifnull(parent_external_id, external_id), market_type = 'child'"
    own_order = f"{own} {direction} NULLS LAST, markets.volume DESC, external_id"
    return f"{of_topic} {direction} NULLS LAST, {group}, {own_order}"


_ORDER_BY = {
    "volume": _order_by("{}.volume", "DESC"),
    "24h": _order_by("{}.volume_24h", "DESC"),
    "7d": _order_by("{}.volume_7d", "DESC"),
    "closing": _order_by("{}.cutoff_at", "ASC"),
    "newest": _order_by("{}.created_at", "DESC"),
    "title": _order_by("casefold({}.title)", "ASC"),
}
SORT_KEYS = tuple(_ORDER_BY)
_CONDITIONS = {
    "search": "instr(casefold(title), casefold(:search)) > 0",
    "status": "status = :status",
    "kind": "market_type = :kind",
    "label": "EXISTS (SELECT 1 FROM json_each(labels) WHERE casefold(value) = casefold(:label))",
    "closing": "cutoff_at BETWEEN :now AND :closing AND status IN ('created', 'activated')",
    "topic": "parent_external_id = :topic AND market_type = 'child'",
}


def save_markets(store: Store, markets: Sequence[MarketRow], now: datetime) -> set[MarketKey]:
    """Upsert the markets that differ from what is stored, in one transaction; which ones differed.

    `first_seen_at` stays as it was. Of several with one key the last one counts. The figures of positions are due again
    where there is news of their market's result.
    """
    latest = {market.key: market for market in markets}
    ids = json.dumps([key.external_id for key in latest])
    rows = store.query(f"{_SELECT} IN (SELECT value FROM json_each(?))", (ids,))  # noqa: S608
    stored = {market.key: market for market in (MarketRow(*row) for row in rows)}
    changed = {key: market for key, market in latest.items() if stored.get(key) != market}
    if changed:
        moment = to_seconds_text(now)
        with store.transaction() as connection:
            connection.executemany(_UPSERT, [(*market, moment, moment) for market in changed.values()])
            decided = [
                (key.external_id,)
                for key, market in changed.items()
                if not key.is_topic and _has_news_of_result(stored.get(key), market)
            ]
            connection.executemany(_MARK_POSITIONS_DUE, decided)
    return set(changed)


def _has_news_of_result(stored: MarketRow | None, market: MarketRow) -> bool:
    """Whether there is news of a market's result: who won, and when, which outcome is which, what question it is."""
    return stored is None or any(getattr(stored, name) != getattr(market, name) for name in _OF_THE_RESULT)


def find_market(store: Store, key: MarketKey) -> MarketRow | None:
    """The stored market or topic of that number."""
    rows = store.query(f"{_SELECT} = ? AND (market_type = 'categorical') = ?", key)
    return MarketRow(*rows[0]) if rows else None


def find_stored_market(store: Store, key: MarketKey) -> StoredMarket | None:
    """All that is stored of the market or topic of that number."""
    return select_first(store, StoredMarket, "WHERE external_id = ? AND (market_type = 'categorical') = ?", key)


def find_markets(store: Store, *, sort: str = "volume", limit: int = 50, **filters: Any) -> Iterator[StoredMarket]:
    """Markets in the order of a key of SORT_KEYS, each topic followed by its children; see `market_filters`."""
    return select_filtered(
        store, StoredMarket, _CONDITIONS, market_filters(**filters), order=_ORDER_BY[sort], limit=limit
    )


def count_markets(store: Store, **filters: Any) -> int:
    """How many markets `find_markets` finds without a limit."""
    return count_filtered(store, StoredMarket, _CONDITIONS, market_filters(**filters))


def market_filters(
    *,
    search: str | None = None,
    status: str | None = None,
    kind: str | None = None,
    label: str | None = None,
    topic: str | None = None,
    closing: datetime | None = None,
    now: datetime | None = None,
) -> Mapping[str, object]:
    """The filters of a listing. `search` is a part of the title and `label` a whole one, both in any letter case.

    `topic` is the number of a topic whose children are wanted; `closing` keeps what is open and closes between `now`
    and then.
    """
    return {
        "search": search,
        "status": status,
        "kind": kind,
        "label": label,
        "topic": topic,
        "closing": closing and to_seconds_text(closing),
        "now": now and to_seconds_text(now),
    }
