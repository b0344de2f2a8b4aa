"""What every run promises: a row in the log, silence when all is well, one line when it is not."""

import os
import signal
import sqlite3
import stat
import time
from pathlib import Path

import pytest

from opinionscope.simulator import Exchange, ExchangeServer, Fault
from tests.conftest import JOB, CommandLine, Trading

JOBS = {job.name: tuple(job.command.split()) for job in JOB.values()}


def quiet_exchange() -> Exchange:
    return Exchange(seed=5, markets=12, wallets=2, history=30, trades_per_minute=0, market_churn_per_minute=0)


@pytest.mark.parametrize("job", JOBS)
def test_a_job_that_succeeds_says_nothing_and_leaves_a_completed_row(
    command: CommandLine, trading: Trading, job: str
) -> None:
    exchange = quiet_exchange()
    trading(exchange)
    command("whales", "add", *exchange.wallets)
    result = command(*JOBS[job])
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert command.last_run(job)["status"] == "completed"


def test_a_minute_with_more_wallets_than_polls_is_complete(command: CommandLine, trading: Trading) -> None:
    exchange = Exchange(seed=5, markets=3, wallets=40, history=5, trades_per_minute=0, market_churn_per_minute=0)
    server = trading(exchange)
    command("whales", "add", *exchange.wallets)
    command.settings |= {"OPINIONSCOPE_RATE_LIMIT": "15", "OPINIONSCOPE_RUN_BUDGET": "1"}
    runs, polled = 0, set[str]()
    while polled != set(exchange.wallets):
        server.forget()
        result = command("sync", "whales")
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
        polled |= {request.path.rpartition("/")[2] for request in server.requests}
        runs += 1
        assert runs < 30
    assert runs > 2, "a second at 15 requests is not enough for 40 wallets"


@pytest.mark.parametrize("job", ["markets", "whales", "positions"])
@pytest.mark.parametrize("key", [None, "", "  \t "])
def test_without_a_key_no_request_is_sent_and_the_failure_is_logged(
    command: CommandLine, trading: Trading, job: str, key: str | None
) -> None:
    exchange = quiet_exchange()
    server = trading(exchange)
    command("whales", "add", *exchange.wallets)
    del command.settings["OPINION_TRADE_API_KEY"]
    if key is not None:
        command.settings["OPINION_TRADE_API_KEY"] = key

    result = command(*JOBS[job])

    assert result.returncode == 78
    assert result.stderr.count("\n") == 1
    assert "OPINION_TRADE_API_KEY" in result.stderr
    assert ".config/opinionscope/env" in result.stderr
    assert command.last_run(job)["status"] == "failed"
    assert not server.requests


def test_a_refused_key_is_a_configuration_error_and_never_shown(command: CommandLine, trading: Trading) -> None:
    exchange = quiet_exchange()
    trading(exchange, api_key="another-key")
    command("whales", "add", *exchange.wallets)
    for job in ("markets", "whales"):
        result = command(*JOBS[job], "--verbose")
        assert result.returncode == 78
        assert "OPINION_TRADE_API_KEY" in result.stderr
        assert "a-key-of-the-tests" not in result.stderr + str(command.last_run(job))


def test_settings_come_from_the_env_file_that_cron_reads(command: CommandLine, trading: Trading) -> None:
    trading(quiet_exchange())
    folder = command.home / ".config" / "opinionscope"
    folder.mkdir(parents=True)
    lines = [f"{name}={value}" for name, value in command.settings.items()]
    (folder / "env").write_text("# the settings\n" + "\n".join(lines) + "\n")
    command.settings.clear()
    assert command("sync", "markets").returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPINION_TRADE_BASE_URL", "http://openapi.opinion.trade/openapi"),
        ("OPINION_TRADE_BASE_URL", "https://me:secret@openapi.opinion.trade"),
        ("OPINION_TRADE_TRADES_PATH", "/trades"),
        ("OPINIONSCOPE_RATE_LIMIT", "0"),
        ("OPINIONSCOPE_RATE_LIMIT", "fast"),
        ("OPINIONSCOPE_RETENTION_DAYS", "-1"),
        ("OPINION_TRADE_API_KEY", "two words"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(
    command: CommandLine, trading: Trading, name: str, value: str
) -> None:
    server = trading(quiet_exchange())
    result = command("sync", "markets", **{name: value})
    assert result.returncode == 78
    assert result.stderr.count("\n") == 1
    assert name in result.stderr
    assert value not in result.stderr.replace(str(command.home), "") or value == "0"
    assert command.last_run("markets")["status"] == "failed"
    assert not server.requests


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"no assignment"])
def test_an_env_file_that_cannot_be_read_fails_the_run_and_leaves_its_row(
    command: CommandLine, trading: Trading, content: bytes | None
) -> None:
    server = trading(quiet_exchange())
    path = command.home / "settings"
    if content is not None:
        path.write_bytes(content)
    result = command("sync", "markets", OPINIONSCOPE_ENV_FILE=str(path))
    assert result.returncode == 78
    assert result.stderr.count("\n") == 1
    assert str(path) in result.stderr
    assert command.last_run("markets")["status"] == "failed"
    assert not server.requests


