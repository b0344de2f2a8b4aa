"""Job `stats`: publish each wallet's figures: totals, positions, track record, and how much looks like farming."""

from collections.abc import Iterator
from datetime import datetime

from opinionscope.jobs.due_questions import judge_due_questions
from opinionscope.jobs.result import JobResult, ReportProgress, no_progress
from opinionscope.jobs.run import Run
from opinionscope.shards import shard_of_this_installation
from opinionscope.store.database import Store
from opinionscope.store.recent_trading import (
    FarmingColumns,
    find_least_recently_checked,
    find_recent_trades,
    save_farming,
)
from opinionscope.store.record_parts import sums_by_whale
from opinionscope.store.shards import take_shard
from opinionscope.store.whale_figures import RecordColumns, find_histories, publish_figures, publish_records
from opinionscope.times import from_unix
from opinionscope.track_record.farming import WINDOW, Trade, measure_farming
from opinionscope.track_record.records import RecordSums, track_record

_TRADES_A_RUN = 20_000
"""How many trades a run looks through for farming. A database of millions takes several runs to get round."""


def work(run: Run) -> JobResult:
    """A run of the job."""
    take_shard(run.store, shard_of_this_installation(), run.now)
    return compute_stats(run.store, now=run.now, progress=run.progress)


def compute_stats(store: Store, *, now: datetime, progress: ReportProgress = no_progress) -> JobResult:
    """Recompute the figures of all wallets, removed ones included; counts the wallets.

    The cost grows with what is new. The first run after an upgrade works out everything.
    """
    judge_due_questions(store, now=now, progress=progress)
    publish_records(store, list(_records(store)))
    save_farming(store, list(_farming(store, now)), now)
    whales = publish_figures(store, now)
    return JobResult(item_count=whales, done_count=whales)


def _records(store: Store) -> Iterator[tuple[int, RecordColumns]]:
    """The track record of each wallet, by its id."""
    sums = sums_by_whale(store)
    for history in find_histories(store):
        summed = RecordSums(*sums[history.address]) if history.address in sums else RecordSums()
        record = track_record(summed, history.completeness, history.unsummed)
        yield history.id, RecordColumns(**{name: getattr(record, name) for name in RecordColumns._fields})


def _farming(store: Store, now: datetime) -> Iterator[tuple[str, FarmingColumns]]:
    """How much of the trading of each wallet looks like farming, as far as this run gets."""
    left = _TRADES_A_RUN
    for address in find_least_recently_checked(store):
        if left <= 0:
            return
        trades = [Trade(*trade) for trade in find_recent_trades(store, address, now - WINDOW, now)]
        left -= len(trades)
        measured = measure_farming(trades)
        since = from_unix(trades[0].second) if trades else None
        yield address, FarmingColumns(measured.share, since, measured.is_flagged)
