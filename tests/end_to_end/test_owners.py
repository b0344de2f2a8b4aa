"""Who may do what with a database: its owner's jobs, root beside them, and people who may only look."""

import fcntl
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from opinionscope.simulator import Exchange
from opinionscope.store.database import Store
from tests.conftest import CommandLine, Trading
from tests.dashboard.dashboard_site import ask
from tests.end_to_end.test_env_file import finding
from tests.end_to_end.test_machine import locked, run_limited, small_disk, without_privileges
from tests.rounds import rounds
from tests.users import ANNA, BEN, GROUP, Result, folder_for_all, run_as, start_as

JOBS = (["sync", "markets"], ["sync", "whales"], ["stats"], ["cleanup"])
LOOKS = (["status"], ["logs"], ["whales", "list"], ["activity"], ["markets"], ["cleanup", "--dry-run"])


@pytest.fixture
def annas(trading: Trading, command: CommandLine) -> Iterator[CommandLine]:
    """A database of Anna's with everything in it; her group may read the file, and use the folder."""
    with folder_for_all() as folder:
        command.home = folder
        command.database = folder / "data" / "o.db"
        command.database.parent.mkdir()
        os.chown(command.database.parent, ANNA, GROUP)
        exchange = Exchange(seed=5, markets=5, wallets=1, history=5, trades_per_minute=0, market_churn_per_minute=0)
        trading(exchange)
        assert run_as(ANNA, command, "whales", "add", *exchange.wallets).returncode == 0
        assert_annas_jobs_run(command)
        command.database.chmod(0o640)
        yield command


def assert_annas_jobs_run(command: CommandLine) -> None:
    for words in JOBS:
        result = run_as(ANNA, command, *words)
        assert (result.returncode, result.stderr) == (0, ""), words


def assert_shown(result: Result, words: list[str]) -> None:
    assert result.stderr == "", words
    assert result.returncode == 0, words
    assert "No " not in result.stdout.split("\n")[0], words


def foreign(command: CommandLine) -> list[str]:
    """The files beside the database that are not Anna's."""
    return [path.name for path in command.database.parent.iterdir() if path.stat().st_uid != ANNA]


def test_root_that_checks_leaves_nothing_that_stops_the_users_jobs(annas: CommandLine) -> None:
    for path in annas.database.parent.glob("o.db.*"):
        path.unlink()
    for words in (["check"], *LOOKS):
        annas(*words)
    assert foreign(annas) == []
    assert_annas_jobs_run(annas)


def test_jobs_that_root_runs_once_leave_the_files_to_the_owner(annas: CommandLine) -> None:
    for path in annas.database.parent.glob("o.db.*"):
        path.unlink()
    for words in JOBS:
        assert annas(*words, OPINIONSCOPE_ALERT_URLS="json://127.0.0.1:9/").returncode == 0
    assert foreign(annas) == []
    assert_annas_jobs_run(annas)


@pytest.mark.parametrize("mode", [0o770, 0o750, 0o755])
def test_somebody_who_may_only_read_sees_everything_and_leaves_nothing(annas: CommandLine, mode: int) -> None:
    annas.database.parent.chmod(mode)
    before = sorted(path.name for path in annas.database.parent.iterdir())
    for words in (*LOOKS, ["check"]):
        result = run_as(BEN, annas, *words)
        if words == ["check"]:
            assert "can be read, but you cannot write to it" in result.stdout
        else:
            assert_shown(result, words)
    assert sorted(path.name for path in annas.database.parent.iterdir()) == before
    assert_annas_jobs_run(annas)


def test_a_reader_sees_what_a_running_job_has_just_written(annas: CommandLine) -> None:
    annas.database.parent.chmod(0o770)
    with Store.open(annas.database) as store:
        with store.transaction() as transaction:
            transaction.execute("UPDATE whales SET name = 'Renamed'")
        assert "Renamed" in run_as(BEN, annas, "whales", "list").stdout
    assert "Renamed" in run_as(BEN, annas, "whales", "list").stdout
    assert foreign(annas) == []


def test_a_reader_beside_running_jobs_disturbs_none(annas: CommandLine) -> None:
    annas.database.parent.chmod(0o770)
    for _ in range(rounds(4)):
        job = start_as(ANNA, annas, "stats")
        while job.poll() is None:
            look = run_as(BEN, annas, "whales", "list")
            # A job that begins to write in the middle of a look makes it worthless, and is the only excuse.
            if not look.stderr.endswith("was written while it was being read; run the command again.\n"):
                assert_shown(look, ["whales", "list"])
        assert (job.communicate()[1], job.returncode) == ("", 0)
    assert_shown(run_as(BEN, annas, "whales", "list"), ["whales", "list"])
    assert foreign(annas) == []


def test_a_job_of_somebody_else_says_what_is_wrong_and_stops_nobody(annas: CommandLine) -> None:
    annas.database.parent.chmod(0o770)
    for words in JOBS:
        result = run_as(BEN, annas, *words)
        assert result.returncode == 1
        assert "check the folder and its permissions" in result.stderr
    assert foreign(annas) == []
    assert_annas_jobs_run(annas)


def test_the_dashboard_is_for_somebody_who_may_only_read(annas: CommandLine) -> None:
    annas.database.parent.chmod(0o770)
    process = start_as(BEN, annas, "dashboard", "--port", "0", "--no-open")
    assert process.stdout is not None
    address = re.search(r"http://\S+", process.stdout.readline())
    try:
        assert address, process.communicate(timeout=20)
        for tracked in (1, 2):
            status, body, _ = ask(f"{address[0]}opinionscope/whales.json?_shape=array")
            assert (status, len(json.loads(body))) == (200, tracked)
            assert run_as(ANNA, annas, "whales", "add", "0x" + "ab" * 20).returncode == 0
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert foreign(annas) == []


