"""Monitoring around a run: pings when it starts and ends, alerts when it keeps failing.

Nothing here can change how a run ends. Light on imports: where nobody wants to know, it must cost nothing.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from opinionscope.errors import ConfigurationError, Interrupted, StoreError
from opinionscope.locations import API_KEY_VARIABLE, read_environment
from opinionscope.store.database import Store
from opinionscope.times import utc_now

if TYPE_CHECKING:
    from opinionscope.monitor.alarm import Alarm
    from opinionscope.monitor.pings import Pinger

ALERT_URLS = "OPINIONSCOPE_ALERT_URLS"
ALERT_AFTER = "OPINIONSCOPE_ALERT_AFTER"
PING_URL = "OPINIONSCOPE_PING_URL"
_DEFAULT_AFTER = 3


class Watch:
    """Whoever watches a run, as far as the settings name somebody: a dead-man's switch, alert targets, or neither."""

    def __init__(
        self,
        pinger: "Pinger | None" = None,
        alarm: "Alarm | None" = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._pinger = pinger
        self._alarm = alarm
        self._clock = clock
        self._ended = False

    def begin(self, store: Store) -> None:
        """The run has its row in the log. Earlier runs that were killed are told of now, since they could not."""
        with _harmless():
            if self._pinger:
                self._pinger.start()
            if self._alarm:
                self._alarm.review(store)

    def end(self, store: Store, failure: str | None, *, configuration_is_wrong: bool = False) -> None:
        """The row is closed; `failure` is None for a completed run, else why it failed or was partial."""
        self._ended = True
        with _harmless():
            if self._pinger:
                self._pinger.end(failure)
            # While the ping is on its way: one that hangs must not add to the time that an alert may take.
            if self._alarm:
                self._alarm.review(store, urgent=configuration_is_wrong, at_the_end=True)
            if self._pinger:
                _record_ping(store, self._clock(), self._pinger.wait())

    def store_failed(self, error: StoreError) -> None:
        """The database failed the run. Does nothing after `end`, which has told why the run failed."""
        if self._ended:
            return
        self._ended = True
        with _harmless():
            if self._pinger:
                self._pinger.end(str(error))
            if self._alarm:
                self._alarm.store_failed(error)
            if self._pinger:
                self._pinger.wait()


def _record_ping(store: Store, now: datetime, problem: str | None) -> None:
    from opinionscope.store.alerts import record_delivery

    record_delivery(store, "ping", now, sent=problem is None, error=problem)


@contextmanager
def _harmless() -> Iterator[None]:
    """A fault of the monitoring itself is a warning, which cron mails, and not a failure of the run."""
    try:
        yield
    except Interrupted:
        raise
    except Exception as error:  # noqa: BLE001 - it is none of the run's business, whatever it is
        import logging

        logging.getLogger(__name__).warning("opinionscope: monitoring failed: %s: %s", type(error).__name__, error)


def watch_run(job: str, database: Path, clock: Callable[[], datetime]) -> Watch:
    """The watch over a run of this job. Settings that are wrong are the run's own to report."""
    try:
        environment: Mapping[str, str] = read_environment()
    except ConfigurationError:
        environment = os.environ
    return Watch(_pinger(job, environment), _alarm(job, database, environment, clock), clock)


def _pinger(job: str, environment: Mapping[str, str]) -> "Pinger | None":
    url = environment.get(PING_URL, "").strip()
    if not url:
        return None
    from opinionscope.monitor.pings import Pinger

    return Pinger(url, job, _secrets(environment))


def _alarm(job: str, database: Path, environment: Mapping[str, str], clock: Callable[[], datetime]) -> "Alarm | None":
    urls = environment.get(ALERT_URLS, "").strip()
    if not urls:
        return None
    from opinionscope.monitor.alarm import Alarm

    after = environment.get(ALERT_AFTER, "").strip()
    failures = int(after) if after.isdecimal() and after.isascii() and int(after) else _DEFAULT_AFTER
    return Alarm(job=job, database=database, urls=urls, after=failures, secrets=_secrets(environment), clock=clock)


def _secrets(environment: Mapping[str, str]) -> list[str]:
    return [environment.get(API_KEY_VARIABLE, "").strip()]
