"""A receiver of alerts and pings, and jobs that end as a test wants, at the time that it wants."""

import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from opinionscope.errors import OpinionscopeError
from opinionscope.jobs.result import JobResult
from opinionscope.jobs.run import Run, run_job
from opinionscope.notify import targets
from tests.alerts.receiver import Receiver, receiving
from tests.conftest import JOB
from tests.forked_run import ForkedProcess
from tests.rounds import ROUNDS

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Ending = Callable[[Run], JobResult]


def well(_: Run) -> JobResult:
    """A run without a fault."""
    return JobResult(item_count=3, done_count=3)


def partial(_: Run) -> JobResult:
    """A run in which one thing failed."""
    result = JobResult(item_count=2, done_count=2)
    result.fail("one wallet: no answer in time")
    return result


def broken(_: Run) -> JobResult:
    """A run that failed as a whole."""
    raise OpinionscopeError("no connection: refused")


class Jobs:
    """Runs jobs at moments of a clock that the test turns."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.now = START

    def run(self, ending: Ending, job: str = "whales", *, seconds: float = 1.0) -> BaseException | None:
        """Run a job that takes so many seconds of the clock; what it raised."""

        def work(run: Run) -> JobResult:
            self.now += timedelta(seconds=seconds)
            return ending(run)

        try:
            run_job(JOB[job], self.database, work, clock=lambda: self.now)
        except BaseException as error:  # noqa: BLE001 - how the run ended is what the tests look at
            return error
        return None

    def minutes_later(self, minutes: float = 1.0) -> None:
        """Turn the clock."""
        self.now += timedelta(minutes=minutes)


class ForkedSending(ForkedProcess):
    """The process that sends messages, without the loading of Apprise that takes most of its time."""

    module = "opinionscope.notify.sending_process"

    def __init__(self, words: list[str], **options: Any) -> None:
        assert words[-1] == self.module
        super().__init__([], env=os.environ, **options)


@pytest.fixture
def jobs(tmp_path: Path, environment: None, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """Jobs on a database of their own, with nobody told of anything."""
    if not ROUNDS:
        pipes = {name: getattr(subprocess, name) for name in ("PIPE", "DEVNULL")}
        monkeypatch.setattr(targets, "subprocess", SimpleNamespace(Popen=ForkedSending, **pipes))
    return Jobs(tmp_path / "opinionscope.db")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Takes whatever is sent to it."""
    with receiving() as running:
        yield running


@pytest.fixture
def alerted(jobs: Jobs, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """Jobs whose failures are told to the receiver."""
    monkeypatch.setenv("OPINIONSCOPE_ALERT_URLS", receiver.alert_url)
    return jobs


@pytest.fixture
def pinged(jobs: Jobs, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """Jobs that ping the receiver."""
    monkeypatch.setenv("OPINIONSCOPE_PING_URL", receiver.url)
    return jobs
