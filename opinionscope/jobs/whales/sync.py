"""Poll the tracked wallets, several at a time, and store their new trades."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from opinionscope.api.client import OpinionClient
from opinionscope.jobs.result import JobResult, ReportProgress, no_progress
from opinionscope.jobs.whales.history import History, WatchTrades
from opinionscope.jobs.whales.turns import POLLS_PER_DEEP_TURN, Turns
from opinionscope.jobs.workers import ANSWERS_STILL_COMING
from opinionscope.store.database import Store
from opinionscope.store.whale_progress import Wallet, find_wallets_to_poll

_LARGEST_SKEW = timedelta(days=366)
"""A clock that is further ahead would find the exchange's certificate expired."""


def sync_whales(
    client: OpinionClient,
    store: Store,
    *,
    now: datetime,
    retention: timedelta,
    deadline: float,
    addresses: Sequence[str] = (),
    progress: ReportProgress = no_progress,
    result: JobResult | None = None,
    watch: WatchTrades | None = None,
) -> JobResult:
    """Poll each tracked wallet, or only those of `addresses`, until `deadline` (monotonic seconds).

    One wallet's failure is counted and noted with it; the others go on. What the time did not suffice for goes first
    in the next run. `watch` is told of new trades that are news. `result` is filled in however it ends. Raises
    AccessRefused, which every wallet would meet.
    """

    def horizon() -> datetime:
        # A clock that runs ahead must not make young trades old.
        ahead = timedelta(seconds=max(0.0, client.clock_skew or 0.0))
        return now - min(ahead, _LARGEST_SKEW) - retention

    wallets = _in_turn(find_wallets_to_poll(store, now, now - timedelta(days=1), addresses))
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
        turns.work_until(deadline + ANSWERS_STILL_COMING)
    finally:
        for history in histories:
            result.item_count += history.stored
            # A copy: a worker that is left behind may still be at it.
            for problem in list(history.problems):
                result.fail(f"{history.wallet.address}: {problem}")
    left = len(wallets) - turns.ended_polls
    if left:
        why = turns.why_stopped
        result.fail(f"{left:,} of {len(wallets):,} wallets were not polled: {why}", left)
    return result


def _in_turn(wallets: list[Wallet]) -> list[Wallet]:
    """The wallets as urgent as they are, but every fourth one that is to be read deeper.

    It has its poll early in every run then, with time left to get on.
    """
    deeper = deque(wallet for wallet in wallets if wallet.progress.resume_position is not None)
    others = deque(wallet for wallet in wallets if wallet.progress.resume_position is None)
    order = list[Wallet]()
    while deeper or others:
        order += [deeper.popleft()] if deeper else []
        order += [others.popleft() for _ in range(min(POLLS_PER_DEEP_TURN, len(others)))]
    return order
