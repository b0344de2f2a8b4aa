"""Backups that can be made every night, and restores that cannot go wrong, whatever lies beside the database."""

import fcntl
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from opinionscope.simulator import Exchange
from opinionscope.store.database import Store
from tests.conftest import COMMAND, CommandLine, Trading
from tests.end_to_end.test_machine import locked
from tests.end_to_end.truth import assert_trades_are_exact
from tests.rounds import rounds
from tests.users import ANNA, folder_for_all, run_as

JOBS = (["sync", "markets"], ["sync", "whales"], ["sync", "positions"], ["stats"], ["cleanup"])
WALLET = "0x" + "ab" * 20


@pytest.fixture
def exchange(command: CommandLine, trading: Trading) -> Exchange:
    """An exchange that stands still, and a database that holds all of it."""
    exchange = Exchange(seed=29, markets=60, wallets=3, history=200, trades_per_minute=0, market_churn_per_minute=0)
    trading(exchange)
    command.settings["OPINIONSCOPE_RETENTION_DAYS"] = "36500"
    command("whales", "add", *exchange.wallets)
    assert_jobs_run(command)
    return exchange


def assert_jobs_run(command: CommandLine) -> None:
    for words in JOBS:
        result = command(*words)
        assert (result.returncode, result.stderr) == (0, ""), words


def assert_sound(command: CommandLine) -> None:
    assert command.query("PRAGMA integrity_check") == [("ok",)]
    assert command.query("PRAGMA journal_mode") == [("wal",)]
    assert command.query("PRAGMA auto_vacuum") == [(2,)]
    assert command.database.stat().st_mode & 0o777 == 0o600


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def make_backup(command: CommandLine, path: Path) -> None:
    result = command("backup", str(path))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def leave_a_log(database: Path, statement: str) -> None:
    """Change the database in a process that is killed, so that the change is in a log beside it alone."""
    code = f"""
import os, signal, sqlite3
connection = sqlite3.connect({str(database)!r}, isolation_level=None)
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute({statement!r})
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert Path(f"{database}-wal").stat().st_size > 0


def test_a_copy_that_was_put_in_place_is_made_right_by_the_next_job(command: CommandLine, exchange: Exchange) -> None:
    copy = command.home / "copy.db"
    with closing(sqlite3.connect(command.database)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    copy.chmod(0o644)
    command.database = copy
    with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert_jobs_run(command)
    assert_sound(command)
    with closing(sqlite3.connect(copy, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM whale_activity").fetchone()
        assert_jobs_run(command)
    assert_trades_are_exact(command, exchange)


def test_a_group_that_may_read_keeps_its_right(command: CommandLine) -> None:
    assert command("stats").returncode == 0
    command.database.chmod(0o640)
    assert command("stats").returncode == 0
    assert command.database.stat().st_mode & 0o777 == 0o640


def test_a_backup_can_be_repeated_and_is_for_its_owner_alone(command: CommandLine, exchange: Exchange) -> None:
    folder = command.home / "backups"
    folder.mkdir()
    for number in range(1, 3):
        make_backup(command, folder / "o.db")
        command("whales", "add", f"0x{number:040x}")
    assert names(folder) == {"o.db"}
    assert (folder / "o.db").stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(folder / "o.db")) as connection:
        assert connection.execute("SELECT count(*) FROM whales").fetchone() == (4,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_backup_beside_a_stale_log_is_not_damaged_by_it(command: CommandLine, exchange: Exchange) -> None:
    backup = command.home / "backup.db"
    make_backup(command, backup)
    leave_a_log(backup, "DELETE FROM whale_activity")
    make_backup(command, backup)
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT count(*) FROM whale_activity").fetchone() == (600,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_backup_is_of_one_moment_while_jobs_write(command: CommandLine, tmp_path: Path) -> None:
    assert command("stats").returncode == 0
    code = f"""
import sqlite3
connection = sqlite3.connect({str(command.database)!r}, isolation_level=None, timeout=60)
while True:
    connection.execute("BEGIN IMMEDIATE")
    for table in ("a", "b"):
        connection.execute(f"INSERT INTO {{table}} VALUES (randomblob(2000))")
    connection.execute("COMMIT")
