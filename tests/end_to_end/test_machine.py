"""Trouble with the machine: a full disk, a database that cannot be written, is locked or damaged, too few files.

Each is told of in one line, loses nothing, and is over when its cause is gone.
"""

import ctypes
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlite_utils import Database

from opinionscope.errors import StoreError
from opinionscope.simulator import Exchange
from opinionscope.store import database as store_database
from opinionscope.store.database import Store
from opinionscope.store.migrations import migrations
from opinionscope.times import to_millis_text, utc_now
from tests.conftest import COMMAND, CommandLine, Trading
from tests.end_to_end.truth import assert_no_trade_is_wrong, assert_trades_are_exact, stored_markets, true_markets
from tests.rounds import rounds, some

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
SYNC_JOBS = (["sync", "markets"], ["sync", "whales"])
JOBS = (*SYNC_JOBS, ["stats"], ["cleanup"])
Result = subprocess.CompletedProcess[str]


@pytest.fixture
def exchange(command: CommandLine, trading: Trading) -> Exchange:
    """An exchange that stands still; its wallets are tracked in a new database that keeps everything."""
    exchange = Exchange(seed=29, markets=60, wallets=3, history=200, trades_per_minute=0, market_churn_per_minute=0)
    trading(exchange)
    command.settings["OPINIONSCOPE_RETENTION_DAYS"] = "36500"
    assert command("whales", "add", *exchange.wallets).returncode == 0
    return exchange


