"""Whatever a run meets before its work begins: one line, the right status, and the row, the alert and the ping."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opinionscope.jobs import workers
from opinionscope.simulator import Exchange
from tests.alerts.receiver import Receiver, receiving
from tests.conftest import COMMAND, CommandLine, Trading
from tests.emulated import IMPATIENT, NO_LOCKS, NO_USER, SILENT_NAME_SERVER, machine
from tests.end_to_end.test_machine import without_privileges

WALLET = "0x" + "5e" * 20
JOBS = (["sync", "markets"], ["sync", "whales"], ["sync", "positions"], ["stats"], ["cleanup", "--if-due"])
Result = subprocess.CompletedProcess[str]


@pytest.fixture
def receiver(command: CommandLine, tmp_path: Path) -> Iterator[Receiver]:
    """Where the alerts go, at the first failure, and the pings."""
    with receiving() as running:
        command.settings |= {
            "OPINIONSCOPE_ALERT_URLS": running.alert_url,
            "OPINIONSCOPE_ALERT_AFTER": "1",
            "OPINIONSCOPE_PING_URL": running.url,
            "TMPDIR": str(tmp_path),
        }
        yield running


def pings(receiver: Receiver) -> list[str]:
    return [request.path for request in receiver.received if request.path.startswith("/ping")]


def alerts(receiver: Receiver) -> list[str]:
    return [request.title for request in receiver.received if request.path == "/alerts"]


def assert_told(result: Result, receiver: Receiver, status: int, said: str) -> None:
    """One line, this status, an alert and a ping of the failure."""
    assert (result.returncode, result.stdout) == (status, "")
    assert result.stderr.count("\n") == 1, result.stderr
    assert said in result.stderr
    assert alerts(receiver)
    assert pings(receiver)[-1] == "/ping/fail"
    receiver.received.clear()


def run_from(folder: Path, command: CommandLine, *words: str, before: Callable[[], None] | None = None) -> Result:
    """Run a command that starts in a folder, in a process that has first done something to itself."""
    return subprocess.run(
        [*COMMAND, *words],
        env=command.environment,
        cwd=folder,
        preexec_fn=before,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("words", "job"), [(["sync", "markets"], "markets"), (["cleanup", "--if-due"], "cleanup")])
def test_a_file_system_without_locks(
    command: CommandLine, receiver: Receiver, tmp_path: Path, words: list[str], job: str
) -> None:
    command("stats")
    receiver.received.clear()
    result = command(*words, **machine(tmp_path / "machine", NO_LOCKS, TEST_NO_LOCKS_ON=f".{job}.lock"))
    assert_told(result, receiver, 1, "cannot be locked (No locks available)")
    run = command.last_run(job)
    assert run["status"] == "failed"
    assert "No locks available" in run["error"]


@pytest.mark.parametrize("job", ["markets", "whales"])
def test_a_pacer_that_cannot_be_locked(
    command: CommandLine, trading: Trading, receiver: Receiver, tmp_path: Path, job: str
) -> None:
    exchange = Exchange(seed=3, markets=3, wallets=1, trades_per_minute=0, market_churn_per_minute=0)
    trading(exchange)
    command("whales", "add", *exchange.wallets)
    result = command("sync", job, **machine(tmp_path / "machine", NO_LOCKS, TEST_NO_LOCKS_ON=".pacer"))
    assert_told(result, receiver, 1, ".pacer cannot be locked (No locks available)")
    assert ".pacer cannot be locked" in command.last_run(job)["error"]


def test_a_user_who_is_only_a_number(command: CommandLine, receiver: Receiver, tmp_path: Path) -> None:
    nobody = machine(tmp_path / "machine", NO_USER)
    result = command("stats", **nobody)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert command.last_run("stats")["status"] == "completed"
    assert pings(receiver) == ["/ping/start", "/ping"]
    assert command("status", **nobody).returncode == 0
    receiver.received.clear()
    result = command("cleanup", "--if-due", **nobody, OPINIONSCOPE_DB="")
    assert_told(result, receiver, 78, "HOME is not set, so there is no data folder")


@pytest.mark.parametrize("words", JOBS)
def test_a_home_folder_of_nobody(command: CommandLine, receiver: Receiver, words: list[str]) -> None:
    result = command(*words, "--db", "~nosuch/o.db")
    assert_told(result, receiver, 2, "--db names a home folder that does not exist (~nosuch/o.db)")
    assert list(command.home.iterdir()) == []


def test_a_working_directory_that_was_deleted(command: CommandLine, receiver: Receiver, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    for words in (["stats"], ["stats", "--db", "o.db"]):
        gone.mkdir()
        result = run_from(gone, command, *words, before=lambda: os.rmdir(gone))
        if len(words) == 1:
            assert (result.returncode, result.stderr) == (0, "")
            receiver.received.clear()
        else:
            assert_told(result, receiver, 2, "the current folder no longer exists")
    command.settings["OPINION_TRADE_API_KEY"] = " "
    gone.mkdir()
    result = run_from(gone, command, "sync", "markets", before=lambda: os.rmdir(gone))
    assert_told(result, receiver, 78, "OPINION_TRADE_API_KEY is missing")


@pytest.mark.parametrize("words", JOBS)
def test_a_database_that_cannot_be_read(command: CommandLine, receiver: Receiver, words: list[str]) -> None:
    command("logs", "--db", str(command.database))
    assert command("stats").returncode == 0
    receiver.received.clear()
    command.database.chmod(0)
    result = run_from(command.home, command, *words, "--db", str(command.database), before=without_privileges)
    command.database.chmod(0o600)
    assert_told(result, receiver, 1, "cannot be opened")


def test_an_env_file_that_cannot_be_read(command: CommandLine, receiver: Receiver) -> None:
    command.settings["OPINIONSCOPE_ENV_FILE"] = str(command.home / "missing")
    del command.settings["OPINIONSCOPE_ALERT_AFTER"]
    result = command("stats", OPINIONSCOPE_DB="")
    assert_told(result, receiver, 78, "missing, named by OPINIONSCOPE_ENV_FILE, does not exist")


@pytest.mark.parametrize("job", ["markets", "whales"])
def test_a_name_server_that_does_not_answer_holds_no_run_up_for_long_after_its_time(
    command: CommandLine, tmp_path: Path, job: str
) -> None:
    command("whales", "add", WALLET)
    command.settings |= {"OPINION_TRADE_API_KEY": "k", "OPINIONSCOPE_RUN_BUDGET": "1"}
    assert workers.ANSWERS_STILL_COMING < 10
    result = command("sync", job, **machine(tmp_path / "machine", SILENT_NAME_SERVER + IMPATIENT))
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "the time of this run" in result.stderr
    assert command.last_run(job)["status"] == "failed"
