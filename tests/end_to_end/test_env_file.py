"""The env file as users really write it: pipes, blank variables, byte order marks, paths that no shell expands."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from opinionscope.store.clock import ExchangeTime
from opinionscope.store.database import Store
from opinionscope.store.request_minutes import record_requests
from opinionscope.store.whale_activity import insert_trades
from opinionscope.store.whales import add_whales
from opinionscope.times import utc_now
from tests.cli.conftest import COMPLETE, trade
from tests.conftest import COMMAND, CommandLine
from tests.end_to_end.test_machine import Result

YEARS = "OPINIONSCOPE_RETENTION_DAYS=36500\n"


@pytest.fixture
def old_trade(command: CommandLine) -> CommandLine:
    """A database with a trade that the default retention would purge."""
    keep_old_trade(command.database)
    return command


def keep_old_trade(database: Path) -> None:
    now = utc_now()
    with Store.open(database) as store:
        add_whales(store, [(COMPLETE, "Ann")], "manual", now)
        with store.transaction() as transaction:
            insert_trades(transaction, COMPLETE, [trade(1, now - timedelta(days=365))], now)
        record_requests(store, {}, ExchangeTime(now, now))


def write_env_file(command: CommandLine, text: str) -> Path:
    file = command.home / ".config" / "opinionscope" / "env"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o600)
    return file


def trades(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("SELECT count(*) FROM whale_activity").fetchone()[0])


def assert_refused(result: Result, words: str) -> None:
    assert result.returncode == 78
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


@contextmanager
def pipe_with(text: str) -> Iterator[int]:
    """The reading end of a pipe, as a shell gives it for `<(…)`."""
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    yield reading
    os.close(reading)


def test_a_pipe_is_refused_because_it_can_be_read_only_once(old_trade: CommandLine) -> None:
    with pipe_with(YEARS) as pipe:
        result = subprocess.run(
            [*COMMAND, "cleanup"],
            env=old_trade.environment | {"OPINIONSCOPE_ENV_FILE": f"/dev/fd/{pipe}"},
            pass_fds=[pipe],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert_refused(result, "is not a regular file")
    assert trades(old_trade.database) == 1
    assert old_trade.last_run("cleanup")["status"] == "failed"


def test_a_fifo_that_nobody_writes_to_does_not_hang_a_job(old_trade: CommandLine) -> None:
    fifo = old_trade.home / "fifo"
    os.mkfifo(fifo)
    for words in (["cleanup"], ["sync", "whales"], ["sync", "markets"]):
        assert_refused(old_trade(*words, OPINIONSCOPE_ENV_FILE=str(fifo)), "is not a regular file")
    assert trades(old_trade.database) == 1


def test_a_folder_as_env_file_is_refused(old_trade: CommandLine) -> None:
    assert_refused(old_trade("cleanup", OPINIONSCOPE_ENV_FILE=str(old_trade.home)), "Is a directory")


def test_a_run_reads_the_env_file_once(old_trade: CommandLine) -> None:
    file = write_env_file(old_trade, YEARS)
    script = f"""
import sys
opened = []
sys.addaudithook(lambda event, given: opened.append(given[0]) if event == "open" else None)
sys.argv = ["opinionscope", "cleanup"]
from opinionscope.__main__ import main
try:
    main()
finally:
    print(sum(str(each) == {str(file)!r} for each in opened))