def run_limited(command: CommandLine, limit: Callable[[], None], *words: str) -> Result:
    """Run a command in a process that has first limited itself."""
    return subprocess.run(
        [*COMMAND, *words],
        env=command.environment | {"PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def file_size(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def assert_one_line(result: Result, *said: str) -> None:
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    assert any(words in result.stderr for words in said), result.stderr


def assert_all_is_well_again(command: CommandLine, exchange: Exchange) -> None:
    for words in (*SYNC_JOBS, ["sync", "whales"]):
        result = command(*words)
        assert (result.returncode, result.stderr) == (0, "")
    assert_trades_are_exact(command, exchange)
    assert stored_markets(command) == true_markets(exchange)
    assert command.query("SELECT * FROM sync_logs WHERE status = 'running'") == []
    assert command.query("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("job", ["markets", "whales"])
def test_files_that_may_not_grow_fail_the_run_in_one_line(command: CommandLine, exchange: Exchange, job: str) -> None:
    for size in (1_000, command.database.stat().st_size // 2):
        assert_one_line(run_limited(command, file_size(size), "sync", job), "the disk", "free some space")
    assert_no_trade_is_wrong(command, exchange)
    assert_all_is_well_again(command, exchange)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be mounted by root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_fails_the_runs_and_they_go_on_when_there_is_space(
    command: CommandLine, exchange: Exchange, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "small", "5m") as disk:
        command.database = disk / "opinionscope.db"
        command("whales", "add", *exchange.wallets)
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * (shutil.disk_usage(disk).free - 80_000))
        for job in ("markets", "whales"):
            assert_one_line(command("sync", job), "the disk", "free some space")
        assert_no_trade_is_wrong(command, exchange)
        ballast.unlink()
        assert_all_is_well_again(command, exchange)


def without_privileges() -> None:
    """Make permissions bind, even if root runs the tests."""
    libc = ctypes.CDLL(None)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    path.chmod(0o400)
    path.parent.chmod(0o500)
    yield
    path.parent.chmod(0o700)
    path.chmod(0o600)


def test_a_database_that_may_only_be_read_fails_the_jobs_in_one_line(command: CommandLine, exchange: Exchange) -> None:
    with read_only(command.database):
        for words in JOBS:
            result = run_limited(command, without_privileges, *words)
            assert_one_line(result, "check the folder and its permissions", "check the owner and the permissions")
    assert_all_is_well_again(command, exchange)


def test_a_folder_that_is_missing_is_made_and_one_that_is_a_file_is_told_of(
    command: CommandLine, exchange: Exchange, tmp_path: Path
) -> None:
    command.database = tmp_path / "a" / "b" / "c" / "opinionscope.db"
    assert command("stats").returncode == 78
    assert not (tmp_path / "a").exists(), "a job cannot know whether it is the place of a disk"
    assert command("whales", "add", *exchange.wallets).returncode == 0
    assert command("stats").returncode == 0
    assert {folder.stat().st_mode & 0o777 for folder in (tmp_path / "a").rglob("*") if folder.is_dir()} == {0o700}
    (tmp_path / "file").write_text("not a folder")
    command.database = tmp_path / "file" / "opinionscope.db"
    for words in (*JOBS, ["logs"]):
        assert command(*words).returncode == 1


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, with another program in the middle of writing it."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


@pytest.mark.parametrize("job", some(["markets", "whales"], ["whales"]))
def test_a_database_that_is_locked_for_a_moment_is_waited_for(
    command: CommandLine, exchange: Exchange, job: str
) -> None:
    with locked(command.database) as other:
        release = threading.Timer(1.5, other.execute, ["ROLLBACK"])
        release.start()
        assert command("sync", job).returncode == 0
        release.join()
    assert_all_is_well_again(command, exchange)


def test_a_database_that_stays_locked_is_told_of_and_works_once_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_database, "BUSY_SECONDS", 0.05)
    with Store.open(tmp_path / "o.db") as store:
        with locked(store.path), pytest.raises(StoreError, match=r"locked by another program.*the next run"):
            write(store)
        write(store)
        assert store.value("SELECT count(*) FROM request_minutes") == 1


def write(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.execute("INSERT INTO request_minutes VALUES ('2026-01-01T00:00:00.000Z', 1, 0)")


COUNTING_WAITS = """
import sys
from opinionscope.store import database

class Connection(database._Connection):
    def execute(self, *sql):
        try:
            return super().execute(*sql)
        except database.sqlite3.OperationalError:
            print("waited in vain")
            raise

database.BUSY_SECONDS, database._Connection = 0.3, Connection
sys.argv[1:] = ["sync", "whales"]
from opinionscope.__main__ import main
main()
"""
"""A sync that waits for a locked database for a shorter time."""


def test_a_database_that_gets_locked_is_waited_for_by_all_workers_together(
    command: CommandLine, trading: Trading
) -> None:
    exchange = Exchange(seed=3, markets=1, wallets=16, history=5, trades_per_minute=0, market_churn_per_minute=0)
    server = trading(exchange, latency=0.5)
    command("whales", "add", *exchange.wallets)
    run = subprocess.Popen(
        [sys.executable, "-c", COUNTING_WAITS],
        env=command.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not server.requests:
        assert run.poll() is None
        time.sleep(0.01)
    with locked(command.database) as other:
        stdout, stderr = run.communicate(timeout=60)
        assert 0 < stdout.count("waited in vain") < 8, "not once for each of the sixteen"
        other.execute("ROLLBACK")
    assert run.returncode == 1
    assert "locked by another program" in stderr
    assert command("sync", "whales", OPINIONSCOPE_RETENTION_DAYS="36500").returncode == 0
    assert_trades_are_exact(command, exchange)
    assert command.query("SELECT status FROM sync_logs ORDER BY id") == [("failed",), ("completed",)]


def test_a_damaged_file_is_told_of_and_left_alone_by_every_command(command: CommandLine, exchange: Exchange) -> None:
    for words in SYNC_JOBS:
        assert command(*words).returncode == 0
    with closing(sqlite3.connect(command.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    good = command.database.read_bytes()
    pages = len(good) // 4096
    damaged = bytearray(good)
    for page in range(1, pages):
        damaged[page * 4096 : page * 4096 + 512] = bytes(255 - byte for byte in damaged[page * 4096 :][:512])
    command.database.write_bytes(damaged)
    for words in (*JOBS, ["whales", "list"], ["activity"], ["status"]):
        result = command(*words)
        assert result.returncode == 1, words
        assert "is damaged; restore a backup" in result.stderr, words
        assert "Traceback" not in result.stderr
    command.database.write_bytes(good)
    assert_all_is_well_again(command, exchange)


def test_few_open_files_are_told_of_and_nothing_is_lost(command: CommandLine, exchange: Exchange) -> None:
    wallets = [f"0x{number:040x}" for number in range(1, 25)]
    for wallet in wallets:
        exchange.add_wallet(wallet, history=5)
    command("whales", "add", *wallets)
    result = run_limited(command, open_files(12), "sync", "whales")
    assert_one_line(result, "too many open files; raise the limit with `ulimit -n`")
    assert_no_trade_is_wrong(command, exchange)
    for words in SYNC_JOBS:
        assert run_limited(command, open_files(32), *words).returncode == 0, "as few as that are enough"
    assert_all_is_well_again(command, exchange)


def open_files(number: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))


def test_four_processes_that_make_a_new_database_at_once(command: CommandLine, tmp_path: Path) -> None:
    for number in range(rounds(2)):
        command.database = tmp_path / f"new{number}" / "opinionscope.db"
        command.database.parent.mkdir()
        processes = [command.start("stats"), command.start("cleanup"), command.start("stats"), command.start("logs")]
        for process in processes:
            _, stderr = process.communicate(timeout=30)
            assert process.returncode == 0 or "does not exist yet" in stderr, stderr
        assert {row[0] for row in command.query("SELECT status FROM sync_logs")} <= {"completed", "skipped"}
        assert command.query("PRAGMA user_version") == [(store_database.SCHEMA_VERSION,)]


def test_an_old_database_that_is_upgraded_while_cron_fires(command: CommandLine, tmp_path: Path) -> None:
    for number in range(rounds(2)):
        command.database = tmp_path / f"old{number}" / "opinionscope.db"
        command.database.parent.mkdir()
        make_first_release(command.database)
        processes = [
            command.start("stats"),
            command.start("cleanup"),
            command.start("logs"),
            command.start("whales", "list"),
        ]
        for process in processes:
            _, stderr = process.communicate(timeout=30)
            assert (process.returncode, stderr) == (0, "")
        assert command.query("PRAGMA user_version") == [(store_database.SCHEMA_VERSION,)]
        assert command.query("SELECT type FROM sync_logs ORDER BY type") == [("cleanup",), ("markets",), ("stats",)]


def make_first_release(path: Path) -> None:
    """A database of the first schema version with one row in its log, of today."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        second = migrations.pending(Database(connection))[1].name
        migrations.apply(Database(connection), stop_before=second)
        connection.execute(f"PRAGMA application_id = {store_database.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        connection.execute(
            "INSERT INTO sync_logs (type, status, started_at) VALUES (?, ?, ?)",
            ("markets", "completed", to_millis_text(utc_now())),
        )
