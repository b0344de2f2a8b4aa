"""One run of a job: lock, log row, work, closed log row. The only place that knows what a run is."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opinionscope.alerts.run_monitor import RunMonitor, monitor_run
from opinionscope.errors import ConfigurationError, DatabaseMisconfigured, OpinionscopeError, StoppedByHand
from opinionscope.job_table import Job
from opinionscope.jobs.failures import describe, explain
from opinionscope.jobs.interrupts import Interrupts
from opinionscope.jobs.result import JobResult, ReportProgress, no_progress
from opinionscope.known_databases import require_place
from opinionscope.locations import existing_default_database
from opinionscope.locks import beside, lock_name, try_lock
from opinionscope.store.database import Store
from opinionscope.store.merged_databases import refuse_merged
from opinionscope.store.sync_logs import Outcome, close_run, log_failed, log_skipped, open_run
from opinionscope.times import utc_now

if TYPE_CHECKING:
    from opinionscope.settings import Settings

# Below a device there is no file: what stands beside this "database" can neither be found nor made.
_NOWHERE = Path("/dev/null/opinionscope.db")
_SECOND_PATIENCE = 1.0

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
            run.settings.require_api_keys()
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

    Raises RunFailed if something failed, and whatever `work` raises after recording it. SIGTERM and SIGHUP end the run
    as Interrupted, Ctrl-C as StoppedByHand. Whatever goes wrong around the run, its row in the log, the alert and the
    ping are each tried.
    """
    monitor = monitor_run(job, database, clock)
    try:
        require_place(database)
        with try_lock(beside(database, lock_name(job))) as locked, Store.open(database) as store:
            refuse_merged(store)
            if locked:
                with Interrupts() as interrupts:
                    run = partial(Run, store, progress=progress)
                    return _run_logged(job, run, work, monitor=monitor, clock=clock, interrupts=interrupts)
            log_skipped(store, job, clock())
    except Exception as error:
        _report_failure(job, database, monitor, error, clock)
        raise
    return None


def report_unlocated_run(job: Job, error: Exception, clock: Callable[[], datetime] = utc_now) -> None:
    """Report a run that could not find out which database is its own; its row goes to the default one, if it exists."""
    database = existing_default_database() or _NOWHERE
    _report_failure(job, database, monitor_run(job, database, clock), error, clock)


def _report_failure(
    job: Job, database: Path, monitor: RunMonitor, error: Exception, clock: Callable[[], datetime]
) -> None:
    """Try the row, the alert and the ping of a run that failed outside its work, each whatever becomes of the others.

    Does nothing if the run has been reported already.
    """
    if monitor.has_ended:
        return
    reason = describe(error)
    if isinstance(error, DatabaseMisconfigured):
        # Opening it could create a new one in its place.
        monitor.store_failed(error)
        return
    try:
        with Store.open(database) as store, store.patience(_SECOND_PATIENCE):
            if not monitor.has_begun:
                log_failed(store, job, reason, clock())
            monitor.end(store, reason, configuration_is_wrong=isinstance(error, ConfigurationError))
    except Exception as second:  # noqa: BLE001 - the alert and the ping must be tried whatever it is
        logger.debug("the failed run cannot be logged: %s", second)
        monitor.store_failed(error)


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
    except StoppedByHand as error:
        close_run(store, run_id, _outcome_of(run, run.result, "interrupted", str(error)), clock())
        monitor.stop()
        raise
    except BaseException as error:
        close_run(store, run_id, _outcome_of(run, run.result, "failed", describe(error)), clock())
        with interrupts.raised():
            monitor.end(store, explain(error), configuration_is_wrong=isinstance(error, ConfigurationError))
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