"""
    with closing(sqlite3.connect(command.database)) as connection:
        connection.execute("CREATE TABLE a (x)")
        connection.execute("CREATE TABLE b (x)")
    writer = subprocess.Popen([sys.executable, "-c", code])
    try:
        for number in range(4):
            make_backup(command, tmp_path / "backup.db")
            with closing(sqlite3.connect(tmp_path / "backup.db")) as connection:
                a, b = (connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("a", "b"))
            assert a == b
            assert a or not number
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()


def test_a_backup_takes_the_place_of_nothing_but_a_backup(command: CommandLine) -> None:
    assert command("stats").returncode == 0
    text, foreign, live = (command.home / name for name in ("notes.txt", "foreign.db", "live.db"))
    text.write_text("precious")
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE precious (x)")
    assert command("stats", "--db", str(live)).returncode == 0
    nowhere = command.home / "no" / "b.db"
    for target in (text, foreign, live, nowhere, command.home, command.database):
        result = command("backup", str(target))
        assert result.returncode == 2, target
        assert result.stderr.count("\n") == 1
    assert text.read_text() == "precious"
    assert names(command.home) == {"notes.txt", "foreign.db", "live.db", ".local"} | {
        f"live.db.{name}.lock" for name in ("stats", "in-use", "upgrade")
    }


def test_a_damaged_database_does_not_replace_the_last_good_backup(command: CommandLine, exchange: Exchange) -> None:
    backup = command.home / "backup.db"
    make_backup(command, backup)
    good = backup.read_bytes()
    damage(command.database)
    result = command("backup", str(backup))
    assert result.returncode == 1
    assert "is damaged" in result.stderr
    assert backup.read_bytes() == good
    assert names(command.home) == {"backup.db", ".local"}


def damage(database: Path) -> None:
    content = bytearray(database.read_bytes())
    for page in range(2, len(content) // 4096):
        content[page * 4096 : page * 4096 + 512] = bytes(255 - byte for byte in content[page * 4096 :][:512])
    database.write_bytes(content)


@pytest.mark.parametrize("how", ["whole", "with a log", "damaged", "missing", "no database"])
def test_a_restore_cannot_go_wrong(command: CommandLine, exchange: Exchange, how: str) -> None:
    backup = command.home / "backup.db"
    make_backup(command, backup)
    if how == "with a log":
        leave_a_log(command.database, "DELETE FROM whale_activity WHERE id % 2")
    elif how == "damaged":
        leave_a_log(command.database, "DELETE FROM whale_activity WHERE id % 2")
        damage(command.database)
    elif how == "missing":
        command.database.unlink()
        assert command("stats").returncode == 78
    elif how == "no database":
        command.database.write_text("nonsense" * 1000)
    else:
        with closing(sqlite3.connect(command.database)) as connection, connection:
            connection.execute("DELETE FROM whale_activity")
    result = command("restore", str(backup))
    assert (result.returncode, result.stderr) == (0, "")
    assert "was restored; its newest run began 20" in result.stdout
    assert_sound(command)
    assert_trades_are_exact(command, exchange)
    assert_jobs_run(command)
    assert_trades_are_exact(command, exchange)
    assert backup.exists()
    assert not [name for name in names(command.home) | names(command.database.parent) if name.startswith(".o")]
    assert not Path(f"{backup}-wal").exists()


def test_a_copy_with_its_own_log_is_restored_with_all_that_is_in_the_log(command: CommandLine) -> None:
    assert command("whales", "add", WALLET).returncode == 0
    leave_a_log(command.database, "UPDATE whales SET name = 'Late'")
    for suffix in ("", "-wal"):
        shutil.copy(f"{command.database}{suffix}", command.home / f"copy.db{suffix}")
    command.database.unlink()
    assert command("restore", str(command.home / "copy.db")).returncode == 0
    assert command.query("SELECT name FROM whales") == [("Late",)]


@pytest.mark.parametrize("job", ["markets", "whales", "stats", "cleanup"])
def test_a_restore_waits_for_no_job_and_disturbs_none(command: CommandLine, exchange: Exchange, job: str) -> None:
    backup = command.home / "backup.db"
    make_backup(command, backup)
    before = command.database.read_bytes()
    with command.database.with_name(f"{command.database.name}.{job}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = command("restore", str(backup))
    assert result.returncode == 1
    assert "is running; try again when it has ended" in result.stderr
    assert command.database.read_bytes() == before


def test_a_restore_is_refused_while_anything_has_the_database_open(command: CommandLine) -> None:
    assert command("stats").returncode == 0
    backup = command.home / "backup.db"
    make_backup(command, backup)
    with Store.open(command.database):
        assert "is open in another program" in command("restore", str(backup)).stderr
    with locked(command.database) as other:
        assert "is open in another program" in command("restore", str(backup)).stderr
        other.execute("ROLLBACK")
    assert command("restore", str(backup)).returncode == 0


def test_what_is_not_a_sound_backup_changes_nothing(command: CommandLine, exchange: Exchange) -> None:
    before = command.database.read_bytes()
    damaged, foreign, newer, text, empty = (command.home / name for name in "abcde")
    make_backup(command, damaged)
    damage(damaged)
    make_backup(command, newer)
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE other (x)")
    text.write_text("no database" * 100)
    empty.touch()
    said = {
        damaged: "is damaged",
        foreign: "belongs to another program",
        newer: "upgrade opinionscope",
        text: "is not a SQLite database",
        empty: "is not a database of opinionscope",
        command.database: "is the database itself",
        command.home: "is not a file",
        command.home / "nothing": "is not a file",
    }
    for path, words in said.items():
        result = command("restore", str(path))
        assert result.returncode in (1, 2), path
        assert words in result.stderr
        assert result.stderr.count("\n") == 1
    assert command.database.read_bytes() == before
    assert_jobs_run(command)


def test_a_backup_of_an_earlier_release_is_upgraded(command: CommandLine) -> None:
    from tests.store.test_upgrade import make_version

    make_version(command.home / "old.db", 1)
    assert command("restore", str(command.home / "old.db")).returncode == 0
    assert_sound(command)
    assert command.query("SELECT name FROM whales") == [("Ann",)]


def test_a_database_of_another_program_is_not_restored_over(command: CommandLine) -> None:
    assert command("stats").returncode == 0
    make_backup(command, command.home / "backup.db")
    foreign = command.home / "foreign.db"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE precious (x)")
    result = command("restore", str(command.home / "backup.db"), "--db", str(foreign))
    assert result.returncode == 2
    assert "belongs to another program" in result.stderr


def test_a_first_start_from_a_backup_needs_no_folder(command: CommandLine) -> None:
    assert command("whales", "add", WALLET).returncode == 0
    make_backup(command, command.home / "backup.db")
    assert command("restore", str(command.home / "backup.db"), OPINIONSCOPE_DB="").returncode == 0
    command.database = command.home / ".local" / "share" / "opinionscope" / "opinionscope.db"
    assert command.database.parent.stat().st_mode & 0o777 == 0o700
    assert command.query("SELECT address FROM whales") == [(WALLET,)]


def test_a_restore_that_is_killed_leaves_the_old_or_the_new_database(command: CommandLine, exchange: Exchange) -> None:
    backup = command.home / "backup.db"
    make_backup(command, backup)
    began = time.monotonic()
    with command.start_python("restore", str(backup)) as restored:  # from its very start, as those that are killed
        assert restored.wait() == 0
    whole = time.monotonic() - began
    for number in range(rounds(6)):
        leave_a_log(command.database, f"UPDATE whales SET name = 'Late {number}'")
        restoring = subprocess.Popen([*COMMAND, "restore", str(backup)], env=command.environment)
        time.sleep(whole * (0.5 + number % 6 / 10))
        restoring.kill()
        restoring.wait()
        assert command("stats").returncode == 0
        assert_sound(command)
        assert command.query("SELECT DISTINCT name FROM whales") in ([(f"Late {number}",)], [(None,)])
        assert_trades_are_exact(command, exchange)


def test_what_root_restores_belongs_to_the_owner_of_the_folder(command: CommandLine) -> None:
    with folder_for_all() as folder:
        command.home, command.database = folder, folder / "data" / "o.db"
        command.database.parent.mkdir()
        os.chown(command.database.parent, ANNA, -1)
        assert run_as(ANNA, command, "whales", "add", WALLET).returncode == 0
        make_backup(command, folder / "backup.db")
        for gone in (False, True):
            if gone:
                command.database.unlink()
            assert command("restore", str(folder / "backup.db")).returncode == 0
            assert {path.stat().st_uid for path in command.database.parent.iterdir()} == {ANNA}
            assert run_as(ANNA, command, "stats").returncode == 0
