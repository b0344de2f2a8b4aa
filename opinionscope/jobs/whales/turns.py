"""Which wallet a worker serves next: a poll of each first, and deeper reading in between."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime

from opinionscope.errors import OutOfTime, StoreError
from opinionscope.jobs.failures import ENDS_THE_RUN, TOO_MANY_REQUESTS, FailuresInARow, describe, describe_all
from opinionscope.jobs.result import JobResult, ReportProgress
from opinionscope.jobs.whales.history import History
from opinionscope.jobs.workers import join
from opinionscope.store.database import Store
from opinionscope.store.polls import record_error, record_poll

WORKERS = 16
"""They keep one key busy, as long as an answer takes no longer than a second."""
PAGES_A_TURN = 10
POLLS_PER_DEEP_TURN = 3

logger = logging.getLogger(__name__)


class Turns:
    """The wallets of one run and the workers that share them: first a poll of each, then deeper reading in turns.

    While there are polls to do, every fourth turn is a deep one, so that a first sync goes on however many wallets
    there are. Whatever a wallet's answers or trades do is that wallet's failure; only what every other one would meet
    as well ends the run. `ended_polls` holds the ids of the wallets whose polls ended, well or not; `why_stopped` says
    why there were no more.
    """

    def __init__(
        self,
        store: Store,
        now: datetime,
        histories: list[History],
        progress: ReportProgress,
        result: JobResult,
        *,
        is_throttled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.result = result
        self._is_throttled = is_throttled
        self._store = store
        self._now = now
        self._progress = progress
        self._wallet_count = len(histories)
        self._polls = deque(histories)
        self._deep: deque[History] = deque()
        self._polls_in_a_row = 0
        self._failures = FailuresInARow()
        self._busy = 0
        self._fatal: BaseException | None = None
        self._stopped = False
        self.ended_polls = set[int]()
        self.why_stopped = "the time of this run was over"
        self._changed = threading.Condition()

    def work_until(self, end: float, most: int = WORKERS) -> None:
        """Run at most `most` workers. One that still waits at `end` (monotonic seconds) is left behind."""
        count = min(most, self._wallet_count)
        workers = [threading.Thread(target=self._work, name=f"wallets-{n}", daemon=True) for n in range(count)]
        try:
            for worker in workers:
                worker.start()
            for worker in workers:
                join(worker, end)
        finally:
            self._stop()
        if self._fatal is not None:
            raise self._fatal

    def _work(self) -> None:
        while (turn := self._next_turn()) is not None:
            history, is_poll = turn
            try:
                self._take_turn(history, is_poll=is_poll)
            except BaseException as error:  # noqa: BLE001 - it is raised again, in the main thread
                self._stop(error)
            finally:
                self._end_turn()

    def _next_turn(self) -> tuple[History, bool] | None:
        with self._changed:
            while not self._stopped:
                deep_is_due = self._polls_in_a_row >= POLLS_PER_DEEP_TURN or not self._polls
                if self._deep and deep_is_due:
                    self._polls_in_a_row = 0
                    self._busy += 1
                    return self._deep.popleft(), False
                if self._polls:
                    self._polls_in_a_row += 1
                    self._busy += 1
                    return self._polls.popleft(), True
                if not self._busy:
                    return None
                self._changed.wait()
        return None

    def _end_turn(self) -> None:
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()

    def _take_turn(self, history: History, *, is_poll: bool) -> None:
        try:
            if is_poll:
                history.poll()
            else:
                history.deepen(PAGES_A_TURN)
        except OutOfTime:
            if self._is_throttled():
                self.why_stopped = TOO_MANY_REQUESTS
                record_error(self._store, history.wallet.id, TOO_MANY_REQUESTS)
            self._stop()
        except StoreError:
            raise
        except Exception as failure:
            logger.debug("%s failed", history.wallet.address, exc_info=True)
            record_poll(self._store, history.wallet.id, self._now, describe(failure))
            if isinstance(failure, ENDS_THE_RUN):
                raise
            self._note_failure(history, failure, is_poll=is_poll)
        else:
            # Before others may take the wallet up again.
            if is_poll or history.problems:
                record_poll(self._store, history.wallet.id, self._now, describe_all(history.problems))
            self._note_success(history, is_poll=is_poll)

    def _note_success(self, history: History, *, is_poll: bool) -> None:
        with self._changed:
            self._failures.end()
            self.result.done_count += is_poll
            if history.unfinished:
                self._deep.append(history)
            else:
                history.let_go()
            if is_poll:
                self.ended_polls.add(history.wallet.id)
                self._progress("wallets", self.result.done_count, self._wallet_count)

    def _note_failure(self, history: History, failure: Exception, *, is_poll: bool) -> None:
        history.let_go()
        with self._changed:
            if is_poll:
                self.ended_polls.add(history.wallet.id)
            self.result.fail(f"{history.wallet.address}: {describe(failure)}")
            hopeless = self._failures.make_it_hopeless(failure, nothing_done=not self.result.done_count)
        if hopeless:
            self.why_stopped = f"{failure}"
            self._stop()

    def _stop(self, error: BaseException | None = None) -> None:
        with self._changed:
            self._stopped = True
            self._fatal = self._fatal or error
            self._changed.notify_all()
