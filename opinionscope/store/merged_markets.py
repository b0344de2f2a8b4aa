"""The markets of a merged database: of each, what the source knows that brought it up to date last."""

from datetime import datetime

from opinionscope.store.database import Transaction
from opinionscope.store.markets import MarketRow
from opinionscope.times import to_seconds_text

_COLUMNS = MarketRow._fields
_VALUES = (*_COLUMNS[1:], "updated_at")
_SAME_MARKET = """
    ours.platform = theirs.platform AND ours.external_id = theirs.external_id
        AND (ours.market_type = 'categorical') = (theirs.market_type = 'categorical')
"""
# A source may bring a market up to date twice within a second, so those that come from it are compared as a whole.
# A date later than now, from a clock that was ahead, would keep all news of the market away.
_NEWER = f"""
    SELECT theirs.platform, theirs.external_id, theirs.market_type = 'categorical' AS is_topic
    FROM source.markets AS theirs LEFT JOIN main.markets AS ours ON {_SAME_MARKET}
        LEFT JOIN main.merged_markets AS taken ON taken.platform = theirs.platform
            AND taken.external_id = theirs.external_id AND taken.is_topic = (theirs.market_type = 'categorical')
    WHERE ours.external_id IS NULL
        OR (theirs.updated_at <= :now AND theirs.updated_at > iif(ours.updated_at <= :now, ours.updated_at, ''))
        OR (taken.source_id = :source
        AND ({", ".join(f"theirs.{name}" for name in _VALUES)}) IS NOT
            ({", ".join(f"ours.{name}" for name in _VALUES)}))
"""  # noqa: S608
_TAKE_OVER = f"""
    INSERT INTO main.markets (platform, {", ".join(_COLUMNS)}, first_seen_at, updated_at)
    SELECT theirs.platform, {", ".join(f"theirs.{name}" for name in _COLUMNS)}, theirs.first_seen_at, theirs.updated_at
    FROM source.markets AS theirs
    WHERE (theirs.platform, theirs.external_id, theirs.market_type = 'categorical') IN (
        SELECT platform, external_id, is_topic FROM temp.newer_markets)
    ON CONFLICT (platform, external_id, market_type = 'categorical') DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in _VALUES)},
        first_seen_at = min(first_seen_at, excluded.first_seen_at)
"""  # noqa: S608
_SEEN_EARLIER = f"""
    UPDATE main.markets AS ours SET first_seen_at = theirs.first_seen_at
    FROM source.markets AS theirs WHERE {_SAME_MARKET} AND theirs.first_seen_at < ours.first_seen_at
"""  # noqa: S608
_NOTE_SOURCE = """
    INSERT INTO main.merged_markets (platform, external_id, is_topic, source_id)
    SELECT platform, external_id, is_topic, :source FROM temp.newer_markets WHERE TRUE
    ON CONFLICT (platform, external_id, is_topic) DO UPDATE SET source_id = excluded.source_id
"""


def merge_markets(transaction: Transaction, source_id: int, now: datetime) -> int:
    """Take over what the attached source knows of markets later than anybody else; how many markets.

    `first_seen_at` is the earliest of all. A date later than `now` is not believed.
    """
    source = {"source": source_id}
    transaction.execute("DROP TABLE IF EXISTS temp.newer_markets")
    transaction.execute(f"CREATE TEMP TABLE newer_markets AS {_NEWER}", source | {"now": to_seconds_text(now)})
    taken = transaction.execute(_TAKE_OVER).rowcount
    transaction.execute(_NOTE_SOURCE, source)
    transaction.execute(_SEEN_EARLIER)
    return taken
