"""Store what is new on a page of trades, with everything that depends on it, inside the caller's transaction."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from opinionscope.api.models import Trade
from opinionscope.jobs.whales.pages import PageRead
from opinionscope.jobs.whales.trade_key import pick_new
from opinionscope.store.counted_trades import TradeKey, count_trades
from opinionscope.store.database import Transaction
from opinionscope.store.rows import as_real
from opinionscope.store.whale_activity import NewTrade, insert_trades, known_copies, stored_details
from opinionscope.store.whale_figures import add_to_totals
from opinionscope.store.whale_hours import KEPT, SECONDS_PER_HOUR, add_to_hours
from opinionscope.store.whale_progress import Wallet
from opinionscope.times import from_unix


@dataclass(frozen=True)
class SavedPage:
    """What a page brought: the keys it has `shown`, the copies `known` before it, the `new` ones, how many `stored`."""

    shown: set[TradeKey]
    known: Counter[TradeKey]
    new: Counter[TradeKey]
    stored: int


class _NewTrade(NamedTuple):
    key: TradeKey
    copy: int
    trade: Trade


def save_page(transaction: Transaction, wallet: Wallet, read: PageRead, now: datetime, horizon: datetime) -> SavedPage:
    """Store the new trades of a page; those older than `horizon` are only counted. Totals include both.

    What was never filled is no trade: it is counted, because the exchange's total counts it, and adds to nothing else.
    """
    known = known_copies(transaction, wallet.id, wallet.address, {second for second, _ in read.keys})
    new = _find_new(transaction, wallet, read, known)
    oldest_kept = horizon.timestamp()
    kept = [item for item in new if item.trade.created_at >= oldest_kept and item.trade.is_filled]
    counted = Counter(item.key for item in new) - Counter(item.key for item in kept)
    # The list starts with the newest trade; rows are numbered in the order in which the trades happened.
    insert_trades(transaction, wallet.address, [_to_row(item) for item in reversed(kept)], now)
    if counted:
        count_trades(transaction, wallet.id, counted)
    if filled := [item.trade for item in new if item.trade.is_filled]:
        _add_up(transaction, wallet, filled, min(now - KEPT, horizon))
    return SavedPage(set(read.keys), known, Counter(item.key for item in new), len(kept))


def _find_new(transaction: Transaction, wallet: Wallet, read: PageRead, known: Counter[TradeKey]) -> list[_NewTrade]:
    by_key: defaultdict[TradeKey, list[Trade]] = defaultdict(list)
    for key, trade in zip(read.keys, read.trades, strict=True):
        by_key[key].append(trade)
    new = list[_NewTrade]()
    for key, trades in by_key.items():
        if len(trades) > known[key]:
            picked = trades
            if known[key]:
                picked = pick_new(trades, known[key], stored_details(transaction, wallet.address, key))
            new += [_NewTrade(key, known[key] + number, trade) for number, trade in enumerate(picked, start=1)]
    return new


def _add_up(transaction: Transaction, wallet: Wallet, trades: list[Trade], hours_from: datetime) -> None:
    traded = [trade for trade in trades if trade.side in ("BUY", "SELL")]
    add_to_totals(
        transaction,
        wallet.id,
        traded=len(traded),
        volume=float(sum(trade.amount for trade in traded)),
        profit=float(sum(trade.profit for trade in trades if trade.profit is not None)),
        newest=from_unix(max(trade.created_at for trade in trades)),
    )
    first_hour = hours_from.timestamp() // SECONDS_PER_HOUR
    hours: defaultdict[int, float] = defaultdict(float)
    for trade in traded:
        hour = trade.created_at // SECONDS_PER_HOUR
        if hour >= first_hour:
            hours[hour] += float(trade.amount)
    add_to_hours(transaction, wallet.id, hours)


def _to_row(item: _NewTrade) -> NewTrade:
    trade = item.trade
    return NewTrade(
        market_external_id=trade.market_id,
        root_market_external_id=trade.root_market_id,
        market_title=_full_title(trade),
        tx_hash=trade.tx_hash,
        action=trade.side,
        outcome=trade.outcome,
        outcome_side=trade.outcome_side,
        price=as_real(trade.price),
        shares=float(trade.tokens),
        amount=float(trade.amount),
        fee=as_real(trade.fee),
        profit=as_real(trade.profit),
        quote_token=trade.quote_token,
        chain_id=trade.chain_id,
        timestamp=from_unix(trade.created_at),
        fingerprint=item.key[1],
        copy=item.copy,
    )


def _full_title(trade: Trade) -> str | None:
    """A title that makes sense by itself: an option's ("↑ 100,000") means nothing without the question."""
    root = trade.root_market_title
    if root and trade.market_title and root != trade.market_title:
        return f"{root}: {trade.market_title}"
    return trade.market_title or root