def test_an_env_file_that_cannot_be_read_is_logged_in_the_usual_database_and_nothing_is_shown_from_it(
    command: CommandLine,
) -> None:
    usual = command.home / ".local" / "share" / "opinionscope" / "opinionscope.db"
    assert command("stats", OPINIONSCOPE_DB="").returncode == 0
    bad = {"OPINIONSCOPE_DB": "", "OPINIONSCOPE_ENV_FILE": str(command.home / "nowhere")}
    assert [command(*words, **bad).returncode for words in (JOBS["markets"], ("logs",))] == [78, 78]
    command.database = usual
    assert command.last_run("markets")["status"] == "failed"


def test_a_killed_run_is_closed_as_failed_by_the_next_one(command: CommandLine, trading: Trading) -> None:
    server = trading(quiet_exchange())
    server.faults.add(Fault("hang"))
    run = command.start("sync", "markets")
    wait_until_asked(server)
    run.kill()
    run.communicate()
    assert command.last_run("markets")["status"] == "running"
    server.faults.clear()

    assert command("sync", "markets").returncode == 0

    assert command.query("SELECT status, error FROM sync_logs ORDER BY id") == [
        ("failed", "killed before it ended"),
        ("completed", None),
    ]


@pytest.mark.parametrize(
    ("number", "code", "status"), [(signal.SIGTERM, 1, "failed"), (signal.SIGINT, 130, "interrupted")]
)
def test_an_interrupted_run_closes_its_row_and_ends_at_once(
    command: CommandLine, trading: Trading, number: signal.Signals, code: int, status: str
) -> None:
    exchange = quiet_exchange()
    server = trading(exchange)
    command("whales", "add", *exchange.wallets)
    server.faults.add(Fault("hang"))
    for job in ("markets", "whales"):
        server.forget()
        run = command.start(*JOBS[job])
        wait_until_asked(server)
        run.send_signal(number)
        _, stderr = run.communicate(timeout=5)
        assert (run.returncode, stderr) == (code, "opinionscope: interrupted\n")
        last = command.last_run(job)
        assert (last["status"], last["error"]) == (status, "interrupted")


@pytest.mark.parametrize("job", ["markets", "whales"])
def test_a_second_instance_of_a_running_job_is_skipped(command: CommandLine, trading: Trading, job: str) -> None:
    exchange = quiet_exchange()
    server = trading(exchange)
    command("whales", "add", *exchange.wallets)
    server.faults.add(Fault("hang"))
    first = command.start(*JOBS[job])
    asked = {"markets": 1, "whales": len(exchange.wallets)}[job]
    wait_until_asked(server, asked)

    second = command(*JOBS[job])

    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert command.last_run(job)["status"] == "skipped"
    assert len(server.requests) == asked
    first.kill()
    first.communicate()


def test_files_are_for_their_owner_alone(command: CommandLine, trading: Trading) -> None:
    exchange = quiet_exchange()
    trading(exchange)
    command("sync", "markets")
    assert stat.S_IMODE(os.stat(command.database.parent).st_mode) == 0o700
    for path in command.database.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_a_database_of_a_newer_version_is_left_alone(command: CommandLine, trading: Trading) -> None:
    trading(quiet_exchange())
    command("sync", "markets")
    with sqlite3.connect(command.database) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    content = command.database.read_bytes()
    for words in [*JOBS.values(), ("logs",), ("whales", "list")]:
        result = command(*words)
        assert result.returncode == 1
        assert result.stderr.count("\n") == 1
        assert "upgrade opinionscope" in result.stderr
    assert command.database.read_bytes() == content


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be one" * 50, b"x"])
def test_a_file_that_is_no_database_is_left_alone(command: CommandLine, content: bytes) -> None:
    command.database.parent.mkdir(exist_ok=True)
    command.database.write_bytes(content)
    result = command("stats")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert str(command.database) in result.stderr
    assert command.database.read_bytes() == content


def test_the_database_of_another_program_is_left_alone(command: CommandLine) -> None:
    command.database.parent.mkdir(exist_ok=True)
    with sqlite3.connect(command.database) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    result = command("stats")
    assert result.returncode == 1
    assert "another program" in result.stderr
    assert command.query("SELECT name FROM sqlite_master") == [("bookmarks",)]


def test_a_folder_that_cannot_be_made_is_explained(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = command("stats", "--db", str(tmp_path / "file" / "o.db"))
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "check the folder" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("stats", "--no-such-option"),
        ("no-such-command",),
        ("sync",),
        ("cleanup", "--retention-days", "0"),
        ("sync", "whales", "--address", "0x123"),
        ("sync", "whales", "--address", "0x" + "1" * 40),
    ],
)
def test_wrong_usage_is_one_line_and_status_2_without_a_log_row(command: CommandLine, words: tuple[str, ...]) -> None:
    result = command(*words)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    if command.database.exists():
        assert command.query("SELECT * FROM sync_logs") == []


def wait_until_asked(server: ExchangeServer, times: int = 1) -> None:
    """Wait for so many requests to arrive at the exchange."""
    end = time.monotonic() + 20
    while len(server.requests) < times:
        assert time.monotonic() < end, "no request came"
        time.sleep(0.01)
