"""What the exchange says of positions, beside our own sums: columns of `positions`, and the wallets' turns."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from opinionscope.store.database import Store, Transaction
from opinionscope.store.markets import PLATFORM
from opinionscope.store.shards import TRACKED_HERE
from opinionscope.times import to_millis_text


class PositionKey(NamedTuple):
    """An outcome of a market: side 1 is yes, 2 is no."""

    market_id: str
    outcome_side: int


class WalletToCheck(NamedTuple):
    """A tracked wallet whose turn it is. `waited` is the seconds since its last check, or since it has been tracked."""

    id: int
    address: str
    waited: float


class KnownPosition(NamedTuple):
    """A stored position: its sums, what the last check found, and what is known of its market; times are ISO text."""

    market_id: str
    outcome_side: int
    buy_shares: float
    buy_amount: float
    sell_shares: float
    sell_amount: float
    split_shares: float
    merge_shares: float
    last_traded_at: str | None
    api_shares: float | None
    differs_since: str | None
    disagrees_since: str | None
    market_status: str | None
    result_token: str | None
    yes_token: str | None
    no_token: str | None

    @property
    def key(self) -> PositionKey:
        return PositionKey(self.market_id, self.outcome_side)


class CheckedPosition(NamedTuple):
    """What a check stores, under the names of the columns. The first names are only for a position that is new."""

    market_external_id: str
    outcome_side: int
    root_market_external_id: str | None
    market_title: str | None
    outcome: str | None
    api_shares: float
    api_value: float | None
    api_unrealized: float | None
    claim_status: str | None
    differs_since: str | None
    disagrees_since: str | None


_COLUMNS = CheckedPosition._fields
_OVERWRITTEN = ("checked_at", *_COLUMNS[5:])
_OLD_MARK = "iif(positions.api_shares > 0, positions.api_value / positions.api_shares, NULL)"
_NEW_MARK = "iif(excluded.api_shares > 0, excluded.api_value / excluded.api_shares, NULL)"
_TAKE_OVER = ", ".join(f"{column} = excluded.{column}" for column in _OVERWRITTEN)
_UPSERT = f"""
    INSERT INTO positions (whale_address, platform, checked_at, {", ".join(_COLUMNS)})
    VALUES (?, '{PLATFORM}', ?, {", ".join("?" * len(_COLUMNS))})
    ON CONFLICT (whale_address, platform, market_external_id, outcome_side) DO UPDATE SET
        figures_due = iif({_OLD_MARK} IS {_NEW_MARK}, figures_due, 1), {_TAKE_OVER}
"""  # noqa: S608


def find_wallets_to_check(store: Store, now: datetime) -> list[WalletToCheck]:
    """The wallets tracked here, the longest unchecked first.

    A date later than now, from a clock that was ahead, is none.
    """
    rows = store.query(
        "SELECT id, address, (julianday(:now) - julianday(ifnull(checked_at, tracked_since))) * 86400 FROM ("  # noqa: S608
        "SELECT id, address, tracked_since, "
        "iif(positions_checked_at <= :now, positions_checked_at, NULL) AS checked_at "
        f"FROM whales WHERE {TRACKED_HERE}) ORDER BY checked_at, id",
        {"now": to_millis_text(now)},
    )
    return [WalletToCheck(*row) for row in rows]


def find_known_positions(store: Store, address: str) -> list[KnownPosition]:
    """All stored positions of a wallet."""
    rows = store.query(
        "SELECT position.market_external_id, outcome_side, buy_shares, buy_amount, sell_shares, sell_amount, "
        "split_shares, merge_shares, last_traded_at, api_shares, differs_since, disagrees_since, market.status, "
        "market.result_token_id, market.yes_token_id, market.no_token_id "
        "FROM positions AS position LEFT JOIN markets AS market ON market.platform = position.platform "
        "AND market.external_id = position.market_external_id AND (market.market_type = 'categorical') = 0 "
        "WHERE whale_address = ? AND position.platform = ?",
        (address, PLATFORM),
    )
    return [KnownPosition(*row) for row in rows]


def has_unsummed_trades(store: Store, wallet_id: int) -> bool:
    """Whether trades of the wallet are counted that the sums of its positions lack."""
    return bool(store.value("SELECT unsummed FROM whales WHERE id = ?", (wallet_id,)))


def save_checked_positions(
    transaction: Transaction, address: str, positions: Iterable[CheckedPosition], now: datetime
) -> None:
    """Store what the exchange says of the positions; figures become due where a share is worth something else now."""
    moment = to_millis_text(now)
    transaction.executemany(_UPSERT, [(address, moment, *position) for position in positions])


def record_check(transaction: Transaction, wallet_id: int, now: datetime, error: str | None) -> None:
    """Record that the wallet has had its turn, and how it ended: `error` is None if all went well."""
    transaction.execute(
        "UPDATE whales SET positions_checked_at = ?, positions_error = ? WHERE id = ?",
        (to_millis_text(now), error, wallet_id),
    )


class CheckedPositions(NamedTuple):
    """How the checks of the wallets tracked here stand.

    `checked_at` is when the last wallet had its turn (ISO text), `wallets` how many have positions that disagree,
    `positions` how many those are, `failed` for how many wallets the last check failed.
    """

    checked_at: str | None
    wallets: int
    positions: int
    failed: int


def count_checked_positions(store: Store) -> CheckedPositions:
    """How the checks of the tracked wallets stand."""
    (row,) = store.query(
        "SELECT max(positions_checked_at), count(*) FILTER (WHERE positions_error IS NOT NULL) "  # noqa: S608
        f"FROM whales WHERE {TRACKED_HERE}"
    )
    (disagreeing,) = store.query(
        "SELECT count(DISTINCT whale_address), count(*) FROM positions WHERE disagrees_since IS NOT NULL "  # noqa: S608
        f"AND whale_address IN (SELECT address FROM whales WHERE {TRACKED_HERE})"
    )
    return CheckedPositions(row[0], disagreeing[0], disagreeing[1], row[1])
