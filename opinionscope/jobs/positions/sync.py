"""Check the positions of the tracked wallets: fetch several lists at a time, save one after the other."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from functools import partial

from opinionscope.api.client import OpinionClient
from opinionscope.errors import Interrupted, OutOfTime, StoreError
from opinionscope.jobs.failures import ENDS_THE_RUN, TOO_MANY_REQUESTS, FailuresInARow, describe
from opinionscope.jobs.positions.listing import PositionList, read_positions
from opinionscope.jobs.positions.save import save_list
from opinionscope.jobs.result import JobResult, ReportProgress, no_progress
from opinionscope.jobs.workers import ANSWERS_STILL_COMING, DaemonPool, result_of
from opinionscope.polling.limits import Limits
from opinionscope.store.database import Store
from opinionscope.store.position_checks import WalletToCheck, find_wallets_to_check, record_check

# Enough for the documented rate. The fewer there are, the surer a wallet with hundreds of pages gets to their end.
WORKERS = 6
LONGEST_GAP = timedelta(days=1)
"""No wallet should wait longer for a check, however many there are."""
# Enough that a wallet with hundreds of pages holds no worker up, few enough to be held in memory.
_MOST_IN_HAND = 512

logger = logging.getLogger(__name__)


def sync_positions(
    client: OpinionClient,
    store: Store,
    *,
    now: datetime,
    deadline: float,
    limits: Limits,
    workers: int = WORKERS,
    progress: ReportProgress = no_progress,
    result: JobResult | None = None,
) -> JobResult:
    """Store what the exchange lists of each tracked wallet, until `deadline` (monotonic seconds).

    One wallet's failure is counted and noted with it; the others go on. What the time did not suffice for goes first
    in the next run, and counts as a failure if `limits` leave room for all wallets, or if it has waited for longer than
    `LONGEST_GAP`. `result` is filled in however it ends. Raises AccessRefused, which every wallet would meet.
    """
    wallets = find_wallets_to_check(store, now)
    checks = _Checks(store, now, result or JobResult(), is_throttled=lambda: client.throttled > 0)
    with DaemonPool(workers, "positions") as pool:
        for wallet, listed in _lists_of(wallets, client, pool, deadline):
            if checks.has_stopped:
                break
            checks.end(wallet, listed, deadline + ANSWERS_STILL_COMING)
            progress("wallets", len(checks.ended), len(wallets))
    _report_overdue(checks, wallets, limits)
    return checks.result


def _lists_of(
    wallets: Sequence[WalletToCheck], client: OpinionClient, pool: DaemonPool, deadline: float
) -> Iterator[tuple[WalletToCheck, Future[PositionList]]]:
    """The wallets whose turn comes before `deadline`, with their lists to come, of which some are always under way."""
    in_hand = deque[tuple[WalletToCheck, Future[PositionList]]]()
    for wallet in wallets:
        if time.monotonic() >= deadline:
            break
        in_hand.append((wallet, pool.submit(read_positions, partial(client.fetch_positions, wallet.address))))
        if len(in_hand) == _MOST_IN_HAND:
            yield in_hand.popleft()
    yield from in_hand


def _report_overdue(checks: "_Checks", wallets: Sequence[WalletToCheck], limits: Limits) -> None:
    """Count the wallets that were due in this run but were not checked."""
    longest = LONGEST_GAP.total_seconds()
    # Whatever room there is for, a run that reaches no wallet has failed.
    all_are_due = limits.has_room_for(len(wallets)) or not checks.ended
    left = [one for one in wallets if one.id not in checks.ended and (all_are_due or one.waited > longest)]
    if left:
        gap = "" if all_are_due else f" for {longest / 3600:g} h"
        text = f"{len(left):,} of {len(wallets):,} wallets were not checked{gap}: {checks.why_left}"
        checks.result.fail(text, len(left))


class _Checks:
    """The checks of one run. `ended` has the ids of the wallets whose checks ended, well or not; `why_left` says why
    the others did not."""

    def __init__(self, store: Store, now: datetime, result: JobResult, *, is_throttled: Callable[[], bool]) -> None:
        self.result = result
        self.ended = set[int]()
        self.has_stopped = False
        self.why_left = "the time of this run was over"
        self._store = store
        self._now = now
        self._is_throttled = is_throttled
        self._failures = FailuresInARow()

    def end(self, wallet: WalletToCheck, listed: Future[PositionList], until: float) -> None:
        """Wait for a wallet's list until then (monotonic seconds), and save it."""
        try:
            self._save(wallet, result_of(listed, until))
        except OutOfTime:
            # Not the end: the lists of other wallets may be here.
            if self._is_throttled():
                self.why_left = TOO_MANY_REQUESTS
        except (StoreError, Interrupted):
            raise
        except Exception as failure:
            logger.debug("%s failed", wallet.address, exc_info=True)
            self._note_failure(wallet, failure)
            if isinstance(failure, ENDS_THE_RUN):
                raise

    def _save(self, wallet: WalletToCheck, listed: PositionList) -> None:
        save_list(self._store, wallet, listed, self._now)
        self._failures.end()
        self.ended.add(wallet.id)
        self.result.done_count += 1
        self.result.item_count += len(listed.positions)
        for problem in listed.problems:
            self.result.fail(f"{wallet.address}: {problem}")

    def _note_failure(self, wallet: WalletToCheck, failure: Exception) -> None:
        with self._store.transaction() as transaction:
            record_check(transaction, wallet.id, self._now, describe(failure))
        self.ended.add(wallet.id)
        self.result.fail(f"{wallet.address}: {describe(failure)}")
        if self._failures.make_it_hopeless(failure, nothing_done=not self.result.done_count):
            self.has_stopped = True
            self.why_left = f"{failure}"
