"""The `markets` table: upserts that write only what changed, and the search for markets that have left the list."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, NamedTuple

from opinionscope.records import INTERNAL, Millis, Seconds, Texts
from opinionscope.store.database import Store
from opinionscope.store.rows import StoredRow, select_filtered
from opinionscope.times import to_millis_text, to_seconds_text

PLATFORM = "opinion_trade"
FINAL_STATUSES = ("resolved", "failed", "deleted")
STATUSES = ("created", "activated", "resolving", *FINAL_STATUSES)


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
    def is_categorical(self) -> bool:
        return self.market_type == "categorical"


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
    looked_up_at: Millis | None = field(metadata=INTERNAL)


_COLUMNS = MarketRow._fields
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM markets WHERE platform = '{PLATFORM}' AND external_id"  # noqa: S608
_UPSERT = f"""
    INSERT INTO markets (platform, {", ".join(_COLUMNS)}, first_seen_at, updated_at)
    VALUES ('{PLATFORM}', {", ".join("?" * len(_COLUMNS))}, ?, ?)
    ON CONFLICT (platform, external_id) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])}, updated_at = excluded.updated_at
"""  # noqa: S608
_CONDITIONS = {"search": "instr(lower(title), lower(:search)) > 0", "status": "status = :status"}


def save_markets(store: Store, markets: Sequence[MarketRow], now: datetime) -> None:
    """Upsert the markets that differ from what is stored, in one transaction. `first_seen_at` stays as it was.

    Of several with one id the last one counts.
    """
    latest = {market.external_id: market for market in markets}
    ids = json.dumps(list(latest))
    rows = store.query(f"{_SELECT} IN (SELECT value FROM json_each(?))", (ids,))  # noqa: S608
    stored = {row[0]: tuple(row) for row in rows}
    changed = [market for external_id, market in latest.items() if stored.get(external_id) != market]
    if not changed:
        return
    moment = to_seconds_text(now)
    with store.transaction() as connection:
        connection.executemany(_UPSERT, [(*market, moment, moment) for market in changed])


def find_departed(store: Store, listed: set[str], limit: int) -> list[MarketRow]:
    """Markets without a final state that are not in the `listed` ids, the longest not looked up first.

    Children are left out while their parent is among them, since its detail tells of them as well.
    """
    rows = store.query(
        "SELECT external_id, parent_external_id FROM markets WHERE platform = ? AND status NOT IN (?, ?, ?) "
        "ORDER BY looked_up_at, external_id",
        (PLATFORM, *FINAL_STATUSES),
    )
    departed = {row[0]: row[1] for row in rows if row[0] not in listed}
    chosen = [external_id for external_id, parent in departed.items() if parent not in departed][:limit]
    return [market for external_id in chosen if (market := find_market(store, external_id))]


def find_market(store: Store, external_id: str | None) -> MarketRow | None:
    """The stored market of this id."""
    rows = store.query(f"{_SELECT} = ?", (external_id,))
    return MarketRow(*rows[0]) if rows else None


def mark_looked_up(store: Store, external_id: str, now: datetime) -> None:
    """Note that the market's detail was asked for."""
    with store.transaction() as connection:
        connection.execute(
            "UPDATE markets SET looked_up_at = ? WHERE platform = ? AND external_id = ?",
            (to_millis_text(now), PLATFORM, external_id),
        )


def find_markets(
    store: Store, *, search: str | None = None, status: str | None = None, limit: int = 50
) -> Iterator[StoredMarket]:
    """Markets by volume, largest first. `search` is a part of the title, in either case."""
    filters = {"search": search, "status": status}
    return select_filtered(store, StoredMarket, _CONDITIONS, filters, order="volume DESC, external_id", limit=limit)
