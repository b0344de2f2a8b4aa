"""Which markets are to be looked up one by one: those that have left the list, and those that only positions name."""

import json
from collections.abc import Set
from datetime import datetime
from typing import NamedTuple

from opinionscope.store.database import Store
from opinionscope.store.markets import FINAL_STATUSES, PLATFORM, MarketKey
from opinionscope.times import to_millis_text

_FINAL = ", ".join(f"'{status}'" for status in FINAL_STATUSES)


class Sought(NamedTuple):
    """A market to be looked up.

    `topic` is the number of the topic whose detail tells of it, None if its own has to. `title` is its full title as
    far as known. `fruitless` counts the lookups in a row that told nothing new.
    """

    key: MarketKey
    topic: str | None
    title: str | None
    fruitless: int


_UNFINISHED = f"""
    SELECT rowid, external_id, market_type = 'categorical' FROM markets
    WHERE platform = '{PLATFORM}' AND status NOT IN ({_FINAL})
"""  # noqa: S608
# A topic that is gone tells of nothing. The detail of any other one tells of all its children at once.
_DEPARTED = """
    SELECT market.external_id, market.market_type = 'categorical', topic.external_id, market.title,
        ifnull(lookup.fruitless, 0)
    FROM markets AS market
        LEFT JOIN market_lookups AS lookup ON lookup.platform = market.platform
            AND lookup.external_id = market.external_id AND lookup.is_topic = (market.market_type = 'categorical')
        LEFT JOIN markets AS topic ON topic.platform = market.platform
            AND topic.external_id = market.parent_external_id AND topic.market_type = 'categorical'
            AND topic.status <> 'deleted'
    WHERE market.rowid IN (SELECT value FROM json_each(:unlisted))
        AND (lookup.due_at IS NULL OR lookup.due_at <= :now OR lookup.looked_up_at > :now)
    ORDER BY lookup.looked_up_at, market.external_id
"""

# The first part hops from one market to the next in the index of the positions, however many positions each has.
# Positions stay when their trades are purged.
_NAMED = f"""
    WITH RECURSIVE named(external_id) AS (
        SELECT min(market_external_id) FROM positions
        UNION ALL
        SELECT (SELECT min(market_external_id) FROM positions WHERE market_external_id > named.external_id)
        FROM named WHERE named.external_id IS NOT NULL
    ), unknown(external_id, fruitless, position_id) AS (
        SELECT named.external_id, ifnull(lookup.fruitless, 0), (
            SELECT id FROM positions WHERE market_external_id = named.external_id ORDER BY last_traded_at DESC LIMIT 1)
        FROM named
            LEFT JOIN market_lookups AS lookup ON lookup.platform = '{PLATFORM}'
                AND lookup.external_id = named.external_id AND lookup.is_topic = 0
        WHERE named.external_id IS NOT NULL
            AND (lookup.due_at IS NULL OR lookup.due_at <= :now OR lookup.looked_up_at > :now)
            AND NOT EXISTS (SELECT 1 FROM markets WHERE platform = '{PLATFORM}'
                AND external_id = named.external_id AND market_type <> 'categorical')
    )
    SELECT unknown.external_id, 0, position.root_market_external_id, position.market_title, unknown.fruitless,
        EXISTS (SELECT 1 FROM markets WHERE platform = '{PLATFORM}'
            AND external_id = position.root_market_external_id AND market_type = 'categorical' AND status = 'deleted')
        OR EXISTS (SELECT 1 FROM market_lookups WHERE platform = '{PLATFORM}'
            AND external_id = position.root_market_external_id AND is_topic = 1 AND fruitless > 0)
    FROM unknown JOIN positions AS position ON position.id = unknown.position_id
    ORDER BY position.last_traded_at DESC, position.id DESC
"""  # noqa: S608


def find_departed(store: Store, listed: Set[MarketKey], now: datetime) -> list[Sought]:
    """Markets without a final status that are not among the `listed` and due, the longest not looked up first."""
    unlisted = [row for row, number, is_topic in store.query(_UNFINISHED) if (number, is_topic) not in listed]
    rows = store.query(_DEPARTED, {"unlisted": json.dumps(unlisted), "now": to_millis_text(now)}) if unlisted else []
    return [Sought(MarketKey(row[0], bool(row[1])), row[2], row[3], row[4]) for row in rows]


def find_named(store: Store, now: datetime) -> list[Sought]:
    """Markets that positions name, that were never stored themselves and are due, the latest traded first.

    Their topic is the root market that the trades name, unless the exchange does not know it or it is the market
    itself, as for one without a topic.
    """
    rows = store.query(_NAMED, {"now": to_millis_text(now)})
    return [
        Sought(MarketKey(number, False), None if root == number or topic_is_no_help else root, title, fruitless)
        for number, _, root, title, fruitless, topic_is_no_help in rows
    ]


def record_lookup(store: Store, key: MarketKey, now: datetime, *, fruitless: int, due: datetime) -> None:
    """Note that a market was looked up, and when to do it again at the earliest if need be."""
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO market_lookups (platform, external_id, is_topic, looked_up_at, fruitless, due_at) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET looked_up_at = excluded.looked_up_at, "
            "fruitless = excluded.fruitless, due_at = excluded.due_at",
            (PLATFORM, *key, to_millis_text(now), fruitless, to_millis_text(due)),
        )


def forget_lookups_of_final_markets(store: Store) -> None:
    """Drop the notes on markets that will never be looked up again."""
    with store.transaction() as connection:
        connection.execute(
            "DELETE FROM market_lookups WHERE EXISTS (SELECT 1 FROM markets AS market WHERE "  # noqa: S608
            "market.platform = market_lookups.platform AND market.external_id = market_lookups.external_id "
            "AND (market.market_type = 'categorical') = market_lookups.is_topic "
            f"AND market.status IN ({_FINAL}))"
        )
