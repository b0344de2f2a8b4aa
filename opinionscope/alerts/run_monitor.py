"""Monitoring around a run: pings when it starts and ends, alerts when its job keeps failing.

Nothing here can change how a run ends. Where no monitoring is set up, nothing of it is loaded.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from opinionscope.api_keys import split_keys
from opinionscope.errors import Interrupted
from opinionscope.job_table import Job
from opinionscope.locations import API_KEY_VARIABLE, read_environment
from opinionscope.store.database import Store
from opinionscope.store.deliveries import record_delivery
from opinionscope.times import utc_now

if TYPE_CHECKING:
    from opinionscope.alerts.job_alerts import JobAlerts
    from opinionscope.alerts.pings import Pinger

ALERT_URLS = "OPINIONSCOPE_ALERT_URLS"
ALERT_AFTER = "OPINIONSCOPE_ALERT_AFTER"
PING_URL = "OPINIONSCOPE_PING_URL"
_DEFAULT_AFTER = 3

logger = logging.getLogger(__name__)


class RunMonitor:
    """Reports a run to whatever the settings name: a dead-man's switch, alert targets, or neither."""

    def __init__(
        self,
        pinger: "Pinger | None" = None,
        alerts: "JobAlerts | None" = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._pinger = pinger
        self._alerts = alerts
        self._clock = clock
        self.has_begun = False
        self.has_ended = False

    def begin(self, store: Store) -> None:
        """The run has its row in the log. Earlier runs that were killed are reported now, since they could not be."""
        self.has_begun = True
        with _harmless():
            if self._pinger:
                self._pinger.start()
            if self._alerts:
                self._alerts.review(store)

    def end(self, store: Store, failure: str | None, *, configuration_is_wrong: bool = False) -> None:
        """The row is closed; `failure` is None for a completed run, else why it failed or was partial."""
        self.has_ended = True
        with _harmless():
            if self._pinger:
                self._pinger.end(failure)
            # While the ping is on its way, so that one that hangs does not delay the alert.
            if self._alerts:
                self._alerts.review(store, urgent=configuration_is_wrong, at_the_end=True)
            if self._pinger:
                _record_ping(store, self._clock(), self._pinger.wait())

    def stop(self) -> None:
        """Somebody has stopped the run by hand, which is neither a success nor a failure: nothing is said."""
        self.has_ended = True

    def store_failed(self, error: Exception) -> None:
        """The run failed and cannot be logged, because the database cannot be used.

        Does nothing after `end`, which has reported why the run failed.
        """
        if self.has_ended:
            return
        self.has_ended = True
        with _harmless():
            if self._pinger:
                self._pinger.end(str(error))
            if self._alerts:
                self._alerts.store_failed(error)
            if self._pinger:
                self._pinger.wait()


def _record_ping(store: Store, now: datetime, problem: str | None) -> None:
    record_delivery(store, "ping", now, sent=problem is None, error=problem)


@contextmanager
def _harmless() -> Iterator[None]:
    """A fault in the monitoring itself is a warning, which cron mails, and never a failure of the run."""
    try:
        yield
    except Interrupted:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the run must not fail because of it
        logger.warning("opinionscope: monitoring failed: %s: %s", type(error).__name__, error)


def monitor_run(job: Job, database: Path, clock: Callable[[], datetime]) -> RunMonitor:
    """The monitor of a run of this job. Invalid settings are for the run itself to report."""
    try:
        environment: Mapping[str, str] = read_environment()
    except Exception:  # noqa: BLE001 - the run meets whatever it is as well, and reports it
        environment = os.environ
    return RunMonitor(_pinger(job, environment), _alerts(job, database, environment, clock), clock)


def _pinger(job: Job, environment: Mapping[str, str]) -> "Pinger | None":
    url = environment.get(PING_URL, "").strip()
    if not url:
        return None
    from opinionscope.alerts.pings import Pinger

    return Pinger(url, job.name, _secrets(environment))


def _alerts(
    job: Job, database: Path, environment: Mapping[str, str], clock: Callable[[], datetime]
) -> "JobAlerts | None":
    urls = environment.get(ALERT_URLS, "").strip()
    if not urls:
        return None
    from opinionscope.alerts.job_alerts import JobAlerts

    after = environment.get(ALERT_AFTER, "").strip()
    failures = int(after) if after.isdecimal() and after.isascii() and int(after) else _DEFAULT_AFTER
    return JobAlerts(job=job, database=database, urls=urls, after=failures, secrets=_secrets(environment), clock=clock)


def _secrets(environment: Mapping[str, str]) -> list[str]:
    keys = environment.get(API_KEY_VARIABLE, "")
    return sorted({keys.strip(), *split_keys(keys)}, key=len, reverse=True)
