"""One run of a job: lock, log row, work, closed log row. The only place that knows what a run is."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from opinionscope.errors import ConfigurationError, Interrupted, OpinionscopeError, StoreError
from opinionscope.jobs.result import JobResult
from opinionscope.locks import beside, try_lock
from opinionscope.monitor.watch import Watch, watch_run
from opinionscope.store.database import Store
from opinionscope.store.sync_logs import Outcome, close_run, log_skipped, open_run
from opinionscope.times import utc_now


class Run:
    """A run that has its row in the log. `result` and `count_requests` say what it did, however it ends."""

    def __init__(self, store: Store, now: datetime) -> None:
        self.store = store
        self.now = now
        self.result = JobResult()
        self.count_requests: Callable[[], tuple[int, int]] = lambda: (0, 0)


class RunFailed(OpinionscopeError):
    """The run has ended as failed or partial; the log row says the same."""


def run_job(
    job: str, database: Path, work: Callable[[Run], JobResult], clock: Callable[[], datetime] = utc_now
) -> JobResult | None:
    """Run `work` under the job's lock and record it; None if another process is running the job.

    Raises RunFailed if something failed, and whatever `work` raises after it has been recorded. SIGTERM, SIGHUP
    and Ctrl-C end the run as Interrupted.
    """
    watch = watch_run(job, database, clock)
    try:
        with try_lock(beside(database, f"{job}.lock")) as locked:
            if locked:
                with Store.open(database) as store, _Signals() as signals:
                    return _run_logged(job, store, work, watch=watch, clock=clock, signals=signals)
    except StoreError as error:
        watch.store_failed(error)
        raise
    with Store.open(database) as store:
        log_skipped(store, job, clock())
    return None


def _run_logged(
    job: str,
    store: Store,
    work: Callable[[Run], JobResult],
    *,
    watch: Watch,
    clock: Callable[[], datetime],
    signals: "_Signals",
) -> JobResult:
    run = Run(store, clock())
    run_id = open_run(store, job, run.now)
    try:
        with signals.heard():
            watch.begin(store)
            result = work(run)
    except BaseException as error:
        requests, throttled = run.count_requests()
        reason = _describe(error)
        done = run.result
        outcome = Outcome("failed", done.item_count, done.failed_count, requests, throttled, reason)
        close_run(store, run_id, outcome, clock())
        with signals.heard():
            watch.end(store, reason, configuration_is_wrong=isinstance(error, ConfigurationError))
        raise
    requests, throttled = run.count_requests()
    outcome = Outcome(result.status, result.item_count, result.failed_count, requests, throttled, result.error)
    close_run(store, run_id, outcome, clock())
    failure = None if result.status == "completed" else f"{job} {result.status}: {result.error}"
    with signals.heard():
        watch.end(store, failure)
    if failure:
        raise RunFailed(f"{failure}. `opinionscope logs --failed` has the history.")
    return result


def _describe(error: BaseException) -> str:
    """What the log says of an exception that ended a run."""
    if isinstance(error, OpinionscopeError):
        return str(error)
    return f"unexpected {type(error).__name__}: {error}"


class _Signals:
    """SIGTERM, SIGHUP and Ctrl-C end the run as Interrupted, but never while its row is opened or closed."""

    _NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __init__(self) -> None:
        self._are_heard = False
        self._came = False

    def __enter__(self) -> Self:
        # One that is ignored, as SIGHUP under nohup, stays ignored.
        numbers = [number for number in self._NUMBERS if signal.getsignal(number) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._take) for number in numbers}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def heard(self) -> Iterator[None]:
        """For the block, the first signal raises Interrupted at once; one that came before raises it now."""
        self._are_heard = True
        try:
            if self._came:
                raise Interrupted("interrupted")
            yield
        except Exception:
            if self._came:
                # Whatever it has become on its way out of the code that it struck.
                raise Interrupted("interrupted") from None
            raise
        finally:
            self._are_heard = self._came = False

    def _take(self, *_: Any) -> None:
        first, self._came = not self._came, True
        if first and self._are_heard:
            raise Interrupted("interrupted")
