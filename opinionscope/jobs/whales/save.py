"""Store what a page of trades says, with everything that depends on it, inside the caller's transaction."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from opinionscope.api.models import LAST_SECOND, Trade
from opinionscope.jobs.whales.corrections import bring_details_up_to_date, find_respelled, note_missed
from opinionscope.jobs.whales.listed_page import PageRead
from opinionscope.jobs.whales.trade_key import pick_new
from opinionscope.jobs.whales.trade_row import trade_row
from opinionscope.jobs.whales.unsaved import Unsaved
from opinionscope.jobs.whales.unsummed import Unsummed
from opinionscope.store.counted_trades import TradeKey, count_trades, respell_counted
from opinionscope.store.known_trades import (
    KnownTrades,
    count_missed,
    find_known_between,
    find_known_in_seconds,
    mark_shown,
)
from opinionscope.store.waiting_trades import (
    Waiting,
    confirmed_copies,
    count_waiting,
    end_waiting,
    forget_unconfirmed,
    let_wait,
)
from opinionscope.store.whale_activity import NewTrade, respell_trade
from opinionscope.store.whale_progress import Wallet


@dataclass(frozen=True)
class SavedPage:
    """What a page brought.

    `known` are the copies of each of its keys that were known before, `new` the keys of those that became known now,
    those that are back included; `rows` are those that were stored. `missed` counts the stored trades that the list
    should show and does not, since `missed_since` (ISO text), `waiting` is what waits for its confirmation.
    """

    known: Counter[TradeKey]
    new: list[TradeKey]
    rows: list[NewTrade]
    missed: int
    missed_since: str | None
    waiting: Waiting
    oldest: int

    @property
    def stored(self) -> int:
        """How many trades were stored."""
        return len(self.rows)


class _NewTrade(NamedTuple):
    key: TradeKey
    trade: Trade


@dataclass
class _Saving:
    """One page on its way into the database."""

    wallet: Wallet
    read: PageRead
    unsaved: Unsaved
    oldest_kept: float
    known: KnownTrades
    unsummed: Unsummed
    met: Counter[TradeKey] = field(default_factory=Counter)
    back: list[TradeKey] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.transaction, self.sums, self.now = self.unsaved.transaction, self.unsaved.sums, self.unsaved.now

    def beyond_known(self) -> list[_NewTrade]:
        """The trades that are not known in any way, after what is known has been brought up to date."""
        new = list[_NewTrade]()
        if self.known.is_empty:
            return [_NewTrade(key, trade) for key, trades in self.read.trades.items() for trade in trades]
        seconds = self.known.seconds()
        for key, trades in self.read.trades.items():
            if key[0] not in seconds:
                new += [_NewTrade(key, trade) for trade in trades]
                continue
            copies = self.known.copies(key)
            self.met[key] = copies
            rows = self.known.live.get(key, [])
            self.unsummed.take(key, trades, copies, rows, self.sums.positions)
            if not copies:
                picked = trades
            elif len(trades) > copies:
                picked = pick_new(trades, copies, Counter((row.fee, row.profit) for row in rows))
            else:
                if rows and len(rows) == copies:
                    bring_details_up_to_date(self.transaction, rows, trades, self.sums)
                continue
            new += [_NewTrade(key, trade) for trade in picked if not self._is_known_otherwise(key, trade)]
        return new

    def _is_known_otherwise(self, key: TradeKey, trade: Trade) -> bool:
        """Whether the trade is one that was withdrawn, or a known one in another spelling; it is saved as that."""
        if not trade.is_filled:
            return False
        withdrawn = self.known.withdrawn.get(key)
        if withdrawn:
            row = withdrawn.pop()
            mark_shown(self.transaction, [row])
            self.known.live[key].append(row._replace(missed_at=None, withdrawn_at=None))
            self.sums.add_back(row)
            self.back.append(key)
            return True
        return self._is_respelled(key, trade) or self._is_counted_otherwise(key, trade)

    def _is_respelled(self, key: TradeKey, trade: Trade) -> bool:
        row = find_respelled(self.read, key, trade, self.known)
        if row is None:
            return False
        new = trade_row(trade, key, self.known.next_copy(key))
        self.sums.take_away(row)
        self.sums.add(trade, new)
        respell_trade(self.transaction, row.id, new)
        self.known.live[row.key].remove(row)
        self.known.live[key].append(row._replace(fingerprint=key[1], copy=new.copy, missed_at=None))
        self.met[key] += 1
        return True

    def _is_counted_otherwise(self, key: TradeKey, trade: Trade) -> bool:
        """Whether one is missing of those that are only counted, of which nothing but the second can be compared."""
        if self.read.closed is None:
            return False
        for old, count in self.known.counted.items():
            # Of the second that the page ends with, the next page may show the rest: nothing of it is missing yet.
            can_hold = self.read.can_hold(old)
            if old[0] == key[0] and old != key and can_hold is not None and can_hold < count:
                respell_counted(self.transaction, self.wallet.id, old, key)
                self.unsummed.take_one(old, trade, self.sums.positions)
                self.known.counted[old] -= 1
                self.known.counted[key] += 1
                self.met[key] += 1
                return True
        return False

    def allowed(self, new: list[_NewTrade], most: int | None) -> tuple[list[_NewTrade], Waiting]:
        """The new trades that may be stored, and what waits: more than `most` of them need a confirmation."""
        transaction, wallet = self.transaction, self.wallet
        is_too_many = most is not None and len(new) > most
        if not (is_too_many or wallet.progress.waiting):
            return new, Waiting()
        if is_too_many:
            confirmed = confirmed_copies(transaction, wallet.id, self.now)
            wanted = Counter(item.key for item in new)
            waiting = Counter(item.key for item in new if confirmed[item.key] < wanted[item.key])
            let_wait(transaction, wallet.id, waiting, self.now)
            new = [item for item in new if item.key not in waiting]
        end_waiting(transaction, wallet.id, Counter(item.key for item in new))
        closed = self.read.closed
        if closed is not None:
            forget_unconfirmed(transaction, wallet.id, self.now, closed.below, closed.upto)
        elif wallet.progress.unordered:
            forget_unconfirmed(transaction, wallet.id, self.now, None, None)
        return new, count_waiting(transaction, wallet.id, self.now)

    def add(self, new: list[_NewTrade]) -> list[NewTrade]:
        """Have the trades stored, or count those that are too old to keep; the rows to be stored, oldest first."""
        copies = [self.known.next_copy(key) for key, _ in new]
        rows, counted = list[NewTrade](), Counter[TradeKey]()
        # The list starts with the newest trade; rows are numbered in the order in which the trades happened.
        for (key, trade), copy in zip(reversed(new), reversed(copies), strict=True):
            if not trade.is_filled:
                counted[key] += 1
                continue
            row = trade_row(trade, key, copy)
            self.sums.add(trade, row)
            if trade.created_at >= self.oldest_kept:
                rows.append(row)
            else:
                counted[key] += 1
        self.unsaved.add(rows)
        if counted:
            count_trades(self.transaction, self.wallet.id, counted)
        return rows


def save_page(
    wallet: Wallet, read: PageRead, unsaved: Unsaved, *, horizon: datetime, most_new: int | None = None
) -> SavedPage:
    """Add what is new on a page to what is `unsaved`, which the caller saves, and bring up to date what is known.

    Trades older than `horizon` are only counted; totals include both. What was never filled is counted, because the
    exchange's total counts it, and adds to nothing else. Of a page that brings more than `most_new` new trades, only
    those are stored that an earlier run has seen waiting.
    """
    transaction, now = unsaved.transaction, unsaved.now
    known = _find_known(wallet, read, unsaved)
    unsummed = Unsummed.of_page(transaction, wallet, read)
    saving = _Saving(wallet, read, unsaved, horizon.timestamp(), known, unsummed)
    new, waiting = saving.allowed(saving.beyond_known(), most_new)
    marks_changed = bool(known.live) and note_missed(transaction, read, known, now)
    rows = saving.add(new)
    unsummed.save(transaction, wallet.id)
    missed, missed_since = wallet.progress.missed, None
    if missed or marks_changed:
        missed, missed_since = count_missed(transaction, wallet.address)
    oldest = min((second for second, _ in read.trades), default=0)
    gained = [item.key for item in new] + saving.back
    return SavedPage(saving.met, gained, rows, missed, missed_since, waiting, oldest)


def _find_known(wallet: Wallet, read: PageRead, unsaved: Unsaved) -> KnownTrades:
    transaction = unsaved.transaction
    seconds = {second for second, _ in read.trades}
    closed = read.closed
    if closed is None:
        unsaved.save_trades(max(seconds, default=0))
        return find_known_in_seconds(transaction, wallet.id, wallet.address, seconds) if seconds else KnownTrades()
    first = min(seconds, default=0) if closed.below is not None else 0
    upto = None if closed.upto is None else max([closed.upto, *seconds])
    unsaved.save_trades(LAST_SECOND if upto is None else upto)
    return find_known_between(transaction, wallet.id, wallet.address, first, upto)
