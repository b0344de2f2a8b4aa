"""One run of a job: lock, log row, work, closed log row. The only place that knows what a run is."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opinionscope.alerts.run_monitor import RunMonitor, monitor_run
from opinionscope.errors import ConfigurationError, OpinionscopeError, StoreError
from opinionscope.job_table import Job
from opinionscope.jobs.interrupts import Interrupts
from opinionscope.jobs.result import JobResult, ReportProgress, no_progress
from opinionscope.known_databases import require_place
from opinionscope.locks import beside, lock_name, try_lock
from opinionscope.store.database import Store
from opinionscope.store.sync_logs import Outcome, close_run, log_skipped, open_run
from opinionscope.times import utc_now

if TYPE_CHECKING:
    from opinionscope.settings import Settings

logger = logging.getLogger(__name__)


class Run:
    """A run that has its row in the log. `result` and `count_requests` say what it did, however it ends."""

    def __init__(self, store: Store, now: datetime, progress: ReportProgress = no_progress) -> None:
        self.store = store
        self.now = now
        self.progress = progress
        self.result = JobResult()
        self.count_requests: Callable[[], tuple[int, int]] = lambda: (0, 0)

    @cached_property
    def settings(self) -> "Settings":
        """The settings, read when they are first needed. Raises ConfigurationError."""
        from opinionscope.settings import Settings

        return Settings.load()


class RunFailed(OpinionscopeError):
    """The run ended as failed or partial; the log row says the same."""


Work = Callable[[Run], JobResult]


def work_of(job: Job, **options: Any) -> Work:
    """The work of a job, with the options of its command. Its module loads only when the work begins."""

    def work(run: Run) -> JobResult:
        if job.needs_client:
            run.settings.require_api_key()
        result: JobResult = import_module(f"opinionscope.jobs.{job.module}").work(run, **options)
        return result

    return work


def run_job(
    job: Job,
    database: Path,
    work: Work,
    *,
    progress: ReportProgress = no_progress,
    clock: Callable[[], datetime] = utc_now,
) -> JobResult | None:
    """Run `work` under the job's lock and record it; None if another process is running the job.

    Raises RunFailed if something failed, and whatever `work` raises after recording it. SIGTERM, SIGHUP and Ctrl-C
    end the run as Interrupted.
    """
    monitor = monitor_run(job, database, clock)
    try:
        require_place(database)
        with try_lock(beside(database, lock_name(job))) as locked:
            if locked:
                with Store.open(database) as store, Interrupts() as interrupts:
                    run = partial(Run, store, progress=progress)
                    return _run_logged(job, run, work, monitor=monitor, clock=clock, interrupts=interrupts)
    except StoreError as error:
        monitor.store_failed(error)
        raise
    with Store.open(database) as store:
        log_skipped(store, job, clock())
    return None


def _run_logged(
    job: Job,
    begin: Callable[[datetime], Run],
    work: Work,
    *,
    monitor: RunMonitor,
    clock: Callable[[], datetime],
    interrupts: Interrupts,
) -> JobResult:
    run = begin(clock())
    store = run.store
    run_id = open_run(store, job, run.now)
    logger.debug("run %d of %s begins", run_id, job.name)
    try:
        with interrupts.raised():
            monitor.begin(store)
            result = work(run)
    except BaseException as error:
        reason = _describe(error)
        close_run(store, run_id, _outcome_of(run, run.result, "failed", reason), clock())
        with interrupts.raised():
            monitor.end(store, reason, configuration_is_wrong=isinstance(error, ConfigurationError))
        raise
    close_run(store, run_id, _outcome_of(run, result, result.status, result.error), clock())
    logger.debug("run %d of %s %s: %d items", run_id, job.name, result.status, result.item_count)
    failure = None if result.status == "completed" else f"{job.name} {result.status}: {result.error}"
    with interrupts.raised():
        monitor.end(store, failure)
    if failure:
        raise RunFailed(f"{failure}. See `opinionscope logs --failed`.")
    return result


def _outcome_of(run: Run, result: JobResult, status: "Any", error: str | None) -> Outcome:
    requests, throttled = run.count_requests()
    return Outcome(status, result.item_count, result.failed_count, requests, throttled, error)


def _describe(error: BaseException) -> str:
    """What the log says about an exception that ended a run."""
    if isinstance(error, OpinionscopeError):
        return str(error)
    return f"unexpected {type(error).__name__}: {error}"