"""
    run = subprocess.run(
        [sys.executable, "-c", script], env=old_trade.environment, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (0, "1\n"), run.stderr
    assert trades(old_trade.database) == 1


def test_a_blank_variable_leaves_the_value_of_the_file_in_force(old_trade: CommandLine) -> None:
    write_env_file(old_trade, f"{YEARS}OPINIONSCOPE_DB={old_trade.database}\n")
    assert old_trade("cleanup", OPINIONSCOPE_RETENTION_DAYS="", OPINIONSCOPE_DB=" ").returncode == 0
    assert trades(old_trade.database) == 1
    assert old_trade.last_run("cleanup")["item_count"] == 0
    assert not (old_trade.home / ".local" / "share").exists()


@pytest.mark.parametrize("before", ["", "# settings\n", "OPINIONSCOPE_ALERT_AFTER=5\n"])
def test_a_byte_order_mark_hides_no_line(old_trade: CommandLine, before: str) -> None:
    write_env_file(old_trade, f"{before}\ufeff{YEARS}")
    assert old_trade("cleanup").returncode == 0
    assert trades(old_trade.database) == 1
    write_env_file(old_trade, f"{before}\ufeffOPINIONSCOPE_RETENTION_DAYS=never\n")
    assert_refused(old_trade("cleanup"), "OPINIONSCOPE_RETENTION_DAYS")


def finding(command: CommandLine, subject: str, **settings: str) -> str:
    """The lines of `check` about a subject."""
    lines = command("check", **settings).stdout.splitlines()[1:]
    return "\n".join(line for line in lines if line[6:].startswith(subject))


def test_check_names_variables_that_are_not_settings(old_trade: CommandLine) -> None:
    write_env_file(old_trade, "OPINIONSCOPE_RETENTION_DAY=5\nOTHER=1\n")
    shown = finding(old_trade, "settings", OPINION_TRADE_COLOUR="red")
    assert "OPINIONSCOPE_RETENTION_DAY is not a setting of opinionscope" in shown
    assert "did you mean OPINIONSCOPE_RETENTION_DAYS?" in shown
    assert "OPINION_TRADE_COLOUR is not a setting" in shown
    assert "OTHER" not in shown


def test_check_names_settings_that_cron_would_find_different(old_trade: CommandLine) -> None:
    write_env_file(old_trade, YEARS)
    shadowing = "OPINIONSCOPE_RETENTION_DAYS in this environment overrides the env file"
    assert shadowing in finding(old_trade, "settings", OPINIONSCOPE_RETENTION_DAYS="7")
    assert shadowing not in finding(old_trade, "settings", OPINIONSCOPE_RETENTION_DAYS="36500")


def test_status_shows_that_the_settings_are_invalid(old_trade: CommandLine) -> None:
    write_env_file(old_trade, "OPINIONSCOPE_RATE_LIMIT=fast\n")
    result = old_trade("status")
    assert result.returncode == 1
    assert "settings" in result.stdout.splitlines()[0]
    assert "OPINIONSCOPE_RATE_LIMIT" in result.stdout
    document = json.loads(old_trade("status", "--json").stdout)
    assert "OPINIONSCOPE_RATE_LIMIT" in document["settings_error"]
    assert document["healthy"] is False


def test_the_null_device_as_env_file_means_no_settings(old_trade: CommandLine) -> None:
    shown = old_trade("check", OPINIONSCOPE_ENV_FILE="/dev/null").stdout
    assert "chmod" not in shown
    assert "/dev/null is empty: using defaults" in " ".join(shown.split())
    assert old_trade("stats", OPINIONSCOPE_ENV_FILE="/dev/null").returncode == 0


def test_a_path_in_the_env_file_is_expanded_as_a_shell_would(command: CommandLine) -> None:
    (command.home / "data").mkdir()
    for text in ("${HOME}/data/o.db", "$HOME/data/o.db", "~/data/o.db"):
        write_env_file(command, f"OPINIONSCOPE_DB={text}\n")
        assert command("stats", OPINIONSCOPE_DB="").returncode == 0
    assert [path.name for path in command.home.iterdir() if not path.name.startswith(".")] == ["data"]
    command.database = command.home / "data" / "o.db"
    assert command.query("SELECT count(*) FROM sync_logs") == [(3,)]


@pytest.mark.parametrize("text", ["data/o.db", "./o.db", "${NO_SUCH}/o.db", "~nobody-of-that-name/o.db"])
def test_a_path_in_the_env_file_that_leads_nowhere_certain_is_refused(command: CommandLine, text: str) -> None:
    write_env_file(command, f"OPINIONSCOPE_DB={text}\nOPINION_TRADE_API_KEY=key\n")
    for words in (["sync", "whales"], ["cleanup"], ["whales", "add", COMPLETE], ["status"]):
        assert_refused(command(*words, OPINIONSCOPE_DB=""), "OPINIONSCOPE_DB in ")
    assert [path for path in command.home.rglob("*") if "db" in path.name] == []
    # A job whose database is known records the failure there.
    assert_refused(command("cleanup", "--db", str(command.database)), "OPINIONSCOPE_DB in ")
    assert command.last_run("cleanup")["status"] == "failed"
