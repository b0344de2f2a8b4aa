"""Bringing a merged database up to date with one of its sources.

Much that is new, as in a first merge, comes in several transactions, so that nobody waits for long and a merge that is
killed goes on where it was. What makes it whole is one last transaction: all that it reads of the source is of one
moment. Each transaction that brings trades notes which of them are news, for the rules to judge once all sources have
been brought.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from opinionscope.store.anything_to_tell import has_enabled_rules
from opinionscope.store.attached_database import AttachedDatabase, attached
from opinionscope.store.database import Store, Transaction
from opinionscope.store.merged_databases import Looked, MergedDatabase, doubt_replaced, note_last_run, note_merged
from opinionscope.store.merged_markets import merge_markets
from opinionscope.store.merged_news import forget_fills_gone, look_before, note_news, release_news
from opinionscope.store.merged_trades import copy_trades, count_further, delete_purged, find_miscounted, has_purged
from opinionscope.store.merged_wallets import find_changed, find_rewritten, find_taken, follow, note_taken, only_new
from opinionscope.store.mirroring import (
    OF_FIGURES,
    TAGS,
    TRADES,
    WHALES,
    delete_gone,
    mirror,
    mirror_hours,
    write_different,
)
from opinionscope.store.whale_activity import find_last_trade

TRADES_AT_ONCE = 50_000
PURGED_AT_ONCE = 20_000
WALLETS_AT_ONCE = 100
_ALL = -1

ReportTrades = Callable[[int], None]
"""Told how many further trades have been brought."""


def bring(
    store: Store, source: MergedDatabase, path: Path, looked: Looked, *, now: datetime, report: ReportTrades
) -> int:
    """Bring what is new, changed or gone in the source at `path`; how many new trades. Raises StoreError."""
    with attached(store, path) as database:
        return _Bringing(store, database, source.id, now, report).bring(looked)


@dataclass
class _Bringing:
    """A merge, which began at `now`, at the source `source_id`: how many `trades` it has brought so far."""

    store: Store
    database: AttachedDatabase
    source_id: int
    now: datetime
    report: ReportTrades
    trades: int = 0

    def bring(self, looked: Looked) -> int:
        """Bring all of it."""
        with self.database.transaction() as transaction:
            doubt_replaced(transaction, self.source_id)
            note_last_run(transaction, self.source_id)
        self._purge_in_parts()
        self._mirror_in_parts()
        self._copy_in_parts()
        with self.database.transaction() as transaction:
            brought = self._finish(transaction)
            note_merged(transaction, self.source_id, looked, self.now)
        self._count(brought)
        return self.trades

    def _purge_in_parts(self) -> None:
        purged = PURGED_AT_ONCE
        while purged == PURGED_AT_ONCE:
            with self.database.transaction() as transaction:
                is_due = has_purged(transaction, self.source_id)
                purged = delete_purged(transaction, self.source_id, PURGED_AT_ONCE) if is_due else 0

    def _mirror_in_parts(self) -> None:
        """Mirror what belongs to single wallets if many have changed."""
        with self.database.transaction() as transaction:
            changed = find_changed(transaction, self.source_id)
        for wallets in _parts(changed) if len(changed) > WALLETS_AT_ONCE else ():
            with self.database.transaction() as transaction:
                brought = self._bring_trades(transaction, find_rewritten(transaction, wallets))
                _mirror_figures(transaction, wallets)
            self._count(brought)

    def _copy_in_parts(self) -> None:
        """Copy trades until few are left.

        Those of wallets of which stored trades have changed come with them: what is skipped is no news any more.
        """
        while True:
            with self.database.transaction() as transaction:
                if count_further(transaction, self.source_id) <= TRADES_AT_ONCE:
                    return
                rewritten = find_rewritten(transaction, find_taken(transaction, self.source_id))
                brought = self._bring_trades(transaction, rewritten, copied=TRADES_AT_ONCE)
                _mirror_figures(transaction, rewritten)
            self._count(brought)

    def _finish(self, transaction: Transaction) -> int:
        """Bring everything else, in one transaction; how many new trades."""
        wallets, changed = find_taken(transaction, self.source_id), find_changed(transaction, self.source_id)
        merge_markets(transaction, self.source_id, self.now)
        mirror(transaction, WHALES, wallets)
        mirror(transaction, TAGS, wallets)
        has_deleted = has_purged(transaction, self.source_id)
        if has_deleted:
            delete_purged(transaction, self.source_id)
        rewritten = find_rewritten(transaction, changed)
        brought = self._bring_trades(transaction, rewritten, copied=_ALL, has_deleted=has_deleted)
        _mirror_figures(transaction, changed)
        # A purge takes hours too, and the hours of a new wallet need its row, which has come only now.
        mirror_hours(transaction, wallets if has_deleted else only_new(transaction, wallets))
        follow(transaction, self.source_id)
        release_news(transaction, self.source_id)
        return brought

    def _bring_trades(
        self, transaction: Transaction, rewritten: Collection[str], *, copied: int = 0, has_deleted: bool = False
    ) -> int:
        """Mirror the trades of the wallets `rewritten`, copy up to `copied` others, and note which are news.

        Returns the number of new trades.
        """
        delete_gone(transaction, TRADES, rewritten)
        forget_fills_gone(transaction, rewritten)
        before = look_before(transaction, self.source_id)
        write_different(transaction, TRADES, rewritten)
        if copied:
            copy_trades(transaction, self.source_id, copied)
        if has_deleted:
            mirror(transaction, TRADES, find_miscounted(transaction, self.source_id))
        if has_enabled_rules(self.store):
            note_news(transaction, self.source_id, before, rewritten)
        return find_last_trade(transaction) - before.stored

    def _count(self, brought: int) -> None:
        self.trades += brought
        self.report(brought)


def _parts(wallets: Sequence[str]) -> Iterator[Sequence[str]]:
    return (wallets[start : start + WALLETS_AT_ONCE] for start in range(0, len(wallets), WALLETS_AT_ONCE))


def _mirror_figures(transaction: Transaction, wallets: Collection[str]) -> None:
    """Mirror all else that belongs to these wallets alone, whose trades are as they are in the source."""
    for table in OF_FIGURES:
        mirror(transaction, table, wallets)
    mirror_hours(transaction, wallets)
    note_taken(transaction, wallets)