def test_a_read_only_disk_can_be_looked_at(command: CommandLine, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "5m") as disk:
        command.database = disk / "o.db"
        assert command("whales", "add", "0x" + "ab" * 20).returncode == 0
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        for words in (["whales", "list"], ["logs"], ["status"]):
            result = command(*words)
            assert result.stderr == "", words
        assert "0xabab" in command("whales", "list").stdout


@pytest.mark.parametrize("words", [["stats"], ["sync", "whales"], ["logs"], ["whales", "add", "0x" + "ab" * 20]])
@pytest.mark.parametrize("name", ["", "folder", "/"])
def test_a_folder_instead_of_a_database_is_wrong_usage_and_leaves_nothing(
    command: CommandLine, words: list[str], name: str
) -> None:
    (command.home / "folder").mkdir()
    result = command(*words, "--db", name)
    assert result.returncode == 2
    assert "is a folder; expected a file" in result.stderr
    assert sorted(path.name for path in command.home.rglob("*")) == ["folder"]
    assert not list(Path("/").glob("*.lock"))


def test_a_setting_that_names_a_folder_is_a_wrong_setting(command: CommandLine) -> None:
    (command.home / "folder").mkdir()
    for words in (["stats"], ["sync", "whales"], ["logs"], ["whales", "add", "0x" + "ab" * 20]):
        result = command(*words, OPINIONSCOPE_DB=str(command.home / "folder"))
        assert result.returncode == 78
        assert "is a folder; expected a file" in result.stderr
    assert sorted(path.name for path in command.home.rglob("*")) == ["folder"]


def test_a_link_and_its_database_have_one_lock_and_one_pacer(command: CommandLine) -> None:
    link = command.home / "link.db"
    link.symlink_to(command.database)
    assert command("stats").returncode == 0
    assert command("stats", "--db", str(link)).returncode == 0
    assert command("check", "--db", str(link)).stdout.count("FAIL") <= 1  # there is no key
    assert [path.name for path in command.home.glob("link*")] == ["link.db"]
    with command.database.with_name(f"{command.database.name}.stats.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert command("stats", "--db", str(link)).returncode == 0
    assert command.last_run("stats")["status"] == "skipped"
    status = json.loads(command("status", "--json", "--db", str(link)).stdout)
    assert status["database"]["bytes"] >= command.database.stat().st_size


def test_hard_links_are_refused_because_each_would_have_a_log_of_its_own(command: CommandLine) -> None:
    assert command("stats").returncode == 0
    other = command.home / "other.db"
    os.link(command.database, other)
    for database in (command.database, other):
        result = command("stats", "--db", str(database))
        assert result.returncode == 78
        assert "is one of 2 hard links" in result.stderr
    assert finding(command, "database").startswith("FAIL")
    other.unlink()
    assert command("stats").returncode == 0


def test_check_looks_at_our_own_files_alone(command: CommandLine) -> None:
    command.database = command.database.with_name("o[1].db")
    assert command("stats").returncode == 0
    backup = command.database.with_name("o[1].db.backup")
    shutil.copy(command.database, backup)
    if os.geteuid() == 0:
        os.chown(backup, ANNA, GROUP)
    command.database.with_name("o[1].db.old").symlink_to("/nowhere")
    assert finding(command, "files").startswith("ok    files")
    assert "all database files belong to you" in finding(command, "files")


def test_check_is_content_beside_a_busy_writer(command: CommandLine) -> None:
    assert command("stats").returncode == 0
    with locked(command.database) as other:
        assert finding(command, "database").startswith("ok")
        other.execute("ROLLBACK")


def test_check_finds_that_the_folder_may_not_be_entered(command: CommandLine) -> None:
    assert command("stats").returncode == 0
    command.database.parent.chmod(0)
    result = run_limited(command, without_privileges, "check")
    command.database.parent.chmod(0o700)
    assert (result.returncode, result.stderr) == (1, "")
    for subject in ("database", "files"):
        (line,) = (line for line in result.stdout.splitlines() if line[6:].startswith(subject))
        assert line.startswith("FAIL")
        assert "Permission denied" in line
    assert "unexpected" not in result.stdout


def test_looking_changes_no_byte_of_the_database(command: CommandLine) -> None:
    assert command("whales", "add", "0x" + "ab" * 20).returncode == 0
    assert command("stats").returncode == 0
    with closing(sqlite3.connect(command.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = command.database.read_bytes(), command.database.stat().st_mtime_ns
    for words in (*LOOKS, ["check"]):
        command(*words)
    assert (command.database.read_bytes(), command.database.stat().st_mtime_ns) == before


def test_a_home_folder_that_does_not_exist_is_wrong_usage(command: CommandLine) -> None:
    for words in (["stats"], ["sync", "whales"], ["logs"]):
        result = command(*words, "--db", "~nobody-of-that-name/o.db")
        assert result.returncode == 2
        assert result.stderr.count("\n") == 1
        assert "names a home folder that does not exist" in result.stderr


def test_a_working_directory_that_is_gone_matters_only_for_a_relative_path(command: CommandLine) -> None:
    def run(*words: str) -> Result:
        script = f"""
import os, sys
os.mkdir({str(command.home / "gone")!r}); os.chdir({str(command.home / "gone")!r}); os.rmdir(os.getcwd())
sys.argv = ["opinionscope", *{words!r}]
from opinionscope.__main__ import main
main()
"""
        return subprocess.run(
            [sys.executable, "-c", script], env=command.environment, capture_output=True, text=True, check=False
        )

    result = run("stats")
    assert (result.returncode, result.stderr) == (0, "")
    refused = run("stats", "--db", "o.db")
    assert refused.returncode == 2
    assert "the current folder no longer exists" in refused.stderr
