"""What decides when each wallet is polled next, and how a poll ended: columns of `whales`."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from opinionscope.store.database import Store
from opinionscope.store.shards import TRACKED_HERE
from opinionscope.store.trade_rates import RateColumns
from opinionscope.times import to_millis_text


class PollingState(NamedTuple):
    """A wallet tracked here. `waited` is the seconds since its last poll, or since it was added if it `is_new`; below
    zero if that was later than now, when the clock was ahead. A rule names it by its address or by a tag."""

    id: int
    address: str
    waited: float
    is_new: bool
    is_read_deeper: bool
    is_named_by_a_rule: bool
    exposure: float | None
    rate: RateColumns


_NAMED_BY_A_RULE = """
    SELECT value FROM rules, json_each(filters, '$.whales') WHERE enabled = 1
    UNION
    SELECT whale_address FROM whale_tags WHERE tag IN (
        SELECT value FROM rules, json_each(filters, '$.tags') WHERE enabled = 1)
"""


def find_polling_states(store: Store, now: datetime, addresses: Sequence[str] = ()) -> list[PollingState]:
    """The wallets tracked here, or those of them named by `addresses`."""
    rows = store.query(
        "SELECT id, address, (julianday(?) - julianday(ifnull(last_polled_at, added_at))) * 86400, "  # noqa: S608
        "last_polled_at IS NULL, resume_position IS NOT NULL, exposure, usual_trades, daytime_trades, "
        "recent_trades, counted_from, counted_until "
        f"FROM whales WHERE {TRACKED_HERE}",
        (to_millis_text(now),),
    )
    named = {row[0] for row in store.query(_NAMED_BY_A_RULE)}
    wanted = set(addresses)
    return [
        PollingState(row[0], row[1], row[2], bool(row[3]), bool(row[4]), row[1] in named, row[5], RateColumns(*row[6:]))
        for row in map(tuple, rows)
        if not wanted or row[1] in wanted
    ]


def record_poll(store: Store, wallet_id: int, now: datetime, error: str | None) -> None:
    """Record that the wallet has had its turn, and how it ended: `error` is None if all went well."""
    moment = to_millis_text(now)
    with store.transaction() as connection:
        connection.execute(
            "UPDATE whales SET last_polled_at = ?, last_synced_at = iif(? IS NULL, ?, last_synced_at), last_error = ? "
            "WHERE id = ?",
            (moment, error, moment, error, wallet_id),
        )


def record_error(store: Store, wallet_id: int, error: str) -> None:
    """Record why the wallet has not had its turn; it keeps its place among those that wait."""
    with store.transaction() as connection:
        connection.execute("UPDATE whales SET last_error = ? WHERE id = ?", (error, wallet_id))
