"""Poll the tracked wallets, several at a time, and store their new trades."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from opinionscope.api.client import OpinionClient
from opinionscope.jobs.result import JobResult, ReportProgress, no_progress
from opinionscope.jobs.whales.history import History, WatchTrades
from opinionscope.jobs.whales.turns import WORKERS, Turns
from opinionscope.jobs.whales.waiting import find_waiting
from opinionscope.jobs.workers import ANSWERS_STILL_COMING
from opinionscope.polling.limits import Limits
from opinionscope.polling.order import Candidate, find_overdue, in_order
from opinionscope.store.database import Store
from opinionscope.store.whale_progress import find_wallets

_LARGEST_SKEW = timedelta(days=366)
"""A clock that is further ahead would find the exchange's certificate expired."""


def sync_whales(
    client: OpinionClient,
    store: Store,
    *,
    now: datetime,
    retention: timedelta,
    deadline: float,
    limits: Limits,
    addresses: Sequence[str] = (),
    workers: int = WORKERS,
    progress: ReportProgress = no_progress,
    result: JobResult | None = None,
    watch: WatchTrades | None = None,
) -> JobResult:
    """Poll each tracked wallet, or only those of `addresses`, until `deadline` (monotonic seconds).

    Where `limits` leave no room for all, the polls go where trades are most to be expected and matter most. One
    wallet's failure is counted and noted with it; the others go on. `watch` is told of new trades that are news.
    `result` is filled in however it ends. Raises AccessRefused, which every wallet would meet.
    """

    def horizon() -> datetime:
        # A clock that runs ahead must not make young trades old.
        ahead = timedelta(seconds=max(0.0, client.clock_skew or 0.0))
        return now - min(ahead, _LARGEST_SKEW) - retention

    waiting = find_waiting(store, now, addresses)
    wallets = find_wallets(store, [one.id for one in in_order(waiting, limits)[: limits.polls]])
    histories = [
        History(
            store,
            wallet,
            partial(client.fetch_newest_trades, wallet.address),
            partial(client.fetch_trades, wallet.address),
            now,
            horizon,
            watch,
        )
        for wallet in wallets
    ]
    result = result or JobResult()
    turns = Turns(store, now, histories, progress, result, is_throttled=lambda: client.throttled > 0)
    try:
        turns.work_until(deadline + ANSWERS_STILL_COMING, workers)
    finally:
        for history in histories:
            result.item_count += history.stored
            # A copy: a worker that is left behind may still be at it.
            for problem in list(history.problems):
                result.fail(f"{history.wallet.address}: {problem}")
    _report_overdue(result, waiting, turns, limits)
    return result


def _report_overdue(result: JobResult, waiting: Sequence[Candidate], turns: Turns, limits: Limits) -> None:
    """Count the wallets that were due in this run but were not polled."""
    overdue = find_overdue([one for one in waiting if one.id not in turns.ended_polls], len(waiting), limits)
    if not overdue:
        return
    left = f"{len(overdue):,} of {len(waiting):,} wallets were not polled"
    if not limits.has_room_for(len(waiting)):
        left += f" for {limits.longest_gap / 60:g} min"
    result.fail(f"{left}: {turns.why_stopped}", len(overdue))
