"""A run is ended by the first signal, at once, but never while its row in the log is opened or closed."""

import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opinionscope.errors import Interrupted, StoppedByHand
from opinionscope.job_table import STATS
from opinionscope.jobs import run as runner
from opinionscope.jobs.result import JobResult
from opinionscope.jobs.run import Run, run_job
from opinionscope.store.database import Store
from opinionscope.store.sync_logs import find_runs

pytestmark = pytest.mark.usefixtures("environment")


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def log_after(path: Path, work: Callable[[Run], JobResult]) -> dict[str, object]:
    """The row of a run of this work, which a signal ends."""
    with pytest.raises(Interrupted):
        run_job(STATS, path, work, clock=lambda: datetime.now(UTC))
    with Store.open(path) as store:
        (row,) = find_runs(store)
    return vars(row)


def test_an_interrupted_run_counts_what_it_has_done(tmp_path: Path) -> None:
    def work(run: Run) -> JobResult:
        run.result.item_count = 3
        interrupt()
        raise AssertionError("the signal comes first")

    row = log_after(tmp_path / "o.db", work)
    assert (row["status"], row["error"], row["item_count"]) == ("failed", "interrupted", 3)


def test_ctrl_c_has_a_status_of_its_own(tmp_path: Path) -> None:
    def work(run: Run) -> JobResult:
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("the signal comes first")

    with pytest.raises(StoppedByHand):
        run_job(STATS, tmp_path / "o.db", work)
    with Store.open(tmp_path / "o.db") as store:
        assert [(run.status, run.error) for run in find_runs(store)] == [("interrupted", "interrupted")]


def test_a_second_signal_does_not_disturb_what_the_first_has_begun_to_end(tmp_path: Path) -> None:
    undone = []

    def work(run: Run) -> JobResult:
        try:
            interrupt()
        finally:
            interrupt()
            time.sleep(0)
            undone.append("all of it")
        raise AssertionError("the signal comes first")

    assert log_after(tmp_path / "o.db", work)["error"] == "interrupted"
    assert undone == ["all of it"]


def test_a_signal_is_known_whatever_exception_the_struck_code_makes_of_it(tmp_path: Path) -> None:
    def work(run: Run) -> JobResult:
        try:
            interrupt()
        finally:
            raise KeyError("a library tidies up")

    assert log_after(tmp_path / "o.db", work)["error"] == "interrupted"


@pytest.mark.parametrize("moment", ["open_run", "close_run"])
def test_a_signal_while_the_row_is_written_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    write = getattr(runner, moment)

    def write_and_interrupt(*arguments: object) -> object:
        interrupt()
        return write(*arguments)

    monkeypatch.setattr(runner, moment, write_and_interrupt)
    row = log_after(tmp_path / "o.db", lambda run: JobResult(item_count=1, done_count=1))
    assert row["status"] == ("failed" if moment == "open_run" else "completed")
    assert row["ended_at"] is not None
