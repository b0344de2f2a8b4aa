"""Bringing a merged database up to date with one of its sources.

Much that is new, as in a first merge, comes in several transactions, so that nobody waits for long and a merge that is
killed goes on where it was. What makes it whole is one last transaction: all that it reads of the source is of one
moment. What the source's trades mean to the rules is written in it, too.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from opinionscope.store.anything_to_tell import has_enabled_rules
from opinionscope.store.attached_database import AttachedDatabase, attached
from opinionscope.store.database import Store, Transaction, savepoint
from opinionscope.store.failures import primary_code
from opinionscope.store.merged_databases import Looked, MergedDatabase, note_merged
from opinionscope.store.merged_markets import merge_markets
from opinionscope.store.merged_trades import (
    LastTrade,
    copy_trades,
    delete_purged,
    doubt_replaced,
    find_last_taken,
    find_miscounted,
    find_news,
    has_purged,
)
from opinionscope.store.merged_wallets import find_changed, find_rewritten, find_taken, follow, note_taken, only_new
from opinionscope.store.mirroring import OF_FIGURES, TAGS, TRADES, WHALES, mirror, mirror_hours
from opinionscope.store.whale_activity import find_last_trade

TRADES_AT_ONCE = 50_000
PURGED_AT_ONCE = 20_000
WALLETS_AT_ONCE = 100

ReportTrades = Callable[[int], None]
"""Told how many further trades of the source have been gone through."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Brought:
    """What came from a source: how many new trades, and what is wrong with the rules that looked at them."""

    trades: int
    faults: Sequence[str]


def bring(
    store: Store, source: MergedDatabase, path: Path, looked: Looked, *, now: datetime, report: ReportTrades
) -> Brought:
    """Bring what is new, changed or gone in the source at `path`. Raises StoreError."""
    with attached(store, path) as database:
        stored_before = _last_stored(store)
        with database.transaction() as transaction:
            doubt_replaced(transaction, source.id)
        if not source.followed:
            _copy_in_parts(database, source.id, report)
        _purge_in_parts(database, source.id)
        _mirror_in_parts(database, source.id)
        with database.transaction() as transaction:
            faults = _finish(store, transaction, source.id, now)
            note_merged(transaction, source.id, looked, now)
        return Brought(_last_stored(store) - stored_before, faults)


def _last_stored(store: Store) -> int:
    with store.snapshot() as transaction:
        return find_last_trade(transaction)


def _copy_in_parts(database: AttachedDatabase, source_id: int, report: ReportTrades) -> None:
    """Copy trades until few are left. Nothing of them is news."""
    found = TRADES_AT_ONCE
    while found == TRADES_AT_ONCE:
        with database.transaction() as transaction:
            found = copy_trades(transaction, source_id, TRADES_AT_ONCE)
        report(found)


def _purge_in_parts(database: AttachedDatabase, source_id: int) -> None:
    purged = PURGED_AT_ONCE
    while purged == PURGED_AT_ONCE:
        with database.transaction() as transaction:
            purged = delete_purged(transaction, source_id, PURGED_AT_ONCE) if has_purged(transaction, source_id) else 0


def _mirror_in_parts(database: AttachedDatabase, source_id: int) -> None:
    """If much has changed, mirror all but what may be news: trades of wallets that are followed already."""
    with database.transaction() as transaction:
        changed = find_changed(transaction, source_id)
    if len(changed) <= WALLETS_AT_ONCE:
        return
    for wallets in _parts(changed):
        with database.transaction() as transaction:
            new = set(only_new(transaction, wallets))
            rewritten = set(find_rewritten(transaction, source_id)).intersection(wallets)
            mirror(transaction, TRADES, rewritten & new)
            _mirror_figures(transaction, wallets)
            mirror_hours(transaction, wallets)
            note_taken(transaction, set(wallets) - (rewritten - new))


def _parts(wallets: Sequence[str]) -> Iterator[Sequence[str]]:
    return (wallets[start : start + WALLETS_AT_ONCE] for start in range(0, len(wallets), WALLETS_AT_ONCE))


def _finish(store: Store, transaction: Transaction, source_id: int, now: datetime) -> list[str]:
    """Bring everything else, in one transaction; what is wrong with the rules."""
    last, stored_before = find_last_taken(transaction, source_id), find_last_trade(transaction)
    wallets, changed = find_taken(transaction, source_id), find_changed(transaction, source_id)
    merge_markets(transaction, source_id, now)
    mirror(transaction, WHALES, wallets)
    mirror(transaction, TAGS, wallets)
    has_deleted = has_purged(transaction, source_id)
    _bring_trades(transaction, source_id, has_deleted=has_deleted)
    _mirror_figures(transaction, changed)
    mirror_hours(transaction, wallets if has_deleted else {*changed, *only_new(transaction, wallets)})
    faults = _judge_news(store, transaction, last, stored_before, now)
    note_taken(transaction, changed)
    follow(transaction, source_id)
    return faults


def _bring_trades(transaction: Transaction, source_id: int, *, has_deleted: bool) -> None:
    if has_deleted:
        delete_purged(transaction, source_id)
    copy_trades(transaction, source_id)
    mirror(transaction, TRADES, find_rewritten(transaction, source_id))
    if has_deleted:
        mirror(transaction, TRADES, find_miscounted(transaction, source_id))


def _mirror_figures(transaction: Transaction, wallets: Sequence[str]) -> None:
    for table in OF_FIGURES:
        mirror(transaction, table, wallets)


def _judge_news(
    store: Store, transaction: Transaction, last: LastTrade, stored_before: int, now: datetime
) -> list[str]:
    """Have the rules look at what is news. A fault in one must not keep the trades from being stored."""
    news = list(find_news(transaction, last, stored_before)) if has_enabled_rules(store) else []
    if not news:
        return []
    # Only now, so that a merge without news is quick.
    from opinionscope.signals.live import begin_watch

    watch, faults = begin_watch(store, transaction, now), dict[str, None]()
    for address, trades in news:
        try:
            with savepoint(transaction):
                found = watch.saw(transaction, address, trades)
        except Exception as error:
            if primary_code(error):
                raise
            logger.debug("the rules failed for %s", address, exc_info=True)
            found = {"of the merged database": error}
        for rule, fault in found.items():
            faults[f"rule {rule} could not be applied: unexpected {type(fault).__name__}: {fault}"] = None
    return list(faults)
